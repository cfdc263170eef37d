//! Bodies of INVITEs: the session description, alone or with parts beside it
//! (RFC 2046 multipart/mixed, RFC 5621), and the headers that ride on an offer to an agent.

use rsipstack::sip::HasHeaders;

use super::limits::{BODY_PARTS_MAX, OFFER_HEADER_CHARS_MAX};
use super::wire::{self, header};
use crate::base::limits::OFFER_BODY_BYTES_MAX;

/// A part beside the session description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyPart {
    /// `text/plain;charset=utf-8`, `application/vcon+json`…
    pub content_type: String,
    pub body: Vec<u8>,
}

/// A body to send: its Content-Type and bytes. Parts that would make it larger than
/// [`OFFER_BODY_BYTES_MAX`] together are cut off, the last first: the page has them anyway.
pub fn write(sdp: &str, parts: &[BodyPart], boundary: &str) -> (String, Vec<u8>) {
    let (mut left, mut kept) = (OFFER_BODY_BYTES_MAX, Vec::new());
    for part in parts.iter().take(BODY_PARTS_MAX) {
        let clash = contains(&part.body, boundary.as_bytes());
        if part.body.len() > left || clash || part.content_type.contains(['\r', '\n']) {
            break;
        }
        left -= part.body.len();
        kept.push(part);
    }
    if kept.is_empty() {
        return ("application/sdp".to_owned(), sdp.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(sdp.len() + OFFER_BODY_BYTES_MAX);
    let head = |kind: &str, how: &str| {
        format!("--{boundary}\r\nContent-Type: {kind}\r\nContent-Disposition: {how}\r\n\r\n")
    };
    out.extend_from_slice(head("application/sdp", "session").as_bytes());
    out.extend_from_slice(sdp.as_bytes());
    for part in kept {
        out.extend_from_slice(b"\r\n");
        // An agent's phone that cannot show it must not refuse the call for it (RFC 5621 8.3).
        let how = "render;handling=optional";
        out.extend_from_slice(head(&part.content_type, how).as_bytes());
        out.extend_from_slice(&part.body);
    }
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/mixed;boundary=\"{boundary}\""), out)
}

/// What a message carries: the session description and the other parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    pub sdp: Option<Vec<u8>>,
    pub parts: Vec<BodyPart>,
}

/// Takes a body apart. A multipart body without end or boundary gives what could be read.
pub fn read<M: HasHeaders>(message: &M, body: &[u8]) -> Carried {
    let kind = header(message, "Content-Type").unwrap_or("");
    let plain = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let mut carried = Carried::default();
    if body.is_empty() {
        return carried;
    }
    if plain == "application/sdp" {
        carried.sdp = Some(body.to_vec());
    } else if plain.starts_with("multipart/") {
        let boundary = wire::param(kind, "boundary").unwrap_or("");
        for (kind, part) in parts(body, boundary) {
            let is_sdp = kind.to_ascii_lowercase().starts_with("application/sdp");
            match carried.sdp {
                None if is_sdp => carried.sdp = Some(part.to_vec()),
                None | Some(_) => carried
                    .parts
                    .push(BodyPart { content_type: wire::printable(&kind), body: part.to_vec() }),
            }
        }
    }
    carried
}

/// Content-Type and bytes of each part.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<(String, &'a [u8])> {
    let mut found = Vec::new();
    if boundary.is_empty() || boundary.len() > 70 {
        return found;
    }
    let mark = format!("--{boundary}");
    let mut rest = match find(body, mark.as_bytes()) {
        Some(place) => body.get(place + mark.len()..).unwrap_or_default(),
        None => return found,
    };
    let mark = format!("\r\n--{boundary}");
    while found.len() < BODY_PARTS_MAX && !rest.starts_with(b"--") {
        let Some(end) = find(rest, mark.as_bytes()) else { break };
        let part = rest.get(..end).unwrap_or_default();
        rest = rest.get(end + mark.len()..).unwrap_or_default();
        let Some(blank) = find(part, b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(part.get(..blank).unwrap_or_default()).into_owned();
        let kind = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
        });
        let kind = kind.unwrap_or_else(|| "text/plain".to_owned());
        found.push((kind, part.get(blank + 4..).unwrap_or_default()));
    }
    found
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    find(hay, needle).is_some()
}

