//! Reading and writing single pieces of SIP messages as text (RFC 3261 sections 7.3 and 20). What
//! comes from the peer is bounded and made printable here.

use rsipstack::sip::headers::make_header;
use rsipstack::sip::{HasHeaders, Header, Method, Request, Response, StatusCode, Version};

use super::limits::PEER_TEXT_CHARS_MAX;

/// The first value of a header, by its full name.
pub fn header<'a, M: HasHeaders>(message: &'a M, name: &str) -> Option<&'a str> {
    let found = message.headers().iter().find(|header| header.name().eq_ignore_ascii_case(name));
    found.map(|header| header.value().trim())
}

/// All values of a header, lines in order, not yet split at commas.
pub fn headers<'a, M: HasHeaders>(
    message: &'a M,
    name: &'a str,
) -> impl Iterator<Item = &'a str> + 'a {
    let all = message.headers().iter();
    all.filter(move |header| header.name().eq_ignore_ascii_case(name)).map(|h| h.value().trim())
}

/// `true` if a list header (`Supported`, `Require`, `Allow`…) names `token`.
pub fn lists<M: HasHeaders>(message: &M, name: &str, token: &str) -> bool {
    headers(message, name).any(|value| {
        split_list(value).into_iter().any(|item| item.trim().eq_ignore_ascii_case(token))
    })
}

