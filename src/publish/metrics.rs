//! Counters, gauges and histograms in atomics; out: Prometheus' text format 0.0.4. Labels come
//! from closed sets of ours, so that no caller's data can enter.

use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::base::disposition::Disposition;
use crate::call::command::AgentOutcome;

/// Counts up.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn increment(&self) {
        self.add(1);
    }

    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

const BUCKETS_MAX: usize = 12;

/// Durations in buckets with fixed upper bounds, milliseconds.
pub struct Histogram {
    bounds_ms: &'static [u64],
    buckets: [AtomicU64; BUCKETS_MAX],
    count: AtomicU64,
    sum_ms: AtomicU64,
}

impl Histogram {
    /// At most 12 rising bounds; more are not counted apart.
    const fn new(bounds_ms: &'static [u64]) -> Self {
        Self {
            bounds_ms,
            buckets: [const { AtomicU64::new(0) }; BUCKETS_MAX],
            count: AtomicU64::new(0),
            sum_ms: AtomicU64::new(0),
        }
    }

    pub fn observe_ms(&self, ms: u64) {
        for (bucket, bound) in self.buckets.iter().zip(self.bounds_ms) {
            if ms <= *bound {
                bucket.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn render(&self, name: &str, help: &str, out: &mut String) {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} histogram");
        let mut below = 0;
        for (bucket, bound) in self.buckets.iter().zip(self.bounds_ms) {
            below += bucket.load(Ordering::Relaxed);
            let seconds = *bound as f64 / 1_000.0;
            let _ = writeln!(out, "{name}_bucket{{le=\"{seconds}\"}} {below}");
        }
        // Taken together from one reading, so that +Inf is never below a bucket.
        let count = self.count().max(below);
        let sum = self.sum_ms.load(Ordering::Relaxed) as f64 / 1_000.0;
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{name}_sum {sum}\n{name}_count {count}");
    }
}

/// Everything that is counted. The runtime and the rooms it wires increment; `/metrics` reads.
pub struct Metrics {
    ended: [Counter; Disposition::ALL.len()],
    offers: [Counter; OUTCOMES.len()],
    pub calls_active: Gauge,
    pub calls_arrived: Counter,
    /// Refused before a call existed (capacity, unknown source).
    pub calls_shed: Counter,
    /// End of the caller's speech to our first sound.
    pub first_audio: Histogram,
    /// From the wish to say what is not rendered yet to its first sentence.
    pub first_sentence: Histogram,
    /// Times that a caller was asked for a moment: words or a sentence of ours came late.
    pub held_on: Counter,
    /// Time in the recogniser for one utterance.
    pub decode: Histogram,
    /// Utterances that wait for the recogniser.
    pub decode_queue: Gauge,
    /// Recogniser jobs that were shed.
    pub decode_shed: Counter,
    /// Turns whose words were lost: their callers had to say them again.
    pub turns_lost: Counter,
    /// Decodes that two cores were slower with than one: done again on one.
    pub decode_overruns: Counter,
    /// Frames sent later than their time allows.
    pub frames_late: Counter,
    pub frames_sent: Counter,
    /// How late packets left, microseconds: 99th of 100, and the most so far.
    pub frame_lateness_p99_us: Gauge,
    pub frame_lateness_max_us: Gauge,
    /// From the wish for a person to the bridge.
    pub to_person: Histogram,
    /// Callers that wait for a person.
    pub queue_waiting: Gauge,
    pub recordings_failed: Counter,
    /// Calls whose own task broke off.
    pub call_panics: Counter,
    pub store_queue: Gauge,
    /// 1 while the disk refuses writes.
    pub store_stalled: Gauge,
}

const OUTCOMES: [AgentOutcome; 6] = [
    AgentOutcome::Served,
    AgentOutcome::Declined,
    AgentOutcome::Busy,
    AgentOutcome::NoAnswer,
    AgentOutcome::Failed,
    AgentOutcome::Withdrawn,
];

fn outcome_name(outcome: AgentOutcome) -> &'static str {
    match outcome {
        AgentOutcome::Served => "served",
        AgentOutcome::Declined => "declined",
        AgentOutcome::Busy => "busy",
        AgentOutcome::NoAnswer => "no_answer",
        AgentOutcome::Failed => "failed",
        AgentOutcome::Withdrawn => "withdrawn",
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            ended: Default::default(),
            offers: Default::default(),
            calls_active: Gauge::default(),
            calls_arrived: Counter::default(),
            calls_shed: Counter::default(),
            first_audio: Histogram::new(&[
                100, 200, 300, 400, 500, 700, 1_000, 1_500, 2_500, 4_000, 8_000,
            ]),
            first_sentence: Histogram::new(&[20, 50, 100, 150, 200, 300, 500, 800, 1_500, 3_000]),
            held_on: Counter::default(),
            decode: Histogram::new(&[50, 100, 200, 300, 500, 800, 1_500, 3_000, 6_000]),
            decode_queue: Gauge::default(),
            decode_shed: Counter::default(),
            turns_lost: Counter::default(),
            decode_overruns: Counter::default(),
            frames_late: Counter::default(),
            frames_sent: Counter::default(),
            frame_lateness_p99_us: Gauge::default(),
            frame_lateness_max_us: Gauge::default(),
            to_person: Histogram::new(&[
                5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_200_000,
            ]),
            queue_waiting: Gauge::default(),
            recordings_failed: Counter::default(),
            call_panics: Counter::default(),
            store_queue: Gauge::default(),
            store_stalled: Gauge::default(),
        }
    }
}

