//! Keys by SIP INFO: `application/dtmf-relay` and `application/dtmf`. Body in, key out.

use crate::base::key::Key;

/// What an INFO says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Info {
    Key {
        key: Key,
        duration_ms: u16,
    },
    /// No body: a sign of life, answered with 200.
    Nothing,
    /// The right type with nonsense in it.
    Malformed,
    /// A type that we do not take: 415.
    Foreign,
}

/// Reads the body of an INFO.
pub fn read(content_type: &str, body: &[u8]) -> Info {
    if body.is_empty() {
        return Info::Nothing;
    }
    let kind = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let text = String::from_utf8_lossy(body.get(..body.len().min(256)).unwrap_or_default());
    let found = match kind.as_str() {
        "application/dtmf-relay" => relay(&text),
        "application/dtmf" => key_of(&text).map(|key| (key, 160)),
        _ => return Info::Foreign,
    };
    found.map_or(Info::Malformed, |(key, duration_ms)| Info::Key { key, duration_ms })
}

/// `Signal=5` and `Duration=160`, a line each.
fn relay(text: &str) -> Option<(Key, u16)> {
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let duration_ms = value("Duration").and_then(|number| number.parse().ok()).unwrap_or(160);
    Some((key_of(value("Signal")?)?, duration_ms))
}

/// A symbol, or the event's number for `*` and `#`.
fn key_of(text: &str) -> Option<Key> {
    match text.trim() {
        "10" => Some(Key::STAR),
        "11" => Some(Key::POUND),
        text => {
            let mut symbols = text.chars();
            let symbol = symbols.next()?.to_ascii_uppercase();
            symbols.next().is_none().then(|| Key::new(symbol)).flatten()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_ways_of_saying_a_key() {
        let key = |symbol, duration_ms| {
            let key = Key::new(symbol).expect("a key");
            Info::Key { key, duration_ms }
        };
        for (kind, body, wanted) in [
            ("application/dtmf-relay", "Signal=5\r\nDuration=250\r\n", key('5', 250)),
            ("application/dtmf-relay", "Signal= *", key('*', 160)),
            ("Application/DTMF-Relay;x=y", "signal = 11\nduration = x", key('#', 160)),
            ("application/dtmf", "d\r\n", key('D', 160)),
            ("application/dtmf", "0", key('0', 160)),
            ("application/dtmf", "", Info::Nothing),
            ("application/dtmf", "12", Info::Malformed),
            ("application/dtmf", "x", Info::Malformed),
            ("application/dtmf-relay", "Duration=1", Info::Malformed),
            ("text/plain", "5", Info::Foreign),
        ] {
            assert_eq!(read(kind, body.as_bytes()), wanted, "{kind} {body:?}");
        }
    }
}
