//! Time as the core sees it: an argument, never a clock.

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds on the monotonic clock of one call, zero when the call arrived.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Moment(pub u64);

impl Moment {
    pub const ZERO: Moment = Moment(0);

    pub fn as_ms(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// As a person reads it in a transcript: `00:41`, `12:07`, `1:02:03`.
    pub fn clock(self) -> String {
        let seconds = self.0 / 1_000;
        let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            format!("{hours}:{minutes:02}:{rest:02}")
        } else {
            format!("{minutes:02}:{rest:02}")
        }
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(span.as_millis() as u64))
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, span: Duration) -> Moment {
        Moment(self.0.saturating_sub(span.as_millis() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_clock() {
        assert_eq!(Moment(41_999).clock(), "00:41");
        assert_eq!(Moment(3_723_000).clock(), "1:02:03");
    }

    #[test]
    fn never_runs_below_zero() {
        assert_eq!(Moment(5) - Duration::from_secs(1), Moment::ZERO);
        assert_eq!(Moment(5).since(Moment(9)), Duration::ZERO);
    }
}
