//! A grammar for digits: which of a model's tokens spell numbers. With it a decode can write
//! nothing else, so "for" becomes "four"; but "no, nine, not five" is heard wrongly, too. Off
//! unless a transcriber is told otherwise: the benchmark `whisper` says what it costs and saves.

use crate::base::number_words::{BELOW_TWENTY, TENS};

/// What numbers are said with beside their own words, in lower case. A token must be a whole word:
/// numbers that a vocabulary cuts into pieces can only be written in figures.
const OTHER_WORDS: [&str; 9] =
    ["oh", "o", "nought", "hundred", "thousand", "double", "triple", "and", "dash"];
/// What may stand between digits.
const MARKS: &str = "-,./ ";

/// The tokens of one vocabulary that spell numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitGrammar {
    allowed: Vec<bool>,
}

impl DigitGrammar {
    /// Reads the `words` of a vocabulary, token by token.
    pub fn of<'a>(words: impl Iterator<Item = &'a [u8]>) -> Self {
        Self { allowed: words.map(spells_a_number).collect() }
    }

    /// Whether the text token `token` may be written; tokens beyond the vocabulary may (they are
    /// times and ends).
    pub fn allows(&self, token: usize) -> bool {
        self.allowed.get(token).copied().unwrap_or(true)
    }
}

fn spells_a_number(token: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(token) else { return false };
    let text = text.trim().to_lowercase();
    let in_figures = text.chars().all(|c| c.is_ascii_digit() || MARKS.contains(c));
    let mut words = BELOW_TWENTY.iter().chain(&TENS).chain(&OTHER_WORDS);
    !text.is_empty() && (in_figures || words.any(|word| *word == text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_allowed_and_other_words_are_not() {
        let words = [" 4", "42", ",", " Five", "ninety", "double", " for", "", " \u{fffd}", "no"];
        let grammar = DigitGrammar::of(words.iter().map(|word| word.as_bytes()));
        let allowed: Vec<bool> = (0..words.len()).map(|token| grammar.allows(token)).collect();
        assert_eq!(allowed, [true, true, true, true, true, true, false, false, false, false]);
        assert!(grammar.allows(words.len()), "times and the end of text are no words");
    }
}
