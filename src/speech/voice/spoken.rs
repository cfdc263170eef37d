//! Text as written → text as spoken, and cut into sentences. English in full; other languages
//! keep their figures, which espeak-ng reads itself.

use crate::base::language::Language;
use crate::base::markup;

use super::number::{cardinal, digits, ordinal, year};

mod money;
mod phrase;
mod script;
mod unit;

use money::{amount, percentage};
use unit::with_unit;

/// Sentences longer than this are cut at a comma or a blank, characters.
const SENTENCE_CHARS_MAX: usize = 300;

/// One sentence, as it was written and as it is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// Without markup: what a transcript shows.
    pub written: String,
    /// In plain words: what an engine reads.
    pub spoken: String,
    pub language: Language,
    /// 1.0 as usual, 1.25 a quarter slower.
    pub pace: f32,
    /// On top of the usual level, dB.
    pub gain_db: f32,
    /// Silence before it, beside the usual pause, milliseconds.
    pub pause_ms: u64,
    /// Named places that it holds.
    pub marks: Vec<String>,
}

/// Sentences of `text` in order; its markup is that of [`markup`].
pub fn sentences(text: &str, language: &Language) -> Vec<Sentence> {
    script::runs(&markup::parse_or_strip(text), language).iter().flat_map(of_run).collect()
}

/// The sentences of words that are spoken in one way.
fn of_run(run: &script::Run) -> Vec<Sentence> {
    let mut out: Vec<Sentence> = Vec::new();
    for sentence in cut(&run.text) {
        let written = run.written(&sentence).trim().to_owned();
        let spoken = match run.language.code() {
            "en" => run.spoken(&english(&sentence)),
            _ => run.spoken(&sentence),
        };
        if spoken.chars().any(char::is_alphanumeric) {
            let first = out.is_empty();
            out.push(Sentence {
                written,
                spoken: spoken.trim().to_owned(),
                language: run.language.clone(),
                pace: run.pace,
                gain_db: run.gain_db,
                pause_ms: if first { run.pause_ms } else { 0 },
                marks: if first { run.marks.clone() } else { Vec::new() },
            });
        }
    }
    out
}

/// Cuts the text as written after each sentence, never within an abbreviation.
fn cut(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut current = String::new();
    let mut rest = text;
    while let Some(symbol) = rest.chars().next() {
        rest = rest.get(symbol.len_utf8()..).unwrap_or_default();
        current.push(symbol);
        let gap_follows = rest.chars().next().is_none_or(char::is_whitespace);
        let ends = match symbol {
            '。' | '？' | '！' => true,
            '.' => gap_follows && !is_abbreviation(&current, rest),
            '?' | '!' | ':' => gap_follows,
            ',' | ' ' => current.chars().count() >= SENTENCE_CHARS_MAX,
            _ => false,
        };
        if ends {
            out.push(std::mem::take(&mut current));
        }
    }
    out.push(current);
    out
}

/// `true` if the dot at the end of `before` belongs to its word.
fn is_abbreviation(before: &str, after: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_start_matches('(');
    let next = after.trim_start();
    // "at 9 a.m. We …": the half of a day may end a sentence.
    let ends_sentence = next.starts_with(char::is_uppercase) || next.is_empty();
    match word {
        "No." => next.starts_with(is_figure),
        short if phrase::short_month(short.trim_end_matches('.')).is_some() => {
            next.starts_with(is_figure)
        }
        "a.m." | "p.m." | "etc." | "St." => !ends_sentence,
        _ => ABBREVIATIONS.iter().any(|(short, _)| *short == word),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ABBREVIATIONS: [(&str, &str); 18] = [
    ("Mr.", "Mister"),
    ("Mrs.", "Missus"),
    ("Ms.", "Miz"),
    ("Dr.", "Doctor"),
    ("St.", "Street"),
    ("e.g.", "for example"),
    ("i.e.", "that is"),
    ("etc.", "and so on"),
    ("No.", "number"),
    ("approx.", "about"),
    ("&", "and"),
    ("a.m.", "A M"),
    ("p.m.", "P M"),
    ("vs.", "versus"),
    ("<", "less than"),
    (">", "more than"),
    ("#", "hash"),
    ("*", "star"),
];

/// Rewrites every word that holds figures.
fn english(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let rest = words.get(at..).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|place| words.get(place)).copied();
        let (spoken, used) = phrase::read(rest, before).unwrap_or_else(|| (one(word, rest), 1));
        out.push(spoken);
        at += used.max(1);
    }
    out.join(" ")
}

