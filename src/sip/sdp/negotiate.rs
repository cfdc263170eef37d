//! Offer/answer (RFC 3264): which stream, which codec, which way. Everything but one audio stream
//! over plain RTP is refused with port 0, and kept in its place.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use crate::base::session::{Codec, Direction, MediaPlan};

use super::write::answer_text;
use super::{Address, COMFORT_NOISE_PAYLOAD_TYPE, LocalMedia, MediaLine, RtpMap};
use super::{SessionDescription, mirrored};

/// Why a well-formed description cannot be met: 488 to an offer, BYE after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SdpRefusal {
    #[error("no live audio stream")]
    NoAudio,
    /// SRTP, DTLS or a feedback profile. Never answered in plain RTP instead.
    #[error("the audio stream is not plain RTP/AVP")]
    NotPlainRtp,
    #[error("no common codec")]
    NoCommonCodec,
    #[error("no usable connection address")]
    NoAddress,
}

impl SdpRefusal {
    /// Status of the response to such an offer.
    pub const STATUS: u16 = 488;
}

/// What of a media line we use.
pub(super) struct Chosen {
    pub codec: Codec,
    pub payload_type: u8,
    pub dtmf_payload_type: Option<u8>,
    pub comfort_noise_payload_type: Option<u8>,
    pub ptime_ms: u8,
}

/// Answers `offer`: the text of our answer (its `o=` line still to be stamped by
/// [`OriginKeeper`](super::OriginKeeper), which each leg does by itself) and the plan.
pub fn negotiate(
    offer: &SessionDescription,
    ours: &LocalMedia,
) -> Result<(String, MediaPlan), SdpRefusal> {
    let (index, line, chosen) = choose(offer, &ours.codecs)?;
    let (remote, rtcp_remote, held) = addresses(offer, line)?;
    let offered = line.direction.or(offer.direction).unwrap_or(Direction::SendRecv);
    let mut direction = meet(mirrored(offered), ours.direction);
    if held {
        // The peer listens nowhere (RFC 2543 hold): whatever the attribute says, do not send.
        direction = meet(direction, Direction::RecvOnly);
    }
    let text = answer_text(offer, index, ours, &chosen, direction);
    Ok((text, plan(&chosen, remote, rtcp_remote, direction)))
}

/// Takes the answer to an offer that we made with `ours`.
pub fn accept_answer(
    ours: &LocalMedia,
    answer: &SessionDescription,
) -> Result<MediaPlan, SdpRefusal> {
    // We offer a single stream, and RFC 3264 section 6 keeps its place.
    let first = answer.media.first().ok_or(SdpRefusal::NoAudio)?;
    if first.kind != "audio" || first.port == 0 {
        return Err(SdpRefusal::NoAudio);
    }
    let (_, line, chosen) = choose(answer, &ours.codecs)?;
    let (remote, rtcp_remote, held) = addresses(answer, line)?;
    let theirs = line.direction.or(answer.direction).unwrap_or(Direction::SendRecv);
    let mut direction = meet(mirrored(theirs), ours.direction);
    if held {
        direction = meet(direction, Direction::RecvOnly);
    }
    Ok(plan(&chosen, remote, rtcp_remote, direction))
}

fn plan(
    chosen: &Chosen,
    remote: SocketAddr,
    rtcp_remote: Option<SocketAddr>,
    direction: Direction,
) -> MediaPlan {
    MediaPlan {
        remote,
        rtcp_remote,
        codec: chosen.codec,
        payload_type: chosen.payload_type,
        dtmf_payload_type: chosen.dtmf_payload_type,
        comfort_noise_payload_type: chosen.comfort_noise_payload_type,
        ptime_ms: chosen.ptime_ms,
        direction,
    }
}

