//! The understanding's judgement on a text heard so far, as the listener asks for it.

use std::sync::Arc;

use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::understanding::heard::Standing;
use crate::understanding::{self, Understander};

use super::listener::{Completeness, CompletenessJudge, Listening};

/// Judges by the tables of `understander`, for what was asked and in the leg's language.
pub fn by(understander: Understander) -> Arc<dyn CompletenessJudge> {
    Arc::new(ByTables(understander))
}

struct ByTables(Understander);

impl CompletenessJudge for ByTables {
    fn judge(&self, text: &str, listening: &Listening) -> Completeness {
        let Listening { mode, language, expecting, .. } = listening;
        let judgement = match mode {
            ListenMode::Waiting => self.0.completeness_waiting(text, language),
            ListenMode::KeysOnly
            | ListenMode::Turn
            | ListenMode::Digits
            | ListenMode::Conversation => self.0.completeness(text, language, expecting),
        };
        match judgement {
            understanding::Completeness::Complete => Completeness::Complete,
            understanding::Completeness::Open => Completeness::Open,
            understanding::Completeness::Unfinished => Completeness::Unfinished,
        }
    }

    fn standing(&self, text: &str, language: &Language) -> Standing {
        self.0.standing(text, language)
    }

    fn text_before(&self, language: &Language) -> &str {
        self.0.text_before(language)
    }

    fn is_backchannel(&self, text: &str, language: &Language) -> bool {
        self.0.is_backchannel(text, language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understanding::outcome::Expecting;

    #[test]
    fn a_text_is_judged_by_what_was_asked_and_in_which_language() {
        let judge = by(Understander::new(understanding::Tables::embedded()));
        let judged = |text: &str, code: &str, mode, expecting| {
            let language = Language::new(code).expect("a language");
            let listening = Listening { expecting, ..Listening::to(mode, language) };
            judge.judge(text, &listening)
        };
        let (turn, digits) = (ListenMode::Turn, ListenMode::Digits);
        let right = "Yes, that's right.";
        assert_eq!(judged(right, "en", turn, Expecting::YesNo), Completeness::Complete);
        assert_eq!(judged(right, "en", turn, Expecting::Anything), Completeness::Open);
        assert_eq!(judged("Yes.", "en", turn, Expecting::YesNo), Completeness::Open);
        let four = Expecting::Digits { min: 4, max: 4 };
        assert_eq!(judged("4217", "en", digits, four.clone()), Completeness::Complete);
        assert_eq!(judged("421", "en", digits, four), Completeness::Unfinished);
        assert_eq!(judged("转人工", "zh", turn, Expecting::Anything), Completeness::Complete);
    }
}
