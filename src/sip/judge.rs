//! Is this request one that we can serve at all? Pure checks of RFC 3261 section 8.2, before any
//! dialog or transaction exists. Nothing here knows who sent it.

use rsipstack::sip::{Method, Request, Scheme, Version};

use super::wire::{self, header};
use crate::base::limits::{SDP_BYTES_MAX, SIP_HEADERS_MAX};

/// Methods that we serve, as the Allow header lists them.
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO";
/// The same with REGISTER, where agents' phones are configured.
pub const ALLOW_WITH_REGISTER: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REGISTER";
/// Extensions that we know.
pub const SUPPORTED: &str = "timer, 100rel";
/// Option tags a peer may require of us.
const KNOWN_OPTIONS: [&str; 2] = ["100rel", "timer"];

/// A refusal that costs no state: status, reason for the log, extra headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub why: &'static str,
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub fn new(status: u16, why: &'static str) -> Self {
        Self { status, why, headers: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Judges a parsed request. ACK and CANCEL are let through, as neither may be answered so.
pub fn judge(request: &Request, allow: &str) -> Result<(), Refusal> {
    if matches!(request.method, Method::Ack | Method::Cancel) {
        return Ok(());
    }
    if request.version != Version::V2 {
        return Err(Refusal::new(505, "version"));
    }
    well_formed(request)?;
    scheme(request)?;
    if !served(request.method, allow) {
        return Err(Refusal::new(405, "method").with("Allow", allow));
    }
    if header(request, "Max-Forwards") == Some("0") && request.method != Method::Options {
        return Err(Refusal::new(483, "no hops left"));
    }
    options(request)?;
    body(request)
}

fn served(method: Method, allow: &str) -> bool {
    let name = method.to_string();
    allow.split(", ").any(|known| known == name)
}

/// The headers without which nothing can be answered, and that they agree with each other.
fn well_formed(request: &Request) -> Result<(), Refusal> {
    let bad = |why| Err(Refusal::new(400, why));
    if request.headers.len() > SIP_HEADERS_MAX {
        return bad("too many headers");
    }
    for name in ["Call-ID", "CSeq", "From", "To"] {
        if wire::headers(request, name).take(2).count() != 1 {
            return bad("a mandatory header is missing or repeated");
        }
    }
    let Some((_, method)) = wire::cseq(request) else { return bad("CSeq malformed") };
    if method != request.method.to_string() {
        return bad("CSeq names another method");
    }
    let from = header(request, "From").unwrap_or("");
    if wire::tag_of(from).is_none() || wire::uri_of(from).is_empty() {
        return bad("From without tag or address");
    }
    if wire::uri_of(header(request, "To").unwrap_or("")).is_empty() {
        return bad("To without address");
    }
    for name in ["From", "To", "Contact"] {
        if !wire::headers(request, name).all(quotes_close) {
            return bad("a quote is not closed");
        }
    }
    if !wire::headers(request, "Via").all(via_is_whole) {
        return bad("Via malformed");
    }
    match wire::branch(request) {
        // RFC 3261 section 8.1.1.7; the bare cookie names no transaction (RFC 4475 3.1.2.17).
        Some(branch) if branch.eq_ignore_ascii_case("z9hG4bK") => return bad("empty branch"),
        Some(_) | None => {}
    }
    let hops = header(request, "Max-Forwards").map(str::parse::<u16>);
    if hops.is_some_and(|number| number.map_or(true, |hops| hops > 255)) {
        return bad("Max-Forwards malformed");
    }
    if request.method == Method::Invite && header(request, "Contact").is_none() {
        return bad("INVITE without Contact");
    }
    length(request)
}

fn quotes_close(value: &str) -> bool {
    let (mut open, mut escaped) = (false, false);
    for byte in value.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if open => escaped = true,
            b'"' => open = !open,
            _ => {}
        }
    }
    !open
}

/// No empty entry and no empty parameter (RFC 4475 section 3.1.2.1).
fn via_is_whole(value: &str) -> bool {
    value.split(',').all(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        parts.all(|part| !part.is_empty())
    })
}

