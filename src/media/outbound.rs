//! The sending half of a leg, sans-IO: payload frames and keys → RTP packets on one continuous
//! sequence and timestamp space, and RTCP reports.

use std::time::{Duration, Instant};

use crate::base::key::Key;
use crate::base::session::{Codec, MediaPlan};

use super::dtmf::{DtmfSender, EventPayload};
use super::limits::{FRAME_BYTES, RTCP_INTERVAL};
use super::rtcp::{self, ReportBlock, SenderInfo};
use super::rtp::Packet;

/// Random beginnings of a stream, drawn by the engine (RFC 3550 section 5.1).
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
}

/// The sending half of a leg.
#[derive(Debug)]
pub struct Outbound {
    ssrc: u32,
    sequence: u16,
    /// Of the first byte that waits or comes next.
    timestamp: u32,
    payload_type: u8,
    dtmf_payload_type: Option<u8>,
    packet_bytes: usize,
    /// Ticks of the RTP clock in a frame.
    frame_ticks: u32,
    /// One frame is one packet, whatever its bytes (Opus).
    whole: bool,
    waiting: Vec<u8>,
    /// The next packet begins after a silence of ours.
    marker: bool,
    dtmf: DtmfSender,
    packet: Vec<u8>,
    cname: String,
    next_report: Option<Instant>,
    pub packets: u64,
    pub octets: u64,
}

impl Outbound {
    pub fn new(seeds: Seeds) -> Self {
        Self {
            ssrc: seeds.ssrc,
            sequence: seeds.sequence,
            timestamp: seeds.timestamp,
            payload_type: 0,
            dtmf_payload_type: None,
            packet_bytes: FRAME_BYTES,
            frame_ticks: FRAME_BYTES as u32,
            whole: false,
            waiting: Vec::new(),
            marker: true,
            dtmf: DtmfSender::default(),
            packet: Vec::with_capacity(256),
            cname: format!("{:08x}@warmline", seeds.ssrc.rotate_left(13) ^ seeds.timestamp),
            next_report: None,
            packets: 0,
            octets: 0,
        }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Obeys a new plan; packet lengths outside 10 to 60 ms become 20.
    pub fn set_plan(&mut self, plan: &MediaPlan) {
        self.payload_type = plan.payload_type;
        self.dtmf_payload_type = plan.dtmf_payload_type;
        let ptime_ms = match plan.ptime_ms {
            10..=60 => usize::from(plan.ptime_ms) / 10 * 10,
            _ => 20,
        };
        self.packet_bytes = ptime_ms * 8;
        self.frame_ticks = plan.codec.clock_rate_hz() / 50;
        self.whole = plan.codec == Codec::Opus;
        self.waiting.clear();
    }

    /// Queues a key; without an agreed telephone-event it is dropped.
    pub fn send_key(&mut self, key: Key) {
        if self.dtmf_payload_type.is_some() {
            self.dtmf.push(key);
        }
    }

    /// Sends the frame of this tick through `wire`; a key that is being sent takes its place.
    pub fn send(&mut self, frame: &[u8], mut wire: impl FnMut(&[u8])) {
        if let (Some(payload_type), Some(event)) = (self.dtmf_payload_type, self.dtmf.tick()) {
            self.flush_waiting();
            // The sender of keys counts at 8 kHz.
            let scale = self.frame_ticks / FRAME_BYTES as u32;
            let start = self.timestamp.wrapping_sub(event.since_start * scale);
            let duration = event.payload.duration.saturating_mul(scale as u16);
            let payload = EventPayload { duration, ..event.payload }.bytes();
            self.emit(payload_type, event.first, start, &payload, &mut wire);
            self.timestamp = self.timestamp.wrapping_add(self.frame_ticks);
            self.marker = true;
            return;
        }
        let marker = std::mem::take(&mut self.marker);
        if self.whole || (self.packet_bytes == FRAME_BYTES && self.waiting.is_empty()) {
            self.emit(self.payload_type, marker, self.timestamp, frame, &mut wire);
            self.timestamp = self.timestamp.wrapping_add(self.frame_ticks);
        } else {
            self.send_repacked(frame, marker, &mut wire);
        }
    }

    /// A tick in which nothing is sent (hold, no plan): time goes on.
    pub fn skip(&mut self) {
        self.flush_waiting();
        self.timestamp = self.timestamp.wrapping_add(self.frame_ticks);
        self.marker = true;
    }

    /// A tick whose frame was lost before it came to us: the far end sees the same gap.
    pub fn lose(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(self.frame_ticks);
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// The report that is due, if any. `random` spreads the reports of many legs.
    pub fn report(
        &mut self,
        now: Instant,
        unix_us: u64,
        random: u32,
        block: impl FnOnce() -> Option<ReportBlock>,
    ) -> Option<&[u8]> {
        // Between half and one and a half of the interval (RFC 3550 section 6.3.1).
        let spread = RTCP_INTERVAL.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX));
        let due = *self.next_report.get_or_insert(now + spread.min(Duration::from_secs(2)));
        if now < due {
            return None;
        }
        self.next_report = Some(now + spread);
        let block = block();
        self.write_report(unix_us, block, false);
        Some(&self.packet)
    }

