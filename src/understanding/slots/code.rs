//! Numbers and codes read sign by sign: order numbers, postcodes, "A as in alpha, double five".

use crate::understanding::number::NumberWord;
use crate::understanding::outcome::Expecting;
use crate::understanding::pattern::no_captures;
use crate::understanding::text::Token;

use super::{SlotReader, Taken};

/// Digits that make a number worth a slot when nobody asked and nothing announced it.
const UNASKED_DIGITS_MIN: usize = 4;
/// Signs in the longest code.
const CODE_SIGNS_MAX: usize = 64;
/// Words between an announcing word and its number.
const CUE_DISTANCE_MAX: usize = 5;

/// All codes on words that are free. A code that no word announces is called `default_name`,
/// or what the dialogue asked for, or `number`.
pub fn codes(reader: &SlotReader<'_>, taken: &[Taken], default_name: Option<&str>) -> Vec<Taken> {
    let cues = cues(reader);
    let mut out: Vec<Taken> = Vec::new();
    let mut place = 0;
    while place < reader.reading.len() {
        let stop = taken.iter().map(|old| old.start).filter(|at| *at >= place).min();
        let Some(run) = run(reader, place, stop.unwrap_or(usize::MAX)) else {
            place += 1;
            continue;
        };
        let cue = cues
            .iter()
            .filter(|(_, _, end)| *end <= run.start && run.start - end <= CUE_DISTANCE_MAX)
            .max_by_key(|(_, start, end)| (*end, end - start))
            .map(|(name, _, _)| name.as_str());
        if let Some(name) = name_of(reader, &run.value, cue, default_name) {
            out.push(Taken { name, ..run.clone() });
        }
        place = run.end.max(place + 1);
    }
    out
}

/// The name that a code gets; `None` if it is too small to be one.
fn name_of(
    reader: &SlotReader<'_>,
    value: &str,
    cue: Option<&str>,
    default_name: Option<&str>,
) -> Option<String> {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.len() - digits;
    match reader.expecting {
        Expecting::Digits { .. } => return (digits > 0).then(|| "digits".into()),
        Expecting::Slot(name) | Expecting::Code { slot: name, .. } if reader.expects_code() => {
            let fits = digits + letters >= 2 && (digits > 0 || letters >= 3);
            return fits.then(|| name.clone());
        }
        Expecting::Slot(_) | Expecting::Code { .. } | Expecting::Anything | Expecting::YesNo => {}
    }
    let fits = match cue {
        Some(_) => digits >= 2 || (digits >= 1 && letters >= 1) || letters >= 3,
        None => digits >= UNASKED_DIGITS_MIN || (letters >= 1 && digits >= 2) || letters >= 3,
    };
    let name = cue.or(default_name).unwrap_or("number");
    fits.then(|| name.to_owned())
}

/// Where the announcing words begin and end, with the slot that they announce.
fn cues(reader: &SlotReader<'_>) -> Vec<(String, usize, usize)> {
    let matcher = reader.matcher(&no_captures);
    let mut out = Vec::new();
    for (name, patterns) in &reader.tables.slots.cues {
        for pattern in patterns {
            let found = matcher.find_all(pattern).into_iter();
            out.extend(found.map(|one| (name.clone(), one.start, one.end)));
        }
    }
    out
}

/// One unbroken run of digits and letters from `place`, ending before word `stop`.
fn run(reader: &SlotReader<'_>, place: usize, stop: usize) -> Option<Taken> {
    let mut value = String::new();
    let (mut at, mut end) = (place, place);
    while at < stop.min(reader.reading.len()) && value.len() < CODE_SIGNS_MAX {
        let Some((after, piece)) = piece(reader, at, !value.is_empty()) else {
            let joiner = reader.tables.slots.numbers.joiners.contains(reader.reading.norm(at));
            if !joiner || value.is_empty() {
                break;
            }
            at += 1;
            continue;
        };
        if after > stop {
            break;
        }
        value.push_str(&piece);
        (at, end) = (after, after);
    }
    if value.len() > CODE_SIGNS_MAX {
        value.truncate(CODE_SIGNS_MAX);
    }
    (!value.is_empty()).then(|| Taken { name: String::new(), value, start: place, end })
}

