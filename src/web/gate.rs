//! Counts failed logins by address and name, so that passwords cannot be tried at speed; and
//! looks at calls, so that the audit holds each once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::limits::{
    CALL_BACKS_MAX, GATE_ADDRESS_TRIES_MAX, GATE_KEYS_MAX, GATE_NAME_TRIES_MAX,
    GATE_PAIR_TRIES_MAX, GATE_WINDOW, VIEW_EVERY,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Pair(IpAddr, String),
    Name(String),
}

impl Key {
    fn tries_max(&self) -> u32 {
        match self {
            Key::Address(_) => GATE_ADDRESS_TRIES_MAX,
            Key::Pair(..) => GATE_PAIR_TRIES_MAX,
            Key::Name(_) => GATE_NAME_TRIES_MAX,
        }
    }
}

/// Failed logins of the last while.
#[derive(Default)]
pub(super) struct Gate {
    tries: Mutex<HashMap<Key, (u32, Instant)>>,
}

impl Gate {
    /// How long this address must wait before it may try this name; `None` if it may now.
    pub(super) fn wait(&self, address: IpAddr, name: &str, now: Instant) -> Option<Duration> {
        let tries = self.tries.lock().unwrap_or_else(|broken| broken.into_inner());
        keys(address, name)
            .iter()
            .filter_map(|key| {
                let (count, began) = tries.get(key)?;
                let left = GATE_WINDOW.checked_sub(now.duration_since(*began))?;
                (*count >= key.tries_max() && !left.is_zero()).then_some(left)
            })
            .max()
    }

    pub(super) fn failed(&self, address: IpAddr, name: &str, now: Instant) {
        let mut tries = self.tries.lock().unwrap_or_else(|broken| broken.into_inner());
        if tries.len() + 3 > GATE_KEYS_MAX {
            tries.retain(|_, (_, began)| now.duration_since(*began) < GATE_WINDOW);
        }
        if tries.len() + 3 > GATE_KEYS_MAX {
            // A flood of names: forget the names, keep counting addresses.
            tries.retain(|key, _| matches!(key, Key::Address(_)));
        }
        for key in keys(address, name) {
            let entry = tries.entry(key).or_insert((0, now));
            if now.duration_since(entry.1) >= GATE_WINDOW {
                *entry = (0, now);
            }
            entry.0 += 1;
        }
    }

    /// A right password clears what was counted for this pair, and takes its own try back.
    pub(super) fn passed(&self, address: IpAddr, name: &str) {
        let mut tries = self.tries.lock().unwrap_or_else(|broken| broken.into_inner());
        for key in keys(address, name) {
            match key {
                Key::Pair(..) => drop(tries.remove(&key)),
                Key::Address(_) | Key::Name(_) => {
                    if let Some((count, _)) = tries.get_mut(&key) {
                        *count = count.saturating_sub(1);
                    }
                }
            }
        }
    }
}

/// Wishes to be called back, so that no page fills the store with them.
#[derive(Default)]
pub(super) struct CallBacks {
    seen: Mutex<HashMap<IpAddr, (u32, Instant)>>,
}

impl CallBacks {
    /// Whether this address may ask once more.
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(|broken| broken.into_inner());
        if seen.len() >= GATE_KEYS_MAX {
            seen.retain(|_, (_, began)| now.duration_since(*began) < GATE_WINDOW);
        }
        if seen.len() >= GATE_KEYS_MAX {
            return false;
        }
        let (count, began) = seen.entry(address).or_insert((0, now));
        if now.duration_since(*began) >= GATE_WINDOW {
            (*count, *began) = (0, now);
        }
        *count += 1;
        *count <= CALL_BACKS_MAX
    }
}

/// Who looked at what lately, so that a page that renews itself is audited once.
#[derive(Default)]
pub(super) struct Views {
    seen: Mutex<HashMap<(String, String), Instant>>,
}

impl Views {
    /// Whether this look is the first of this user in a while.
    pub(super) fn is_new(&self, user: &str, what: &str, now: Instant) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(|broken| broken.into_inner());
        if seen.len() >= GATE_KEYS_MAX {
            // Audited once more rather than not at all.
            seen.clear();
        }
        let before = seen.insert((user.to_owned(), what.to_owned()), now);
        let recent = before.is_some_and(|at| now.duration_since(at) < VIEW_EVERY);
        if recent && let Some(at) = before {
            seen.insert((user.to_owned(), what.to_owned()), at);
        }
        !recent
    }
}

fn keys(address: IpAddr, name: &str) -> [Key; 3] {
    [Key::Address(address), Key::Pair(address, short(name)), Key::Name(short(name))]
}

fn short(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuts_after_some_tries_and_opens_again() {
        let (gate, now) = (Gate::default(), Instant::now());
        let address = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..GATE_PAIR_TRIES_MAX {
            assert_eq!(gate.wait(address, "anna", now), None);
            gate.failed(address, "anna", now);
        }
        assert!(gate.wait(address, "anna", now).is_some());
        assert_eq!(gate.wait(address, "bert", now), None);
        assert_eq!(gate.wait(IpAddr::from([192, 0, 2, 2]), "anna", now), None);
        assert_eq!(gate.wait(address, "anna", now + GATE_WINDOW), None);
    }

    #[test]
    fn a_page_that_renews_itself_is_seen_once_in_a_while() {
        let (views, now) = (Views::default(), Instant::now());
        assert!(views.is_new("anna", "call", now));
        assert!(!views.is_new("anna", "call", now + VIEW_EVERY / 2));
        assert!(views.is_new("bert", "call", now));
        assert!(views.is_new("anna", "call", now + VIEW_EVERY), "the first look counts");
    }

    #[test]
    fn a_right_password_clears_the_pair() {
        let (gate, now) = (Gate::default(), Instant::now());
        let address = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..GATE_PAIR_TRIES_MAX {
            gate.failed(address, "anna", now);
        }
        gate.passed(address, "anna");
        assert_eq!(gate.wait(address, "anna", now), None);
    }
}