    /// The last report, with BYE.
    pub fn goodbye(&mut self, unix_us: u64, block: Option<ReportBlock>) -> &[u8] {
        self.write_report(unix_us, block, true);
        &self.packet
    }

    fn write_report(&mut self, unix_us: u64, block: Option<ReportBlock>, goodbye: bool) {
        let sender = (self.packets > 0).then(|| SenderInfo {
            ntp: rtcp::ntp_time(unix_us),
            rtp_timestamp: self.timestamp,
            packets: self.packets as u32,
            octets: self.octets as u32,
        });
        rtcp::write(&mut self.packet, self.ssrc, sender, block, &self.cname, goodbye);
    }

    fn send_repacked(&mut self, frame: &[u8], mut marker: bool, wire: &mut impl FnMut(&[u8])) {
        self.waiting.extend_from_slice(frame);
        while self.waiting.len() >= self.packet_bytes {
            let payload: Vec<u8> = self.waiting.drain(..self.packet_bytes).collect();
            self.emit(self.payload_type, marker, self.timestamp, &payload, wire);
            self.timestamp = self.timestamp.wrapping_add(payload.len() as u32);
            marker = false;
        }
        self.marker |= marker;
    }

    /// Bytes that never filled a packet are let go; their time passes.
    fn flush_waiting(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(self.waiting.len() as u32);
        self.waiting.clear();
    }

    fn emit(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        payload: &[u8],
        wire: &mut impl FnMut(&[u8]),
    ) {
        let packet = Packet {
            marker,
            payload_type,
            sequence: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            payload,
        };
        packet.write(&mut self.packet);
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += payload.len() as u64;
        wire(&self.packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::session::Direction;

    fn plan(ptime_ms: u8) -> MediaPlan {
        MediaPlan {
            remote: ([127, 0, 0, 1], 4_000).into(),
            rtcp_remote: None,
            codec: Codec::Pcmu,
            payload_type: 0,
            dtmf_payload_type: Some(101),
            comfort_noise_payload_type: None,
            ptime_ms,
            direction: Direction::SendRecv,
        }
    }

    /// Ten ticks: (timestamp, payload length, marker) of what was sent.
    fn run(ptime_ms: u8) -> Vec<(u32, usize, bool)> {
        let mut outbound = Outbound::new(Seeds { ssrc: 1, sequence: 65_530, timestamp: 0 });
        outbound.set_plan(&plan(ptime_ms));
        let mut sent = Vec::new();
        for _ in 0..10 {
            outbound.send(&[0; 160], |bytes| {
                let packet = Packet::parse(bytes).unwrap();
                sent.push((packet.timestamp, packet.payload.len(), packet.marker));
            });
        }
        sent
    }

    #[test]
    fn every_packet_length_keeps_one_time_line() {
        for (ptime_ms, count) in [(10, 20), (20, 10), (30, 6), (40, 5), (60, 3), (0, 10), (200, 10)]
        {
            let sent = run(ptime_ms);
            assert_eq!(sent.len(), count, "{ptime_ms} ms");
            assert!(sent[0].2 && sent[1..].iter().all(|packet| !packet.2), "one marker");
            let steady = |pair: &[(u32, usize, bool)]| pair[0].0 + pair[0].1 as u32 == pair[1].0;
            assert!(sent.windows(2).all(steady), "{ptime_ms} ms: {sent:?}");
        }
    }

    #[test]
    fn time_goes_on_through_hold_and_keys() {
        let mut outbound = Outbound::new(Seeds { ssrc: 1, sequence: 0, timestamp: 0 });
        outbound.set_plan(&plan(20));
        let mut sent = Vec::new();
        let mut wire = |bytes: &[u8]| {
            let packet = Packet::parse(bytes).unwrap();
            sent.push((packet.timestamp, packet.payload_type, packet.marker, packet.sequence));
        };
        outbound.send(&[0; 160], &mut wire);
        outbound.skip();
        outbound.send_key(Key::ONE);
        for _ in 0..9 {
            outbound.send(&[0; 160], &mut wire);
        }
        assert_eq!(sent[0], (0, 0, true, 0));
        assert_eq!(sent[1], (320, 101, true, 1));
        assert!(sent[1..9].iter().all(|packet| packet.0 == 320 && packet.1 == 101));
        assert_eq!(sent[9], (320 + 8 * 160, 0, true, 9));
    }
}
