//! Browsers' legs: an SDP offer → a peer connection and its answer; RTP in and out of it in
//! memory.
//!
//! ```text
//! offer (HTTP) → offer: codec, keys → connection → answer (HTTP)
//! SRTP ⇄ connection ⇄ peer ⇄ attached line (whole RTP packets) ⇄ media
//! ```
//!
//! Reading order: [`offer`] (what a browser offers, and what we take of it), [`answer`] (what we
//! tell it), [`connection`] (the `webrtc` crate, set up our way), [`peer`] (what the runtime
//! holds), [`stream`] (one RTP space per connection, whatever is attached to it), [`turn`].
//! [`client`] is the other side, for tests and benchmarks.
//!
//! Invariants: DTLS runs only over pairs that ICE checked, and its certificate must match the
//! fingerprint of the offer; a connection carries any number of lines one after the other and
//! never negotiates anew for them; nothing here blocks the connection's own task.

pub mod answer;
pub mod client;
pub mod connection;
pub mod limits;
pub mod offer;
pub mod peer;
pub mod stream;
pub mod turn;

pub use client::Client;
pub use offer::{Agreed, OfferRefusal};
pub use peer::{KEYS, Line, Peer, PeerEvent, VOICE};

use std::net::IpAddr;
use std::ops::RangeInclusive;

/// What the operator sets for browsers' legs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Addresses whose UDP sockets carry the media; `0.0.0.0` is every interface but loopback.
    pub listen: Vec<IpAddr>,
    /// UDP ports, one for each peer and address; any free one if `None`.
    pub ports: Option<RangeInclusive<u16>>,
    /// Our address as the internet sees it, behind a 1:1 NAT.
    pub public_address: Option<IpAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { listen: vec![IpAddr::from([127, 0, 0, 1])], ports: None, public_address: None }
    }
}

#[cfg(test)]
mod tests;
