//! Who sends how much, and how badly: token buckets and scores by address, in bounded memory.
//! Times are milliseconds on a monotonic clock, given by the shell.

use std::collections::HashMap;
use std::net::IpAddr;

use super::limits::{BAN, BAN_SCORE, BAN_WINDOW, SOURCES_MAX};
use super::limits::{STRANGER_BURST, STRANGER_RATE_PER_S, TRUNK_BURST, TRUNK_RATE_PER_S};

/// What an address did wrong, with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// A challenge that was not answered (yet): every honest phone does it once.
    Challenged,
    WrongPassword,
    Replay,
    /// Bytes that are no SIP.
    Nonsense,
    /// A request without any right to be here.
    Uninvited,
}

impl Offence {
    fn weight(self) -> u32 {
        match self {
            Offence::Challenged | Offence::Nonsense | Offence::Uninvited => 1,
            Offence::WrongPassword | Offence::Replay => 3,
        }
    }
}

struct Source {
    tokens: f64,
    seen_ms: u64,
    score: u32,
    score_since_ms: u64,
    banned_until_ms: u64,
}

/// The table of addresses.
#[derive(Default)]
pub struct Sources {
    table: HashMap<IpAddr, Source>,
}

impl Sources {
    /// `false` if the address is banned or sends too fast; then nothing more is done with it.
    pub fn admit(&mut self, address: IpAddr, trusted: bool, now_ms: u64) -> bool {
        let (rate, burst) = match trusted {
            true => (TRUNK_RATE_PER_S, TRUNK_BURST),
            false => (STRANGER_RATE_PER_S, STRANGER_BURST),
        };
        let source = self.entry(address, burst, now_ms);
        if source.banned_until_ms > now_ms && !trusted {
            return false;
        }
        let elapsed_s = now_ms.saturating_sub(source.seen_ms) as f64 / 1_000.0;
        source.tokens = (source.tokens + elapsed_s * rate).min(burst);
        source.seen_ms = now_ms;
        if source.tokens < 1.0 {
            return false;
        }
        source.tokens -= 1.0;
        true
    }

    /// Counts an offence; `true` if the address is banned now.
    pub fn offend(&mut self, address: IpAddr, offence: Offence, now_ms: u64) -> bool {
        let source = self.entry(address, STRANGER_BURST, now_ms);
        if now_ms.saturating_sub(source.score_since_ms) > BAN_WINDOW.as_millis() as u64 {
            (source.score, source.score_since_ms) = (0, now_ms);
        }
        source.score += offence.weight();
        if source.score < BAN_SCORE {
            return false;
        }
        (source.score, source.banned_until_ms) = (0, now_ms + BAN.as_millis() as u64);
        true
    }

    /// The address proved itself: its score is forgotten.
    pub fn succeed(&mut self, address: IpAddr) {
        if let Some(source) = self.table.get_mut(&address) {
            source.score = 0;
        }
    }

    pub fn is_banned(&self, address: IpAddr, now_ms: u64) -> bool {
        self.table.get(&address).is_some_and(|source| source.banned_until_ms > now_ms)
    }

    fn entry(&mut self, address: IpAddr, burst: f64, now_ms: u64) -> &mut Source {
        if self.table.len() >= SOURCES_MAX && !self.table.contains_key(&address) {
            self.forget(now_ms);
        }
        self.table.entry(address).or_insert(Source {
            tokens: burst,
            seen_ms: now_ms,
            score: 0,
            score_since_ms: now_ms,
            banned_until_ms: 0,
        })
    }

    /// Makes room: those without a ban that were quiet longest, half of the table at once.
    fn forget(&mut self, now_ms: u64) {
        let mut seen: Vec<u64> = self.table.values().map(|source| source.seen_ms).collect();
        seen.sort_unstable();
        let middle = seen.get(seen.len() / 2).copied().unwrap_or(0);
        self.table.retain(|_, source| source.seen_ms > middle || source.banned_until_ms > now_ms);
        if self.table.len() >= SOURCES_MAX {
            // Nothing but banned addresses: forgetting them all beats growing.
            self.table.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_burst_is_cut_and_refills() {
        let mut sources = Sources::default();
        let passed = (0..1_000).filter(|_| sources.admit(address(1), false, 0)).count();
        assert_eq!(passed, STRANGER_BURST as usize);
        assert!(sources.admit(address(2), false, 0), "others are not hurt");
        let later = (0..1_000).filter(|_| sources.admit(address(1), false, 1_000)).count();
        assert_eq!(later, STRANGER_RATE_PER_S as usize);
    }

    #[test]
    fn four_wrong_passwords_ban_and_time_frees() {
        let mut sources = Sources::default();
        let banned: Vec<bool> =
            (0..4).map(|at| sources.offend(address(1), Offence::WrongPassword, at)).collect();
        assert_eq!(banned, [false, false, false, true]);
        assert!(!sources.admit(address(1), false, 10));
        assert!(sources.admit(address(1), true, 10), "a trunk's address is never shut out");
        assert!(sources.admit(address(1), false, 10 + BAN.as_millis() as u64));
    }

    #[test]
    fn success_and_time_wash_the_score() {
        let mut sources = Sources::default();
        for round in 0..20 {
            assert!(!sources.offend(address(1), Offence::Challenged, round));
            sources.succeed(address(1));
        }
        for round in 0..20 {
            let now = round * (BAN_WINDOW.as_millis() as u64 + 1);
            assert!(!sources.offend(address(3), Offence::WrongPassword, now));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut sources = Sources::default();
        for number in 0..(SOURCES_MAX as u32 * 2) {
            sources.admit(IpAddr::from(number.to_be_bytes()), false, u64::from(number));
        }
        assert!(sources.table.len() <= SOURCES_MAX);
    }
}
