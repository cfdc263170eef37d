//! Text as written → text as spoken, and cut into sentences. English in full; other languages
//! keep their figures, which espeak-ng reads itself.

use crate::base::language::Language;

use super::number::{cardinal, digits, ordinal, year};

mod phrase;
mod unit;

use unit::with_unit;

/// Sentences longer than this are cut at a comma or a blank, characters.
const SENTENCE_CHARS_MAX: usize = 300;

/// One sentence, as it was written and as it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Without markup: what a transcript shows.
    pub written: String,
    /// In plain words: what an engine reads.
    pub spoken: String,
}

/// Sentences of `text` in order.
pub fn sentences(text: &str, language: &Language) -> Vec<Sentence> {
    let cut = cut(text).into_iter();
    cut.filter_map(|sentence| {
        let written = as_written(&sentence).trim().to_owned();
        let spoken = tags(&sentence, language);
        let spoken = if language.code() == "en" { english(&spoken) } else { spoken };
        let says = spoken.chars().any(char::is_alphanumeric);
        says.then(|| Sentence { written, spoken: spoken.trim().to_owned() })
    })
    .collect()
}

/// The text without its markup.
pub fn as_written(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        rest = behind_tag(after);
    }
    out.push_str(rest);
    out
}

/// What stands behind the tag whose `<` was just read; a lone sign is no tag.
fn behind_tag(after: &str) -> &str {
    let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    match after.split_once('>') {
        Some((_, behind)) if is_tag => behind,
        Some(_) | None => after,
    }
}

/// Cuts the text as written after each sentence, never within a tag or an abbreviation.
fn cut(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut current = String::new();
    let mut in_digits = false;
    let mut rest = text;
    while let Some(symbol) = rest.chars().next() {
        in_digits = (in_digits || rest.starts_with("<digits>")) && !rest.starts_with("</digits>");
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
        if ends && !in_digits {
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
        "No." => next.starts_with(|symbol: char| symbol.is_ascii_digit()),
        "a.m." | "p.m." | "etc." | "St." => !ends_sentence,
        _ => ABBREVIATIONS.iter().any(|(short, _)| *short == word),
    }
}

/// Reads `<digits>…</digits>` one by one and drops every other tag.
fn tags(text: &str, language: &Language) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        if let Some((inner, behind)) =
            after.strip_prefix("digits>").and_then(|inner| inner.split_once("</digits>"))
        {
            if language.code() == "en" {
                out.push_str(&digits(inner));
            } else {
                let spaced: Vec<String> = inner.chars().map(String::from).collect();
                out.push_str(&spaced.join(" "));
            }
            rest = behind;
        } else {
            rest = behind_tag(after);
        }
    }
    out.push_str(rest);
    out
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
const ABBREVIATIONS: [(&str, &str); 14] = [
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
    let before_figure = next.starts_with(|symbol: char| symbol.is_ascii_digit());
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
    date(word)
        .or_else(|| clock(word))
        .or_else(|| amount(word))
        .or_else(|| percentage(word))
        .or_else(|| ordinal_figures(word))
        .or_else(|| number(word))
        .or_else(|| range(word))
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

/// Currencies: sign, code, one, many, hundredth, hundredths.
const CURRENCIES: [(&str, &str, [&str; 4]); 3] = [
    ("€", "EUR", ["euro", "euros", "cent", "cents"]),
    ("$", "USD", ["dollar", "dollars", "cent", "cents"]),
    ("£", "GBP", ["pound", "pounds", "penny", "pence"]),
];

/// `€12.50`, `$5`, `12.50€`.
fn amount(word: &str) -> Option<String> {
    CURRENCIES.iter().find_map(|(sign, code, names)| {
        let figure = word
            .strip_prefix(sign)
            .or_else(|| word.strip_suffix(sign))
            .or_else(|| word.strip_suffix(code))?;
        money(figure, names)
    })
}

/// `12.50 EUR`.
fn amount_with_name(word: &str, next: &str) -> Option<String> {
    let (_, _, names) = CURRENCIES.iter().find(|(sign, code, _)| next == *code || next == *sign)?;
    money(word, names)
}

fn money(figure: &str, names: &[&str; 4]) -> Option<String> {
    let figure = match figure.rsplit_once(',') {
        // `12,50`: a comma before two figures is Europe's point.
        Some((whole, cents)) if cents.len() == 2 => format!("{}.{cents}", whole.replace('.', "")),
        _ => figure.replace(',', ""),
    };
    let (whole, part) = figure.split_once('.').unwrap_or((&figure, ""));
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = match part.len() {
        0 => 0,
        1 => part.parse::<u64>().ok()? * 10,
        2 => part.parse().ok()?,
        _ => return None,
    };
    let [one, many, hundredth, hundredths] = names;
    let units = format!("{} {}", cardinal(whole), if whole == 1 { one } else { many });
    let cents = format!("{} {}", cardinal(part), if part == 1 { hundredth } else { hundredths });
    Some(match (whole, part) {
        (_, 0) => units,
        (0, _) => cents,
        (_, _) => format!("{units} and {cents}"),
    })
}

fn percentage(word: &str) -> Option<String> {
    let spoken = number(word.strip_suffix('%')?)?;
    Some(format!("{spoken} percent"))
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

/// Letters and figures together, such as an order number: one by one.
fn mixed(word: &str) -> String {
    digits(word)
}

#[cfg(test)]
mod tests;
