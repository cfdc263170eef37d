//! Pieces of information in an utterance, normalised, each with the words that it came from:
//! amounts, dates, times, strings of digits, codes with letters, departments.

pub mod amount;
pub mod clock;
pub mod code;
pub mod date;

use std::collections::HashMap;

use jiff::civil::Date;

use crate::base::card::SlotValue;

use super::correction::CorrectionTables;
use super::number::{NumberWord, NumberWords, Numbers};
use super::outcome::Expecting;
use super::pattern::{Capture, Matcher, Pattern};
use super::tables::LanguageTables;
use super::vocabulary::Reading;

/// Slots taken from one utterance.
const SLOTS_MAX: usize = 16;

/// What a language's `slots.toml` says.
#[derive(Clone, Debug, Default)]
pub struct SlotTables {
    pub numbers: NumberWords,
    pub months: HashMap<String, i8>,
    /// Monday is 1.
    pub weekdays: HashMap<String, i8>,
    pub units: HashMap<String, date::Unit>,
    /// "am", "in the morning" and "pm", "in the evening", one word each.
    pub before_noon: Vec<String>,
    pub after_noon: Vec<String>,
    pub dates: Vec<(Pattern, date::DateKind)>,
    /// Words that make a date without a year a past one: "was", "paid".
    pub past_words: Vec<String>,
    pub times: Vec<(Pattern, clock::TimeKind)>,
    /// Hours 1 to this without am or pm are in the afternoon.
    pub afternoon_hours: i8,
    pub currencies: HashMap<String, String>,
    pub cents: Vec<String>,
    /// One digit after the currency is tenths (十二块五).
    pub tenths: bool,
    /// "alpha" → a, for spelled letters.
    pub letters: HashMap<String, char>,
    /// "as in", "for": between a letter and its example.
    pub letter_examples: Vec<Vec<String>>,
    /// Slot name → words that announce its number.
    pub cues: Vec<(String, Vec<Pattern>)>,
    pub departments: Vec<(String, Vec<Pattern>)>,
    pub correction: CorrectionTables,
}

/// One slot with the words that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub name: String,
    pub value: String,
    pub start: usize,
    pub end: usize,
}

/// Everything the slot readers look at.
pub struct SlotReader<'r> {
    pub tables: &'r LanguageTables,
    pub text: &'r str,
    pub reading: &'r Reading,
    pub today: Option<Date>,
    pub expecting: &'r Expecting,
}

impl<'r> SlotReader<'r> {
    pub fn numbers(&self) -> Numbers<'r> {
        Numbers { words: &self.tables.slots.numbers, reading: self.reading }
    }

    /// Reads all slots. A number that nothing names gets the name in `default_name`.
    pub fn read(&self, default_name: Option<&str>) -> Vec<SlotValue> {
        let mut taken: Vec<Taken> = Vec::new();
        if !matches!(self.expecting, Expecting::Digits { .. }) && !self.expects_code() {
            taken.extend(amount::amounts(self));
            add_free(&mut taken, date::dates(self));
            let times = clock::times(self, &taken);
            add_free(&mut taken, times);
        }
        let codes = code::codes(self, &taken, default_name);
        add_free(&mut taken, codes);
        taken.extend(self.departments());
        taken.sort_by_key(|slot| slot.start);
        taken.truncate(SLOTS_MAX);
        taken
            .into_iter()
            .map(|slot| SlotValue {
                source: self.reading.source(self.text, slot.start, slot.end).to_owned().into(),
                name: slot.name,
                value: slot.value.into(),
            })
            .collect()
    }

    /// `true` if the dialogue asked for a slot that digits or letters fill.
    fn expects_code(&self) -> bool {
        match self.expecting {
            Expecting::Slot(name) => {
                !matches!(name.as_str(), "date" | "time" | "amount" | "department")
            }
            Expecting::Code { .. } => true,
            Expecting::Anything | Expecting::YesNo | Expecting::Digits { .. } => false,
        }
    }

    pub fn expects_slot(&self, wanted: &str) -> bool {
        self.expecting.slot() == Some(wanted)
    }

    fn departments(&self) -> Vec<Taken> {
        let matcher = self.matcher(&super::pattern::no_captures);
        self.tables
            .slots
            .departments
            .iter()
            .filter_map(|(name, patterns)| {
                let found = patterns.iter().find_map(|pattern| matcher.find(pattern))?;
                Some(Taken {
                    name: "department".into(),
                    value: name.clone(),
                    start: found.start,
                    end: found.end,
                })
            })
            .collect()
    }

    pub fn matcher<'m>(&'m self, captures: super::pattern::CaptureReader<'m>) -> Matcher<'m> {
        Matcher { reading: self.reading, skip: &self.tables.skip, captures }
    }

    /// Reads one capture of a date or time pattern.
    pub fn capture(&self, capture: Capture, place: usize) -> Option<usize> {
        let slots = &self.tables.slots;
        let word = self.reading.norm(place);
        match capture {
            Capture::Number => self.numbers().cardinal(place).map(|number| number.end),
            Capture::Ordinal => self.numbers().ordinal(place, true).map(|(end, _)| end),
            Capture::Month => slots.months.contains_key(word).then_some(place + 1),
            Capture::Weekday => slots.weekdays.contains_key(word).then_some(place + 1),
            Capture::Unit => slots.units.contains_key(word).then_some(place + 1),
            Capture::Before => self.half(&slots.before_noon, place),
            Capture::After => self.half(&slots.after_noon, place),
        }
    }

    /// One of the writings of am or pm at `place`.
    fn half(&self, writings: &[String], place: usize) -> Option<usize> {
        writings.iter().find_map(|writing| {
            let mut at = place;
            for word in writing.split(' ') {
                if self.reading.norm(at) != word {
                    return None;
                }
                at += 1;
            }
            Some(at)
        })
    }

    /// `true` if a digit stands at `place`, in figures or words.
    pub fn digit_at(&self, place: usize) -> bool {
        self.reading.token(place).is_some_and(|token| token.is_digits())
            || matches!(self.numbers().word(place), Some(NumberWord::Digit(_)))
    }
}

/// Adds the slots whose words are not taken yet.
fn add_free(taken: &mut Vec<Taken>, more: Vec<Taken>) {
    for slot in more {
        if !taken.iter().any(|old| slot.start < old.end && old.start < slot.end) {
            taken.push(slot);
        }
    }
}

#[cfg(test)]
mod tests;
