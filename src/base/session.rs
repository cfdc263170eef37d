//! The agreed media of one leg: what signalling negotiates and the media plane obeys.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A codec of the media plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// G.711 µ-law, payload type 0 (RFC 3551).
    Pcmu,
    /// G.711 A-law, payload type 8 (RFC 3551).
    Pcma,
    /// G.722 at 64 kbit/s, payload type 9; 16 kHz sound on an 8 kHz RTP clock (RFC 3551 4.5.2).
    G722,
    /// Opus (RFC 7587), dynamic payload type, 48 kHz clock.
    Opus,
}

impl Codec {
    /// Rate of the sound, samples a second.
    pub fn sample_rate_hz(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma => 8_000,
            Codec::G722 | Codec::Opus => 16_000,
        }
    }

    /// Rate of the RTP clock, ticks a second.
    pub fn clock_rate_hz(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// Name in SDP.
    pub fn encoding_name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }
}

/// Who may send, seen from us (RFC 3264 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// The result of offer and answer for one audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaPlan {
    /// Where the peer's SDP says that it listens. The port of RTCP is this plus one unless
    /// `rtcp_remote` says otherwise.
    pub remote: SocketAddr,
    pub rtcp_remote: Option<SocketAddr>,
    pub codec: Codec,
    /// Payload type on the wire for the codec, both ways.
    pub payload_type: u8,
    /// Payload type of telephone-event (RFC 4733), where agreed.
    pub dtmf_payload_type: Option<u8>,
    /// Payload type of comfort noise (RFC 3389), where agreed.
    pub comfort_noise_payload_type: Option<u8>,
    /// Packet length that the peer asks for, milliseconds (10 to 60; 20 unless it said so).
    pub ptime_ms: u8,
    pub direction: Direction,
}
