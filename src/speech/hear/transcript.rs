//! What a recogniser takes in and gives back: the seam between the listener and any engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use crate::base::language::Language;

/// What the dialogue knows before the words are there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hint {
    pub language: Language,
    /// Digits are expected: longer context, repeated digits are not taken for a loop.
    pub digits: bool,
    /// A short answer whose first text was not believed: longer context, which costs more.
    pub closer: bool,
    /// Words of the operator's domain, given to the recogniser as earlier text.
    pub prompt: Option<String>,
    /// No text is wanted: only whether the speaker has finished.
    pub end_of_turn: bool,
    /// No other decode wants a core: two may work on this one.
    pub two_cores: bool,
}

impl Hint {
    /// Whether the recogniser takes a longer context, which costs more.
    pub fn is_close(&self) -> bool {
        self.digits || self.closer
    }
}

/// One decoded turn. Times count from the first sample that was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// Trimmed, without bracketed tags, without a repeated tail.
    pub text: String,
    pub words: Vec<TimedWord>,
    /// Mean probability of the text's tokens, 0 to 1; 0 without text.
    pub confidence: f32,
    /// Mean natural logarithm of those probabilities, at most 0; 0 without text.
    pub mean_logprob: f32,
    pub language: Language,
    /// Probability that the speaker has finished, where that was asked.
    pub finished: Option<f32>,
    /// Probability that nobody spoke, where the engine can tell.
    pub no_speech: Option<f32>,
    /// Time that the engine took, milliseconds.
    pub engine_ms: u64,
    /// What ended the text.
    pub end: TextEnd,
    /// Tokens that the engine wrote, timestamps and the end of text among them.
    pub tokens: usize,
}

/// A word and its place in the decoded sound.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedWord {
    pub text: String,
    pub began_ms: u64,
    pub ended_ms: u64,
    /// Mean probability of its tokens.
    pub confidence: f32,
}

/// What ended the text of a decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TextEnd {
    /// The model itself.
    #[default]
    Model,
    /// The end guard: a closing timestamp at the end of the turn.
    ClosingTime,
    /// The end guard: the last words repeated those before; they are cut from the text.
    Repetition,
    /// The end guard: more text than a person can say in the time.
    TooMany,
}

/// Asks a decode that runs to stop; it is looked at between steps (about 10 to 200 ms apart).
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a decode gave no transcript.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TranscribeError {
    #[error("stopped on request")]
    Stopped,
    #[error("the sound is longer than {ms_max} ms")]
    TooLong { ms_max: u64 },
    #[error("the language {0:?} is not one that the model knows")]
    UnknownLanguage(String),
    #[error("the recogniser failed: {0}")]
    Engine(String),
}

/// A recogniser with its working memory. One instance a worker thread.
pub trait Transcriber: Send {
    /// Text of `pcm_16k` (mono, 16 kHz, at most 28 s). Sound under 100 ms gives no words.
    fn transcribe(
        &mut self,
        pcm_16k: &[i16],
        hint: &Hint,
        stop: &StopFlag,
    ) -> Result<Transcript, TranscribeError>;
}
