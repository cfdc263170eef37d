//! How many browsers may call: in total, from one address, and begun from one address within a
//! minute.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::config::settings::Browser;
use crate::runtime::shared::locked;
use crate::web::Refused;

const MINUTE: Duration = Duration::from_secs(60);
/// Addresses remembered; beyond it those without a call are forgotten.
const ADDRESSES_MAX: usize = 10_000;
/// A caller who found all places taken may try again after this.
const BUSY_RETRY_S: u32 = 10;

#[derive(Debug, Default)]
struct Seen {
    now: usize,
    begun: usize,
    since: Option<Instant>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    addresses: HashMap<IpAddr, Seen>,
}

/// Counts callers.
#[derive(Debug)]
pub struct Gate {
    total_max: usize,
    address_max: usize,
    minute_max: usize,
    counts: Mutex<Counts>,
}

impl Gate {
    pub fn new(settings: &Browser) -> Self {
        Self {
            total_max: settings.calls_max,
            address_max: settings.calls_per_address_max,
            minute_max: settings.calls_per_minute_max,
            counts: Mutex::new(Counts::default()),
        }
    }

    /// Takes a place; each must be given back by [`Gate::leave`].
    ///
    /// # Errors
    /// [`Refused::Busy`] in total, [`Refused::TooMany`] for this address.
    pub fn enter(&self, address: IpAddr, now: Instant) -> Result<(), Refused> {
        let mut counts = locked(&self.counts);
        if counts.addresses.len() >= ADDRESSES_MAX {
            counts.addresses.retain(|_, seen| seen.now > 0);
        }
        let full = counts.total >= self.total_max;
        let seen = counts.addresses.entry(group(address)).or_default();
        let fresh = seen.since.is_none_or(|since| now.duration_since(since) >= MINUTE);
        if fresh {
            (seen.since, seen.begun) = (Some(now), 0);
        }
        // Also those that are refused: a page that tries for ever is one that misbehaves.
        seen.begun += 1;
        if seen.begun > self.minute_max {
            return Err(Refused::TooMany { retry_after_s: MINUTE.as_secs() as u32 });
        }
        if seen.now >= self.address_max {
            return Err(Refused::TooMany { retry_after_s: BUSY_RETRY_S });
        }
        if full {
            return Err(Refused::Busy { retry_after_s: BUSY_RETRY_S });
        }
        seen.now += 1;
        counts.total += 1;
        Ok(())
    }

    /// A call is over, or did not begin after all.
    pub fn leave(&self, address: IpAddr) {
        let mut counts = locked(&self.counts);
        counts.total = counts.total.saturating_sub(1);
        if let Some(seen) = counts.addresses.get_mut(&group(address)) {
            seen.now = seen.now.saturating_sub(1);
        }
    }
}

/// One household of IPv6 has 2^64 addresses: they count as one.
fn group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(total: usize, address: usize, minute: usize) -> Gate {
        Gate::new(&Browser {
            calls_max: total,
            calls_per_address_max: address,
            calls_per_minute_max: minute,
            ..Browser::default()
        })
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let (gate, now) = (gate(3, 2, 100), Instant::now());
        let (one, other): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        assert!(gate.enter(one, now).is_ok() && gate.enter(one, now).is_ok());
        assert!(matches!(gate.enter(one, now), Err(Refused::TooMany { .. })));
        assert!(gate.enter(other, now).is_ok());
        assert!(matches!(gate.enter(other, now), Err(Refused::Busy { .. })));
        gate.leave(one);
        assert!(gate.enter(other, now).is_ok());
    }

    #[test]
    fn a_minute_is_counted_by_household() {
        let (gate, now) = (gate(100, 100, 2), Instant::now());
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        assert!(gate.enter(one, now).is_ok() && gate.enter(neighbour, now).is_ok());
        assert!(gate.enter(one, now).is_err());
        assert!(gate.enter("2001:db8:0:1::1".parse().unwrap(), now).is_ok());
        assert!(gate.enter(one, now + MINUTE).is_ok());
    }
}
