//! One RTP space per connection. What is attached to it changes (prompts of one call, the next
//! call), each with an SSRC, sequence and clock of its own; the browser sees one stream that goes
//! on: sequence numbers without a gap, a clock that never runs back (RFC 3550 section 5.1).

use std::time::Instant;

/// What an RTP packet of ours must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub sequence: u16,
    pub timestamp: u32,
    /// First packet of what was newly attached.
    pub marker: bool,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    sequence_offset: u16,
    timestamp_offset: u32,
}

/// The stream that one connection sends.
#[derive(Debug)]
pub struct Stream {
    clock_hz: u32,
    last: Option<(Stamp, Instant)>,
    first: Stamp,
    source: Option<Source>,
}

impl Stream {
    /// A stream that begins at random numbers, on a clock of `clock_hz`.
    pub fn new(clock_hz: u32, sequence: u16, timestamp: u32) -> Self {
        let first = Stamp { sequence, timestamp, marker: true };
        Self { clock_hz, last: None, first, source: None }
    }

    /// The stamp of a packet that came with these numbers. The far end's gaps stay gaps.
    pub fn stamp(&mut self, now: Instant, ssrc: u32, sequence: u16, timestamp: u32) -> Stamp {
        let known = self.source.filter(|source| source.ssrc == ssrc);
        let source = known.unwrap_or_else(|| self.begin(now, ssrc, sequence, timestamp));
        let stamp = Stamp {
            sequence: sequence.wrapping_add(source.sequence_offset),
            timestamp: timestamp.wrapping_add(source.timestamp_offset),
            marker: known.is_none(),
        };
        self.source = Some(source);
        self.last = Some((stamp, now));
        stamp
    }

    /// Another source: it goes on after the last packet, later by the time that passed.
    fn begin(&self, now: Instant, ssrc: u32, sequence: u16, timestamp: u32) -> Source {
        let next = match self.last {
            None => self.first,
            Some((last, at)) => {
                let passed = now.saturating_duration_since(at).as_micros() as u64;
                let ticks = (passed * u64::from(self.clock_hz) / 1_000_000) as u32;
                let ticks = ticks.max(self.clock_hz / 50);
                Stamp {
                    sequence: last.sequence.wrapping_add(1),
                    timestamp: last.timestamp.wrapping_add(ticks),
                    marker: true,
                }
            }
        };
        Source {
            ssrc,
            sequence_offset: next.sequence.wrapping_sub(sequence),
            timestamp_offset: next.timestamp.wrapping_sub(timestamp),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn sources_follow_each_other_as_one_stream() {
        let start = Instant::now();
        let mut stream = Stream::new(48_000, 65_535, u32::MAX - 100);
        let one = stream.stamp(start, 7, 100, 5_000);
        assert_eq!(one, Stamp { sequence: 65_535, timestamp: u32::MAX - 100, marker: true });
        let two = stream.stamp(start, 7, 101, 5_960);
        assert_eq!(two, Stamp { sequence: 0, timestamp: 859, marker: false });
        let lost = stream.stamp(start, 7, 103, 7_880);
        assert_eq!((lost.sequence, lost.timestamp), (2, 2_779), "the gap stays");
        // A minute later another call, whose numbers lie anywhere.
        let later = start + Duration::from_secs(60);
        let next = stream.stamp(later, 8, 40_000, 4_000_000_000);
        assert_eq!((next.sequence, next.marker), (3, true));
        assert_eq!(next.timestamp, 2_779 + 60 * 48_000);
        let at_once = stream.stamp(later, 9, 1, 1);
        assert_eq!(at_once.timestamp, next.timestamp + 960, "never back, never the same");
    }
}
