//! Fields of forms and queries (application/x-www-form-urlencoded), read within bounds.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// Fields kept of one form or query; later ones are ignored.
const FIELDS_MAX: usize = 32;

/// Name and value of each field, decoded; bytes that are no UTF-8 become U+FFFD.
pub(super) fn fields(text: &[u8]) -> Vec<(String, String)> {
    text.split(|byte| *byte == b'&')
        .filter(|part| !part.is_empty())
        .take(FIELDS_MAX)
        .map(|part| {
            let mut halves = part.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default());
            (name, decode(halves.next().unwrap_or_default()))
        })
        .collect()
}

fn decode(text: &[u8]) -> String {
    let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

/// For one value in a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The first value of a field, trimmed and cut; `None` if absent or empty.
pub(super) fn value(fields: &[(String, String)], name: &str, chars_max: usize) -> Option<String> {
    let (_, value) = fields.iter().find(|(field, _)| field == name)?;
    let value: String = value.trim().chars().take(chars_max).collect();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_browsers_send() {
        let found = fields(b"q=two+words&x=%C3%A4%26&empty=&bad=%ff&=");
        assert_eq!(value(&found, "q", 99).as_deref(), Some("two words"));
        assert_eq!(value(&found, "x", 99).as_deref(), Some("ä&"));
        assert_eq!(value(&found, "empty", 99), None);
        assert_eq!(value(&found, "bad", 99).as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn encodes_so_that_it_reads_back() {
        let text = "/offer/a?b=c&d=ä\"<";
        let found = fields(format!("next={}", encode(text)).as_bytes());
        assert_eq!(value(&found, "next", 99).as_deref(), Some(text));
    }
}
