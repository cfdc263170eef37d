//! Days, relative to the day of the call: "next Tuesday", "the third of May", 下周二 → ISO 8601.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use crate::understanding::pattern::{Capture, Found};

use super::{SlotReader, Taken};

/// What a date pattern means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateKind {
    /// So many days from today.
    Days(i64),
    /// The first such weekday from tomorrow on (or today, if it is meant).
    Weekday,
    /// The last one before today.
    WeekdayPast,
    /// The one in the next week, which begins on Monday.
    WeekdayNext,
    /// Day and month, with a year where one was said.
    Calendar,
    /// "in three weeks", "two days ago".
    Ahead,
    Back,
    /// "the third": of this month or the next.
    DayOfMonth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Day,
    Week,
    Month,
    Year,
}

/// All dates. Where the day of the call is unknown, only those that name day, month and year.
pub fn dates(reader: &SlotReader<'_>) -> Vec<Taken> {
    let mut out: Vec<Taken> = Vec::new();
    let captures = |capture, place| reader.capture(capture, place);
    let matcher = reader.matcher(&captures);
    let mut place = 0;
    while place < reader.reading.len() {
        if let Some((value, end)) = figures(reader, place) {
            out.push(taken(value, place, end));
            place = end.max(place + 1);
            continue;
        }
        let best = reader
            .tables
            .slots
            .dates
            .iter()
            .filter_map(|(pattern, kind)| {
                let found = matcher.find_at(pattern, place)?;
                let (value, end) = resolve(reader, &found, *kind)?;
                Some((end, value))
            })
            .max_by_key(|(end, _)| *end);
        match best {
            Some((end, value)) => {
                out.push(taken(value, place, end));
                place = end.max(place + 1);
            }
            None => place += 1,
        }
    }
    out
}

fn taken(value: Date, start: usize, end: usize) -> Taken {
    Taken { name: "date".into(), value: value.to_string(), start, end }
}

/// `2026-05-03` and `3.5.2026`.
fn figures(reader: &SlotReader<'_>, place: usize) -> Option<(Date, usize)> {
    let part = |at: usize| reader.reading.token(at).filter(|token| token.is_digits());
    let (one, two, three) = (part(place)?, part(place + 1)?, part(place + 2)?);
    if two.glue != three.glue || !matches!(two.glue, '-' | '.') {
        return None;
    }
    let (year, day) = match (one.norm.len(), three.norm.len(), two.glue) {
        (4, 1..=2, '-') => (one, three),
        (1..=2, 4, '.') => (three, one),
        (_, _, _) => return None,
    };
    let day = day.norm.parse().ok()?;
    let date = Date::new(year.norm.parse().ok()?, two.norm.parse().ok()?, day).ok()?;
    Some((date, place + 3))
}

fn resolve(reader: &SlotReader<'_>, found: &Found, kind: DateKind) -> Option<(Date, usize)> {
    let weekday = || {
        let (start, _) = capture(found, Capture::Weekday)?;
        reader.tables.slots.weekdays.get(reader.reading.norm(start)).copied()
    };
    if kind == DateKind::Calendar {
        return calendar(reader, found);
    }
    let today = reader.today?;
    let to_monday = i64::from(today.weekday().to_monday_zero_offset());
    let date = match kind {
        DateKind::Days(days) => today.checked_add(days.days()).ok()?,
        DateKind::Weekday => {
            let ahead = (i64::from(weekday()?) - 1 - to_monday).rem_euclid(7);
            if past(reader) {
                let back = if ahead == 0 { 7 } else { 7 - ahead };
                today.checked_sub(back.days()).ok()?
            } else {
                let ahead = if ahead == 0 { 7 } else { ahead };
                today.checked_add(ahead.days()).ok()?
            }
        }
        DateKind::WeekdayPast => {
            let back = (to_monday + 1 - i64::from(weekday()?)).rem_euclid(7);
            today.checked_sub(if back == 0 { 7.days() } else { back.days() }).ok()?
        }
        DateKind::WeekdayNext => {
            let days = 7 - to_monday + i64::from(weekday()?) - 1;
            today.checked_add(days.days()).ok()?
        }
        DateKind::Ahead => today.checked_add(span(reader, found)?).ok()?,
        DateKind::Back => today.checked_sub(span(reader, found)?).ok()?,
        DateKind::DayOfMonth => day_of_month(reader, found, today)?,
        DateKind::Calendar => return None,
    };
    Some((date, found.end))
}

