//! Something the machine says: final words, with all placeholders filled.

use serde::{Deserialize, Serialize};

use super::language::Language;

/// Words to be played to a leg. The speech room turns them into sound; a WAV file that the
/// operator gave for `prompt` replaces them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// The prompt of the tables that this came from, such as `greeting`.
    pub prompt: Option<String>,
    /// Text in plain words. Numbers, dates and amounts are still in figures here; the
    /// synthesiser speaks them properly. A digit string to be read one by one is written
    /// `<digits>4217</digits>`.
    pub text: String,
    pub language: Language,
    /// `true` if the text never varies, so that it is rendered once and kept on disk.
    pub fixed: bool,
    /// Speak a quarter slower than usual.
    #[serde(default)]
    pub slow: bool,
    /// `true` if the caller's voice stops it.
    pub barge_in: bool,
}

impl Spoken {
    /// A fixed text that the caller may interrupt.
    pub fn fixed(prompt: &str, text: &str, language: Language) -> Self {
        Self {
            prompt: Some(prompt.to_owned()),
            text: text.to_owned(),
            language,
            fixed: true,
            slow: false,
            barge_in: true,
        }
    }
}

/// What of a [`Spoken`] the party really heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// `true` if it was played to its end.
    pub complete: bool,
    /// Milliseconds of sound that were played.
    pub played_ms: u64,
    /// The words played, cut at the word that was playing.
    pub text: String,
}