impl Metrics {
    /// A call ended.
    pub fn call_ended(&self, disposition: Disposition) {
        let place = Disposition::ALL.iter().position(|known| *known == disposition);
        if let Some(counter) = place.and_then(|place| self.ended.get(place)) {
            counter.increment();
        }
    }

    /// An offer to an agent ended.
    pub fn offer_ended(&self, outcome: AgentOutcome) {
        let place = OUTCOMES.iter().position(|known| *known == outcome);
        if let Some(counter) = place.and_then(|place| self.offers.get(place)) {
            counter.increment();
        }
    }

    /// Calls that ended in this way.
    pub fn ended(&self, disposition: Disposition) -> u64 {
        let place = Disposition::ALL.iter().position(|known| *known == disposition);
        place.and_then(|place| self.ended.get(place)).map_or(0, Counter::value)
    }

    /// Everything, in Prometheus' text format.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(8_192);
        let name = "warmline_calls_ended_total";
        let _ = writeln!(out, "# HELP {name} Calls by disposition\n# TYPE {name} counter");
        for (disposition, counter) in Disposition::ALL.iter().zip(&self.ended) {
            let label = disposition.name();
            let _ = writeln!(out, "{name}{{disposition=\"{label}\"}} {}", counter.value());
        }
        let name = "warmline_offers_ended_total";
        let _ = writeln!(out, "# HELP {name} Offers to agents by outcome\n# TYPE {name} counter");
        for (outcome, counter) in OUTCOMES.iter().zip(&self.offers) {
            let label = outcome_name(*outcome);
            let _ = writeln!(out, "{name}{{outcome=\"{label}\"}} {}", counter.value());
        }
        self.render_counters(&mut out);
        self.render_gauges(&mut out);
        let help = "End of the caller's speech to the first sound of the answer";
        self.first_audio.render("warmline_first_audio_seconds", help, &mut out);
        let help = "Wish to say what is not rendered yet to the sound of its first sentence";
        self.first_sentence.render("warmline_first_sentence_seconds", help, &mut out);
        let help = "Time in the recogniser for one utterance";
        self.decode.render("warmline_decode_seconds", help, &mut out);
        let help = "Wish for a person to the bridge";
        self.to_person.render("warmline_time_to_person_seconds", help, &mut out);
        out
    }

    fn render_counters(&self, out: &mut String) {
        let counters = [
            ("calls_arrived_total", "Calls that arrived", &self.calls_arrived),
            ("calls_shed_total", "Calls refused for want of capacity", &self.calls_shed),
            ("decode_shed_total", "Recogniser jobs that were shed", &self.decode_shed),
            ("turns_lost_total", "Turns of callers whose words were lost", &self.turns_lost),
            ("decode_overruns_total", "Decodes done again on one core", &self.decode_overruns),
            ("held_on_total", "Callers who were asked for a moment", &self.held_on),
            ("frames_sent_total", "Frames of sound sent", &self.frames_sent),
            ("frames_late_total", "Frames sent too late", &self.frames_late),
            ("recordings_failed_total", "Recordings that broke off", &self.recordings_failed),
            ("call_panics_total", "Calls whose task broke off", &self.call_panics),
        ];
        for (name, help, counter) in counters {
            let _ = writeln!(
                out,
                "# HELP warmline_{name} {help}\n# TYPE warmline_{name} counter\nwarmline_{name} {}",
                counter.value()
            );
        }
    }

    fn render_gauges(&self, out: &mut String) {
        let gauges = [
            ("calls_active", "Calls that run now", &self.calls_active),
            ("decode_queue", "Utterances that wait for the recogniser", &self.decode_queue),
            ("queue_waiting", "Callers that wait for a person", &self.queue_waiting),
            (
                "frame_lateness_p99_microseconds",
                "How late 99 of 100 packets leave at most",
                &self.frame_lateness_p99_us,
            ),
            (
                "frame_lateness_max_microseconds",
                "How late a packet left at most",
                &self.frame_lateness_max_us,
            ),
            ("store_queue", "Writes that wait for the disk", &self.store_queue),
            ("store_stalled", "1 while the disk refuses writes", &self.store_stalled),
        ];
        for (name, help, gauge) in gauges {
            let _ = writeln!(
                out,
                "# HELP warmline_{name} {help}\n# TYPE warmline_{name} gauge\nwarmline_{name} {}",
                gauge.value()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_and_names_are_there() {
        let metrics = Metrics::default();
        metrics.first_audio.observe_ms(150);
        metrics.first_audio.observe_ms(350);
        metrics.first_audio.observe_ms(90_000);
        metrics.call_ended(Disposition::Answered);
        metrics.turns_lost.increment();
        metrics.offer_ended(AgentOutcome::NoAnswer);
        let text = metrics.render();
        for line in [
            "warmline_first_audio_seconds_bucket{le=\"0.1\"} 0",
            "warmline_first_audio_seconds_bucket{le=\"0.2\"} 1",
            "warmline_first_audio_seconds_bucket{le=\"8\"} 2",
            "warmline_first_audio_seconds_bucket{le=\"+Inf\"} 3",
            "warmline_first_audio_seconds_sum 90.5",
            "warmline_turns_lost_total 1",
            "warmline_held_on_total 0",
            "warmline_decode_overruns_total 0",
            "warmline_calls_ended_total{disposition=\"answered\"} 1",
            "warmline_calls_ended_total{disposition=\"too_long\"} 0",
            "warmline_offers_ended_total{outcome=\"no_answer\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
