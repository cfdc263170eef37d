//! Numbers in words and figures: cardinals ("two hundred and five", 两百零五) and strings of
//! digits ("double five oh", "forty-two seventeen", 4217).

use std::collections::{HashMap, HashSet};

use super::vocabulary::Reading;

/// Largest cardinal that is read.
const CARDINAL_MAX: u64 = 999_999_999_999;
/// Longest string of digits that is read in one piece.
pub const DIGITS_MAX: usize = 64;

/// What a word means in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberWord {
    Digit(u8),
    /// 10 to 19, said as one word.
    Teen(u64),
    /// 20 to 90, to which a digit may be added.
    Tens(u64),
    /// Multiplies what stands before it inside a group: hundred, 十, 百, 千.
    Scale(u64),
    /// Multiplies the whole group: thousand, million, 万.
    BigScale(u64),
    Ordinal(u64),
    /// "double", "triple": the next digit so many times.
    Repeat(u8),
}

/// The number words of a language.
#[derive(Clone, Debug, Default)]
pub struct NumberWords {
    pub words: HashMap<String, NumberWord>,
    /// "and" between hundred and the rest.
    pub and: HashSet<String>,
    /// Words between groups of digits: "dash", "space".
    pub joiners: HashSet<String>,
    /// A scale alone means one of it (十 is ten); in English "hundred" alone is no number.
    pub implied_one: bool,
    /// Words that sound like a digit and are one among digits: "to", "for", "ate".
    pub homophones: HashMap<String, u8>,
}

/// Digits read from words, with the place after the last word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitRun {
    pub start: usize,
    pub end: usize,
    pub digits: String,
}

/// A whole or decimal number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cardinal {
    pub end: usize,
    pub whole: u64,
    /// Hundredths, where decimals were said or written.
    pub hundredths: Option<u8>,
    /// A scale word took part, so that it is surely no string of digits.
    pub scaled: bool,
}

/// Reads numbers out of one utterance.
#[derive(Clone, Copy)]
pub struct Numbers<'r> {
    pub words: &'r NumberWords,
    pub reading: &'r Reading,
}

