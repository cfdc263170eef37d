//! Telephone numbers, parsed and never merely checked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number in international form, `+` and 3 to 15 ASCII digits (ITU-T E.164).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct E164(String);

impl E164 {
    /// Accepts blanks, dots, dashes and brackets between digits; refuses everything else,
    /// digits of other scripts and dial-string operators (`&`, `/`, `;`, `@`) above all.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix('+')?;
        let mut digits = String::with_capacity(16);
        for symbol in rest.chars() {
            match symbol {
                '0'..='9' => digits.push(symbol),
                ' ' | '.' | '-' | '(' | ')' => {}
                _ => return None,
            }
        }
        ((3..=15).contains(&digits.len()) && !digits.starts_with('0'))
            .then(|| Self(format!("+{digits}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for E164 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| "no number in international form, +4930123456".into())
    }
}

impl From<E164> for String {
    fn from(number: E164) -> String {
        number.0
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&super::pii::mask_numbers(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_people_write() {
        for text in ["+49 (30) 123-456", "+493012.3456", " +1 202 555 0100 "] {
            assert!(E164::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn refuses_dial_string_tricks() {
        for text in ["+1&SIP/trunk/900", "+1;ext=9", "0049301", "+٤٩٣٠١", "+0123", "+12", ""] {
            assert!(E164::parse(text).is_none(), "{text}");
        }
    }
}
