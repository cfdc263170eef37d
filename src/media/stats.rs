//! Figures of one leg, for the pages, the log and RTCP (RFC 3550 sections 6.4 and A.8).

use serde::{Deserialize, Serialize};

use super::rtcp::ReportBlock;

/// Counters of one leg since it was opened, and the state of its stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LegStats {
    pub packets_in: u64,
    pub packets_out: u64,
    pub octets_out: u64,
    /// Packets of the peer that never came, by its sequence numbers.
    pub lost: u64,
    /// Packets that came after their time.
    pub late: u64,
    pub duplicates: u64,
    /// Frames that were made up because theirs was missing.
    pub concealed: u64,
    /// Packets from another address than the leg's.
    pub strangers: u64,
    /// Packets that were no RTP, or of a payload type that was not agreed.
    pub malformed: u64,
    /// Packets beyond the permitted rate.
    pub excess: u64,
    /// Packets that could not be sent.
    pub unsent: u64,
    /// Jitter of the peer's packets, milliseconds.
    pub jitter_ms: f32,
    /// Delay that the jitter buffer adds now, milliseconds.
    pub delay_ms: u32,
    /// What the peer's last report says of our stream: lost (0 to 1) and round trip.
    pub peer_lost: f32,
    pub round_trip_ms: Option<u32>,
}

/// Reception of one stream, by sequence number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reception {
    ssrc: u32,
    started: bool,
    first: u32,
    highest: u32,
    received: u32,
    expected_before: u32,
    received_before: u32,
    lost_in_past_streams: u64,
    /// In RTP clock ticks.
    jitter: f64,
    transit: Option<i64>,
}

impl Reception {
    /// Counts a packet; `arrival_ticks` is its arrival on the RTP clock.
    pub fn count(&mut self, ssrc: u32, sequence: u16, timestamp: u32, arrival_ticks: i64) {
        if !self.started || self.ssrc != ssrc {
            self.lost_in_past_streams = self.lost();
            *self = Self {
                ssrc,
                started: true,
                first: u32::from(sequence),
                highest: u32::from(sequence),
                lost_in_past_streams: self.lost_in_past_streams,
                jitter: self.jitter,
                ..Self::default()
            };
        }
        let step = sequence.wrapping_sub(self.highest as u16) as i16;
        if step > 0 {
            self.highest = self.highest.wrapping_add(step as u32);
        }
        self.received = self.received.wrapping_add(1);
        let transit = arrival_ticks - i64::from(timestamp);
        if let Some(before) = self.transit {
            let change = (transit - before).abs() as f64;
            // A jump of the timestamp is not jitter.
            if change < 16_000.0 {
                self.jitter += (change - self.jitter) / 16.0;
            }
        }
        self.transit = Some(transit);
    }

    /// Packets that never came.
    pub fn lost(&self) -> u64 {
        let expected = self.expected();
        self.lost_in_past_streams + u64::from(expected.saturating_sub(self.received))
    }

    pub fn jitter_ms(&self) -> f32 {
        (self.jitter / 8.0) as f32
    }

    /// The block for our next report, without the times of the peer's last SR.
    pub fn report(&mut self) -> Option<ReportBlock> {
        if !self.started {
            return None;
        }
        let expected = self.expected();
        let expected_now = expected.saturating_sub(self.expected_before);
        let received_now = self.received.saturating_sub(self.received_before);
        let lost_now = expected_now.saturating_sub(received_now);
        self.expected_before = expected;
        self.received_before = self.received;
        let fraction = (lost_now << 8).checked_div(expected_now).unwrap_or(0);
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: expected as i32 - self.received as i32,
            highest_sequence: self.highest,
            jitter: self.jitter as u32,
            last_sr: 0,
            delay_since_last_sr: 0,
        })
    }

    fn expected(&self) -> u32 {
        if self.started { self.highest.wrapping_sub(self.first).wrapping_add(1) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_counted_over_the_wrap_and_over_streams() {
        let mut reception = Reception::default();
        assert_eq!(reception.report(), None);
        for index in 0..100u16 {
            if index % 10 != 3 {
                let sequence = index.wrapping_add(65_500);
                reception.count(1, sequence, u32::from(index) * 160, i64::from(index) * 160);
            }
        }
        assert_eq!(reception.lost(), 10);
        let report = reception.report().unwrap();
        assert_eq!((report.lost, report.fraction_lost), (10, 25));
        assert!(reception.jitter_ms() < 0.01);
        reception.count(2, 7, 0, 0);
        reception.count(2, 9, 320, 320);
        assert_eq!(reception.lost(), 11);
    }
}