/// A request's first line is three words with single spaces between them and its URI stands
/// bare (RFC 3261 section 7.1); rsipstack's parser forgives more than that. Responses pass.
pub fn first_line_is_sound(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.starts_with(b"SIP/") {
        return true;
    }
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let bare = |word: &[u8]| !word.iter().any(|byte| matches!(byte, b'<' | b'>' | b'"'));
    words.len() == 3 && words.iter().all(|word| !word.is_empty() && bare(word))
}

/// A body shorter than its Content-Length was cut on the way (RFC 3261 section 18.3).
fn length(request: &Request) -> Result<(), Refusal> {
    match header(request, "Content-Length").map(str::parse::<usize>) {
        Some(Ok(length)) if length > request.body.len() => {
            Err(Refusal::new(400, "body shorter than its Content-Length"))
        }
        Some(Err(_)) => Err(Refusal::new(400, "Content-Length malformed")),
        Some(Ok(_)) | None => Ok(()),
    }
}

fn scheme(request: &Request) -> Result<(), Refusal> {
    match &request.uri.scheme {
        Some(Scheme::Sip) => Ok(()),
        Some(Scheme::Other(name)) if name.eq_ignore_ascii_case("tel") => Ok(()),
        Some(Scheme::Sips | Scheme::Other(_)) | None => Err(Refusal::new(416, "URI scheme")),
    }
}

/// Every tag of Require that we do not know goes back in Unsupported (RFC 3261 section 8.2.2.3).
fn options(request: &Request) -> Result<(), Refusal> {
    let unknown: Vec<&str> = wire::headers(request, "Require")
        .flat_map(wire::split_list)
        .filter(|tag| !KNOWN_OPTIONS.iter().any(|known| known.eq_ignore_ascii_case(tag)))
        .take(16)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(420, "unknown extension required").with("Unsupported", unknown.join(", ")))
}

fn body(request: &Request) -> Result<(), Refusal> {
    if !matches!(request.method, Method::Invite | Method::Update) || request.body.is_empty() {
        return Ok(());
    }
    if request.body.len() > SDP_BYTES_MAX * 2 {
        return Err(Refusal::new(413, "body too large"));
    }
    let encoding = header(request, "Content-Encoding").unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return Err(Refusal::new(415, "encoded body").with("Accept-Encoding", "identity"));
    }
    let kind = header(request, "Content-Type").unwrap_or("").to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or("").trim();
    if kind == "application/sdp" || kind.starts_with("multipart/") {
        return Ok(());
    }
    Err(Refusal::new(415, "body type").with("Accept", "application/sdp, multipart/mixed"))
}

/// What to answer where the message could not even be parsed, from its bytes alone: a whole
/// response, or nothing if it cannot be told to whom. Only for peers that we trust.
pub fn answer_unparsed(bytes: &[u8], source: std::net::SocketAddr, allow: &str) -> Option<String> {
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(8_192))?);
    let head = text.split("\r\n\r\n").next()?;
    let mut lines = head.split("\r\n");
    let first = lines.next()?;
    if first.starts_with("SIP/") || first.to_ascii_uppercase().starts_with("ACK ") {
        return None;
    }
    let wanted = [("Via", "v"), ("From", "f"), ("To", "t"), ("Call-ID", "i"), ("CSeq", "cseq")];
    let lines: Vec<&str> = lines.take(SIP_HEADERS_MAX).collect();
    let mut out = String::new();
    for (name, short) in wanted {
        let line = lines.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            let key = key.trim();
            let same = key.eq_ignore_ascii_case(name) || key.eq_ignore_ascii_case(short);
            same.then(|| value.trim())
        })?;
        let mut value: String = line.chars().filter(|c| !c.is_control()).take(1_024).collect();
        if name == "Via" {
            value = format!("{value};received={};rport={}", source.ip(), source.port());
        }
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    let version = first.rsplit(' ').next().unwrap_or("");
    let method = first.split([' ', '\t']).next().unwrap_or("");
    let token = !method.is_empty() && method.bytes().all(|b| b.is_ascii_graphic());
    let (status, extra) = if version.starts_with("SIP/") && version != "SIP/2.0" {
        ("505 Version Not Supported", String::new())
    } else if token && version == "SIP/2.0" && method.parse::<Method>().is_err() {
        ("405 Method Not Allowed", format!("Allow: {allow}\r\n"))
    } else {
        ("400 Bad Request", String::new())
    };
    Some(format!("SIP/2.0 {status}\r\n{out}{extra}Content-Length: 0\r\n\r\n"))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
