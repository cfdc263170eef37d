//! Figures of a whole engine: counters and the lateness of sent packets. Written by the pacing
//! threads without locks, read at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of the histogram: 16 to the power of two, from 1 µs to over 4 s.
const BUCKETS: usize = 8 * 23;

/// Counters of one engine.
#[derive(Debug)]
pub struct Metrics {
    late: [AtomicU64; BUCKETS],
    late_max_us: AtomicU64,
    pub packets_in: AtomicU64,
    pub packets_out: AtomicU64,
    pub ticks: AtomicU64,
    /// Ticks that were given up because a thread came too late.
    pub ticks_skipped: AtomicU64,
    pub calls: AtomicU64,
    pub legs: AtomicU64,
    pub concealed: AtomicU64,
    pub dropped: AtomicU64,
    /// Calls whose media ended by a fault of ours.
    pub faults: AtomicU64,
    pub events_dropped: AtomicU64,
}

/// The figures at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub packets_in: u64,
    pub packets_out: u64,
    pub ticks: u64,
    pub ticks_skipped: u64,
    pub calls: u64,
    pub legs: u64,
    /// Of legs that are closed.
    pub concealed: u64,
    /// Strangers, malformed, late, duplicate and excess packets of legs that are closed.
    pub dropped: u64,
    pub faults: u64,
    /// How late packets left, against their time.
    pub late_p50: Duration,
    pub late_p99: Duration,
    pub late_max: Duration,
    /// Packets that left more than 10 ms late.
    pub late_frames: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            late: [const { AtomicU64::new(0) }; BUCKETS],
            late_max_us: AtomicU64::new(0),
            packets_in: AtomicU64::new(0),
            packets_out: AtomicU64::new(0),
            ticks: AtomicU64::new(0),
            ticks_skipped: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            legs: AtomicU64::new(0),
            concealed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            events_dropped: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// A packet left `late` after its time.
    pub fn count_late(&self, late: Duration) {
        let us = late.as_micros() as u64;
        if let Some(bucket) = self.late.get(bucket_of(us)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        if us > self.late_max_us.load(Ordering::Relaxed) {
            self.late_max_us.fetch_max(us, Ordering::Relaxed);
        }
    }

    /// Forgets the lateness so far: for measurements after a warm-up.
    pub fn reset_lateness(&self) {
        self.late.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
        self.late_max_us.store(0, Ordering::Relaxed);
    }

    pub fn snapshot(&self) -> Snapshot {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts: Vec<u64> = self.late.iter().map(get).collect();
        let beyond = bucket_of(10_000);
        Snapshot {
            packets_in: get(&self.packets_in),
            packets_out: get(&self.packets_out),
            ticks: get(&self.ticks),
            ticks_skipped: get(&self.ticks_skipped),
            calls: get(&self.calls),
            legs: get(&self.legs),
            concealed: get(&self.concealed),
            dropped: get(&self.dropped),
            faults: get(&self.faults),
            late_p50: quantile(&counts, 0.50),
            late_p99: quantile(&counts, 0.99),
            late_max: Duration::from_micros(get(&self.late_max_us)),
            late_frames: counts.iter().skip(beyond + 1).sum(),
        }
    }
}

/// Eight buckets to each power of two: within 12 % of the value.
fn bucket_of(us: u64) -> usize {
    let us = us.max(8);
    let power = 63 - us.leading_zeros() as usize;
    let eighth = (us >> (power - 3)) as usize & 7;
    ((power - 3) * 8 + eighth).min(BUCKETS - 1)
}

/// The upper end of a bucket.
fn bucket_end_us(bucket: usize) -> u64 {
    ((bucket % 8 + 9) as u64) << (bucket / 8)
}

fn quantile(counts: &[u64], share: f64) -> Duration {
    let total: u64 = counts.iter().sum();
    let wanted = (total as f64 * share).ceil() as u64;
    let mut sum = 0;
    for (bucket, count) in counts.iter().enumerate() {
        sum += count;
        if sum >= wanted && total > 0 {
            return Duration::from_micros(bucket_end_us(bucket));
        }
    }
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_bucket() {
        let metrics = Metrics::default();
        assert_eq!(metrics.snapshot().late_p99, Duration::ZERO);
        for us in 1..=1_000 {
            metrics.count_late(Duration::from_micros(us));
        }
        metrics.count_late(Duration::from_millis(50));
        let snapshot = metrics.snapshot();
        assert!((500..570).contains(&snapshot.late_p50.as_micros()), "{:?}", snapshot.late_p50);
        assert!((990..1_130).contains(&snapshot.late_p99.as_micros()), "{:?}", snapshot.late_p99);
        assert_eq!(snapshot.late_max, Duration::from_millis(50));
        assert_eq!(snapshot.late_frames, 1);
    }

    #[test]
    fn every_duration_has_a_bucket() {
        for us in [0, 1, 8, 9, 1_000, 4_000_000, u64::MAX] {
            assert!(bucket_of(us) < BUCKETS);
        }
        for us in 8..100_000u64 {
            assert!(
                us < bucket_end_us(bucket_of(us)) && bucket_end_us(bucket_of(us)) <= us * 9 / 8 + 1
            );
        }
    }
}
