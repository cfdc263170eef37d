//! Prompts by name, with their placeholders filled, and the briefing of an agent.

use crate::base::card::OfferCard;
use crate::base::language::Language;
use crate::base::spoken::Spoken;
use crate::knowledge::connector::fill;

use super::tables::Tables;

/// Stress from which a briefing says "somewhat tense", and "very tense": the understanding's own
/// thresholds as shipped.
const STRESS_RAISED: f32 = 0.3;
const STRESS_HIGH: f32 = 0.6;
/// Words of one part of a briefing, so that it stays within ten seconds.
const BRIEFING_PART_WORDS_MAX: usize = 12;

impl Tables {
    /// The prompt `name` with `values` in its placeholders, in the shorter form for a tense caller
    /// where there is one. A name that no table has is spoken as itself, so that it is noticed.
    pub fn prompt(
        &self,
        name: &str,
        language: &Language,
        values: &[(&str, &str)],
        stressed: bool,
    ) -> Spoken {
        let row = self.prompt_row(language, name);
        let short = row.and_then(|prompt| prompt.stressed.as_ref()).filter(|_| stressed);
        let template = match (short, row) {
            (Some(short), _) => short.clone(),
            (None, Some(prompt)) => prompt.text.clone(),
            (None, None) => name.replace('_', " "),
        };
        let values: Vec<(String, String)> =
            values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Spoken {
            // A shorter form has no recording of its own under the prompt's name.
            prompt: short.is_none().then(|| name.to_owned()),
            text: fill(&template, &values, str::to_owned),
            language: language.clone(),
            fixed: values.is_empty(),
            slow: false,
            barge_in: true,
        }
    }

    /// What an agent hears before accepting: who, why, how they feel, what was tried; at most ten
    /// seconds.
    pub fn briefing(&self, card: &OfferCard, language: &Language) -> Spoken {
        let plain = |name: &str| self.prompt(name, language, &[], false).text;
        let who = match &card.caller_name {
            Some(name) => name.reveal().clone(),
            None => plain("briefing_unknown_caller"),
        };
        let why = self.why(card, language);
        let mood = plain(match card.stress {
            stress if stress >= STRESS_HIGH => "briefing_high",
            stress if stress >= STRESS_RAISED => "briefing_raised",
            _ => "briefing_calm",
        });
        let tried = self.tried(card, language);
        let values = [
            ("who", first_words(&who)),
            ("why", first_words(&why)),
            ("mood", mood),
            ("tried", tried),
        ];
        let values: Vec<(&str, &str)> =
            values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        self.prompt("briefing", language, &values, false)
    }

    /// What caller and agent hear together when the agent joins at once: why, and what was
    /// tried. How the caller sounds is not said in their hearing.
    pub fn three_way(&self, card: &OfferCard, language: &Language) -> Spoken {
        let (why, tried) = (self.why(card, language), self.tried(card, language));
        let values = [("why", why.as_str()), ("tried", &tried)];
        self.prompt("three_way", language, &values, false)
    }

    fn why(&self, card: &OfferCard, language: &Language) -> String {
        card.intent
            .clone()
            .unwrap_or_else(|| self.prompt("briefing_unknown_reason", language, &[], false).text)
    }

    fn tried(&self, card: &OfferCard, language: &Language) -> String {
        match card.tried.last() {
            Some(what) => {
                let what = first_words(what);
                self.prompt("briefing_tried", language, &[("what", &what)], false).text
            }
            None => self.prompt("briefing_untried", language, &[], false).text,
        }
    }
}

fn first_words(text: &str) -> String {
    text.split_whitespace().take(BRIEFING_PART_WORDS_MAX).collect::<Vec<_>>().join(" ")
}
