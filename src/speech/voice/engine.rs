//! What every engine of speech does.

use crate::base::audio::Pcm;
use crate::base::language::Language;

/// Turns one sentence in plain words into sound.
pub trait Synthesizer: Send {
    /// Names engine, version and voice: part of the cache's key.
    fn name(&self) -> String;

    /// `true` if it has a voice for the language.
    fn speaks(&self, language: &Language) -> bool;

    /// Renders `sentence` (plain words, no markup), at the engine's own rate. `pace` is 1.0 as
    /// usual, 1.25 a quarter slower.
    fn synthesize(
        &mut self,
        sentence: &str,
        language: &Language,
        pace: f32,
    ) -> Result<Pcm, SynthesisError>;
}

/// Why nothing could be spoken.
#[derive(Debug, thiserror::Error)]
pub enum SynthesisError {
    #[error("the program {program} does not work: {error}")]
    Program { program: &'static str, error: String },
    #[error("the voice file {file} cannot be used: {error}")]
    Voice { file: String, error: String },
    #[error("the speech server does not reply: {0}")]
    Server(String),
    #[error("no voice worked a moment ago; it is tried again soon")]
    Silent,
    #[error("no engine speaks {0}")]
    Language(Language),
}
