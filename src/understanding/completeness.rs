//! Whether a text is finished, for the end of a turn: does it fix a whole intent, or does it
//! hang in the air ("my number is four two")?

use jiff::civil::Date;

use crate::base::card::SlotValue;
use crate::base::moment::Moment;

use super::alarm::alarms;
use super::intent;
use super::outcome::{CallerCommand, Expecting};
use super::pattern::Found;
use super::slots::SlotReader;
use super::tables::LanguageTables;
use super::vocabulary::Reading;
use super::{command, number::Numbers};

/// Confidence from which an intent is fixed.
const FIXED_CONFIDENCE: f32 = 0.75;
/// Digits at the end that may go on.
const OPEN_DIGITS_MAX: usize = 3;
/// Whether a date was said is asked here, not which: it is reckoned from these, a Monday and a
/// Friday of two months.
const SOME_DAYS: [Date; 2] = [Date::constant(2000, 1, 3), Date::constant(2000, 3, 10)];

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
    text: &str,
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
        Expecting::Code { signs, .. } if command.is_none() => {
            let [today, _] = SOME_DAYS;
            let said = asked_for(tables, text, reading, expecting, today).map_or(0, signs_of);
            if said > 0 {
                let whole = said >= usize::from(*signs);
                return if whole { Completeness::Complete } else { Completeness::Unfinished };
            }
        }
        Expecting::Digits { .. }
        | Expecting::Code { .. }
        | Expecting::Anything
        | Expecting::YesNo
        | Expecting::Slot(_) => {}
    }
    // "Yes, it is" ends with a word that sentences seldom end with.
    let answered = *expecting == Expecting::YesNo
        && !reading.ends_in_filler
        && command::is_bare_answer(tables, reading);
    if !answered && hangs(tables, reading) {
        return Completeness::Unfinished;
    }
    if !alarms(tables, &tables.danger, reading, Moment::ZERO).is_empty() {
        return Completeness::Complete;
    }
    let answer = matches!(command, Some(CallerCommand::Yes | CallerCommand::No));
    // One word often goes on after a breath: "yes, that's right"; "no, nine, not five". What
    // follows would talk over what we say then.
    if answer && (*expecting != Expecting::YesNo || reading.len() == 1) {
        return Completeness::Open;
    }
    if command.is_some() {
        return Completeness::Complete;
    }
    if let Some(judged) = gives(tables, text, reading, expecting) {
        return judged;
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
    let dangles = || tables.dangling.contains(&last.norm) && !ends_a_phrase(tables, reading);
    let number_began = || few_digits_at_end(tables, reading) && announced(tables, reading);
    reading.ends_in_filler || dangles() || number_began()
}

/// `true` if the last word, with which sentences seldom end, ends one here: "where my order is".
fn ends_a_phrase(tables: &LanguageTables, reading: &Reading) -> bool {
    let matcher = tables.matcher(reading);
    let to_the_end = |found: Found| found.end == reading.len();
    tables.finished.iter().any(|one| matcher.find_all(one).into_iter().any(to_the_end))
}

/// What the utterance gives of the slot that was asked for, dates reckoned from `today`.
fn asked_for(
    tables: &LanguageTables,
    text: &str,
    reading: &Reading,
    expecting: &Expecting,
    today: Date,
) -> Option<SlotValue> {
    let reader = SlotReader { tables, text, reading, today: Some(today), expecting };
    let slot = expecting.slot()?;
    reader.read(None).into_iter().find(|found| found.name == slot)
}

/// Whether an utterance gives the date, time, amount or department that was asked for.
fn gives(
    tables: &LanguageTables,
    text: &str,
    reading: &Reading,
    expecting: &Expecting,
) -> Option<Completeness> {
    let named = matches!(expecting.slot()?, "date" | "time" | "amount" | "department");
    let [first, second] = SOME_DAYS.map(|today| asked_for(tables, text, reading, expecting, today));
    let (first, second) = (first.filter(|_| named)?, second?);
    // Its month may follow.
    let open = is_day_alone(&first, &second);
    Some(if open { Completeness::Open } else { Completeness::Complete })
}

/// Letters and digits.
fn signs_of(found: SlotValue) -> usize {
    found.value.reveal().chars().filter(|sign| sign.is_alphanumeric()).count()
}

/// `true` for a day of the month without its month ("on the third"): reckoned from two days in two
/// months, it is the same day of two months.
fn is_day_alone(from_first: &SlotValue, from_second: &SlotValue) -> bool {
    let date = |found: &SlotValue| found.value.reveal().parse::<Date>().ok();
    match (date(from_first), date(from_second)) {
        (Some(first), Some(second)) => {
            first.day() == second.day() && first.month() != second.month()
        }
        (_, _) => false,
    }
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
