//! The listening half of speech: frames of a leg → utterances with their text.
//!
//! ```text
//! frames → vad (voice?) → listener (turns, endpointing) → pool (who is decoded first)
//!        → whisper (cut context, end guard) → words (tags, inventions) → listener → Utterance
//! ```
//!
//! The listener is sans-IO; the pool owns threads; whisper is the one engine, behind
//! [`transcript::Transcriber`]. `judge` asks the understanding whether a text is finished,
//! `end_of_turn` is a second voice on it, `echo` keeps our own prompts apart from the caller.
//! `machine` times models, `score` counts errors, `sounds` are for tests and benchmarks.

pub mod echo;
pub mod end_guard;
pub mod end_of_turn;
pub mod file;
pub mod grammar;
mod guard_ffi;
pub mod judge;
pub mod listener;
pub mod machine;
pub mod model_file;
pub mod order;
pub mod pool;
pub mod score;
pub mod sounds;
#[cfg(test)]
mod tests;
pub mod transcript;
pub mod vad;
pub mod whisper;
pub mod words;