fn capture(found: &Found, wanted: Capture) -> Option<(usize, usize)> {
    found.captures.iter().find(|(kind, _, _)| *kind == wanted).map(|(_, from, to)| (*from, *to))
}

fn span(reader: &SlotReader<'_>, found: &Found) -> Option<Span> {
    let count = match capture(found, Capture::Number) {
        Some((start, _)) => i64::try_from(reader.numbers().cardinal(start)?.whole).ok()?,
        None => 1,
    };
    if count > 1_000 {
        return None;
    }
    let (start, _) = capture(found, Capture::Unit)?;
    Some(match reader.tables.slots.units.get(reader.reading.norm(start))? {
        Unit::Day => count.days(),
        Unit::Week => count.weeks(),
        Unit::Month => count.months(),
        Unit::Year => count.years(),
    })
}

fn day_of_month(reader: &SlotReader<'_>, found: &Found, today: Date) -> Option<Date> {
    // "for the third of May" is a day of May.
    let month_follows =
        (found.end..found.end + 2).any(|at| reader.capture(Capture::Month, at).is_some());
    if month_follows {
        return None;
    }
    let (start, _) = capture(found, Capture::Ordinal)?;
    let (_, day) = reader.numbers().ordinal(start, true)?;
    let day = i8::try_from(day).ok()?;
    let this = Date::new(today.year(), today.month(), day).ok();
    match this {
        Some(date) if date >= today => Some(date),
        Some(_) | None => {
            let next = today.first_of_month().checked_add(1.month()).ok()?;
            Date::new(next.year(), next.month(), day).ok()
        }
    }
}

fn calendar(reader: &SlotReader<'_>, found: &Found) -> Option<(Date, usize)> {
    let month = match capture(found, Capture::Month) {
        Some((at, _)) => *reader.tables.slots.months.get(reader.reading.norm(at))?,
        // 五月: a number stands for the name.
        None => {
            let (at, _) = capture(found, Capture::Number)?;
            i8::try_from(reader.numbers().cardinal(at)?.whole).ok()?
        }
    };
    let (day_at, _) = capture(found, Capture::Ordinal)?;
    let day = i8::try_from(reader.numbers().ordinal(day_at, true)?.1).ok()?;
    if let Some((year, end)) = year(reader, found.end) {
        return Some((Date::new(year, month, day).ok()?, end));
    }
    let today = reader.today?;
    // 29 February exists only in some of the years around.
    let around: Vec<Date> = (-4..=8)
        .filter_map(|shift| Date::new(today.year().checked_add(shift)?, month, day).ok())
        .collect();
    let date = if past(reader) {
        around.into_iter().rfind(|date| *date <= today)
    } else {
        around.into_iter().find(|date| *date >= today)
    };
    Some((date?, found.end))
}

/// A year said after the date: 2026, "twenty twenty-six".
fn year(reader: &SlotReader<'_>, place: usize) -> Option<(i16, usize)> {
    let run = reader.numbers().digit_run(place, false)?;
    let fits =
        run.digits.len() == 4 && (run.digits.starts_with("19") || run.digits.starts_with("20"));
    if !fits {
        return None;
    }
    Some((run.digits.parse().ok()?, run.end))
}

/// `true` if the sentence speaks of what has been.
fn past(reader: &SlotReader<'_>) -> bool {
    let words = &reader.tables.slots.past_words;
    reader.reading.tokens.iter().any(|token| words.contains(&token.norm))
}
