//! Session descriptions (RFC 8866) and offer/answer (RFC 3264) for one audio stream: text in,
//! [`MediaPlan`](crate::base::session::MediaPlan) and text out. Pure; every bound is explicit.

mod negotiate;
mod parse;
#[cfg(test)]
mod tests;
mod write;

use std::net::IpAddr;

use crate::base::session::{Codec, Direction};

pub use negotiate::{SdpRefusal, accept_answer, negotiate};
pub use parse::{SdpError, parse};
pub use write::{OriginKeeper, offer};

/// Payload type that we offer for telephone-event (RFC 4733).
pub const DTMF_PAYLOAD_TYPE: u8 = 101;
/// Static payload type of comfort noise (RFC 3551).
pub const COMFORT_NOISE_PAYLOAD_TYPE: u8 = 13;

/// Our side of a session, as it is offered or answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMedia {
    /// The address that the peer is to send to: the trunk's public address behind NAT.
    pub address: IpAddr,
    /// Port of RTP; RTCP is the next one.
    pub port: u16,
    /// Codecs that we speak, the most wanted first. Opus is left out of plain SIP.
    pub codecs: Vec<Codec>,
    /// What we want to do; the answer narrows it to what the peer allows.
    pub direction: Direction,
}

impl LocalMedia {
    /// Both ways, with the usual codecs of a trunk.
    pub fn new(address: IpAddr, port: u16) -> Self {
        let codecs = vec![Codec::Pcma, Codec::Pcmu, Codec::G722];
        Self { address, port, codecs, direction: Direction::SendRecv }
    }
}

/// A parsed description. Text of the peer that we do not use is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDescription {
    /// Session id and version of the `o=` line, as written.
    pub origin_id: String,
    pub origin_version: String,
    pub connection: Option<Address>,
    pub direction: Option<Direction>,
    pub media: Vec<MediaLine>,
}

/// Where media goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Ip(IpAddr),
    /// A host name; we take none in SDP.
    Name,
}

/// One `m=` line with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaLine {
    /// `audio`, `video`, `image`…
    pub kind: String,
    /// 0 refuses the stream.
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP`, `udptl`…
    pub transport: String,
    pub formats: Vec<String>,
    pub connection: Option<Address>,
    pub maps: Vec<RtpMap>,
    pub ptime_ms: Option<u16>,
    pub maxptime_ms: Option<u16>,
    pub direction: Option<Direction>,
    /// Port and, where given, address of RTCP (RFC 3605).
    pub rtcp: Option<(u16, Option<IpAddr>)>,
}

/// `a=rtpmap` (RFC 8866 section 6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    pub payload_type: u8,
    pub encoding: String,
    pub clock_rate_hz: u32,
    pub channels: u8,
}

impl SessionDescription {
    /// `true` if the description stops us from sending to the peer's ear: hold (RFC 3264
    /// section 8.4, and the 0.0.0.0 of RFC 2543).
    pub fn holds(&self) -> bool {
        let Some(line) = self.audio() else { return false };
        let direction = line.direction.or(self.direction).unwrap_or(Direction::SendRecv);
        let nowhere = match line.connection.as_ref().or(self.connection.as_ref()) {
            Some(Address::Ip(ip)) => ip.is_unspecified(),
            Some(Address::Name) | None => false,
        };
        nowhere || matches!(direction, Direction::SendOnly | Direction::Inactive)
    }

    /// The first live audio line.
    pub fn audio(&self) -> Option<&MediaLine> {
        self.media.iter().find(|line| line.kind == "audio" && line.port != 0)
    }
}

/// The direction as the other side sees it.
pub fn mirrored(direction: Direction) -> Direction {
    match direction {
        Direction::SendRecv => Direction::SendRecv,
        Direction::SendOnly => Direction::RecvOnly,
        Direction::RecvOnly => Direction::SendOnly,
        Direction::Inactive => Direction::Inactive,
    }
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    }
}
