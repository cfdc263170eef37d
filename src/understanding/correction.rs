//! A correction of what was read back: "no, nine, not five", "the last digit is nine", "change
//! the five to a nine". Out comes which digits go and which come; what it changes is decided
//! where the value is known.

use serde::{Deserialize, Serialize};

use super::number::{DigitRun, Numbers};
use super::pattern::{Found, Pattern};
use super::tables::LanguageTables;
use super::vocabulary::Reading;

/// Digits that replace others in a value that was read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// What was wrong; `None` where only the place was named.
    pub wrong: Option<String>,
    pub right: String,
    pub place: Place,
}

/// Where in the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    #[default]
    Anywhere,
    First,
    Last,
}

/// How a language corrects; part of its slots.
#[derive(Clone, Debug, Default)]
pub struct CorrectionTables {
    /// Before what is wrong: "not", "instead of".
    pub not: Vec<Pattern>,
    /// Between what is wrong and what is right: "should be", "to".
    pub becomes: Vec<Pattern>,
    pub first: Vec<Pattern>,
    pub last: Vec<Pattern>,
}

impl Correction {
    /// `value` corrected; `None` where it is not certain what is meant.
    pub fn apply(&self, value: &str) -> Option<String> {
        let Some(wrong) = &self.wrong else {
            let kept = value.len().checked_sub(self.right.len())?;
            return match self.place {
                Place::First => Some(format!("{}{}", self.right, value.get(self.right.len()..)?)),
                Place::Last => Some(format!("{}{}", value.get(..kept)?, self.right)),
                Place::Anywhere => None,
            };
        };
        let found: Vec<usize> = value.match_indices(wrong.as_str()).map(|(at, _)| at).collect();
        let at = match (self.place, found.as_slice()) {
            (_, [only]) => *only,
            (Place::First, [first, ..]) => *first,
            (Place::Last, [.., last]) => *last,
            (Place::Anywhere, _) | (_, []) => return None,
        };
        let rest = value.get(at + wrong.len()..)?;
        Some(format!("{}{}{rest}", value.get(..at)?, self.right))
    }
}

/// The correction in an utterance, if there is one.
pub(super) fn correction(tables: &LanguageTables, reading: &Reading) -> Option<Correction> {
    let table = &tables.slots.correction;
    let matcher = tables.matcher(reading);
    let find = |patterns: &[Pattern]| -> Vec<Found> {
        patterns.iter().flat_map(|pattern| matcher.find_all(pattern)).collect()
    };
    let (first, last) = (find(&table.first), find(&table.last));
    let place = match (first.is_empty(), last.is_empty()) {
        (false, true) => Place::First,
        (true, false) => Place::Last,
        (_, _) => Place::Anywhere,
    };
    let numbers = Numbers { words: &tables.slots.numbers, reading };
    // "The last one" is a place, no digit.
    let mut runs = numbers.digit_runs(false);
    runs.retain(|run| {
        let inside = |one: &Found| one.start < run.end && run.start < one.end;
        !first.iter().chain(&last).any(inside)
    });
    let not = find(&table.not);
    let runs = split(&numbers, reading, runs, &not);
    let negated = |run: &DigitRun| not.iter().any(|one| one.end == run.start);
    let wrong = runs.iter().find(|run| negated(run));
    let right: Vec<&DigitRun> = runs.iter().filter(|run| !negated(run)).collect();
    let becomes = find(&table.becomes);
    match (wrong, right.as_slice()) {
        (Some(wrong), [right]) => Some(Correction {
            wrong: Some(wrong.digits.clone()),
            right: right.digits.clone(),
            place,
        }),
        (None, [from, to])
            if becomes.iter().any(|one| from.end == one.start && one.end == to.start) =>
        {
            Some(Correction { wrong: Some(from.digits.clone()), right: to.digits.clone(), place })
        }
        (None, [only]) if place != Place::Anywhere => {
            Some(Correction { wrong: None, right: only.digits.clone(), place })
        }
        (_, _) => None,
    }
}

/// "Not five, nine" is read as one run of digits: the comma parts what goes from what comes.
fn split(
    numbers: &Numbers<'_>,
    reading: &Reading,
    runs: Vec<DigitRun>,
    not: &[Found],
) -> Vec<DigitRun> {
    let mut out = Vec::new();
    for run in runs {
        let begins = not.iter().any(|one| one.end == run.start);
        let comma = (run.start..run.end.saturating_sub(1))
            .find(|at| begins && reading.token(*at).is_some_and(|token| token.clause_end));
        let parts = comma.and_then(|at| {
            let head = digits(numbers, run.start, at + 1)?;
            Some((head, digits(numbers, at + 1, run.end)?))
        });
        match parts {
            Some((head, tail)) => out.extend([head, tail]),
            None => out.push(run),
        }
    }
    out
}

/// The digits of exactly the words from `start` to before `end`.
fn digits(numbers: &Numbers<'_>, start: usize, end: usize) -> Option<DigitRun> {
    let (mut at, mut digits) = (start, String::new());
    while at < end {
        let (after, piece) = numbers.digit_piece(at, false)?;
        digits.push_str(&piece);
        at = after;
    }
    (at == end).then_some(DigitRun { start, end, digits })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::language::Language;
    use crate::understanding::Tables;

    fn corrected(value: &str, said: &str, language: &Language) -> Option<String> {
        let tables = Tables::embedded_rules();
        let tables = tables.language(language).expect("shipped");
        correction(tables, &tables.words.read(said))?.apply(value)
    }

    #[test]
    fn what_is_said_after_a_read_back_changes_what_was_meant() {
        for line in include_str!("cases/corrections.txt").lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            let [language, value, said, expected] = fields.as_slice() else { panic!("{line}") };
            let language = Language::new(language).expect("a code");
            let found = corrected(value, said, &language).unwrap_or_default();
            assert_eq!(found, *expected, "{line}");
        }
    }

    const WORDS: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

    fn spoken(digits: &str) -> String {
        let words = digits.bytes().map(|byte| WORDS[usize::from(byte - b'0')]);
        words.collect::<Vec<_>>().join(" ")
    }

    proptest! {
        /// One digit that stands once in the value is always corrected, however it is said.
        #[test]
        fn a_single_wrong_digit_is_always_put_right(
            value in "[0-9]{3,10}", place in 0_usize..10, right in 0_u8..10, way in 0_usize..4,
        ) {
            let place = place % value.len();
            let wrong = &value[place..=place];
            prop_assume!(value.matches(wrong).count() == 1);
            let right = right.to_string();
            prop_assume!(right != wrong);
            let (bad, good) = (spoken(wrong), spoken(&right));
            let said = match way {
                0 => format!("No, {good}, not {bad}."),
                1 => format!("not {bad}, {good}"),
                2 => format!("it is {good} instead of {bad}"),
                _ => format!("the {bad} should be a {good}"),
            };
            let mut expected = value.clone();
            expected.replace_range(place..=place, &right);
            let found = corrected(&value, &said, &Language::english());
            prop_assert_eq!(found, Some(expected), "{}", said);
        }

        /// No correction makes anything but digits, or breaks on strange values.
        #[test]
        fn a_correction_of_anything_is_digits_or_nothing(
            value in "\\PC{0,12}", said in "(not |five |nine, |the last |digit |is |to ){0,8}",
        ) {
            if let Some(found) = corrected(&value, &said, &Language::english()) {
                prop_assert!(found.len() <= value.len() + 64);
            }
        }
    }
}
