//! Personal data in a wrapper that never prints itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Holds what belongs to a caller (a number, a name, words). `Debug` and `Display` mask it, so
/// that no log line shows it by accident; [`Pii::reveal`] marks each place that means to.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    pub fn reveal(&self) -> &T {
        &self.0
    }

    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Pii<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("‹private›")
    }
}

impl<T> fmt::Display for Pii<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("‹private›")
    }
}

/// Masks every run of four or more digits in `text` but its last two, for logs:
/// `sip:+4915112345678@host` → `sip:+***********78@host`.
pub fn mask_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for symbol in text.chars().chain(std::iter::once('\0')) {
        if symbol.is_ascii_digit() {
            run.push(symbol);
            continue;
        }
        let hidden = if run.len() >= 4 { run.len() - 2 } else { 0 };
        out.extend(std::iter::repeat_n('*', hidden));
        out.push_str(&run[hidden..]);
        run.clear();
        if symbol != '\0' {
            out.push(symbol);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_nothing_of_what_it_holds() {
        let number = Pii::new("+4915112345678".to_owned());
        assert!(!format!("{number:?} {number}").contains("491"));
        assert_eq!(number.reveal(), "+4915112345678");
    }

    #[test]
    fn masks_numbers_but_keeps_the_last_two_digits() {
        assert_eq!(mask_numbers("sip:+4915112345678@host:5060"), "sip:+***********78@host:**60");
        assert_eq!(mask_numbers("room 101"), "room 101");
        assert_eq!(mask_numbers("9999"), "**99");
    }
}
