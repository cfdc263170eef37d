//! Opening hours: open now, and what to say about today.

use jiff::civil::{Date, DateTime, Time, Weekday};

use crate::config::{Problems, Table};

/// The fields of `[hours]`, Monday first.
const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// When people are there, by civil time of the company's zone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpeningHours {
    /// Spans of each weekday, Monday first; an empty list is closed.
    days: [Vec<(Time, Time)>; 7],
    /// Dates on which nobody is there.
    closed_on: Vec<Date>,
}

impl OpeningHours {
    /// Reads `monday = "9:00-17:30"` (several spans with commas, `"closed"`), and `closed_on`.
    pub fn read(table: &Table, problems: &mut Problems) -> Self {
        let mut hours = Self::default();
        for (day, spans) in DAYS.iter().zip(&mut hours.days) {
            let Some(text) = table.string(day, problems) else { continue };
            match parse_spans(&text) {
                Some(parsed) => *spans = parsed,
                None => {
                    let expected = "\"9:00-17:30\" or \"closed\"";
                    table.fault(day, format!("{text:?}"), expected, problems);
                }
            }
        }
        for text in table.strings("closed_on", problems) {
            match text.parse() {
                Ok(date) => hours.closed_on.push(date),
                Err(_) => {
                    let expected = "dates such as \"2026-12-25\"";
                    table.fault("closed_on", format!("{text:?}"), expected, problems);
                }
            }
        }
        table.finish(problems);
        hours
    }

    /// The spans of a date, in order.
    pub fn on(&self, date: Date) -> &[(Time, Time)] {
        if self.closed_on.contains(&date) {
            return &[];
        }
        let place = match date.weekday() {
            Weekday::Monday => 0,
            Weekday::Tuesday => 1,
            Weekday::Wednesday => 2,
            Weekday::Thursday => 3,
            Weekday::Friday => 4,
            Weekday::Saturday => 5,
            Weekday::Sunday => 6,
        };
        self.days.get(place).map_or(&[], Vec::as_slice)
    }

    pub fn is_open(&self, now: DateTime) -> bool {
        self.on(now.date()).iter().any(|(from, to)| *from <= now.time() && now.time() < *to)
    }

    /// The spans of a date as `9:00` and `17:30` pairs, for a prompt.
    pub fn spans_of(&self, date: Date) -> Vec<(String, String)> {
        self.on(date).iter().map(|(from, to)| (clock(*from), clock(*to))).collect()
    }
}

fn clock(time: Time) -> String {
    format!("{}:{:02}", time.hour(), time.minute())
}

fn parse_spans(text: &str) -> Option<Vec<(Time, Time)>> {
    if text.trim().eq_ignore_ascii_case("closed") {
        return Some(Vec::new());
    }
    text.split(',')
        .map(|span| {
            let (from, to) = span.trim().split_once('-')?;
            let (from, to) = (parse_clock(from)?, parse_clock(to)?);
            (from < to).then_some((from, to))
        })
        .collect()
}

fn parse_clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    match (hour.parse::<i8>().ok()?, minute.parse::<i8>().ok()?) {
        // Midnight at the end of a day.
        (24, 0) => Some(Time::MAX),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> (OpeningHours, Problems) {
        let mut problems = Problems::new();
        let table = Table::parse("hours.toml", text, &mut problems).expect("is TOML");
        (OpeningHours::read(&table, &mut problems), problems)
    }

    #[test]
    fn knows_whether_somebody_is_there() {
        let text = "saturday = \"9:00-12:00, 13:00-24:00\"\nclosed_on = [\"2026-11-28\"]\n";
        let (hours, problems) = hours(text);
        assert!(problems.is_empty(), "{problems}");
        for (now, open) in [
            ("2026-11-21T08:59", false),
            ("2026-11-21T09:00", true),
            ("2026-11-21T12:30", false),
            ("2026-11-21T23:59", true),
            ("2026-11-22T10:00", false),
            ("2026-11-28T10:00", false),
        ] {
            assert_eq!(hours.is_open(now.parse().expect("is a time")), open, "{now}");
        }
    }

    #[test]
    fn faults_are_named_together() {
        let (_, problems) = hours("monday = \"17:00-9:00\"\nfriday = \"all day\"\nmunday = 1\n");
        assert_eq!(problems.len(), 3, "{problems}");
    }
}
