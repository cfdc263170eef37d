//! Why something was decided, in words that a person can read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// One reason: `00:41 "ridiculous" is a negative word`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// When in the call, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    pub text: String,
}

impl Reason {
    pub fn new(text: impl Into<String>) -> Self {
        Self { at: None, text: text.into() }
    }

    pub fn at(at: Moment, text: impl Into<String>) -> Self {
        Self { at: Some(at), text: text.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(out, "{} {}", at.clock(), self.text),
            None => out.write_str(&self.text),
        }
    }
}
