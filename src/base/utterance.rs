//! What one party said between two endpoints, as the recogniser heard it.

use serde::{Deserialize, Serialize};

use super::language::Language;
use super::moment::Moment;

/// Speech between endpoints, with its text and what was measured on the sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// Text as recognised, trimmed, without bracketed tags.
    pub text: String,
    pub language: Language,
    /// When the voice began and ended, on the call's clock.
    pub began: Moment,
    pub ended: Moment,
    /// Milliseconds of speaking: voice with the voiceless sounds and short gaps between, without
    /// pauses; at most `ended − began`.
    pub voiced_ms: u64,
    /// Mean level over the voiced time, dB relative to full scale.
    pub level_dbfs: f32,
    /// The recogniser's mean probability of its tokens, 0 to 1.
    pub confidence: f32,
    /// Words with their times, where the recogniser gave them; may be empty.
    #[serde(default)]
    pub words: Vec<Word>,
    /// The voice began while a prompt was playing to this party.
    #[serde(default)]
    pub over_prompt: bool,
    /// From the end of the voice to this text, milliseconds.
    #[serde(default)]
    pub decode_ms: u64,
}

/// One word and when it was said, on the call's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    pub text: String,
    pub began: Moment,
    pub ended: Moment,
}

impl Utterance {
    /// An utterance as tests and typed input make it: `text` said in `voiced_ms` from `began`.
    pub fn typed(text: &str, began: Moment, voiced_ms: u64) -> Self {
        Self {
            text: text.to_owned(),
            language: Language::english(),
            began,
            ended: Moment(began.0 + voiced_ms),
            voiced_ms,
            level_dbfs: -26.0,
            confidence: 0.9,
            words: Vec::new(),
            over_prompt: false,
            decode_ms: 0,
        }
    }
}
