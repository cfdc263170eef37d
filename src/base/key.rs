//! A key of the telephone, however it arrived (RFC 4733 section 3.2, SIP INFO, in-band).

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the sixteen DTMF keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct Key(char);

impl Key {
    pub const ZERO: Key = Key('0');
    pub const ONE: Key = Key('1');
    pub const TWO: Key = Key('2');
    pub const THREE: Key = Key('3');
    pub const FOUR: Key = Key('4');
    pub const STAR: Key = Key('*');
    pub const POUND: Key = Key('#');

    pub fn new(symbol: char) -> Option<Key> {
        matches!(symbol, '0'..='9' | '*' | '#' | 'A'..='D').then_some(Key(symbol))
    }

    /// From the event code of RFC 4733 (0 to 15); `None` for a code that is no DTMF key.
    pub fn from_event(code: u8) -> Option<Key> {
        b"0123456789*#ABCD".get(usize::from(code)).map(|symbol| Key(*symbol as char))
    }

    /// The event code of RFC 4733.
    pub fn event(self) -> u8 {
        b"0123456789*#ABCD".iter().position(|s| *s as char == self.0).unwrap_or(0) as u8
    }

    pub fn symbol(self) -> char {
        self.0
    }

    /// The digit, where the key is one.
    pub fn digit(self) -> Option<u8> {
        self.0.to_digit(10).map(|digit| digit as u8)
    }
}

impl TryFrom<char> for Key {
    type Error = String;

    fn try_from(symbol: char) -> Result<Self, String> {
        Key::new(symbol).ok_or_else(|| format!("{symbol:?} is no telephone key: 0-9 * # A-D"))
    }
}

impl From<Key> for char {
    fn from(key: Key) -> char {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_keys_agree() {
        for code in 0..16 {
            assert_eq!(Key::from_event(code).map(Key::event), Some(code));
        }
        assert_eq!(Key::from_event(16), None);
        assert_eq!(Key::new('x'), None);
        assert_eq!(Key::new('#'), Some(Key::POUND));
    }
}
