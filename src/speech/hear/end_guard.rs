//! The end guard: says when a decode with a cut context must come to its end.
//!
//! Whisper learnt the end of speech from 30 s windows. With the audio context cut to the turn it
//! does not see the end and repeats itself until the token limit. In: the tokens written so far.
//! Out: whether only the end of text may follow, and why. Pure; the callback that whisper.cpp
//! calls is in `guard_ffi`.

use super::transcript::TextEnd;

/// A closing timestamp this near to the end of the turn ends the text.
const CLOSING_SLACK_MS: u64 = 600;
/// The same while digits are spoken: one more digit has room in 600 ms.
const CLOSING_SLACK_MS_DIGITS: u64 = 260;
/// Repetition of at least this many text tokens is a loop.
const REPEAT_TOKENS_MIN: usize = 3;
/// The same while digits are spoken: "five five five five" is no loop.
const REPEAT_TOKENS_MIN_DIGITS: usize = 8;
/// Nobody says more tokens in a second.
const TOKENS_PER_S_MAX: u64 = 8;
/// Tokens allowed besides, for the timestamps and a first short word.
const TOKENS_FREE: u64 = 6;
/// Length of one step of whisper's timestamps.
pub const TIMESTAMP_STEP_MS: u64 = 20;

/// Where a vocabulary keeps its special tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenMap {
    /// End of text; all text tokens are below it.
    pub end_of_text: i32,
    /// The timestamp 0.00; timestamps go up from here in steps of 20 ms.
    pub first_timestamp: i32,
}

impl TokenMap {
    pub fn is_text(self, token: i32) -> bool {
        token >= 0 && token < self.end_of_text
    }

    /// The time that a timestamp token names, milliseconds.
    pub fn time_ms(self, token: i32) -> Option<u64> {
        let steps = token.checked_sub(self.first_timestamp)?;
        u64::try_from(steps).ok().map(|steps| steps * TIMESTAMP_STEP_MS)
    }
}

/// What may follow the tokens so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    Anything,
    /// Nothing but the end of text, for this reason.
    OnlyEnd(TextEnd),
}

/// Watches one decode.
#[derive(Clone, Debug)]
pub struct EndGuard {
    map: TokenMap,
    turn_ms: u64,
    tokens_max: usize,
    repeat_min: usize,
    slack_ms: u64,
}

impl EndGuard {
    /// A guard for a turn of `turn_ms`.
    pub fn new(map: TokenMap, turn_ms: u64, digits: bool) -> Self {
        let tokens_max = (turn_ms * TOKENS_PER_S_MAX).div_ceil(1_000) + TOKENS_FREE;
        Self {
            map,
            turn_ms,
            tokens_max: usize::try_from(tokens_max).unwrap_or(usize::MAX),
            repeat_min: if digits { REPEAT_TOKENS_MIN_DIGITS } else { REPEAT_TOKENS_MIN },
            slack_ms: if digits { CLOSING_SLACK_MS_DIGITS } else { CLOSING_SLACK_MS },
        }
    }

    /// Tokens after which the text ends in any case.
    pub fn tokens_max(&self) -> usize {
        self.tokens_max
    }

    /// What may follow `tokens`, all those that the decode has written.
    pub fn allow(&self, tokens: &[i32]) -> Allowed {
        if self.closed_near_the_end(tokens) {
            Allowed::OnlyEnd(TextEnd::ClosingTime)
        } else if self.repeated_tail(tokens) > 0 {
            Allowed::OnlyEnd(TextEnd::Repetition)
        } else if tokens.len() >= self.tokens_max {
            Allowed::OnlyEnd(TextEnd::TooMany)
        } else {
            Allowed::Anything
        }
    }

    /// The last token is a timestamp after text, at most the slack before the end of the turn.
    fn closed_near_the_end(&self, tokens: &[i32]) -> bool {
        let Some((last, before)) = tokens.split_last() else { return false };
        let near = self.map.time_ms(*last).is_some_and(|ms| ms + self.slack_ms >= self.turn_ms);
        near && before.iter().any(|token| self.map.is_text(*token))
    }

