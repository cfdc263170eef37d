//! The source lock of a leg: from which address its sound is taken, and to which it is sent.
//! Keeps strangers out who spray packets at our ports (RTP bleed, RTP inject).
//!
//! The address of the SDP wins at once. A peer behind a NAT sends from another: it is learned
//! from a few consistent packets, from the host of the SDP or of the signalling; from any host
//! only where the SDP names a private address and the signalling is unknown. Once locked, the
//! address changes only with a new plan (or when the SDP's own address speaks after all).

use std::net::{IpAddr, SocketAddr};

/// Consistent packets from a known host before it is locked.
const FROM_KNOWN_HOST: u8 = 2;
/// Consistent packets from an unknown host.
const FROM_ANY_HOST: u8 = 5;
/// Sequence numbers may jump so far and still be consistent.
const SEQUENCE_STEP_MAX: u16 = 10;

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    /// Not locked yet: counted towards the lock, not played.
    Learning,
    Stranger,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    sequence: u16,
    seen: u8,
}

/// One leg's lock.
#[derive(Clone, Debug)]
pub struct SourceLock {
    expected: SocketAddr,
    signalling: Option<IpAddr>,
    locked: Option<SocketAddr>,
    candidate: Option<Candidate>,
}

impl SourceLock {
    /// A lock that expects the address of the SDP; `signalling` is the host that the peer's SIP
    /// really came from, where known.
    pub fn new(expected: SocketAddr, signalling: Option<IpAddr>) -> Self {
        Self { expected, signalling, locked: None, candidate: None }
    }

    /// Where to send: the locked address, or the one of the SDP.
    pub fn destination(&self) -> SocketAddr {
        self.locked.unwrap_or(self.expected)
    }

    pub fn expected(&self) -> SocketAddr {
        self.expected
    }

    /// Judges one well-formed RTP packet.
    pub fn judge(&mut self, from: SocketAddr, ssrc: u32, sequence: u16) -> Verdict {
        if from == self.expected {
            self.locked = Some(from);
            self.candidate = None;
            return Verdict::Accept;
        }
        match self.locked {
            Some(locked) if locked == from => Verdict::Accept,
            Some(_) => Verdict::Stranger,
            None => self.learn(from, ssrc, sequence),
        }
    }

    /// Whether RTCP from this address counts: only its host is compared.
    pub fn knows_host(&self, host: IpAddr) -> bool {
        host == self.destination().ip() || host == self.expected.ip()
    }

    fn learn(&mut self, from: SocketAddr, ssrc: u32, sequence: u16) -> Verdict {
        let Some(needed) = self.packets_needed(from.ip()) else { return Verdict::Stranger };
        let seen = match self.candidate {
            Some(known) if known.from == from && known.ssrc == ssrc => {
                let step = sequence.wrapping_sub(known.sequence);
                if (1..=SEQUENCE_STEP_MAX).contains(&step) { known.seen + 1 } else { 1 }
            }
            Some(_) | None => 1,
        };
        if seen >= needed {
            self.locked = Some(from);
            self.candidate = None;
            return Verdict::Accept;
        }
        self.candidate = Some(Candidate { from, ssrc, sequence, seen });
        Verdict::Learning
    }

    fn packets_needed(&self, host: IpAddr) -> Option<u8> {
        if host == self.expected.ip() || Some(host) == self.signalling {
            Some(FROM_KNOWN_HOST)
        } else if self.signalling.is_none() && is_private(self.expected.ip()) {
            Some(FROM_ANY_HOST)
        } else {
            None
        }
    }
}

/// An address that cannot be the peer's own on the open network. Loopback is not among them: who
/// names it is on this machine.
fn is_private(host: IpAddr) -> bool {
    match host {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let carrier_nat = a == 100 && (64..128).contains(&b);
            v4.is_private() || v4.is_link_local() || v4.is_unspecified() || carrier_nat
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn check(sdp: &str, signalling: Option<&str>, packets: &[&str], verdicts: &str, to: &str) {
        let mut lock = SourceLock::new(at(sdp), signalling.map(|host| host.parse().unwrap()));
        let mut got = String::new();
        for (index, from) in packets.iter().enumerate() {
            got.push(match lock.judge(at(from), 9, index as u16) {
                Verdict::Accept => 'A',
                Verdict::Learning => 'l',
                Verdict::Stranger => 's',
            });
        }
        assert_eq!((got.as_str(), lock.destination()), (verdicts, at(to)), "{sdp} {packets:?}");
    }

    #[test]
    fn who_is_let_in() {
        let (peer, port, enemy) = ("127.0.0.1:4000", "127.0.0.1:4008", "127.0.0.2:4000");
        check(peer, None, &[peer, enemy, peer], "AsA", peer);
        check(peer, None, &[enemy, enemy, enemy, enemy, enemy, enemy, peer], "ssssssA", peer);
        check(peer, None, &[port, port, port, enemy], "lAAs", port);
        check(peer, None, &[port, port, peer, port], "lAAs", peer);
        let (private, public, other) = ("10.0.0.5:4000", "198.51.100.7:5000", "203.0.113.9:6000");
        check(private, None, &[public; 6], "llllAA", public);
        check(private, None, &[public, other, public, other], "llll", private);
        check(private, Some("198.51.100.7"), &[public, public, other], "lAs", public);
        check(private, Some("198.51.100.7"), &[other; 6], "ssssss", private);
        check(public, None, &[other; 6], "ssssss", public);
        check("100.64.0.1:4000", None, &[other; 5], "llllA", other);
    }

    #[test]
    fn inconsistent_packets_teach_nothing() {
        let mut lock = SourceLock::new(at("10.0.0.5:4000"), None);
        for index in 0..20u16 {
            let verdict = lock.judge(at("198.51.100.7:5000"), u32::from(index), index);
            assert_eq!(verdict, Verdict::Learning, "a new SSRC each time");
        }
        for index in 0..20u16 {
            let verdict = lock.judge(at("198.51.100.7:5000"), 1, index.wrapping_mul(1_000));
            assert_eq!(verdict, Verdict::Learning, "sequence numbers at random");
        }
    }
}