/// One word by itself; `rest` begins with it.
fn one(word: &str, rest: &[&str]) -> String {
    let next = rest.get(1).copied().unwrap_or_default();
    let before_figure = next.starts_with(is_figure);
    if let Some((short, full)) = ABBREVIATIONS.iter().find(|(short, _)| *short == word)
        && (*short != "No." || before_figure)
    {
        let end = if next.is_empty() && word.ends_with('.') { "." } else { "" };
        return format!("{full}{end}");
    }
    let (head, core, tail) = bare(word);
    let spoken = token(core).unwrap_or_else(|| core.to_owned());
    format!("{head}{spoken}{tail}")
}

/// A digit, or what stands for something that is read in its own way.
fn is_figure(symbol: char) -> bool {
    symbol.is_ascii_digit() || script::is_place(symbol)
}

/// A word between its brackets and stops.
fn bare(word: &str) -> (&str, &str, &str) {
    let core = word.trim_end_matches([',', '.', '?', '!', ';', ':', ')']);
    let (core, tail) = word.split_at(core.len());
    let (head, core) = core.split_at(core.len() - core.trim_start_matches('(').len());
    (head, core, tail)
}

/// One word with figures in it; `None` if it is plain.
fn token(word: &str) -> Option<String> {
    if !word.chars().any(|symbol| symbol.is_ascii_digit()) {
        return address(word);
    }
    // What is already in words stands in this one.
    if word.chars().any(script::is_place) {
        return None;
    }
    date(word)
        .or_else(|| date_in_figures(word))
        .or_else(|| clock(word))
        .or_else(|| amount(word))
        .or_else(|| percentage(word))
        .or_else(|| ordinal_figures(word))
        .or_else(|| number(word))
        .or_else(|| range(word))
        .or_else(|| fraction(word))
        .or_else(|| decade(word))
        .or_else(|| telephone(word))
        .or_else(|| key_or_number_sign(word))
        .or_else(|| with_unit(word))
        .or_else(|| address(word))
        .or_else(|| Some(mixed(word)))
}

/// `*7`, `#4217`: a key, or a number by its sign.
fn key_or_number_sign(word: &str) -> Option<String> {
    if let Some(rest) = word.strip_prefix('*') {
        return Some(format!("star {}", digits(rest)));
    }
    word.strip_prefix('#').map(|rest| format!("number {}", digits(rest)))
}

/// `9-17`, `10–12`, `9:00-17:30`; `24/7`.
fn range(word: &str) -> Option<String> {
    if word == "24/7" {
        return Some("twenty-four seven".into());
    }
    let (from, to) = word.split_once(['-', '–'])?;
    let side = |text: &str| match text.len() {
        0 => None,
        1..=3 => number(text),
        _ => clock(text),
    };
    Some(format!("{} to {}", side(from)?, side(to)?))
}

/// `info@example.org`, `www.example.org/help`.
fn address(word: &str) -> Option<String> {
    let is_mail = word.contains('@') && word.contains('.');
    let is_site = ["www.", "http://", "https://"].iter().any(|start| word.starts_with(start));
    if !is_mail && !is_site {
        return None;
    }
    let word = word.trim_start_matches("https://").trim_start_matches("http://");
    let mut out: Vec<String> = Vec::new();
    let mut part = String::new();
    for symbol in word.chars().chain(['\0']) {
        let said = match symbol {
            '@' => "at",
            '.' => "dot",
            '/' => "slash",
            '-' => "dash",
            '_' => "underscore",
            '\0' => "",
            other => {
                part.push(other);
                continue;
            }
        };
        let figures = part.chars().any(|c| c.is_ascii_digit());
        match std::mem::take(&mut part) {
            part if part == "www" => out.push("W W W".into()),
            part if figures => out.push(digits(&part)),
            part => out.push(part),
        }
        out.push(said.into());
    }
    out.retain(|part| !part.is_empty());
    Some(out.join(" "))
}

/// `2026-05-03`.
fn date(word: &str) -> Option<String> {
    let mut parts = word.split('-');
    let (y, m, d) = (parts.next()?, parts.next()?, parts.next()?);
    if y.len() != 4 || m.len() != 2 || d.len() != 2 || parts.next().is_some() {
        return None;
    }
    let month = MONTHS.get(m.parse::<usize>().ok()?.checked_sub(1)?)?;
    let day = d.parse::<u64>().ok().filter(|day| (1..=31).contains(day))?;
    Some(format!("{month} {}, {}", ordinal(day), year(y.parse().ok()?)))
}

