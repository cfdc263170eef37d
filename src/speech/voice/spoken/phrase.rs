//! What is written in several words: `3 May 2026`, `5 pm`, `12.50 EUR`, `0800 123 456`.

use super::super::number::{cardinal, digits, ordinal, year};
use super::money::amount_in_two;
use super::{MONTHS, bare, unit};

/// Words before four figures that make them a year.
const BEFORE_A_YEAR: [&str; 6] = ["in", "since", "until", "by", "of", "year"];
/// Fewer figures in groups are no telephone number.
const TELEPHONE_FIGURES: std::ops::RangeInclusive<usize> = 7..=15;

/// Groups of a number that does not begin like one: `415 555 0132`.
const PLAIN_NUMBERS: [&[usize]; 3] = [&[3, 3, 4], &[1, 3, 3, 4], &[3, 4]];

/// The longest reading of the words that `rest` begins with, and how many words it takes;
/// `before` is the word before.
pub fn read(rest: &[&str], before: Option<&str>) -> Option<(String, usize)> {
    date(rest)
        .or_else(|| time(rest))
        .or_else(|| telephone(rest))
        .or_else(|| quantity(rest))
        .or_else(|| lone_year(rest, before))
        .or_else(|| numbered(rest, before))
}

/// `12.50 EUR`, `5 km`.
fn quantity(rest: &[&str]) -> Option<(String, usize)> {
    let [first, second, ..] = rest else { return None };
    let (head, figure, "") = bare(first) else { return None };
    let (_, name, tail) = bare(second);
    let spoken = amount_in_two(figure, name).or_else(|| unit::measure(figure, name))?;
    Some((format!("{head}{spoken}{tail}"), 2))
}

/// `3 May`, `3rd May 2026`, `3 of May`, `May 3`, `May 3rd, 2026`, `May 2026`.
fn date(rest: &[&str]) -> Option<(String, usize)> {
    let word = |at: usize| rest.get(at).map(|word| bare(word));
    let (head, first, tail) = word(0)?;
    if let Some(number) = day(first).filter(|_| tail.is_empty()) {
        let gap = usize::from(word(1).is_some_and(|(_, of, _)| of == "of"));
        let (_, name, name_tail) = word(1 + gap)?;
        let name = month(name)?;
        let said = format!("{head}the {} of {name}", ordinal(number));
        return Some(with_year(said, name_tail, rest, 2 + gap));
    }
    let is_whole = tail.is_empty() || (tail == "." && short_month(first).is_some());
    let name = month(first).filter(|_| is_whole)?;
    let (_, second, second_tail) = word(1)?;
    if let Some(number) = day(second) {
        return Some(with_year(format!("{head}{name} {}", ordinal(number)), second_tail, rest, 2));
    }
    let spoken = year_of(second)?;
    Some((format!("{head}{name} {spoken}{second_tail}"), 2))
}

/// A year behind a date belongs to it.
fn with_year(said: String, tail: &str, rest: &[&str], used: usize) -> (String, usize) {
    let next = rest.get(used).map(|word| bare(word));
    if let Some((_, text, end)) = next
        && matches!(tail, "" | ",")
        && let Some(spoken) = year_of(text)
    {
        return (format!("{said}, {spoken}{end}"), used + 1);
    }
    (format!("{said}{tail}"), used)
}

fn day(text: &str) -> Option<u64> {
    let figures = ["st", "nd", "rd", "th"].iter().find_map(|end| text.strip_suffix(end));
    figures.unwrap_or(text).parse().ok().filter(|day| (1..=31).contains(day))
}

fn month(text: &str) -> Option<&'static str> {
    MONTHS.iter().find(|name| **name == text).copied().or_else(|| short_month(text))
}

/// `Jan`, `Sept`: months that are written short.
pub fn short_month(text: &str) -> Option<&'static str> {
    let is_short = (text.len() == 3 && text != "May") || text == "Sept";
    is_short.then(|| MONTHS.iter().find(|name| name.starts_with(text)).copied()).flatten()
}

/// Words before figures that make them a number to be read one by one, and how many figures it
/// has at least: `order 4217`, but `order 20 boxes`.
const BEFORE_A_NUMBER: [(&str, usize); 18] = [
    ("order", 4),
    ("number", 3),
    ("no.", 3),
    ("reference", 3),
    ("code", 3),
    ("pin", 3),
    ("account", 3),
    ("customer", 4),
    ("invoice", 3),
    ("ticket", 3),
    ("case", 4),
    ("booking", 3),
    ("extension", 3),
    ("room", 3),
    ("flight", 3),
    ("tracking", 3),
    ("policy", 4),
    ("contract", 4),
];