/// The first audio line that we can use. The refusal names the nearest miss.
fn choose<'a>(
    description: &'a SessionDescription,
    codecs: &[Codec],
) -> Result<(usize, &'a MediaLine, Chosen), SdpRefusal> {
    let mut refusal = SdpRefusal::NoAudio;
    for (index, line) in description.media.iter().enumerate() {
        if line.kind != "audio" || line.port == 0 {
            continue;
        }
        if line.transport != "RTP/AVP" {
            refusal = SdpRefusal::NotPlainRtp;
            continue;
        }
        match choose_formats(line, codecs) {
            Some(chosen) => return Ok((index, line, chosen)),
            None => refusal = SdpRefusal::NoCommonCodec,
        }
    }
    Err(refusal)
}

/// The peer's order decides, as the first format is the one that it would rather have.
fn choose_formats(line: &MediaLine, codecs: &[Codec]) -> Option<Chosen> {
    let numbers = || line.formats.iter().filter_map(|format| format.parse::<u8>().ok());
    let (payload_type, codec) = numbers().find_map(|number| {
        codec_of(line, number).filter(|codec| codecs.contains(codec)).map(|codec| (number, codec))
    })?;
    let named = |name: &str| {
        numbers().find(|number| {
            map_of(line, *number)
                .is_some_and(|map| map.encoding == name && map.clock_rate_hz == 8_000)
        })
    };
    let comfort_noise =
        named("cn").or_else(|| numbers().find(|number| *number == COMFORT_NOISE_PAYLOAD_TYPE));
    Some(Chosen {
        codec,
        payload_type,
        dtmf_payload_type: named("telephone-event"),
        comfort_noise_payload_type: comfort_noise,
        ptime_ms: ptime_ms(line),
    })
}

/// A multiple of 10 ms from 10 to 60; 20 unless the peer says otherwise.
fn ptime_ms(line: &MediaLine) -> u8 {
    let wanted = line.ptime_ms.filter(|ms| *ms > 0).unwrap_or(20);
    let most = line.maxptime_ms.filter(|ms| *ms >= 10).unwrap_or(60);
    let rounded = wanted.min(most).clamp(10, 60) / 10 * 10;
    u8::try_from(rounded).unwrap_or(20)
}

fn map_of(line: &MediaLine, payload_type: u8) -> Option<&RtpMap> {
    line.maps.iter().find(|map| map.payload_type == payload_type)
}

/// The codec behind a payload type: by its map, or by RFC 3551's table where there is none.
fn codec_of(line: &MediaLine, payload_type: u8) -> Option<Codec> {
    let Some(map) = map_of(line, payload_type) else {
        return match payload_type {
            0 => Some(Codec::Pcmu),
            8 => Some(Codec::Pcma),
            9 => Some(Codec::G722),
            _ => None,
        };
    };
    match (map.encoding.as_str(), map.clock_rate_hz, map.channels) {
        ("pcmu", 8_000, 1) => Some(Codec::Pcmu),
        ("pcma", 8_000, 1) => Some(Codec::Pcma),
        // The clock of G.722 is 8,000 by an old error (RFC 3551 section 4.5.2); some say 16,000.
        ("g722", 8_000 | 16_000, 1) => Some(Codec::G722),
        _ => None,
    }
}

/// RTP and RTCP of the peer, and whether it listens nowhere.
fn addresses(
    description: &SessionDescription,
    line: &MediaLine,
) -> Result<(SocketAddr, Option<SocketAddr>, bool), SdpRefusal> {
    let ip = match line.connection.as_ref().or(description.connection.as_ref()) {
        Some(Address::Ip(ip)) => *ip,
        Some(Address::Name) | None => return Err(SdpRefusal::NoAddress),
    };
    if is_nonsense(ip) {
        return Err(SdpRefusal::NoAddress);
    }
    let rtcp = line.rtcp.map(|(port, other)| {
        // RTCP at another host would make us a reflector: same host, or not at all.
        SocketAddr::new(other.filter(|other| *other == ip).unwrap_or(ip), port)
    });
    Ok((SocketAddr::new(ip, line.port), rtcp, ip.is_unspecified()))
}

/// Addresses to which no media may ever go.
fn is_nonsense(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_multicast(),
    }
}

/// What both allow.
fn meet(one: Direction, other: Direction) -> Direction {
    let sends = one.sends() && other.sends();
    let receives = one.receives() && other.receives();
    match (sends, receives) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}