/// `5/3/2026` as in America, the month first unless it cannot be one; `3.5.2026` the day first.
fn date_in_figures(word: &str) -> Option<String> {
    let sign = if word.contains('/') { '/' } else { '.' };
    let mut parts = word.split(sign);
    let (first, second, y) = (parts.next()?, parts.next()?, parts.next()?);
    if y.len() != 4 || first.len() > 2 || second.len() > 2 || parts.next().is_some() {
        return None;
    }
    let (first, second): (u64, u64) = (first.parse().ok()?, second.parse().ok()?);
    let month_first = sign == '/' && first <= 12;
    let (month, day) = if month_first { (first, second) } else { (second, first) };
    let month = MONTHS.get((month as usize).checked_sub(1)?)?;
    let day = Some(day).filter(|day| (1..=31).contains(day))?;
    Some(format!("{month} {}, {}", ordinal(day), year(y.parse().ok()?)))
}

/// `1990s`.
fn decade(word: &str) -> Option<String> {
    let figures = word.strip_suffix('s').filter(|figures| figures.len() == 4)?;
    let first: u64 = figures.parse().ok().filter(|year| year % 10 == 0 && *year > 1_000)?;
    let spoken = year(first);
    Some(match spoken.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{spoken}s"),
    })
}

/// `1/2`, `3/4`: the usual ones.
fn fraction(word: &str) -> Option<String> {
    let said = match word {
        "1/2" => "one half",
        "1/3" => "one third",
        "2/3" => "two thirds",
        "1/4" => "one quarter",
        "3/4" => "three quarters",
        _ => return None,
    };
    Some(said.to_owned())
}

/// `17:30`, `9:05`, `12:00`, `9am`, `9:30pm`.
fn clock(word: &str) -> Option<String> {
    if let Some((figures, half)) = phrase::half_of_day(word) {
        return phrase::twelve_hours(figures, half);
    }
    let (hour, minute) = word.split_once(':')?;
    if minute.len() != 2 {
        return None;
    }
    let hour = hour.parse::<u64>().ok().filter(|hour| *hour < 25)?;
    let minute = minute.parse::<u64>().ok().filter(|minute| *minute < 60)?;
    let half = if (12..24).contains(&hour) { "P M" } else { "A M" };
    let twelve = match hour % 12 {
        0 => 12,
        hour => hour,
    };
    Some(match minute {
        0 => format!("{} {half}", cardinal(twelve)),
        1..10 => format!("{} oh {} {half}", cardinal(twelve), cardinal(minute)),
        _ => format!("{} {} {half}", cardinal(twelve), cardinal(minute)),
    })
}

/// `1st`, `22nd`, `3rd`, `4th`.
fn ordinal_figures(word: &str) -> Option<String> {
    let figures = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end))?;
    Some(ordinal(figures.parse().ok()?))
}

/// `1,234`, `-3`, `2.75`, `30`. Longer than seven figures without commas is no quantity.
fn number(word: &str) -> Option<String> {
    let (minus, figure) = match word.strip_prefix('-') {
        Some(rest) => ("minus ", rest),
        None => ("", word),
    };
    let (whole, part) = match figure.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (figure, None),
    };
    let plain = whole.replace(',', "");
    let grouped = whole.len() != plain.len();
    if whole.split(',').skip(1).any(|group| group.len() != 3) {
        return None;
    }
    let leading_zero = plain.len() > 1 && plain.starts_with('0');
    if (plain.len() > 7 && !grouped) || leading_zero {
        return None;
    }
    let spoken = cardinal(plain.parse().ok()?);
    match part {
        None => Some(format!("{minus}{spoken}")),
        Some(part) if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) => {
            Some(format!("{minus}{spoken} point {}", digits(part).replace(',', "")))
        }
        Some(_) => None,
    }
}

/// `+49-30-1234567`, `0800-123-456`.
fn telephone(word: &str) -> Option<String> {
    let figures = word.bytes().filter(u8::is_ascii_digit).count();
    let only = word.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '/' | '.'));
    if figures < 7 || !only {
        return None;
    }
    let groups: Vec<String> = word
        .split(['-', '/', '.'])
        .map(|group| match group.strip_prefix('+') {
            Some(rest) => format!("plus {}", digits(rest)),
            None => digits(group),
        })
        .collect();
    Some(groups.join(", "))
}

/// Letters and figures together, such as an order number: one by one; `5-star`, `COVID-19` hold
/// a word, which is read as one.
fn mixed(word: &str) -> String {
    let is_word = |part: &str| {
        let has_vowel = part.to_lowercase().contains(['a', 'e', 'i', 'o', 'u', 'y']);
        part.len() >= 3 && has_vowel && part.chars().all(char::is_alphabetic)
    };
    if !word.split('-').any(is_word) {
        return digits(word);
    }
    let parts = word.split('-').map(|part| match part.parse() {
        Ok(small @ 0..100) => cardinal(small),
        Ok(_) => digits(part),
        Err(_) if is_word(part) => part.to_owned(),
        Err(_) => digits(part),
    });
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
