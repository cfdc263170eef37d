//! What the pool counts, for `/metrics` and `/healthz`.

use super::super::order::{DecodeClass, DecodeFailure};

/// Upper bounds of the histogram of decode times, milliseconds; one more bucket lies above.
pub const DECODE_MS_BOUNDS: [u64; 10] = [50, 100, 200, 300, 400, 600, 1_000, 2_000, 4_000, 8_000];

/// A snapshot of the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Jobs that wait, by class (in the order of [`DecodeClass::ALL`]).
    pub waiting: [usize; 4],
    /// Workers that decode now, and that can decode at all.
    pub busy: usize,
    pub alive: usize,
    /// Texts given.
    pub decoded: u64,
    /// Jobs answered with a failure, by its kind.
    pub shed: u64,
    pub too_late: u64,
    pub cancelled: u64,
    pub crashed: u64,
    pub hung: u64,
    pub failed: u64,
    /// Decodes that two cores were slower with than one would have been: done again on one.
    pub overrun: u64,
    /// Decodes by the time that the engine took; bounds in [`DECODE_MS_BOUNDS`].
    pub decode_ms: [u64; 11],
    pub decode_ms_sum: u64,
    /// Time from submission to the begin of the decode, summed.
    pub wait_ms_sum: u64,
}

impl Figures {
    pub(super) fn count_decoded(&mut self, decode_ms: u64, wait_ms: u64) {
        let bucket = DECODE_MS_BOUNDS.iter().position(|bound| decode_ms <= *bound);
        let bucket = bucket.unwrap_or(DECODE_MS_BOUNDS.len());
        if let Some(count) = self.decode_ms.get_mut(bucket) {
            *count += 1;
        }
        self.decode_ms_sum += decode_ms;
        self.wait_ms_sum += wait_ms;
        self.decoded += 1;
    }

    pub(super) fn count_failure(&mut self, failure: &DecodeFailure) {
        let counter = match failure {
            DecodeFailure::Shed => &mut self.shed,
            DecodeFailure::TooLate => &mut self.too_late,
            DecodeFailure::Cancelled => &mut self.cancelled,
            DecodeFailure::Crashed => &mut self.crashed,
            DecodeFailure::Hung => &mut self.hung,
            DecodeFailure::Closed | DecodeFailure::Recogniser(_) => &mut self.failed,
        };
        *counter += 1;
    }

    /// Jobs that wait, of all classes.
    pub fn waiting_all(&self) -> usize {
        self.waiting.iter().sum()
    }

    /// Waiting jobs with the name of their class.
    pub fn waiting_by_class(&self) -> impl Iterator<Item = (&'static str, usize)> {
        DecodeClass::ALL.into_iter().map(DecodeClass::name).zip(self.waiting)
    }
}