impl Numbers<'_> {
    pub fn word(&self, place: usize) -> Option<NumberWord> {
        self.words.words.get(self.reading.norm(place)).copied()
    }

    fn has_end_after(&self, place: usize) -> bool {
        self.reading.token(place).is_some_and(|token| token.clause_end)
    }

    /// The longest whole or decimal number that begins at `place`.
    pub fn cardinal(&self, place: usize) -> Option<Cardinal> {
        if let Some(figure) = self.figure(place) {
            return Some(self.scaled_figure(figure));
        }
        let (mut at, mut total, mut scaled) = (place, 0_u64, false);
        while let Some((end, group, group_scaled)) = self.group(at) {
            scaled |= group_scaled;
            match self.word(end) {
                Some(NumberWord::BigScale(scale)) => {
                    total = total.saturating_add(group.saturating_mul(scale));
                    scaled = true;
                    at = self.after_and(end + 1);
                }
                Some(_) | None => {
                    total = total.saturating_add(group);
                    at = end;
                    break;
                }
            }
        }
        // An "and" that nothing followed is not part of the number.
        while at > place && self.words.and.contains(self.reading.norm(at - 1)) {
            at -= 1;
        }
        (at > place && total <= CARDINAL_MAX).then_some(Cardinal {
            end: at,
            whole: total,
            hundredths: None,
            scaled,
        })
    }

    fn after_and(&self, place: usize) -> usize {
        let and = self.words.and.contains(self.reading.norm(place));
        if and && self.group(place + 1).is_some() { place + 1 } else { place }
    }

    /// A number below the big scales: "two hundred and five", 三百零五.
    fn group(&self, place: usize) -> Option<(usize, u64, bool)> {
        let (mut at, mut value, mut last_scale, mut scaled) = (place, 0_u64, u64::MAX, false);
        let mut read_any = false;
        for _ in 0..8 {
            let small = self.small(at).or_else(|| {
                let implied = self.words.implied_one;
                matches!(self.word(at), Some(NumberWord::Scale(_)) if implied).then_some((at, 1))
            });
            let Some((end, number)) = small else { break };
            if let Some(NumberWord::Scale(scale)) = self.word(end)
                && scale < last_scale
            {
                value = value.saturating_add(number.saturating_mul(scale));
                (last_scale, scaled, read_any) = (scale, true, true);
                at = end + 1;
                let and = self.words.and.contains(self.reading.norm(at));
                let zero = self.words.implied_one && self.word(at) == Some(NumberWord::Digit(0));
                if (and || zero) && self.small(at + 1).is_some() {
                    at += 1;
                }
                if self.has_end_after(end) {
                    break;
                }
                continue;
            }
            if !scaled || last_scale > number {
                value = value.saturating_add(number);
                (at, read_any) = (end, true);
            }
            break;
        }
        read_any.then_some((at, value, scaled))
    }

    /// 0 to 99 in words, or a short figure.
    fn small(&self, place: usize) -> Option<(usize, u64)> {
        match self.word(place)? {
            NumberWord::Digit(digit) => Some((place + 1, u64::from(digit))),
            NumberWord::Teen(number) => Some((place + 1, number)),
            NumberWord::Tens(number) => match self.word(place + 1) {
                Some(NumberWord::Digit(digit)) if digit > 0 && !self.has_end_after(place) => {
                    Some((place + 2, number + u64::from(digit)))
                }
                Some(_) | None => Some((place + 1, number)),
            },
            NumberWord::Scale(_)
            | NumberWord::BigScale(_)
            | NumberWord::Ordinal(_)
            | NumberWord::Repeat(_) => None,
        }
    }

    /// A number in figures: `4217`, `1,234.50`.
    fn figure(&self, place: usize) -> Option<Cardinal> {
        let first = self.reading.token(place).filter(|token| token.is_digits())?;
        let mut digits = first.norm.clone();
        let mut at = place + 1;
        while let Some(next) = self.reading.token(at) {
            let thousands = next.is_digits()
                && next.glue == ','
                && next.norm.len() == 3
                && first.norm.len() <= 3;
            if !thousands || digits.len() > 12 {
                break;
            }
            digits.push_str(&next.norm);
            at += 1;
        }
        let mut hundredths = None;
        if let Some(next) = self.reading.token(at)
            && next.is_digits()
            && matches!(next.glue, '.' | ',')
            && next.norm.len() <= 2
            && !self.reading.token(at + 1).is_some_and(|more| more.is_digits() && more.glue == '.')
        {
            let value: u8 = next.norm.parse().ok()?;
            hundredths = Some(if next.norm.len() == 1 { value * 10 } else { value });
            at += 1;
        }
        let whole = digits.parse().ok().filter(|whole| *whole <= CARDINAL_MAX)?;
        Some(Cardinal { end: at, whole, hundredths, scaled: false })
    }

    /// "3 hundred", "2 thousand", 3万.
    fn scaled_figure(&self, mut figure: Cardinal) -> Cardinal {
        if let Some(NumberWord::Scale(scale) | NumberWord::BigScale(scale)) = self.word(figure.end)
            && figure.hundredths.is_none()
            && let Some(product) = figure.whole.checked_mul(scale).filter(|p| *p <= CARDINAL_MAX)
        {
            (figure.whole, figure.scaled) = (product, true);
            figure.end += 1;
        }
        figure
    }

    /// "third", "twenty-third", "3rd", and where `plain` is set plain numbers up to 31 too.
    pub fn ordinal(&self, place: usize, plain: bool) -> Option<(usize, u64)> {
        if let Some(NumberWord::Ordinal(number)) = self.word(place) {
            return Some((place + 1, number));
        }
        if let (Some(NumberWord::Tens(tens)), Some(NumberWord::Ordinal(unit))) =
            (self.word(place), self.word(place + 1))
            && unit < 10
        {
            return Some((place + 2, tens + unit));
        }
        let number = self
            .cardinal(place)
            .filter(|one| one.hundredths.is_none() && !one.scaled || self.words.implied_one);
        let number = number.filter(|one| one.whole <= 31)?;
        let suffixed = self.reading.token(number.end).is_some_and(|token| {
            token.glue == '\0' && matches!(token.norm.as_str(), "st" | "nd" | "rd" | "th")
        });
        match (suffixed, plain) {
            (true, _) => Some((number.end + 1, number.whole)),
            (false, true) => Some((number.end, number.whole)),
            (false, false) => None,
        }
    }

    /// One piece of a string of digits: "double five", "seventeen", "four thousand", "42".
    pub fn digit_piece(&self, place: usize, homophones: bool) -> Option<(usize, String)> {
        if let Some(token) = self.reading.token(place)
            && token.is_digits()
        {
            return Some((place + 1, token.norm.clone()));
        }
        match self.word(place) {
            Some(NumberWord::Repeat(times)) => {
                let (end, piece) = match self.word(place + 1) {
                    Some(NumberWord::Digit(digit)) => (place + 2, digit.to_string()),
                    Some(_) | None => {
                        let token = self.reading.token(place + 1)?;
                        let one = token.is_digits() && token.norm.len() == 1;
                        (place + 2, one.then(|| token.norm.clone())?)
                    }
                };
                return Some((end, piece.repeat(usize::from(times))));
            }
            Some(NumberWord::Ordinal(_) | NumberWord::BigScale(_)) => return None,
            Some(
                NumberWord::Digit(_)
                | NumberWord::Teen(_)
                | NumberWord::Tens(_)
                | NumberWord::Scale(_),
            ) => {}
            None => {
                let digit = self.words.homophones.get(self.reading.norm(place))?;
                return homophones.then(|| (place + 1, digit.to_string()));
            }
        }
        if let Some(number) = self.cardinal(place).filter(|number| number.scaled) {
            return Some((number.end, number.whole.to_string()));
        }
        self.small(place).map(|(end, number)| (end, number.to_string()))
    }

    /// The string of digits that begins at `place`, over pauses, commas and joiners.
    pub fn digit_run(&self, place: usize, homophones: bool) -> Option<DigitRun> {
        let (mut at, mut digits) = self.digit_piece(place, false)?;
        let mut end = at;
        while digits.len() <= DIGITS_MAX {
            let joined = self.words.joiners.contains(self.reading.norm(at));
            let next = if joined { at + 1 } else { at };
            let Some((after, piece)) = self.digit_piece(next, homophones) else { break };
            digits.push_str(&piece);
            (at, end) = (after, after);
        }
        digits.truncate(DIGITS_MAX);
        Some(DigitRun { start: place, end, digits })
    }

    /// All strings of digits, from left to right.
    pub fn digit_runs(&self, homophones: bool) -> Vec<DigitRun> {
        let mut out = Vec::new();
        let mut place = 0;
        while place < self.reading.len() {
            match self.digit_run(place, homophones) {
                Some(run) => {
                    place = run.end.max(place + 1);
                    out.push(run);
                }
                None => place += 1,
            }
        }
        out
    }
}