    /// How many text tokens at the end say again what stands before them; 0 if none do.
    pub fn repeated_tail(&self, tokens: &[i32]) -> usize {
        let text: Vec<i32> =
            tokens.iter().copied().filter(|token| self.map.is_text(*token)).collect();
        (self.repeat_min..=text.len() / 2)
            .find(|count| {
                let (rest, tail) = text.split_at(text.len() - count);
                rest.ends_with(tail)
            })
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: TokenMap = TokenMap { end_of_text: 50_256, first_timestamp: 50_363 };

    fn at(ms: i32) -> i32 {
        MAP.first_timestamp + ms / 20
    }

    /// `tokens` of a turn of 3 s.
    fn check(tokens: &[i32], expect: Allowed) {
        assert_eq!(EndGuard::new(MAP, 3_000, false).allow(tokens), expect, "{tokens:?}");
    }

    #[test]
    fn text_goes_on_until_something_ends_it() {
        check(&[], Allowed::Anything);
        check(&[at(0)], Allowed::Anything);
        check(&[at(0), 10, 11, 12], Allowed::Anything);
    }

    #[test]
    fn a_closing_time_near_the_end_of_the_turn_ends_the_text() {
        let end = Allowed::OnlyEnd(TextEnd::ClosingTime);
        check(&[at(0), 10, 11, at(2_400)], end);
        check(&[at(0), 10, 11, at(2_980)], end);
        check(&[at(0), 10, 11, at(2_380)], Allowed::Anything);
    }

    #[test]
    fn an_opening_time_ends_nothing() {
        check(&[at(2_600)], Allowed::Anything);
        let short = EndGuard::new(MAP, 500, false);
        assert_eq!(short.allow(&[at(0)]), Allowed::Anything);
        assert_eq!(short.allow(&[at(0), 10, at(0)]), Allowed::OnlyEnd(TextEnd::ClosingTime));
    }

    #[test]
    fn three_tokens_said_again_are_a_loop_and_two_are_not() {
        let end = Allowed::OnlyEnd(TextEnd::Repetition);
        check(&[at(0), 7, 1, 2, 3, 1, 2, 3], end);
        check(&[at(0), 7, 1, 2, 1, 2], Allowed::Anything);
        check(&[at(0), 5, 5, 5, 5, 5, 5], end);
        check(&[at(0), 1, 2, 3, at(900), at(900), 1, 2, 3], end);
    }

    #[test]
    fn the_repeated_tail_is_counted() {
        let guard = EndGuard::new(MAP, 3_000, false);
        assert_eq!(guard.repeated_tail(&[9, 1, 2, 3, 4, 1, 2, 3, 4]), 4);
        assert_eq!(guard.repeated_tail(&[9, 1, 2, 3, 4]), 0);
    }

    #[test]
    fn repeated_digits_are_no_loop_where_digits_are_expected() {
        let guard = EndGuard::new(MAP, 6_000, true);
        let fives = [at(0), 5, 5, 5, 5, 5, 5, 5, 5];
        assert_eq!(guard.allow(&fives), Allowed::Anything);
        let loops: Vec<i32> = std::iter::repeat_n(5, 16).collect();
        assert_eq!(guard.allow(&loops), Allowed::OnlyEnd(TextEnd::Repetition));
    }

    #[test]
    fn a_last_digit_is_waited_for() {
        let guard = EndGuard::new(MAP, 3_000, true);
        assert_eq!(guard.allow(&[at(0), 10, 11, at(2_500)]), Allowed::Anything);
        let end = Allowed::OnlyEnd(TextEnd::ClosingTime);
        assert_eq!(guard.allow(&[at(0), 10, 11, at(2_500), at(2_500), 12, at(2_900)]), end);
    }

    #[test]
    fn more_tokens_than_a_person_can_say_end_the_text() {
        let tokens: Vec<i32> = (1..=30).collect();
        check(&tokens, Allowed::OnlyEnd(TextEnd::TooMany));
        check(&tokens[..29], Allowed::Anything);
        assert_eq!(EndGuard::new(MAP, 1, false).tokens_max(), 7);
    }

    #[test]
    fn tokens_outside_the_vocabulary_are_neither_text_nor_time() {
        assert!(!MAP.is_text(-1));
        assert_eq!(MAP.time_ms(-1), None);
        assert_eq!(MAP.time_ms(i32::MIN), None);
        check(&[i32::MIN, -1, -1, -1, -1, -1, -1], Allowed::Anything);
    }
}