/// `true` for the headers that an offer may carry, and that we show of a call to us.
pub fn may_carry(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let known = name.eq_ignore_ascii_case("User-to-User") || name.eq_ignore_ascii_case("Call-Info");
    let own = name.len() > 2 && name.len() <= 40 && name.to_ascii_uppercase().starts_with("X-");
    name.bytes().all(token) && (known || own)
}

/// A header of an offer, if it may be sent: permitted name, printable, bounded. Letters beyond
/// ASCII stay, as SIP is UTF-8.
pub fn clean_header(name: &str, value: &str) -> Option<(String, String)> {
    let value: String =
        value.chars().filter(|symbol| !symbol.is_control()).take(OFFER_HEADER_CHARS_MAX).collect();
    (may_carry(name) && !value.trim().is_empty()).then(|| (name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsipstack::sip::Request;

    fn request(kind: &str) -> Request {
        let text = format!("INVITE sip:a@h SIP/2.0\r\nContent-Type: {kind}\r\n\r\n");
        Request::try_from(text.as_bytes()).expect("well formed")
    }

    fn text(body: &str) -> BodyPart {
        BodyPart { content_type: "text/plain;charset=utf-8".into(), body: body.into() }
    }

    #[test]
    fn what_is_written_is_read() {
        let parts = [text("caller: hello\r\n\r\nmachine: hi"), text("two")];
        let (kind, bytes) = write("v=0\r\n", &parts, "b0undary");
        let carried = read(&request(&kind), &bytes);
        assert_eq!(carried.sdp.as_deref(), Some(&b"v=0\r\n"[..]));
        assert_eq!(carried.parts, parts);
    }

    #[test]
    fn a_lone_description_stays_plain_and_large_parts_stay_away() {
        let large = text(&"x".repeat(OFFER_BODY_BYTES_MAX + 1));
        for parts in [vec![], vec![large.clone()], vec![text("--b0undary")]] {
            let (kind, bytes) = write("v=0\r\n", &parts, "b0undary");
            assert_eq!((kind.as_str(), bytes.as_slice()), ("application/sdp", &b"v=0\r\n"[..]));
        }
        let (_, bytes) = write("v=0\r\n", &[text("short"), large], "b");
        assert!(contains(&bytes, b"short") && bytes.len() < 500);
    }

    #[test]
    fn broken_multipart_gives_what_there_is() {
        for body in ["", "--b", "--b\r\n", "--b--", "--b\r\n\r\nx", "--b\r\nx\r\n--b--", "b"] {
            let carried = read(&request("multipart/mixed;boundary=b"), body.as_bytes());
            assert_eq!(carried.sdp, None, "{body:?}");
        }
        let carried = read(&request("multipart/mixed"), b"--\r\n\r\nx\r\n----");
        assert_eq!(carried, Carried::default(), "no boundary");
    }

    #[test]
    fn only_harmless_headers_ride_along() {
        for (name, value, passes) in [
            ("User-to-User", "00;encoding=hex", true),
            ("X-Warmline-Summary", "billing", true),
            ("Route", "<sip:evil>", false),
            ("X-A: b\r\nRoute", "x", false),
            ("X-", "x", false),
            ("X-Empty", "\r\n", false),
        ] {
            assert_eq!(clean_header(name, value).is_some(), passes, "{name}");
        }
        let long = clean_header("X-Long", &"y".repeat(5_000)).expect("cut");
        assert_eq!(long.1.len(), OFFER_HEADER_CHARS_MAX);
        assert_eq!(clean_header("X-A", "a\r\nb").expect("cleaned").1, "ab");
    }
}
