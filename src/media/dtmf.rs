//! Telephone events (RFC 4733): packets → one `Key` a press, and `Key` → packets.
//!
//! Senders differ: some never set the marker, some lose or omit the end bit, some move the
//! timestamp with every packet. A press is told by its timestamp, and by its duration where the
//! timestamp cannot be trusted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::base::key::Key;

use super::limits::DIGITS_MAX;

/// Length of a key that we send, in packets of 20 ms.
const SENT_PACKETS: u16 = 5;
/// The end packet is sent three times (RFC 4733 section 2.5.1.4).
const SENT_ENDS: u16 = 3;
/// Silence between two keys that we send, in ticks.
const SENT_PAUSE: u16 = 4;
/// A press goes on only if its next packet comes within this time.
const STALE: Duration = Duration::from_millis(300);
/// Timestamps further back than this belong to a new stream, not to a late packet.
const BACK_TICKS_MAX: u32 = 40_000;
/// Presses remembered, so that a late repetition is not a new press.
const REMEMBERED: usize = 8;

/// The payload of one event packet (RFC 4733 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPayload {
    pub event: u8,
    pub end: bool,
    /// 0 (loud) to 63, −dBm0.
    pub volume: u8,
    /// In RTP clock ticks, so far.
    pub duration: u16,
}

impl EventPayload {
    /// Reads the first event of a payload; `None` if it is too short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low] = *payload.first_chunk::<4>()?;
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    pub fn bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, (u8::from(self.end) << 7) | (self.volume & 0x3f), high, low]
    }
}

/// The press that is being received.
#[derive(Clone, Copy, Debug)]
struct Press {
    event: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
    last_seen: Instant,
}

/// Receives the keys of one leg.
#[derive(Debug, Default)]
pub struct DtmfReceiver {
    press: Option<Press>,
    past: VecDeque<(u8, u32)>,
}

impl DtmfReceiver {
    /// Takes one event packet and says which key it newly reports, if any: at the first packet of
    /// a press, so that the answer comes while the key is still down.
    pub fn on_packet(&mut self, now: Instant, timestamp: u32, payload: &[u8]) -> Option<Key> {
        let event = EventPayload::parse(payload)?;
        let key = Key::from_event(event.event)?;
        let going_on = match &self.press {
            Some(press) => goes_on(press, now, timestamp, event),
            None => false,
        };
        if going_on {
            if let Some(press) = &mut self.press {
                press.duration = press.duration.max(event.duration);
                press.ended |= event.end;
                press.last_seen = now;
                press.timestamp = timestamp;
            }
            self.remember(event.event, timestamp);
            return None;
        }
        if self.past.contains(&(event.event, timestamp)) || self.is_old(timestamp) {
            return None;
        }
        self.press = Some(Press {
            event: event.event,
            timestamp,
            duration: event.duration,
            ended: event.end,
            last_seen: now,
        });
        self.remember(event.event, timestamp);
        Some(key)
    }

    /// Whether a key is down: the sender's audio is missing on purpose.
    pub fn is_pressed(&self, now: Instant) -> bool {
        self.press.is_some_and(|press| {
            !press.ended && now.saturating_duration_since(press.last_seen) < STALE
        })
    }

    /// A late packet of a press before the last: its timestamp lies a little behind.
    fn is_old(&self, timestamp: u32) -> bool {
        self.press.is_some_and(|press| {
            let back = press.timestamp.wrapping_sub(timestamp);
            back > 0 && back < BACK_TICKS_MAX
        })
    }

    fn remember(&mut self, event: u8, timestamp: u32) {
        if self.past.back() == Some(&(event, timestamp)) {
            return;
        }
        self.past.push_back((event, timestamp));
        if self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
    }
}

/// Whether a packet belongs to the press under way.
fn goes_on(press: &Press, now: Instant, timestamp: u32, packet: EventPayload) -> bool {
    if press.event != packet.event {
        return false;
    }
    if press.timestamp == timestamp {
        return true;
    }
    if press.ended || now.saturating_duration_since(press.last_seen) > STALE {
        return false;
    }
    let forward = timestamp.wrapping_sub(press.timestamp);
    // A long press is cut into segments, each beginning where the one before ended (RFC 4733
    // section 2.5.1.3); its duration then starts again from a small value.
    let next_segment = forward == u32::from(u16::MAX) || forward == u32::from(press.duration);
    // A sender that moves the timestamp with each packet while the duration grows.
    let moving = forward < BACK_TICKS_MAX && packet.duration > press.duration;
    (next_segment && press.duration > 8_000) || moving
}

/// One packet to be sent in place of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentEvent {
    pub payload: EventPayload,
    /// First packet of the press: the marker bit.
    pub first: bool,
    /// How far the press has moved from its beginning, in ticks of the RTP clock; the packet
    /// carries the timestamp of the beginning.
    pub since_start: u32,
}

/// Sends the keys of one leg, one packet a tick.
#[derive(Debug, Default)]
pub struct DtmfSender {
    waiting: VecDeque<Key>,
    step: u16,
}

impl DtmfSender {
    /// Queues a key; beyond 64 it is dropped.
    pub fn push(&mut self, key: Key) {
        if self.waiting.len() < DIGITS_MAX {
            self.waiting.push_back(key);
        }
    }

    /// What to send in this tick; `None` if it is the sound's turn.
    pub fn tick(&mut self) -> Option<SentEvent> {
        let key = *self.waiting.front()?;
        let step = self.step;
        self.step += 1;
        if step >= SENT_PACKETS + SENT_ENDS {
            if step + 1 >= SENT_PACKETS + SENT_ENDS + SENT_PAUSE {
                self.step = 0;
                self.waiting.pop_front();
            }
            return None;
        }
        let end = step >= SENT_PACKETS;
        let duration = (step + 1).min(SENT_PACKETS) * 160;
        Some(SentEvent {
            payload: EventPayload { event: key.event(), end, volume: 10, duration },
            first: step == 0,
            since_start: u32::from(step) * 160,
        })
    }
}

#[cfg(test)]
#[path = "dtmf/tests.rs"]
mod tests;
