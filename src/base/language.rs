//! A language that tables, prompts and whisper know, by its ISO 639-1 code.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Two or three lower-case letters, such as `en` or `zh`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    pub fn new(code: &str) -> Option<Self> {
        let good = (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase());
        good.then(|| Self(code.to_owned()))
    }

    pub fn english() -> Self {
        Self("en".into())
    }

    pub fn mandarin() -> Self {
        Self("zh".into())
    }

    pub fn code(&self) -> &str {
        &self.0
    }
}

impl Default for Language {
    fn default() -> Self {
        Self::english()
    }
}

impl TryFrom<String> for Language {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        Self::new(&code).ok_or_else(|| format!("{code:?} is no language code such as \"en\""))
    }
}

impl From<Language> for String {
    fn from(language: Language) -> String {
        language.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
