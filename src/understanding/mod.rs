//! From an utterance to intent, slots and stress, each with reasons. Pure functions over
//! operator-edited tables.
//!
//! Reading order: [`text`] cuts words, [`vocabulary`] numbers them, [`pattern`] finds the
//! tables' phrases; on these stand [`intent`], [`command`], [`alarm`], [`slots`] and [`stress`].
//! Beside the phrases a [`classifier`] has learned example sentences, with an [`embedding`] of
//! their meanings where there is one. [`completeness`] says whether a text is finished, [`heard`]
//! what a recogniser's text is worth, [`proposal`] makes first tables of past cases.

pub mod alarm;
mod card;
pub mod card_number;
pub mod classifier;
pub mod command;
pub mod completeness;
pub mod correction;
pub mod embedding;
pub mod example;
pub mod heard;
pub mod intent;
pub mod language_guess;
pub mod number;
pub mod outcome;
pub mod pattern;
pub mod proposal;
mod rows;
pub mod script;
pub mod slots;
pub mod stem;
pub mod stress;
pub mod tables;
pub mod text;
pub mod vocabulary;

use std::sync::Arc;

use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::base::utterance::Utterance;

use heard::Standing;
use outcome::{Expecting, Pressing, Understanding};
use slots::SlotReader;
use tables::LanguageTables;

pub use card_number::redact;
pub use completeness::Completeness;
pub use stress::memory::Memory;
pub use tables::Tables;

/// Longest text that is looked at, bytes; whisper gives far less.
const TEXT_BYTES_MAX: usize = 8_000;

/// An intent less sure than this gives way to that of the sentence which the words may end.
const VAGUE_BELOW: f32 = 0.5;

/// Reads utterances with one set of tables. Cheap to clone; shared by all calls.
#[derive(Clone, Debug)]
pub struct Understander {
    tables: Arc<Tables>,
}

impl Understander {
    pub fn new(tables: Arc<Tables>) -> Self {
        Self { tables }
    }

    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// Everything that `utterance` tells. Pure: the same utterance, memory and expectation give
    /// the same result. An utterance in a language without tables is read with English ones.
    pub fn understand(
        &self,
        utterance: &Utterance,
        memory: &mut Memory,
        expecting: &Expecting,
    ) -> Understanding {
        let text = shorten(&utterance.text);
        let language = language_guess::guess(&self.tables, text, &utterance.language);
        let Some(tables) = self.language(&language) else {
            return Understanding { language, ..Understanding::default() };
        };
        let reading = tables.words.read(text);
        let command = command::command(tables, &reading, expecting);
        let mut best = intent::best(tables, &reading);
        // "On the weekend, I mean", said while its question is being answered.
        let whole = memory.continued(utterance);
        if let Some(whole) = &whole
            && (command.is_none() && *expecting == Expecting::Anything)
        {
            let sure = |found: &intent::Best| found.0.as_ref().map_or(0.0, |one| one.confidence);
            let joined = intent::best(tables, &tables.words.read(shorten(whole)));
            if sure(&best) < VAGUE_BELOW && sure(&joined) > sure(&best) {
                best = joined;
            }
        }
        let (intent, runner_up) = best;
        memory.note_text(shorten(whole.as_deref().unwrap_or(text)), utterance.ended);
        let card = card::card(tables, &reading, utterance.began, memory);
        let card_number = card.began.is_some();
        let default_name = intent.as_ref().and_then(|found| {
            let wanted = &tables.intent(&found.intent)?.slots;
            wanted.iter().find(|name| name.ends_with("number")).cloned()
        });
        let reader = SlotReader { tables, text, reading: &reading, today: memory.today, expecting };
        let slots = if card_number { Vec::new() } else { reader.read(default_name.as_deref()) };
        let at = utterance.began;
        let negative = stress::tone::negative(tables, &reading, at);
        let urgent = alarm::alarms(tables, &tables.urgent, &reading, at);
        let danger = alarm::alarms(tables, &tables.danger, &reading, at).into_iter().next();
        let signs = stress::Signs {
            negative: &negative,
            urgent: &urgent,
            danger: danger.as_ref(),
            short_answer: *expecting != Expecting::Anything,
        };
        let correction = match expecting {
            Expecting::YesNo => correction::correction(tables, &reading),
            Expecting::Anything
            | Expecting::Digits { .. }
            | Expecting::Slot(_)
            | Expecting::Code { .. } => None,
        };
        let stress = stress::stress(tables, utterance, &reading, &signs, memory);
        let unfinished = completeness::completeness(tables, text, &reading, expecting)
            == Completeness::Unfinished;
        Understanding {
            language,
            intent,
            runner_up,
            command,
            slots,
            stress,
            negative,
            urgent,
            danger,
            unfinished,
            card_number,
            card_began: card.began,
            mostly_digits: card.mostly_digits,
            correction,
        }
    }

    /// What of `text`, heard so far at `at`, does not wait for the end of its sentence.
    pub fn pressing(&self, text: &str, language: &Language, at: Moment) -> Pressing {
        let text = shorten(text);
        let language = language_guess::guess(&self.tables, text, language);
        let Some(tables) = self.language(&language) else { return Pressing::default() };
        let reading = tables.words.read(text);
        Pressing {
            danger: alarm::alarms(tables, &tables.danger, &reading, at).into_iter().next(),
            command: command::command(tables, &reading, &Expecting::Anything),
        }
    }

    /// Whether `text`, heard so far, is finished: decides how long a pause ends the turn.
    pub fn completeness(
        &self,
        text: &str,
        language: &Language,
        expecting: &Expecting,
    ) -> Completeness {
        let text = shorten(text);
        let language = language_guess::guess(&self.tables, text, language);
        match self.language(&language) {
            Some(tables) => {
                completeness::completeness(tables, text, &tables.words.read(text), expecting)
            }
            None => Completeness::Open,
        }
    }

    /// The same for a caller who waits for a person: [`Completeness::Complete`] is only what
    /// something is done about at once, danger and the words that work everywhere.
    pub fn completeness_waiting(&self, text: &str, language: &Language) -> Completeness {
        let text = shorten(text);
        let language = language_guess::guess(&self.tables, text, language);
        match self.language(&language) {
            Some(tables) => completeness::waiting(tables, &tables.words.read(text)),
            None => Completeness::Open,
        }
    }

    /// What a recogniser's text in `language` is worth. What is invented in one language is
    /// invented in all.
    pub fn standing(&self, text: &str, language: &Language) -> Standing {
        let invented = |tables: &LanguageTables| tables.heard.standing(text) == Standing::Invented;
        if self.tables.languages().any(invented) {
            return Standing::Invented;
        }
        self.language(language).map_or_else(Standing::default, |one| one.heard.standing(text))
    }

    /// What the recogniser is given as the text before a turn in `language`; empty for none.
    pub fn text_before(&self, language: &Language) -> &str {
        self.tables.language(language).map_or("", |one| one.heard.text_before.as_str())
    }

    /// Whether `text`, said into a prompt, only means "I am listening".
    pub fn is_backchannel(&self, text: &str, language: &Language) -> bool {
        let plain = heard::plain(text);
        self.language(language).is_some_and(|tables| tables.heard.is_backchannel(&plain))
    }

    fn language(&self, language: &Language) -> Option<&LanguageTables> {
        self.tables
            .language(language)
            .or_else(|| self.tables.language(&Language::english()))
            .or_else(|| self.tables.languages().next())
    }
}

/// Cuts at a character boundary.
fn shorten(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod robustness_tests;
#[cfg(test)]
mod tests;
