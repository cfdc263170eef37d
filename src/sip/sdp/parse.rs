//! Bytes → [`SessionDescription`], or the line that lies. Unknown lines and attributes are passed
//! over (RFC 8866 section 5); what we use must be well formed.

use std::net::IpAddr;

use thiserror::Error;

use crate::base::limits::{SDP_BYTES_MAX, SDP_LINES_MAX};
use crate::base::session::Direction;

use super::super::limits::{SDP_FORMATS_MAX, SDP_MEDIA_MAX};
use super::{Address, MediaLine, RtpMap, SessionDescription};

/// What is wrong with a description. All of them are the peer's doing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SdpError {
    #[error("the description has {0} bytes, more than {SDP_BYTES_MAX}")]
    TooLong(usize),
    #[error("the description has more than {SDP_LINES_MAX} lines")]
    TooManyLines,
    #[error("the description has more than {SDP_MEDIA_MAX} media lines")]
    TooManyMedia,
    #[error("the description is not text")]
    NotText,
    #[error("the description does not begin with v=0")]
    NoVersion,
    #[error("there is no usable o= line")]
    NoOrigin,
    #[error("there is no m= line")]
    NoMedia,
    #[error("line {0} is not of the form x=…")]
    BadLine(usize),
    #[error("line {0}: the media line is malformed")]
    BadMedia(usize),
    #[error("line {0}: the connection line is malformed")]
    BadConnection(usize),
}

/// Parses a body of type `application/sdp`.
pub fn parse(body: &[u8]) -> Result<SessionDescription, SdpError> {
    if body.len() > SDP_BYTES_MAX {
        return Err(SdpError::TooLong(body.len()));
    }
    let text = std::str::from_utf8(body).map_err(|_| SdpError::NotText)?;
    let mut reader = Reader::default();
    for (index, raw) in text.split('\n').enumerate() {
        if index >= SDP_LINES_MAX {
            return Err(SdpError::TooManyLines);
        }
        let line = raw.strip_suffix('\r').unwrap_or(raw);
        if !line.is_empty() {
            reader.line(index + 1, line)?;
        }
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    version_seen: bool,
    origin: Option<(String, String)>,
    connection: Option<Address>,
    direction: Option<Direction>,
    media: Vec<MediaLine>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), SdpError> {
        let Some((kind, value)) = line.split_once('=').filter(|(kind, _)| kind.len() == 1) else {
            return Err(SdpError::BadLine(number));
        };
        if !self.version_seen {
            self.version_seen = kind == "v" && value.trim() == "0";
            return if self.version_seen { Ok(()) } else { Err(SdpError::NoVersion) };
        }
        match kind {
            "o" => self.origin = self.origin.take().or_else(|| origin(value)),
            "c" => {
                let address = connection(value).ok_or(SdpError::BadConnection(number))?;
                match self.media.last_mut() {
                    Some(media) => media.connection = Some(address),
                    None => self.connection = Some(address),
                }
            }
            "m" => {
                if self.media.len() >= SDP_MEDIA_MAX {
                    return Err(SdpError::TooManyMedia);
                }
                self.media.push(media_line(value).ok_or(SdpError::BadMedia(number))?);
            }
            "a" => self.attribute(value),
            _ => {}
        }
        Ok(())
    }

    fn attribute(&mut self, value: &str) {
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        if let Some(direction) = direction(name.trim()) {
            match self.media.last_mut() {
                Some(media) => media.direction = Some(direction),
                None => self.direction = Some(direction),
            }
            return;
        }
        let Some(media) = self.media.last_mut() else { return };
        match name {
            "rtpmap" if media.maps.len() < SDP_FORMATS_MAX => media.maps.extend(rtp_map(value)),
            "ptime" => media.ptime_ms = value.trim().parse().ok(),
            "maxptime" => media.maxptime_ms = value.trim().parse().ok(),
            "rtcp" => media.rtcp = rtcp(value),
            _ => {}
        }
    }

    fn finish(self) -> Result<SessionDescription, SdpError> {
        if !self.version_seen {
            return Err(SdpError::NoVersion);
        }
        let (origin_id, origin_version) = self.origin.ok_or(SdpError::NoOrigin)?;
        if self.media.is_empty() {
            return Err(SdpError::NoMedia);
        }
        Ok(SessionDescription {
            origin_id,
            origin_version,
            connection: self.connection,
            direction: self.direction,
            media: self.media,
        })
    }
}

/// `username sess-id sess-version nettype addrtype address`
fn origin(value: &str) -> Option<(String, String)> {
    let mut words = value.split_ascii_whitespace().skip(1);
    let (id, version) = (words.next()?, words.next()?);
    let decimal = |word: &str| word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_digit());
    (decimal(id) && decimal(version) && words.count() >= 3)
        .then(|| (id.to_owned(), version.to_owned()))
}

/// `IN IP4 address[/ttl]`
fn connection(value: &str) -> Option<Address> {
    let mut words = value.split_ascii_whitespace();
    let (net, kind, address) = (words.next()?, words.next()?, words.next()?);
    if net != "IN" || !matches!(kind, "IP4" | "IP6") {
        return None;
    }
    let host = address.split('/').next()?;
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_ipv4() == (kind == "IP4") => Some(Address::Ip(ip)),
        Ok(_) => None,
        Err(_) if host.contains(':') => None,
        Err(_) => Some(Address::Name),
    }
}

/// `kind port[/count] transport format…`
fn media_line(value: &str) -> Option<MediaLine> {
    let mut words = value.split_ascii_whitespace();
    let (kind, port, transport) = (words.next()?, words.next()?, words.next()?);
    let port = port.split('/').next()?.parse().ok()?;
    let formats: Vec<String> = words.take(SDP_FORMATS_MAX).map(str::to_owned).collect();
    let short = kind.len() <= 32 && transport.len() <= 32;
    let token = |text: &str| text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !short || formats.is_empty() || !formats.iter().all(|format| token(format)) {
        return None;
    }
    Some(MediaLine {
        kind: kind.to_ascii_lowercase(),
        port,
        transport: transport.to_owned(),
        formats,
        connection: None,
        maps: Vec::new(),
        ptime_ms: None,
        maxptime_ms: None,
        direction: None,
        rtcp: None,
    })
}

fn direction(name: &str) -> Option<Direction> {
    match name {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    }
}

/// `payload-type encoding/clock[/channels]`
fn rtp_map(value: &str) -> Option<RtpMap> {
    let (payload_type, rest) = value.trim().split_once(' ')?;
    let payload_type: u8 = payload_type.parse().ok().filter(|number| *number < 128)?;
    let mut parts = rest.trim().split('/');
    let encoding = parts.next()?.to_ascii_lowercase();
    let clock_rate_hz = parts.next()?.trim().parse().ok()?;
    let channels = match parts.next() {
        Some(count) => count.trim().parse().ok()?,
        None => 1,
    };
    (encoding.len() <= 32).then_some(RtpMap { payload_type, encoding, clock_rate_hz, channels })
}

/// `port [IN IP4 address]` (RFC 3605)
fn rtcp(value: &str) -> Option<(u16, Option<IpAddr>)> {
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    Some((port, words.nth(2).and_then(|address| address.parse().ok())))
}
