//! Finds payment card numbers in strings of digits (ISO/IEC 7812: issuer prefix, length, Luhn)
//! and masks them in text, spoken or written, together with e-mail addresses.

use super::number::Numbers;
use super::tables::Tables;

const CARD_DIGITS_MIN: usize = 13;
const CARD_DIGITS_MAX: usize = 19;

/// What stands in place of a card number. Has no digit, so that masking again changes nothing.
pub const CARD_MASK: &str = "[card number]";
/// What stands in place of an e-mail address.
pub const EMAIL_MASK: &str = "[e-mail]";

/// `true` if the check digit is right (ISO/IEC 7812-1 annex B). Digits only; not all zero.
pub fn luhn_valid(digits: &str) -> bool {
    if digits.is_empty() || digits.bytes().all(|byte| byte == b'0') {
        return false;
    }
    let mut sum = 0_u32;
    for (place, byte) in digits.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(byte - b'0');
        sum += match (place % 2 == 1, digit) {
            (true, 5..) => digit * 2 - 9,
            (true, _) => digit * 2,
            (false, _) => digit,
        };
    }
    sum.is_multiple_of(10)
}

/// Where a card number stands in `digits`, as a range of places. The whole string counts where
/// its length and check digit fit; inside a longer one only the lengths of known issuers do.
pub fn find_card(digits: &str) -> Option<std::ops::Range<usize>> {
    let length = digits.len();
    if (CARD_DIGITS_MIN..=CARD_DIGITS_MAX).contains(&length) && luhn_valid(digits) {
        return Some(0..length);
    }
    // The most common length first, so that a card with its expiry date is cut at the card.
    [16, 15, 14, 19, 13].into_iter().filter(|size| *size <= length).find_map(|size| {
        (0..=length - size).find_map(|start| {
            let window = digits.get(start..start + size)?;
            (issued(window) && luhn_valid(window)).then_some(start..start + size)
        })
    })
}

/// `true` if a known issuer hands out numbers of this prefix and length.
fn issued(digits: &str) -> bool {
    let head: u32 = digits.get(..2).and_then(|two| two.parse().ok()).unwrap_or(0);
    match (head, digits.len()) {
        (40..=49, 13 | 16 | 19) => true,
        (51..=55 | 22..=27, 16) => true,
        (34 | 37, 15) => true,
        (60 | 62 | 64 | 65 | 35, 16 | 19) => true,
        (30 | 36 | 38, 14) => true,
        (_, _) => false,
    }
}

/// Masks card numbers (in figures or in the words of any shipped language) and e-mail addresses.
/// Masking twice changes nothing more.
pub fn redact(text: &str) -> String {
    let mut out = mask_emails(text);
    for language in Tables::embedded_rules().languages() {
        // Each pass takes at least one number away, so this ends; the bound is a belt.
        for _ in 0..super::text::TOKENS_MAX {
            let reading = language.words.read(&out);
            let numbers = Numbers { words: &language.slots.numbers, reading: &reading };
            let card =
                numbers.digit_runs(false).into_iter().find(|run| find_card(&run.digits).is_some());
            let Some(run) = card else { break };
            let first = reading.token(run.start).map(|token| token.start);
            let last = reading.token(run.end.saturating_sub(1)).map(|token| token.end);
            let (Some(first), Some(last)) = (first, last) else { break };
            out.replace_range(first..last, CARD_MASK);
        }
    }
    out
}

fn mask_emails(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, part) in text.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let core = part.trim_end_matches(['.', ',', '!', '?', ';', ':']);
        let email = core.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.starts_with('.')
        });
        if email {
            out.push_str(EMAIL_MASK);
            out.push_str(part.get(core.len()..).unwrap_or_default());
        } else {
            out.push_str(part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_knows_right_from_wrong() {
        assert!(luhn_valid("4111111111111111"));
        assert!(!luhn_valid("4111111111111112"));
        assert!(!luhn_valid("0000000000000000"));
        assert!(!luhn_valid(""));
    }

    #[test]
    fn finds_a_card_inside_a_longer_string() {
        assert_eq!(find_card("4111111111111111"), Some(0..16));
        assert_eq!(find_card("41111111111111110527"), Some(0..16));
        assert_eq!(find_card("123456789012"), None);
        assert_eq!(find_card("4111111111111112"), None);
    }

    #[test]
    fn masks_cards_and_addresses_and_nothing_else() {
        for (text, expected) in [
            ("My card is 4111 1111 1111 1111, thanks", "My card is [card number], thanks"),
            ("4111-1111-1111-1111", "[card number]"),
            (
                "it's four one one one, one one one one, one one one one, one one one one okay",
                "it's [card number] okay",
            ),
            (
                "double five double five double five double five double five double five double four \
              double four",
                "[card number]",
            ),
            ("order 4217 of 3 May", "order 4217 of 3 May"),
            ("write to ann@example.org.", "write to [e-mail]."),
            ("卡号四一一一一一一一一一一一一一一一", "卡号[card number]"),
            ("", ""),
        ] {
            assert_eq!(redact(text), expected, "{text}");
        }
    }
}
