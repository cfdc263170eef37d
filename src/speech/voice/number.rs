//! Numbers in English words.

use crate::base::number_words::{BELOW_TWENTY, TENS};

const SCALES: [(u64, &str); 4] = [
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];

fn word(list: &'static [&'static str], index: u64) -> &'static str {
    list.get(index as usize).copied().unwrap_or("")
}

/// `421` → "four hundred twenty-one".
pub fn cardinal(number: u64) -> String {
    match number {
        0..20 => word(&BELOW_TWENTY, number).to_owned(),
        20..100 if number.is_multiple_of(10) => word(&TENS, number / 10 - 2).to_owned(),
        20..100 => format!("{}-{}", word(&TENS, number / 10 - 2), word(&BELOW_TWENTY, number % 10)),
        100..1_000 => {
            let head = format!("{} hundred", word(&BELOW_TWENTY, number / 100));
            join(head, number % 100)
        }
        _ => {
            let scale = SCALES.iter().find(|(size, _)| number >= *size);
            let Some((size, name)) = scale else { return digits(&number.to_string()) };
            join(format!("{} {name}", cardinal(number / size)), number % size)
        }
    }
}

fn join(head: String, rest: u64) -> String {
    if rest == 0 { head } else { format!("{head} {}", cardinal(rest)) }
}

/// `3` → "third", `21` → "twenty-first".
pub fn ordinal(number: u64) -> String {
    let words = cardinal(number);
    let cut = words.rfind([' ', '-']).map_or(0, |at| at + 1);
    let (head, last) = words.split_at(cut);
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        other => match other.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{other}th"),
        },
    };
    format!("{head}{last}")
}

/// `1984` → "nineteen eighty-four", `2026` → "twenty twenty-six", `2005` → "two thousand five".
pub fn year(number: u64) -> String {
    match (number / 100, number % 100) {
        (20, rest @ 0..10) => cardinal(2_000 + rest),
        (century @ 11..100, 0) => format!("{} hundred", cardinal(century)),
        (century @ 11..100, rest @ 1..10) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        (century @ 11..100, rest) => format!("{} {}", cardinal(century), cardinal(rest)),
        (_, _) => cardinal(number),
    }
}

/// One by one, with a small pause after every three or four: `4217` → "four two one seven".
pub fn digits(text: &str) -> String {
    let symbols: Vec<String> = text
        .chars()
        .filter(|symbol| symbol.is_alphanumeric())
        .map(|symbol| match symbol.to_digit(10) {
            Some(digit) => word(&BELOW_TWENTY, u64::from(digit)).to_owned(),
            None => symbol.to_uppercase().to_string(),
        })
        .collect();
    let group = match symbols.len() {
        0..=4 => 4,
        length if length % 4 == 0 => 4,
        _ => 3,
    };
    let groups: Vec<String> = symbols.chunks(group).map(|part| part.join(" ")).collect();
    groups.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_say_them() {
        for (number, words) in [
            (0, "zero"),
            (13, "thirteen"),
            (21, "twenty-one"),
            (100, "one hundred"),
            (421, "four hundred twenty-one"),
            (1_000, "one thousand"),
            (12_345, "twelve thousand three hundred forty-five"),
            (2_000_001, "two million one"),
        ] {
            assert_eq!(cardinal(number), words);
        }
        for (number, words) in [
            (1, "first"),
            (2, "second"),
            (3, "third"),
            (8, "eighth"),
            (12, "twelfth"),
            (20, "twentieth"),
            (21, "twenty-first"),
            (31, "thirty-first"),
            (100, "one hundredth"),
        ] {
            assert_eq!(ordinal(number), words);
        }
        for (number, words) in [
            (1984, "nineteen eighty-four"),
            (1905, "nineteen oh five"),
            (2000, "two thousand"),
            (2005, "two thousand five"),
            (2026, "twenty twenty-six"),
            (1900, "nineteen hundred"),
        ] {
            assert_eq!(year(number), words);
        }
        for (text, words) in [
            ("4217", "four two one seven"),
            ("911", "nine one one"),
            ("12345", "one two three, four five"),
            ("AB12", "A B one two"),
            ("12345678", "one two three four, five six seven eight"),
        ] {
            assert_eq!(digits(text), words);
        }
    }
}
