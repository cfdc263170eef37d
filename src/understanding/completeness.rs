//! Whether a text is finished, for the end of a turn: does it fix a whole intent, or does it
//! hang in the air ("my number is four two")?

use crate::base::moment::Moment;

use super::alarm::alarms;
use super::intent;
use super::outcome::{CallerCommand, Expecting};
use super::tables::LanguageTables;
use super::vocabulary::Reading;
use super::{command, number::Numbers};

/// Confidence from which an intent is fixed.
const FIXED_CONFIDENCE: f32 = 0.75;
/// Digits at the end that may go on.
const OPEN_DIGITS_MAX: usize = 3;

/// How finished a text sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It fixes a whole intent or answer: the turn may end at once.
    Complete,
    /// It may be finished; wait the usual time.
    Open,
    /// It surely goes on: wait longer.
    Unfinished,
}

pub(super) fn completeness(
    tables: &LanguageTables,
    reading: &Reading,
    expecting: &Expecting,
) -> Completeness {
    if reading.is_empty() {
        return if reading.ends_in_filler { Completeness::Unfinished } else { Completeness::Open };
    }
    let command = command::command(tables, reading, expecting);
    match expecting {
        Expecting::Digits { min, max } if command.is_none() => {
            return digits(tables, reading, usize::from(*min), usize::from(*max));
        }
        Expecting::Digits { .. } | Expecting::Anything | Expecting::YesNo | Expecting::Slot(_) => {}
    }
    if hangs(tables, reading) {
        return Completeness::Unfinished;
    }
    if !alarms(tables, &tables.danger, reading, Moment::ZERO).is_empty() {
        return Completeness::Complete;
    }
    let answer = matches!(command, Some(CallerCommand::Yes | CallerCommand::No));
    // One word often goes on: "yes, that's right"; "no, nine, not five".
    if answer && (*expecting != Expecting::YesNo || reading.len() == 1) {
        return Completeness::Open;
    }
    if command.is_some() {
        return Completeness::Complete;
    }
    let (best, runner_up) = intent::best(tables, reading);
    let fixed = best.is_some_and(|one| one.confidence >= FIXED_CONFIDENCE) && runner_up.is_none();
    // "My order number is four two one" names a thing and may go on.
    if fixed && !ends_in_digits(tables, reading) {
        Completeness::Complete
    } else {
        Completeness::Open
    }
}

/// The same where the caller waits for a person and is asked nothing: only what something is done
/// about is complete, with danger never waiting for the end of its sentence.
pub(super) fn waiting(tables: &LanguageTables, reading: &Reading) -> Completeness {
    if !alarms(tables, &tables.danger, reading, Moment::ZERO).is_empty() {
        return Completeness::Complete;
    }
    if reading.ends_in_filler || hangs(tables, reading) {
        return Completeness::Unfinished;
    }
    match command::command(tables, reading, &Expecting::Anything) {
        Some(
            CallerCommand::Repeat
            | CallerCommand::Slower
            | CallerCommand::GoBack
            | CallerCommand::Goodbye
            | CallerCommand::DontRecord
            | CallerCommand::Automatic,
        ) => Completeness::Complete,
        Some(
            CallerCommand::Person
            | CallerCommand::Wait
            | CallerCommand::Yes
            | CallerCommand::No
            | CallerCommand::Assisted,
        )
        | None => Completeness::Open,
    }
}

/// `true` if the last words cannot end a sentence, or a filler does, or a number just began.
pub(super) fn hangs(tables: &LanguageTables, reading: &Reading) -> bool {
    let Some(last) = reading.tokens.last() else { return reading.ends_in_filler };
    if reading.ends_in_filler {
        return true;
    }
    if last.sentence_end && last.norm.chars().count() > 1 && !tables.dangling.contains(&last.norm) {
        return few_digits_at_end(tables, reading) && announced(tables, reading);
    }
    tables.dangling.contains(&last.norm)
        || (few_digits_at_end(tables, reading) && announced(tables, reading))
}

fn last_run(tables: &LanguageTables, reading: &Reading) -> Option<usize> {
    let numbers = Numbers { words: &tables.slots.numbers, reading };
    let run = numbers.digit_runs(false).pop().filter(|run| run.end == reading.len())?;
    Some(run.digits.len())
}

fn few_digits_at_end(tables: &LanguageTables, reading: &Reading) -> bool {
    last_run(tables, reading).is_some_and(|digits| digits <= OPEN_DIGITS_MAX)
}

fn ends_in_digits(tables: &LanguageTables, reading: &Reading) -> bool {
    last_run(tables, reading).is_some()
}

/// `true` if words of the cue table announced a number.
fn announced(tables: &LanguageTables, reading: &Reading) -> bool {
    let matcher = tables.matcher(reading);
    let mut patterns = tables.slots.cues.iter().flat_map(|(_, patterns)| patterns);
    patterns.any(|pattern| matcher.find(pattern).is_some())
}

fn digits(tables: &LanguageTables, reading: &Reading, min: usize, max: usize) -> Completeness {
    let numbers = Numbers { words: &tables.slots.numbers, reading };
    let said: usize = numbers.digit_runs(true).iter().map(|run| run.digits.len()).sum();
    if said == 0 && !reading.ends_in_filler && !hangs(tables, reading) {
        return Completeness::Open;
    }
    match said {
        _ if said < min => Completeness::Unfinished,
        _ if said >= max => Completeness::Complete,
        _ => Completeness::Open,
    }
}
