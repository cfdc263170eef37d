//! Word error rate, with numbers written one way: "forty-two seventeen", "4217" and "four two one
//! seven" are the same four digits.

use crate::base::number_words::{BELOW_TWENTY, TENS};
use crate::understanding::text::is_han;

/// Errors of a hypothesis against a reference, in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    pub substituted: usize,
    pub missed: usize,
    pub inserted: usize,
    /// Words of the reference.
    pub words: usize,
}

impl Errors {
    pub fn total(self) -> usize {
        self.substituted + self.missed + self.inserted
    }

    /// Errors in percent of the reference's words; 0 where both are empty.
    pub fn percent(self) -> f64 {
        match (self.total(), self.words) {
            (0, _) => 0.0,
            (total, words) => 100.0 * total as f64 / words.max(1) as f64,
        }
    }
}

impl std::ops::AddAssign for Errors {
    fn add_assign(&mut self, more: Errors) {
        self.substituted += more.substituted;
        self.missed += more.missed;
        self.inserted += more.inserted;
        self.words += more.words;
    }
}

/// Counts the errors of `heard` against `said`, both normalised.
pub fn word_errors(said: &str, heard: &str) -> Errors {
    align(&normalise(said), &normalise(heard))
}

/// The cheapest alignment (Levenshtein).
fn align(said: &[String], heard: &[String]) -> Errors {
    let start = |inserted| Errors { inserted, words: said.len(), ..Errors::default() };
    let mut row: Vec<Errors> = (0..=heard.len()).map(start).collect();
    for (place, word) in said.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = Errors { missed: place + 1, ..start(0) };
        for (column, other) in heard.iter().enumerate() {
            let above = row[column + 1];
            let mut best = diagonal;
            if word != other {
                best.substituted += 1;
            }
            if above.total() + 1 < best.total() {
                best = Errors { missed: above.missed + 1, ..above };
            }
            if row[column].total() + 1 < best.total() {
                best = Errors { inserted: row[column].inserted + 1, ..row[column] };
            }
            row[column + 1] = best;
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Lower-case words without punctuation; each digit of a number a word of its own.
pub fn normalise(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len() + 8);
    let symbols: Vec<char> = text.to_lowercase().replace('’', "'").chars().collect();
    for (place, symbol) in symbols.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|p| symbols.get(p)).copied().unwrap_or(' ');
        let after = symbols.get(place + 1).copied().unwrap_or(' ');
        match symbol {
            '\'' => {}
            // 1,250 and 4.50: the figures belong together.
            ',' if before.is_ascii_digit() && after.is_ascii_digit() => {}
            '$' => spaced.push_str(" dollars "),
            '€' => spaced.push_str(" euros "),
            '£' => spaced.push_str(" pounds "),
            '%' => spaced.push_str(" percent "),
            '&' => spaced.push_str(" and "),
            _ if is_han(*symbol) => spaced.extend([' ', *symbol, ' ']),
            _ if symbol.is_alphanumeric() => {
                if before.is_ascii_digit() != symbol.is_ascii_digit() && before.is_alphanumeric() {
                    spaced.push(' ');
                }
                spaced.push(*symbol);
            }
            _ => spaced.push(' '),
        }
    }
    numbers_to_digits(spaced.split_whitespace().collect())
}

/// What a number word adds.
enum Part {
    /// 0 to 9, 10 to 19, 20 to 90.
    Unit(u64),
    Teen(u64),
    Tens(u64),
    Hundred,
    Thousand,
}

fn part(word: &str) -> Option<Part> {
    const ORDINALS: [&str; 9] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];
    let (units, teens) = BELOW_TWENTY.split_at(10);
    let find = |list: &[&str], word: &str| list.iter().position(|one| *one == word);
    if let Some(value) = find(units, word) {
        return Some(Part::Unit(value as u64));
    }
    if let Some(value) = find(&ORDINALS, word) {
        return Some(Part::Unit(value as u64 + 1));
    }
    match word {
        "oh" => return Some(Part::Unit(0)),
        "twelfth" => return Some(Part::Teen(12)),
        "hundred" => return Some(Part::Hundred),
        "thousand" => return Some(Part::Thousand),
        _ => {}
    }
    let stem = word.strip_suffix("ieth").map(|stem| format!("{stem}y"));
    let stem = stem.as_deref().or(word.strip_suffix("th")).unwrap_or(word);
    if let Some(value) = find(teens, stem) {
        return Some(Part::Teen(value as u64 + 10));
    }
    find(&TENS, stem).map(|value| Part::Tens((value as u64 + 2) * 10))
}

/// One number in the making.
#[derive(Default)]
struct Number {
    value: Option<u64>,
    /// What may still be added: below 100 after "hundred", below 10 after "twenty".
    room: u64,
}

