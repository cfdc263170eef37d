//! The understanding's judgement on a text heard so far, as the listener asks for it.

use std::sync::Arc;

use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::understanding::outcome::Expecting;
use crate::understanding::{self, Understander};

use super::listener::{Completeness, CompletenessJudge};

/// Digits that a caller may be asked for.
const DIGITS: Expecting = Expecting::Digits { min: 3, max: 12 };

/// Judges by the tables of `understander`, as a leg in `language` is listened to.
pub fn by(understander: Understander, language: Language) -> Arc<dyn CompletenessJudge> {
    Arc::new(move |text: &str, mode: ListenMode| {
        let judgement = match mode {
            ListenMode::Digits => understander.completeness(text, &language, &DIGITS),
            ListenMode::Waiting => understander.completeness_waiting(text, &language),
            ListenMode::KeysOnly | ListenMode::Turn | ListenMode::Conversation => {
                understander.completeness(text, &language, &Expecting::Anything)
            }
        };
        match judgement {
            understanding::Completeness::Complete => Completeness::Complete,
            understanding::Completeness::Open => Completeness::Open,
            understanding::Completeness::Unfinished => Completeness::Unfinished,
        }
    })
}