fn numbered(rest: &[&str], before: Option<&str>) -> Option<(String, usize)> {
    let before = before?.to_lowercase();
    let (_, least) = BEFORE_A_NUMBER.iter().find(|(word, _)| *word == before)?;
    let (head, text, tail) = bare(rest.first()?);
    let is_number = text.len() >= *least && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (format!("{head}{}{tail}", digits(text)), 1))
}

fn year_of(text: &str) -> Option<String> {
    let number = text.parse().ok().filter(|year| (1_100..=2_199).contains(year));
    (text.len() == 4).then(|| number.map(year)).flatten()
}

/// `in 2026`: four figures after such a word.
fn lone_year(rest: &[&str], before: Option<&str>) -> Option<(String, usize)> {
    let before = before?.to_lowercase();
    if !BEFORE_A_YEAR.contains(&before.as_str()) {
        return None;
    }
    let (head, text, tail) = bare(rest.first()?);
    let number: u64 = text.parse().ok().filter(|year| (1_900..=2_099).contains(year))?;
    let spoken = (text.len() == 4).then(|| year(number))?;
    Some((format!("{head}{spoken}{tail}"), 1))
}

/// `5 pm`, `9:30 a.m.`.
fn time(rest: &[&str]) -> Option<(String, usize)> {
    let [first, second, ..] = rest else { return None };
    let (head, figures, "") = bare(first) else { return None };
    let half = second.trim_end_matches([',', '?', '!', ';', ':', ')']);
    let tail = second.get(half.len()..).unwrap_or_default();
    let (said, dot) = match half {
        "am" | "AM" | "a.m." => ("A M", ""),
        "pm" | "PM" | "p.m." => ("P M", ""),
        "am." | "AM." => ("A M", "."),
        "pm." | "PM." => ("P M", "."),
        _ => return None,
    };
    // The dot of "a.m." ends the sentence, too.
    let dot = if half.ends_with(".m.") && rest.len() == 2 { "." } else { dot };
    Some((format!("{head}{}{dot}{tail}", twelve_hours(figures, said)?), 2))
}

/// `9am`, `9:30PM`: the figures, and how the half of the day is said.
pub fn half_of_day(word: &str) -> Option<(&str, &'static str)> {
    let lower = word.to_ascii_lowercase();
    let half = if lower.ends_with("am") {
        "A M"
    } else if lower.ends_with("pm") {
        "P M"
    } else {
        return None;
    };
    word.get(..word.len() - 2).map(|figures| (figures, half))
}

/// `9`, `9:30` with its half of the day.
pub fn twelve_hours(figures: &str, half: &str) -> Option<String> {
    let (hour, minute) = figures.split_once([':', '.']).unwrap_or((figures, "00"));
    let hour = hour.parse::<u64>().ok().filter(|hour| (1..=12).contains(hour))?;
    let minute = (minute.len() == 2).then(|| minute.parse::<u64>().ok())?.filter(|m| *m < 60)?;
    Some(match minute {
        0 => format!("{} {half}", cardinal(hour)),
        1..10 => format!("{} oh {} {half}", cardinal(hour), cardinal(minute)),
        _ => format!("{} {} {half}", cardinal(hour), cardinal(minute)),
    })
}

/// `0800 123 456`, `+49 30 1234567`, `(020) 7946 0000`: groups that begin like a number.
fn telephone(rest: &[&str]) -> Option<(String, usize)> {
    let mut groups = Vec::new();
    let mut tail = "";
    for word in rest {
        let plain = word.trim_start_matches(['(', '+']);
        let end = plain.trim_end_matches([',', '.', '?', '!', ';', ')']);
        if end.is_empty() || !end.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            break;
        }
        let plus = if word.starts_with('+') { "plus " } else { "" };
        groups.push((plus, end));
        let behind = plain.get(end.len()..).unwrap_or_default();
        tail = behind.trim_start_matches(')');
        if !tail.is_empty() {
            break;
        }
    }
    let figures: usize =
        groups.iter().map(|(_, group)| group.bytes().filter(u8::is_ascii_digit).count()).sum();
    let lengths: Vec<usize> = groups.iter().map(|(_, group)| group.len()).collect();
    let begins_so = rest.first()?.starts_with(['0', '+', '(']);
    if !begins_so && !PLAIN_NUMBERS.contains(&lengths.as_slice()) {
        return None;
    }
    if groups.len() < 2 || !TELEPHONE_FIGURES.contains(&figures) {
        return None;
    }
    let said: Vec<String> =
        groups.iter().map(|(plus, group)| format!("{plus}{}", digits(group))).collect();
    Some((format!("{}{tail}", said.join(", ")), groups.len()))
}