fn piece(reader: &SlotReader<'_>, place: usize, running: bool) -> Option<(usize, String)> {
    let asked = reader.expects_code() || matches!(reader.expecting, Expecting::Digits { .. });
    let homophones = running && matches!(reader.expecting, Expecting::Digits { .. });
    // "O for orange" is no zero.
    if let Some(end) = example(reader, place)
        && let Some(letter) = reader.reading.token(place).and_then(Token::letter)
    {
        return Some((end, letter.to_ascii_uppercase().to_string()));
    }
    if let Some(found) = reader.numbers().digit_piece(place, homophones) {
        return Some(found);
    }
    if let Some(letter) = pair(reader, place).filter(|_| running || asked) {
        return Some((place + 2, letter.to_ascii_uppercase().to_string()));
    }
    if let Some(NumberWord::Repeat(times)) = reader.numbers().word(place)
        && let Some(letter) = reader.reading.token(place + 1).and_then(Token::letter)
    {
        let sign = letter.to_ascii_uppercase().to_string();
        return Some((place + 2, sign.repeat(usize::from(times))));
    }
    letter(reader, place, running, asked)
}

/// A letter whose name is two words: "double U".
fn pair(reader: &SlotReader<'_>, place: usize) -> Option<char> {
    let (first, second) = (reader.reading.norm(place), reader.reading.norm(place + 1));
    let letters = &reader.tables.slots.letters;
    letters.get(&format!("{first} {second}")).copied()
}

/// A spelled letter: "A", "alpha", "A as in apple", "double B", or letters stuck to digits.
fn letter(
    reader: &SlotReader<'_>,
    place: usize,
    running: bool,
    asked: bool,
) -> Option<(usize, String)> {
    let token = reader.reading.token(place)?;
    if let Some(letter) = token.letter() {
        let sign = letter.to_ascii_uppercase().to_string();
        let next_letter = reader.reading.token(place + 1).is_some_and(|t| t.letter().is_some());
        let pronoun = matches!(letter, 'i' | 'a') && !next_letter && token.glue == ' ';
        let named = reader.tables.slots.letters.contains_key(reader.reading.norm(place + 1));
        let twice = matches!(reader.numbers().word(place + 1), Some(NumberWord::Repeat(_)));
        let followed = next_letter || reader.digit_at(place + 1) || (asked && (named || twice));
        let sure = match (running, asked, pronoun) {
            (true, _, false) | (_, true, false) => true,
            (_, _, true) => {
                let spelled = running || asked || letter == 'a';
                spelled && token.capital && (followed || running)
            }
            (false, false, false) => token.capital && followed,
        };
        return sure.then_some((place + 1, sign));
    }
    if let Some(letter) = reader.tables.slots.letters.get(&token.norm)
        && (running || asked)
    {
        return Some((place + 1, letter.to_ascii_uppercase().to_string()));
    }
    // "A4217" and "AB-4217", but not "3-day".
    let tied = |glue: char| glue == '\0' || (glue == '-' && token.capital);
    let touching = (tied(token.glue) && running)
        || reader.reading.token(place + 1).is_some_and(|next| tied(next.glue) && next.is_digits());
    let short = token.norm.len() <= 4 && token.norm.bytes().all(|b| b.is_ascii_alphabetic());
    let suffix = matches!(token.norm.as_str(), "st" | "nd" | "rd" | "th" | "am" | "pm" | "km");
    (touching && short && !suffix).then(|| (place + 1, token.norm.to_ascii_uppercase()))
}

/// The place after "as in alpha", where the word begins with the letter at `place`.
fn example(reader: &SlotReader<'_>, place: usize) -> Option<usize> {
    let letter = reader.reading.token(place)?.letter()?;
    reader.tables.slots.letter_examples.iter().find_map(|words| {
        let at = place + 1;
        let said = words.iter().enumerate().all(|(i, word)| reader.reading.norm(at + i) == word);
        let example = at + words.len();
        let fits = reader.reading.norm(example).starts_with(letter);
        let long = reader.reading.norm(example).len() > 1;
        (said && fits && long).then_some(example + 1)
    })
}
