//! Our descriptions as text, and the `o=` line's version, which must rise by one whenever the
//! description changes and stay when it does not (RFC 3264 section 8).

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::base::session::{Codec, Direction};

use super::direction_name;
use super::negotiate::Chosen;
use super::{COMFORT_NOISE_PAYLOAD_TYPE, DTMF_PAYLOAD_TYPE, LocalMedia, SessionDescription};

/// Our offer, one audio stream.
pub fn offer(ours: &LocalMedia) -> String {
    let mut text = head(ours.address);
    let codecs: Vec<(u8, Codec)> =
        ours.codecs.iter().filter_map(|codec| Some((static_type(*codec)?, *codec))).collect();
    let _ = write!(text, "m=audio {} RTP/AVP", ours.port);
    for (payload_type, _) in &codecs {
        let _ = write!(text, " {payload_type}");
    }
    let _ = write!(text, " {COMFORT_NOISE_PAYLOAD_TYPE} {DTMF_PAYLOAD_TYPE}\r\n");
    for (payload_type, codec) in &codecs {
        let _ = write!(text, "a=rtpmap:{payload_type} {}/8000\r\n", codec.encoding_name());
    }
    let _ = write!(text, "a=rtpmap:{COMFORT_NOISE_PAYLOAD_TYPE} CN/8000\r\n");
    dtmf_lines(&mut text, DTMF_PAYLOAD_TYPE);
    tail(&mut text, 20, ours.direction);
    text
}

/// Our answer: the stream at `index` accepted, all others kept in their places with port 0.
pub(super) fn answer_text(
    offer: &SessionDescription,
    index: usize,
    ours: &LocalMedia,
    chosen: &Chosen,
    direction: Direction,
) -> String {
    let mut text = head(ours.address);
    for (place, line) in offer.media.iter().enumerate() {
        if place != index {
            let formats = line.formats.join(" ");
            let _ = write!(text, "m={} 0 {} {formats}\r\n", line.kind, line.transport);
            continue;
        }
        let _ = write!(text, "m=audio {} RTP/AVP {}", ours.port, chosen.payload_type);
        let extras = [chosen.comfort_noise_payload_type, chosen.dtmf_payload_type];
        for payload_type in extras.into_iter().flatten() {
            let _ = write!(text, " {payload_type}");
        }
        let name = chosen.codec.encoding_name();
        let _ = write!(text, "\r\na=rtpmap:{} {name}/8000\r\n", chosen.payload_type);
        if let Some(payload_type) = chosen.comfort_noise_payload_type {
            let _ = write!(text, "a=rtpmap:{payload_type} CN/8000\r\n");
        }
        if let Some(payload_type) = chosen.dtmf_payload_type {
            dtmf_lines(&mut text, payload_type);
        }
        tail(&mut text, chosen.ptime_ms, direction);
    }
    text
}

fn head(address: IpAddr) -> String {
    let kind = if address.is_ipv4() { "IP4" } else { "IP6" };
    format!("v=0\r\no=- 0 0 IN {kind} {address}\r\ns=-\r\nc=IN {kind} {address}\r\nt=0 0\r\n")
}

fn dtmf_lines(text: &mut String, payload_type: u8) {
    let _ = write!(text, "a=rtpmap:{payload_type} telephone-event/8000\r\n");
    let _ = write!(text, "a=fmtp:{payload_type} 0-15\r\n");
}

fn tail(text: &mut String, ptime_ms: u8, direction: Direction) {
    let _ = write!(text, "a=ptime:{ptime_ms}\r\na={}\r\n", direction_name(direction));
}

/// Payload type of RFC 3551; none for a codec that plain SIP does not carry.
fn static_type(codec: Codec) -> Option<u8> {
    match codec {
        Codec::Pcmu => Some(0),
        Codec::Pcma => Some(8),
        Codec::G722 => Some(9),
        Codec::Opus => None,
    }
}

/// Keeps the `o=` line of one leg: one session id, and a version that follows the changes.
#[derive(Debug)]
pub struct OriginKeeper {
    session_id: u64,
    version: u64,
    /// The last description without its `o=` line.
    last: Option<String>,
}

impl OriginKeeper {
    /// `session_id` is any number that is new for each leg, below 2^62 as some peers read it
    /// as signed.
    pub fn new(session_id: u64) -> Self {
        Self { session_id: session_id >> 2, version: 0, last: None }
    }

    /// Writes the right `o=` line into a description of ours, whoever made it.
    pub fn stamp(&mut self, text: &str) -> String {
        let lines = || text.split_inclusive('\n');
        let bare: String = lines().filter(|line| !line.starts_with("o=")).collect();
        if self.last.as_deref() != Some(bare.as_str()) {
            self.version += 1;
            self.last = Some(bare);
        }
        lines()
            .map(|line| match line.strip_prefix("o=") {
                Some(rest) => {
                    let place: Vec<&str> = rest.split_ascii_whitespace().skip(3).collect();
                    format!("o=- {} {} {}\r\n", self.session_id, self.version, place.join(" "))
                }
                None => line.to_owned(),
            })
            .collect()
    }
}
