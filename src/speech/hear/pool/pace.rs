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

/// What a decode has to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub sound_ms: u64,
    /// With more context, which costs more ([`Hint::is_close`]).
    ///
    /// [`Hint::is_close`]: crate::speech::hear::transcript::Hint::is_close
    pub close: bool,
}

#[derive(Debug)]
pub(super) struct Pace {
    /// On one core, milliseconds for each of sound: of sentences, and of what is heard closely.
    one_core: [Option<f32>; 2],
    /// Two cores are tried again then.
    again: Option<Instant>,
    pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { one_core: [None; 2], again: None, pause: PAUSE }
    }
}

impl Pace {
    fn rate(&self, work: Work) -> Option<f32> {
        let [sentences, close] = self.one_core;
        if work.close { close } else { sentences }
    }

    /// How long a decode takes on one core; `None` before the first of its kind.
    fn expected(&self, work: Work) -> Option<Duration> {
        let took_ms = self.rate(work)? * (work.sound_ms + BESIDE_MS) as f32;
        Some(Duration::from_millis(took_ms as u64))
    }

    /// Whether a decode may have two cores: one core's time is known, and there is no pause.
    pub fn allows_two(&self, now: Instant, work: Work) -> bool {
        self.rate(work).is_some() && self.again.is_none_or(|again| now >= again)
    }

    /// Whether a decode on two cores that has taken so long is to be done again on one.
    pub fn is_overrun(&self, took: Duration, work: Work) -> bool {
        self.expected(work).is_some_and(|expected| took > expected.mul_f32(OVERRUN))
    }

    pub fn note_one_core(&mut self, took: Duration, work: Work) {
        let now = took.as_millis() as f32 / (work.sound_ms + BESIDE_MS) as f32;
        let new = self.rate(work).map_or(now, |old| old + (now - old) * NEW_SHARE);
        let [sentences, close] = &mut self.one_core;
        *(if work.close { close } else { sentences }) = Some(new);
    }

    pub fn note_two_cores(&mut self, now: Instant, took: Duration, work: Work) {
        match self.expected(work).is_some_and(|expected| took > expected) {
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

    const fn work(sound_ms: u64) -> Work {
        Work { sound_ms, close: false }
    }

    #[test]
    fn two_cores_are_given_once_one_cores_time_is_known_and_not_after_an_overrun() {
        let (mut pace, start, three) = (Pace::default(), Instant::now(), work(3_000));
        assert!(!pace.allows_two(start, three) && !pace.is_overrun(ms(60_000), three));
        pace.note_one_core(ms(400), three);
        let allows = |pace: &Pace, after| pace.allows_two(start + after, three);
        assert!(allows(&pace, ms(0)));
        assert!(!pace.is_overrun(ms(490), three) && pace.is_overrun(ms(510), three));
        assert!(!pace.is_overrun(ms(510), work(5_000)), "longer sound may take longer");
        pace.pause(start);
        assert!(!allows(&pace, ms(19_000)) && allows(&pace, ms(20_000)));
        // Slower again than one core: twice as long.
        pace.note_two_cores(start, ms(401), three);
        assert!(!allows(&pace, ms(39_000)) && allows(&pace, ms(40_000)));
        for _ in 0..20 {
            pace.pause(start);
        }
        assert!(allows(&pace, PAUSE_MAX));
        pace.note_two_cores(start, ms(250), three);
        pace.pause(start);
        assert!(allows(&pace, PAUSE), "one that was quick ends the doubling");
    }

    /// What costs more for its longer context has not overrun what a sentence takes.
    #[test]
    fn what_is_heard_closely_is_measured_by_its_own_kind() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let digits = Work { sound_ms: 3_000, close: true };
        pace.note_one_core(ms(400), work(3_000));
        assert!(!pace.allows_two(start, digits) && !pace.is_overrun(ms(600), digits));
        pace.note_one_core(ms(600), digits);
        assert!(pace.allows_two(start, digits));
        assert!(!pace.is_overrun(ms(740), digits) && pace.is_overrun(ms(760), digits));
        assert!(pace.is_overrun(ms(510), work(3_000)), "sentences have kept theirs");
    }
}
