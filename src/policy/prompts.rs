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
/// Words of the parts of a briefing, so that it stays within ten seconds with those between: a
/// voice says some 160 words a minute. Two Chinese characters count as a word.
const WHO_WORDS_MAX: usize = 4;
const WHY_WORDS_MAX: usize = 8;
const TRIED_WORDS_MAX: usize = 7;

/// The prompt that fills a wait: words that come late, or a sentence that is long in the making.
const HOLD_ON: &str = "hold_on";

/// Whether this only fills a wait for something else that will be said ([`Tables::hold_on`]).
pub fn fills_a_wait(what: &Spoken) -> bool {
    what.prompt.as_deref() == Some(HOLD_ON)
}

impl Tables {
    /// What fills a wait: "one moment, please". It is short, and what follows does not cut it off.
    pub fn hold_on(&self, language: &Language) -> Spoken {
        Spoken { barge_in: false, ..self.prompt(HOLD_ON, language, &[], false) }
    }

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
            ("who", first_words(&who, WHO_WORDS_MAX)),
            ("why", first_words(&why, WHY_WORDS_MAX)),
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
                let what = first_words(what, TRIED_WORDS_MAX);
                self.prompt("briefing_tried", language, &[("what", &what)], false).text
            }
            None => self.prompt("briefing_untried", language, &[], false).text,
        }
    }
}

/// The beginning of `text`, `most` words long at most.
fn first_words(text: &str, most: usize) -> String {
    let mut halves = 0;
    let mut out = String::new();
    for word in text.split_whitespace() {
        // From U+2E80 on, characters are words or halves of words.
        let ideographs = word.chars().filter(|symbol| *symbol >= '\u{2E80}').count();
        let left = (2 * most).saturating_sub(halves);
        let kept = match ideographs {
            0 if left < 2 => break,
            0 => word,
            _ => word.char_indices().nth(left).map_or(word, |(end, _)| &word[..end]),
        };
        if kept.is_empty() {
            break;
        }
        halves += if ideographs == 0 { 2 } else { kept.chars().count() };
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(kept);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::card::Priority;
    use crate::base::ids::{AgentId, CallId, OfferId};

    /// What a briefing is made of at its longest is said within ten seconds.
    #[test]
    fn the_longest_briefing_has_no_more_words_than_ten_seconds_hold() {
        let long = "one two three four five six seven eight nine ten eleven twelve thirteen";
        let card = OfferCard {
            call: CallId::new(1, [0; 10]),
            offer: OfferId(1),
            agent: AgentId::from("anna"),
            summary: String::new(),
            caller_name: Some(long.to_owned().into()),
            caller_number: None,
            language: Language::english(),
            intent: Some(long.to_owned()),
            skill: None,
            priority: Priority::P1,
            stress: 0.9,
            reasons: Vec::new(),
            slots: Vec::new(),
            tried: vec!["first".to_owned(), long.to_owned()],
            transcript: Vec::new(),
            stress_line: Vec::new(),
            draft: None,
        };
        let said = Tables::embedded().briefing(&card, &Language::english()).text;
        assert_eq!(
            said,
            "one two three four, one two three four five six seven eight. Very tense. Tried: one \
             two three four five six seven."
        );
        let chinese =
            first_words("我想查询一下我的订单现在到了哪里什么时候能送到我家", WHY_WORDS_MAX);
        assert_eq!(chinese, "我想查询一下我的订单现在到了哪里");
    }
}
