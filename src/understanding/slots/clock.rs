//! Times of the day: "quarter past nine", "3 pm", 下午三点半 → `15:30`.

use crate::understanding::number::NumberWord;
use crate::understanding::pattern::{Capture, Found};

use super::{SlotReader, Taken};

/// What a time pattern means; the captured numbers stand in the order named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeKind {
    /// Hour, and minutes where said.
    Clock,
    /// Hour plus so many minutes: "half past", "quarter past"; negative for "quarter to".
    Shifted(i16),
    /// Minutes, then the hour: "ten past nine".
    Past,
    To,
    /// Minutes from midnight: "noon".
    Fixed(i16),
}

const DAY_MINUTES: i16 = 24 * 60;

/// All times that do not stand on words already taken.
pub fn times(reader: &SlotReader<'_>, taken: &[Taken]) -> Vec<Taken> {
    let captures = |capture, place| reader.capture(capture, place);
    let matcher = reader.matcher(&captures);
    let mut out = Vec::new();
    let mut place = 0;
    while place < reader.reading.len() {
        let best = figures(reader, place).into_iter().chain(
            reader.tables.slots.times.iter().filter_map(|(pattern, kind)| {
                let found = matcher.find_at(pattern, place)?;
                Some((found.end, minutes(reader, &found, *kind)?))
            }),
        );
        let free = |end: usize| !taken.iter().any(|old| place < old.end && old.start < end);
        match best.filter(|(end, _)| free(*end)).max_by_key(|(end, _)| *end) {
            Some((end, minutes)) => {
                let value = format!("{:02}:{:02}", minutes / 60, minutes % 60);
                out.push(Taken { name: "time".into(), value, start: place, end });
                place = end.max(place + 1);
            }
            None => place += 1,
        }
    }
    out
}

/// `15:30`, `3:30 pm`.
fn figures(reader: &SlotReader<'_>, place: usize) -> Option<(usize, i16)> {
    let part = |at: usize| reader.reading.token(at).filter(|token| token.is_digits());
    let (hour, minute) = (part(place)?, part(place + 1)?);
    let longer = part(place + 2).is_some_and(|next| next.glue == ':');
    if minute.glue != ':' || minute.norm.len() != 2 || longer {
        return None;
    }
    let (hour, minute): (i16, i16) = (hour.norm.parse().ok()?, minute.norm.parse().ok()?);
    let half = [Capture::Before, Capture::After]
        .into_iter()
        .find_map(|kind| reader.capture(kind, place + 2).map(|end| (kind, end)));
    let hour = half_day(reader, hour, half.map(|(kind, _)| kind), true)?;
    (minute < 60).then_some((half.map_or(place + 2, |(_, end)| end), hour * 60 + minute))
}

fn minutes(reader: &SlotReader<'_>, found: &Found, kind: TimeKind) -> Option<i16> {
    let mut numbers =
        found.captures.iter().filter(|(capture, _, _)| *capture == Capture::Number).filter_map(
            |(_, start, _)| {
                let number = reader.numbers().cardinal(*start)?;
                i16::try_from(number.whole).ok().filter(|_| number.hundredths.is_none())
            },
        );
    let half = found
        .captures
        .iter()
        .map(|(capture, _, _)| *capture)
        .find(|capture| matches!(capture, Capture::Before | Capture::After));
    let of_day = match kind {
        TimeKind::Fixed(minutes) => return Some(minutes),
        TimeKind::Clock => {
            let (hour, minute) = (numbers.next()?, numbers.next());
            if trailing_digit(reader, found) {
                return None;
            }
            // "nine oh five" is five past; "nine five" is no time but the start of a number.
            let plain = minute.is_some_and(|minute| minute < 10) && !oh_before(reader, found);
            if plain {
                return None;
            }
            half_day(reader, hour, half, false)? * 60 + minute.unwrap_or(0)
        }
        TimeKind::Shifted(shift) => half_day(reader, numbers.next()?, half, false)? * 60 + shift,
        TimeKind::Past => {
            let minute = numbers.next()?;
            half_day(reader, numbers.next()?, half, false)? * 60 + minute
        }
        TimeKind::To => {
            let minute = numbers.next()?;
            half_day(reader, numbers.next()?, half, false)? * 60 - minute
        }
    };
    let sound = (-59..DAY_MINUTES).contains(&of_day);
    sound.then(|| of_day.rem_euclid(DAY_MINUTES))
}

/// `true` if the number goes on after the pattern, so that it is no time.
fn trailing_digit(reader: &SlotReader<'_>, found: &Found) -> bool {
    let last = found.end.checked_sub(1).and_then(|at| reader.reading.token(at));
    let paused = last.is_some_and(|token| token.clause_end);
    let goes_on = matches!(
        reader.numbers().word(found.end),
        Some(
            NumberWord::Digit(_)
                | NumberWord::Teen(_)
                | NumberWord::Tens(_)
                | NumberWord::Repeat(_)
        )
    );
    !paused && (goes_on || reader.reading.token(found.end).is_some_and(|t| t.is_digits()))
}

fn oh_before(reader: &SlotReader<'_>, found: &Found) -> bool {
    (found.start..found.end).any(|at| reader.numbers().word(at) == Some(NumberWord::Digit(0)))
}

/// The hour on the 24-hour clock. Without am or pm the small hours are in the afternoon, for
/// nobody books a table at three in the morning; written `03:15` stays as it is.
fn half_day(
    reader: &SlotReader<'_>,
    hour: i16,
    half: Option<Capture>,
    written: bool,
) -> Option<i16> {
    let afternoon = 1..=i16::from(reader.tables.slots.afternoon_hours);
    let hour = match half {
        Some(Capture::After) if (1..12).contains(&hour) => hour + 12,
        Some(Capture::Before) if hour == 12 => 0,
        None if !written && afternoon.contains(&hour) => hour + 12,
        Some(_) | None => hour,
    };
    (0..24).contains(&hour).then_some(hour)
}
