//! The speaking half of speech: final words → sound.
//!
//! ```text
//! Spoken → spoken (numbers in words) → sentences → engine (Piper, espeak-ng, HTTP) → level
//!        → cache (by hash, on disk) → studio (one worker, live before ahead) → 16 kHz PCM
//! ```

pub mod cache;
pub mod caller;
pub mod engine;
pub mod espeak;
pub mod http;
pub mod level;
pub mod number;
pub mod piper;
pub mod spoken;
pub mod studio;

pub use engine::{SynthesisError, Synthesizer};
pub use studio::{Piece, Settings, Studio};
