//! How fast decodes are on one core, and whether two may be given to one decode.
//!
//! Two threads of whisper.cpp spin for each other: on idle cores a decode takes two thirds of the
//! time, beside other work it may take ten times as long. So two cores are given only where the
//! pool needs them for nothing else; a decode that takes longer than one core would have taken is
//! stopped and done again on one, and for a while no other one gets two.

use std::time::{Duration, Instant};

/// Share of a new decode in what is expected of the next one.
const NEW_SHARE: f32 = 0.3;
/// What each decode takes beside its sound, as if it were longer by so much.
const BESIDE_MS: u64 = 1_000;
/// A decode on two cores that takes so much of one core's time is stopped.
const OVERRUN: f32 = 1.25;
/// After a decode that was slower on two cores; doubled each time that it happens again.
const PAUSE: Duration = Duration::from_secs(20);
const PAUSE_MAX: Duration = Duration::from_secs(1_280);

#[derive(Debug)]
pub(super) struct Pace {
    /// On one core, milliseconds for each of sound.
    one_core: Option<f32>,
    /// Two cores are tried again then.
    again: Option<Instant>,
    pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { one_core: None, again: None, pause: PAUSE }
    }
}

impl Pace {
    /// How long a decode of so much sound takes on one core; `None` before the first one.
    fn expected(&self, sound_ms: u64) -> Option<Duration> {
        let took_ms = self.one_core? * (sound_ms + BESIDE_MS) as f32;
        Some(Duration::from_millis(took_ms as u64))
    }

    /// Whether a decode may have two cores: one core's time is known, and there is no pause.
    pub fn allows_two(&self, now: Instant) -> bool {
        self.one_core.is_some() && self.again.is_none_or(|again| now >= again)
    }

    /// Whether a decode on two cores that has taken so long is to be done again on one.
    pub fn is_overrun(&self, took: Duration, sound_ms: u64) -> bool {
        self.expected(sound_ms).is_some_and(|expected| took > expected.mul_f32(OVERRUN))
    }

    pub fn note_one_core(&mut self, took: Duration, sound_ms: u64) {
        let now = took.as_millis() as f32 / (sound_ms + BESIDE_MS) as f32;
        self.one_core = Some(self.one_core.map_or(now, |old| old + (now - old) * NEW_SHARE));
    }

    pub fn note_two_cores(&mut self, now: Instant, took: Duration, sound_ms: u64) {
        match self.expected(sound_ms).is_some_and(|expected| took > expected) {
            true => self.pause(now),
            false => self.pause = PAUSE,
        }
    }

    /// No decode gets two cores for a while.
    pub fn pause(&mut self, now: Instant) {
        self.again = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn two_cores_are_given_once_one_cores_time_is_known_and_not_after_an_overrun() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!(!pace.allows_two(start) && !pace.is_overrun(ms(60_000), 3_000));
        pace.note_one_core(ms(400), 3_000);
        assert!(pace.allows_two(start));
        assert!(!pace.is_overrun(ms(490), 3_000) && pace.is_overrun(ms(510), 3_000));
        assert!(!pace.is_overrun(ms(510), 5_000), "longer sound may take longer");
        pace.pause(start);
        assert!(!pace.allows_two(start + ms(19_000)) && pace.allows_two(start + ms(20_000)));
        // Slower again than one core: twice as long.
        pace.note_two_cores(start, ms(401), 3_000);
        assert!(!pace.allows_two(start + ms(39_000)) && pace.allows_two(start + ms(40_000)));
        for _ in 0..20 {
            pace.pause(start);
        }
        assert!(pace.allows_two(start + PAUSE_MAX));
        pace.note_two_cores(start, ms(250), 3_000);
        pace.pause(start);
        assert!(pace.allows_two(start + PAUSE), "one that was quick ends the doubling");
    }
}