/// Splits at commas outside quotes and angle brackets.
pub fn split_list(value: &str) -> Vec<&str> {
    let (mut quoted, mut escaped, mut angle, mut start) = (false, false, false, 0);
    let mut items = Vec::new();
    for (index, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => angle = true,
            b'>' if !quoted => angle = false,
            b',' if !quoted && !angle => {
                items.push(value.get(start..index).unwrap_or("").trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    items.push(value.get(start..).unwrap_or("").trim());
    items.retain(|item| !item.is_empty());
    items
}

/// Where the `<` of a name-addr stands, outside quotes.
fn open_angle(value: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

/// The URI of a name-addr or addr-spec, without header parameters.
pub fn uri_of(value: &str) -> &str {
    match open_angle(value) {
        Some(open) => {
            let rest = value.get(open + 1..).unwrap_or("");
            rest.split('>').next().unwrap_or("").trim()
        }
        None => value.split(';').next().unwrap_or("").trim(),
    }
}

/// Header parameters of a name-addr, `;tag=…;q=0.5`, empty if none.
fn params_of(value: &str) -> &str {
    let after = match open_angle(value) {
        Some(open) => value.get(open..).and_then(|rest| rest.split_once('>')).map(|(_, p)| p),
        None => value.find(';').and_then(|place| value.get(place..)),
    };
    after.unwrap_or("")
}

/// One header parameter's value; `Some("")` if it stands without one.
pub fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    params_of(value).split(';').find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// The tag of a From or To header.
pub fn tag_of(value: &str) -> Option<&str> {
    param(value, "tag").filter(|tag| !tag.is_empty())
}

/// The display name of a name-addr, unquoted, bounded and printable.
pub fn display_of(value: &str) -> Option<String> {
    let open = open_angle(value)?;
    let name = value.get(..open)?.trim();
    let name = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(name);
    let name = printable(&name.replace("\\\"", "\"").replace("\\\\", "\\"));
    (!name.is_empty()).then_some(name)
}

/// The user part of a SIP URI, or the number of a tel URI, unescaped and without parameters.
pub fn user_of(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let user = if scheme.eq_ignore_ascii_case("tel") {
        rest
    } else {
        rest.split_once('@').map(|(user, _)| user)?
    };
    let user = user.split([';', ':']).next().unwrap_or("");
    let plain = percent_encoding::percent_decode_str(user).decode_utf8_lossy();
    let plain = printable(&plain);
    (!plain.is_empty()).then_some(plain)
}

/// The peer's text as we may keep it: no control characters, at most 128 characters.
pub fn printable(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(PEER_TEXT_CHARS_MAX).collect()
}

/// Number and method of the CSeq header.
pub fn cseq<M: HasHeaders>(message: &M) -> Option<(u32, &str)> {
    let (number, method) =
        header(message, "CSeq")?.split_once(|c: char| c.is_ascii_whitespace())?;
    let number = number.trim().parse::<u32>().ok().filter(|number| *number <= 0x7fff_ffff)?;
    Some((number, method.trim()))
}

/// The `branch` of the topmost Via.
pub fn branch<M: HasHeaders>(message: &M) -> Option<&str> {
    let via = header(message, "Via")?;
    param(split_list(via).first()?, "branch")
}

/// Takes from the topmost Via what only the receiver may write there: a `received` of the sender's
/// own would lead our answers, and our idea of who asks, elsewhere. `rport` is set, so that
/// answers always go back through the sender's NAT (RFC 3581).
pub fn harden_via(request: &mut Request) {
    for header in request.headers.iter_mut() {
        let Header::Via(via) = header else { continue };
        let value = via.value().to_owned();
        let first = split_list(&value).first().map_or(0, |first| first.len());
        let lead = value.len() - value.trim_start().len();
        let (first, rest) = value.split_at_checked(lead + first).unwrap_or((&value, ""));
        let kept: Vec<&str> = first
            .split(';')
            .filter(|part| {
                let name = part.split('=').next().unwrap_or("").trim();
                !name.eq_ignore_ascii_case("received") && !name.eq_ignore_ascii_case("rport")
            })
            .collect();
        via.replace(format!("{};rport{rest}", kept.join(";")));
        return;
    }
}

/// A Request-URI. rsipstack keeps escapes as they are and escapes them again on the way out, so
/// they are undone here.
pub fn request_uri(text: &str) -> Option<rsipstack::sip::Uri> {
    let mut uri = rsipstack::sip::Uri::try_from(text).ok()?;
    if let Some(auth) = uri.auth.as_mut() {
        let plain = percent_encoding::percent_decode_str(&auth.user).decode_utf8().ok()?;
        auth.user = plain.into_owned();
    }
    Some(uri)
}

/// A header of ours. Line breaks cannot ride on it.
pub fn make(name: &str, value: impl Into<String>) -> Header {
    let mut value: String = value.into();
    value.retain(|symbol| symbol != '\r' && symbol != '\n' && symbol != '\0');
    make_header(name, value)
}

/// The reason phrase of RFC 3261 and its extensions, for what we send.
pub fn status(code: u16) -> StatusCode {
    match code {
        423 => StatusCode::IntervalTooBrief,
        other => StatusCode::from(other),
    }
}

/// A response with the headers that every response copies (RFC 3261 section 8.2.6.2).
pub fn response(request: &Request, code: u16, to_tag: Option<&str>, agent: &str) -> Response {
    let mut kept = Vec::with_capacity(10);
    for header in request.headers.iter() {
        match header {
            Header::Via(_) | Header::CallId(_) | Header::From(_) | Header::CSeq(_) => {
                kept.push(header.clone());
            }
            Header::To(value) => match to_tag {
                Some(tag) if tag_of(value.value()).is_none() => {
                    kept.push(make("To", format!("{};tag={tag}", value.value())));
                }
                Some(_) | None => kept.push(header.clone()),
            },
            Header::RecordRoute(_) if code > 100 && request.method == Method::Invite => {
                kept.push(header.clone());
            }
            _ => {}
        }
    }
    kept.push(make("Server", agent));
    Response {
        status_code: status(code),
        wire_reason: None,
        version: Version::V2,
        headers: kept.into(),
        body: Vec::new(),
    }
}

/// Puts a body, its type and its length on a message whose length is not yet set.
pub fn set_body<M: HasHeaders>(message: &mut M, kind: Option<&str>, length: usize) {
    message
        .headers_mut()
        .retain(|header| !matches!(header, Header::ContentLength(_) | Header::ContentType(_)));
    if let Some(kind) = kind {
        message.headers_mut().push(make("Content-Type", kind));
    }
    message.headers_mut().push(make("Content-Length", length.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_name_addrs_apart() {
        let value = r#""Ann \"<A>\" Lee, x" <sip:+49%3030@example.com;user=phone>;tag=ab;x="1""#;
        assert_eq!(uri_of(value), "sip:+49%3030@example.com;user=phone");
        assert_eq!(tag_of(value), Some("ab"));
        assert_eq!(display_of(value).as_deref(), Some("Ann \"<A>\" Lee, x"));
        assert_eq!(user_of(uri_of(value)).as_deref(), Some("+49030"));
        assert_eq!(uri_of("sip:a@b;tag=1"), "sip:a@b");
        assert_eq!(tag_of("sip:a@b;tag=1"), Some("1"));
        assert_eq!(tag_of("<sip:a@b;tag=2>"), None);
        assert_eq!(user_of("sip:example.com"), None);
        assert_eq!(user_of("tel:+4930;phone-context=x").as_deref(), Some("+4930"));
    }

    #[test]
    fn splits_lists_outside_quotes() {
        assert_eq!(split_list(r#""a,b" <sip:x,y>, c ,,d"#), [r#""a,b" <sip:x,y>"#, "c", "d"]);
    }

    #[test]
    fn the_sender_has_no_say_in_where_answers_go() {
        for (via, wanted) in [
            ("SIP/2.0/UDP h:5;branch=b", "SIP/2.0/UDP h:5;branch=b;rport"),
            ("SIP/2.0/UDP h;received=9.9.9.9;rport=7;branch=b", "SIP/2.0/UDP h;branch=b;rport"),
            (
                "SIP/2.0/UDP h;Received=1.1.1.1, SIP/2.0/UDP p;received=2.2.2.2",
                "SIP/2.0/UDP h;rport, SIP/2.0/UDP p;received=2.2.2.2",
            ),
        ] {
            let text = format!("OPTIONS sip:a SIP/2.0\r\nVia: {via}\r\nVia: x\r\n\r\n");
            let mut request = Request::try_from(text.as_bytes()).expect("well formed");
            harden_via(&mut request);
            let vias: Vec<&str> = headers(&request, "Via").collect();
            assert_eq!(vias, [wanted, "x"], "{via}");
        }
    }

    #[test]
    fn escapes_in_a_request_uri_stay_as_they_were() {
        for text in ["sip:a%40b@h", "sip:+4930@h:5070;transport=TCP", "sip:h"] {
            let uri = request_uri(text).expect(text);
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn headers_of_ours_carry_no_line_breaks() {
        assert_eq!(make("Subject", "a\r\nEvil: b").value(), "aEvil: b");
    }

    #[test]
    fn peer_text_is_bounded_and_printable() {
        assert_eq!(printable(&"x".repeat(500)).len(), 128);
        assert_eq!(printable("a\u{7}b\u{1b}[31m"), "ab[31m");
    }
}