impl Number {
    /// Adds `part`, or says that a new number begins with it.
    fn add(&mut self, part: &Part) -> bool {
        let (addend, room) = match part {
            Part::Unit(value) => (*value, 1),
            Part::Teen(value) => (*value, 1),
            Part::Tens(value) => (*value, 10),
            Part::Hundred | Part::Thousand => return self.multiply(part),
        };
        match self.value {
            None => self.value = Some(addend),
            Some(value) if addend > 0 && addend < self.room => self.value = Some(value + addend),
            Some(_) => return false,
        }
        self.room = room;
        true
    }

    fn multiply(&mut self, part: &Part) -> bool {
        let factor = if matches!(part, Part::Hundred) { 100 } else { 1_000 };
        self.value = Some(match self.value {
            None => factor,
            Some(value) if factor == 1_000 => value * 1_000,
            Some(value) => value / 1_000 * 1_000 + value % 1_000 * 100,
        });
        self.room = factor;
        true
    }

    fn write(&mut self, out: &mut Vec<String>) {
        if let Some(value) = self.value.take() {
            out.extend(value.to_string().chars().map(String::from));
        }
        self.room = 0;
    }
}

fn numbers_to_digits(words: Vec<&str>) -> Vec<String> {
    let mut out = Vec::with_capacity(words.len());
    let mut number = Number::default();
    let mut copies = 1;
    for (place, word) in words.iter().enumerate() {
        let digit_next = words.get(place + 1).is_some_and(|next| {
            matches!(part(next), Some(Part::Unit(_)))
                || (next.len() == 1 && next.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let in_number = number.value.is_some();
        match (part(word), *word) {
            (_, "double") if digit_next => {
                number.write(&mut out);
                copies = 2;
                continue;
            }
            (_, "triple") if digit_next => {
                number.write(&mut out);
                copies = 3;
                continue;
            }
            (_, "and")
                if in_number
                    && number.room >= 100
                    && words.get(place + 1).is_some_and(|w| part(w).is_some()) =>
            {
                continue;
            }
            (Some(_), "oh") if !in_number && !digit_next => out.push("oh".to_owned()),
            (Some(part), _) => {
                if !number.add(&part) {
                    number.write(&mut out);
                    number.add(&part);
                }
                for _ in 1..copies {
                    let Part::Unit(value) = part else { break };
                    number.write(&mut out);
                    number.add(&Part::Unit(value));
                }
            }
            (None, word) if word.bytes().all(|byte| byte.is_ascii_digit()) => {
                number.write(&mut out);
                for _ in 0..copies {
                    out.extend(word.chars().map(String::from));
                }
            }
            // "22nd", "3rd", "29th": the letters were split off.
            (None, "st" | "nd" | "rd" | "th")
                if out.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) => {}
            (None, word) => {
                number.write(&mut out);
                out.push(word.to_owned());
            }
        }
        copies = 1;
    }
    number.write(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(normalise(text).join(" "), expect, "{text}");
    }

    #[test]
    fn numbers_are_written_one_way() {
        check("forty-two seventeen", "4 2 1 7");
        check("4217", "4 2 1 7");
        check("four, two, one, seven", "4 2 1 7");
        check("double five oh", "5 5 0");
        check("triple 7", "7 7 7");
        check("twenty-second", "2 2");
        check("the 22nd", "the 2 2");
        check("the twenty-ninth of October", "the 2 9 of october");
        check("the thirtieth, the twelfth", "the 3 0 the 1 2");
        check("one hundred and five", "1 0 5");
        check("twelve hundred", "1 2 0 0");
        check("two thousand and twenty six", "2 0 2 6");
        check("one thousand two hundred fifty", "1 2 5 0");
        check("1,250", "1 2 5 0");
        check("twenty twenty six", "2 0 2 6");
    }

    #[test]
    fn words_are_compared_without_their_clothes() {
        check("What's TEXAS'S timezone?", "whats texass timezone");
        check("Well, I don’t know.", "well i dont know");
        check("Oh, I see", "oh i see");
        check("广州市", "广 州 市");
        check("", "");
    }

    #[test]
    fn errors_are_counted_by_the_cheapest_alignment() {
        let errors = word_errors("where is my order", "where is the old order please");
        assert_eq!((errors.substituted, errors.missed, errors.inserted), (1, 0, 2));
        assert_eq!(errors.percent(), 75.0);
        assert_eq!(word_errors("a b c", "a c").missed, 1);
        assert_eq!(word_errors("", "").percent(), 0.0);
        assert_eq!(word_errors("", "you").percent(), 100.0);
        assert_eq!(word_errors("four two one seven", "4217").total(), 0);
    }
}
