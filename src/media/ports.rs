//! RTP ports: random, even, with the RTCP port beside; a released port rests before it is used
//! again, so that a late sender of the last call cannot reach the next one.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::Rng;
use thiserror::Error;

/// Ports tried at random before the range is walked: others on this machine may hold some.
const RANDOM_TRIES: u32 = 64;

/// The two sockets of a leg, not blocking.
#[derive(Debug)]
pub struct Sockets {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
    pub port: u16,
}

/// Why no port could be had.
#[derive(Debug, Error)]
pub enum PortError {
    #[error("no free RTP port in {first} to {last}: {used} in use or at rest")]
    Exhausted { first: u16, last: u16, used: usize },
    #[error("cannot bind to {address}: {error}")]
    Address { address: IpAddr, error: io::Error },
}

/// The ports of one engine.
#[derive(Debug)]
pub struct Ports {
    bind: IpAddr,
    range: RangeInclusive<u16>,
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In use or at rest.
    taken: HashSet<u16>,
    resting: VecDeque<(Instant, u16)>,
}

impl Ports {
    pub fn new(bind: IpAddr, range: RangeInclusive<u16>, rest: Duration) -> Self {
        Self { bind, range, rest, state: Mutex::new(State::default()) }
    }

    /// Binds a random even port and the one above it.
    ///
    /// # Errors
    /// [`PortError`] if none is free, or the address is not ours.
    pub fn open(&self, now: Instant) -> Result<Sockets, PortError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.wake(now, self.rest);
        let first = self.range.start().next_multiple_of(2);
        let pairs = (self.range.end().saturating_sub(first)).div_ceil(2);
        let exhausted = PortError::Exhausted {
            first: *self.range.start(),
            last: *self.range.end(),
            used: state.taken.len(),
        };
        if pairs == 0 {
            return Err(exhausted);
        }
        let mut random = rand::rng();
        let start = random.random_range(0..pairs);
        for step in 0..RANDOM_TRIES + u32::from(pairs) {
            // Random first, then onwards: a nearly full range is still used to its end.
            let pair = if step < RANDOM_TRIES {
                random.random_range(0..pairs)
            } else {
                ((u32::from(start) + step) % u32::from(pairs)) as u16
            };
            let port = first + pair * 2;
            if state.taken.contains(&port) {
                continue;
            }
            match self.bind_pair(port) {
                Ok(sockets) => {
                    state.taken.insert(port);
                    return Ok(sockets);
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(PortError::Address { address: self.bind, error }),
            }
        }
        Err(exhausted)
    }

    /// The leg is closed: its port rests from now.
    pub fn release(&self, now: Instant, port: u16) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.resting.push_back((now, port));
    }

    fn bind_pair(&self, port: u16) -> io::Result<Sockets> {
        let rtp = UdpSocket::bind(SocketAddr::new(self.bind, port))?;
        let rtcp = UdpSocket::bind(SocketAddr::new(self.bind, port + 1))?;
        rtp.set_nonblocking(true)?;
        rtcp.set_nonblocking(true)?;
        Ok(Sockets { rtp, rtcp, port })
    }
}

impl State {
    fn wake(&mut self, now: Instant, rest: Duration) {
        while let Some((since, port)) = self.resting.front().copied() {
            if now.saturating_duration_since(since) < rest {
                break;
            }
            self.resting.pop_front();
            self.taken.remove(&port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_random_and_rested() {
        let host = IpAddr::from([127, 0, 0, 1]);
        // Below the ports that systems give to any socket, and below those of other tests; a
        // process has its own eight, so that two runs at once seldom meet.
        let odd = 16_001 + (std::process::id() % 47) as u16 * 8;
        let ports = Ports::new(host, odd..=odd + 7, Duration::from_secs(30));
        let now = Instant::now();
        let mut held = Vec::new();
        while let Ok(sockets) = ports.open(now) {
            assert!(sockets.port % 2 == 0 && (odd + 1..=odd + 6).contains(&sockets.port));
            held.push(sockets);
        }
        assert!((1..=3).contains(&held.len()), "{}", held.len());
        let port = held.pop().map(|sockets| sockets.port).unwrap();
        ports.release(now, port);
        assert!(ports.open(now + Duration::from_secs(29)).is_err(), "it rests");
        let again = ports.open(now + Duration::from_secs(30)).unwrap();
        assert_eq!(again.port, port);
    }

    #[test]
    fn an_address_that_is_not_ours_is_told() {
        let ports = Ports::new([192, 0, 2, 1].into(), 42_200..=42_300, Duration::ZERO);
        assert!(matches!(ports.open(Instant::now()), Err(PortError::Address { .. })));
    }
}
