//! Text as written → text as spoken, and cut into sentences. English in full; other languages
//! keep their figures, which espeak-ng reads itself.

use crate::base::language::Language;

use super::number::{cardinal, digits, ordinal, year};

/// Sentences longer than this are cut at a comma or a blank, characters.
const SENTENCE_CHARS_MAX: usize = 300;

/// Sentences of `text` in spoken words, in order.
pub fn sentences(text: &str, language: &Language) -> Vec<String> {
    let text = tags(text, language);
    let text = if language.code() == "en" { english(&text) } else { text };
    let mut out = Vec::new();
    let mut current = String::new();
    let symbols: Vec<char> = text.chars().collect();
    for (at, symbol) in symbols.iter().enumerate() {
        current.push(*symbol);
        let next_is_gap = symbols.get(at + 1).is_none_or(|next| next.is_whitespace());
        let ends = match symbol {
            '。' | '？' | '！' => true,
            '.' | '?' | '!' | ':' => next_is_gap,
            ',' | ' ' => current.chars().count() >= SENTENCE_CHARS_MAX,
            _ => false,
        };
        if ends {
            push(&mut out, &mut current);
        }
    }
    push(&mut out, &mut current);
    out
}

fn push(out: &mut Vec<String>, current: &mut String) {
    let sentence = current.trim();
    if sentence.chars().any(char::is_alphanumeric) {
        out.push(sentence.to_owned());
    }
    current.clear();
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
            rest = after.split_once('>').map_or("", |(_, behind)| behind);
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
    let mut skip = false;
    for (at, word) in words.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        if let Some((_, full)) = ABBREVIATIONS.iter().find(|(short, _)| short == word) {
            out.push((*full).to_owned());
            continue;
        }
        let core = word.trim_end_matches([',', '.', '?', '!', ';', ':', ')']);
        let (core, tail) = word.split_at(core.len());
        let (head, core) = core.split_at(core.len() - core.trim_start_matches('(').len());
        let next = words.get(at + 1).copied().unwrap_or_default();
        let next_core = next.trim_end_matches([',', '.', '?', '!']);
        if let Some(spoken) = amount_with_name(core, next_core) {
            out.push(format!("{head}{spoken}{}", &next[next_core.len()..]));
            skip = true;
            continue;
        }
        let spoken = token(core).unwrap_or_else(|| core.to_owned());
        out.push(format!("{head}{spoken}{tail}"));
    }
    out.join(" ")
}

/// One word with figures in it; `None` if it is plain.
fn token(word: &str) -> Option<String> {
    if !word.chars().any(|symbol| symbol.is_ascii_digit()) {
        return None;
    }
    date(word)
        .or_else(|| clock(word))
        .or_else(|| amount(word))
        .or_else(|| percentage(word))
        .or_else(|| ordinal_figures(word))
        .or_else(|| number(word))
        .or_else(|| telephone(word))
        .or_else(|| Some(mixed(word)))
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

/// `17:30`, `9:05`, `12:00`.
fn clock(word: &str) -> Option<String> {
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

/// `12.50 EUR`, `4 dollars 90` stays as it is spoken.
fn amount_with_name(word: &str, next: &str) -> Option<String> {
    let (_, _, names) = CURRENCIES.iter().find(|(sign, code, _)| next == *code || next == *sign)?;
    money(word, names)
}

fn money(figure: &str, names: &[&str; 4]) -> Option<String> {
    let figure = figure.replace(',', "");
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
