//! The jitter buffer: packets as they arrive → one 20 ms frame of payload a tick. Adapts its
//! delay to the network, reorders, drops duplicates and late packets, and says what is missing.
//!
//! All times are ticks of the 8 kHz RTP clock; in all our codecs one tick is one payload byte. A
//! packet with timestamp `t` is due when the playout clock shows `t + offset`. The offset is the
//! quickest way a packet took of late, plus the wanted delay.

use std::collections::VecDeque;

use super::limits::{FRAME_BYTES, JITTER_PACKETS_MAX, PAYLOAD_BYTES_MAX};

/// A frame on the clock.
const FRAME: i64 = FRAME_BYTES as i64;
/// A timestamp this far from the expected one is a new beginning, not a delay.
const JUMP: i64 = 16_000;
/// Steps of delay that the statistics tell apart, in frames.
const STEPS: usize = 10;
/// Share of packets that must be in time.
const IN_TIME: f32 = 0.97;
/// Weight that the past keeps with each packet: a memory of about two seconds.
const KEPT: f32 = 0.99;
/// Packets in each of the four windows over which the quickest way is taken: 8 s in all, so that
/// a clock that drifts is followed.
const WINDOW_PACKETS: u32 = 100;
/// Missing frames in a row after which the sender is taken to be silent.
const MISSING_MAX: u32 = 5;
/// Pulls with too much delay, and no quiet frame to drop, after which one is dropped anyway.
const PATIENCE: u32 = 100;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    Kept,
    Duplicate,
    /// Its time to be played had passed.
    Late,
    /// Kept, and the oldest was dropped to make room.
    Overflow,
    /// The stream jumped: everything began anew with this packet.
    Restarted,
}

/// What is to be played in this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// The frame was written.
    Frame,
    /// A frame is missing, or held back to gain delay: conceal it.
    Missing,
    /// The sender sends nothing (or has not begun).
    Nothing,
}

#[derive(Debug)]
struct Stored {
    timestamp: i64,
    payload: Vec<u8>,
}

/// One stream's buffer.
#[derive(Debug)]
pub struct JitterBuffer {
    least_frames: usize,
    most_frames: usize,
    stored: VecDeque<Stored>,
    spare: Vec<Vec<u8>>,
    /// Playout clock: what the next pull is due at.
    clock: i64,
    offset: Option<i64>,
    newest: i64,
    missing: u32,
    impatience: u32,
    delays: Delays,
}

impl JitterBuffer {
    /// A buffer that delays by `least_ms` to `most_ms`, both rounded to frames.
    pub fn new(least_ms: u32, most_ms: u32) -> Self {
        let least_frames = (least_ms / 20).clamp(1, 10) as usize;
        let most_frames = (most_ms / 20).clamp(least_frames as u32, 25) as usize;
        Self {
            least_frames,
            most_frames,
            stored: VecDeque::new(),
            spare: Vec::new(),
            clock: 0,
            offset: None,
            newest: 0,
            missing: 0,
            impatience: 0,
            delays: Delays::default(),
        }
    }

    /// Takes a packet that was read before the coming [`JitterBuffer::pull`]. Payloads are cut
    /// at 120 ms.
    pub fn insert(&mut self, timestamp: u32, payload: &[u8]) -> Inserted {
        let payload = payload.get(..PAYLOAD_BYTES_MAX).unwrap_or(payload);
        let timestamp = self.unwrap(timestamp);
        let mut result = Inserted::Kept;
        let due = self.offset.map(|offset| self.clock - offset);
        if due.is_none_or(|due| (timestamp - due).abs() > JUMP) {
            self.restart(timestamp);
            result = Inserted::Restarted;
        }
        self.delays.add(self.clock - timestamp);
        if result == Inserted::Kept && self.missing > MISSING_MAX && self.stored.is_empty() {
            // The sender was silent: the delay may be set afresh without anyone hearing it.
            self.offset = Some(self.wanted());
        }
        self.newest = self.newest.max(timestamp);
        let due = self.clock - self.offset.unwrap_or(0);
        if timestamp + payload.len() as i64 <= due {
            return Inserted::Late;
        }
        self.store(timestamp, payload, result)
    }

    fn store(&mut self, timestamp: i64, payload: &[u8], result: Inserted) -> Inserted {
        let place = self.stored.iter().rposition(|stored| stored.timestamp <= timestamp);
        let before = place.and_then(|place| self.stored.get(place));
        if before.is_some_and(|stored| stored.timestamp == timestamp) {
            return Inserted::Duplicate;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(payload);
        self.stored
            .insert(place.map_or(0, |place| place + 1), Stored { timestamp, payload: bytes });
        if self.stored.len() > JITTER_PACKETS_MAX {
            self.drop_front();
            return Inserted::Overflow;
        }
        result
    }

    /// Advances the clock by one frame and writes what is due into `frame`. `quiet` tells that
    /// the last frame was nearly silent, so that the delay may be changed unheard.
    pub fn pull(&mut self, quiet: bool, frame: &mut [u8; FRAME_BYTES]) -> Pulled {
        let Some(offset) = self.offset else {
            self.clock += FRAME;
            return Pulled::Nothing;
        };
        let excess = offset - self.wanted();
        let ready = self.is_ready(self.clock - offset);
        if excess <= -FRAME && (quiet || !ready) {
            // Too hasty: hold back what is due by one frame.
            self.offset = Some(offset + FRAME);
            return self.conclude(Pulled::Missing);
        }
        if excess >= FRAME && ready && self.is_ready(self.clock - offset + FRAME) {
            self.impatience += 1;
            if quiet || self.impatience > PATIENCE {
                self.impatience = 0;
                self.offset = Some(offset - FRAME);
            }
        } else {
            self.impatience = 0;
        }
        let due = self.clock - self.offset.unwrap_or(offset);
        let pulled = if self.copy(due, frame) { Pulled::Frame } else { Pulled::Missing };
        self.forget(due + FRAME);
        self.conclude(pulled)
    }

    /// The delay that the buffer wants to add to the quickest packets, milliseconds.
    pub fn delay_ms(&self) -> u32 {
        self.delay_frames() as u32 * 20
    }

    /// Forgets the stream: the next packet begins anew.
    pub fn clear(&mut self) {
        self.offset = None;
        self.missing = 0;
        while !self.stored.is_empty() {
            self.drop_front();
        }
    }

    fn conclude(&mut self, pulled: Pulled) -> Pulled {
        self.clock += FRAME;
        match pulled {
            Pulled::Frame => self.missing = 0,
            Pulled::Missing | Pulled::Nothing => self.missing = self.missing.saturating_add(1),
        }
        if self.missing > MISSING_MAX { Pulled::Nothing } else { pulled }
    }

    fn wanted(&self) -> i64 {
        self.delays.quickest() + self.delay_frames() as i64 * FRAME
    }

    fn delay_frames(&self) -> usize {
        self.delays.frames_for(IN_TIME).clamp(self.least_frames, self.most_frames)
    }

    /// Whether every byte of the frame at `due` is here.
    fn is_ready(&self, due: i64) -> bool {
        let mut covered = due;
        for stored in &self.stored {
            if stored.timestamp > covered {
                break;
            }
            covered = covered.max(stored.timestamp + stored.payload.len() as i64);
        }
        covered >= due + FRAME
    }

    fn copy(&self, due: i64, frame: &mut [u8; FRAME_BYTES]) -> bool {
        if !self.is_ready(due) {
            return false;
        }
        for stored in &self.stored {
            let shift = stored.timestamp - due;
            for (index, byte) in stored.payload.iter().enumerate() {
                let place = usize::try_from(shift + index as i64).ok();
                if let Some(to) = place.and_then(|place| frame.get_mut(place)) {
                    *to = *byte;
                }
            }
            if shift + stored.payload.len() as i64 >= FRAME {
                break;
            }
        }
        true
    }

    fn forget(&mut self, before: i64) {
        while self
            .stored
            .front()
            .is_some_and(|stored| stored.timestamp + stored.payload.len() as i64 <= before)
        {
            self.drop_front();
        }
    }

    fn drop_front(&mut self) {
        if let Some(stored) = self.stored.pop_front()
            && self.spare.len() < 8
        {
            self.spare.push(stored.payload);
        }
    }

    fn restart(&mut self, timestamp: i64) {
        self.clear();
        self.delays = Delays::default();
        self.delays.add(self.clock - timestamp);
        self.newest = timestamp;
        // Before anything is known, two frames: one more than the least.
        let frames = (self.least_frames + 1).min(self.most_frames) as i64;
        // Until its first frame is due nothing is missing.
        self.missing = MISSING_MAX + 1;
        self.offset = Some(self.clock - timestamp + frames * FRAME);
    }

    /// The 32-bit timestamp on the endless line, next to the newest one.
    fn unwrap(&self, timestamp: u32) -> i64 {
        let step = timestamp.wrapping_sub(self.newest as u32) as i32;
        self.newest + i64::from(step)
    }
}

/// How long packets took of late, against the quickest of them.
#[derive(Clone, Debug)]
struct Delays {
    /// Smallest arrival minus timestamp in the running and the three windows before.
    windows: [Option<i64>; 4],
    in_window: u32,
    /// Weight of packets that were so many frames slower than the quickest.
    weights: [f32; STEPS],
}

impl Default for Delays {
    fn default() -> Self {
        let mut weights = [0.0; STEPS];
        weights[0] = 0.5;
        weights[1] = 0.5;
        Self { windows: [None; 4], in_window: 0, weights }
    }
}

impl Delays {
    fn add(&mut self, delay: i64) {
        if self.in_window >= WINDOW_PACKETS {
            self.windows.rotate_right(1);
            self.windows[0] = None;
            self.in_window = 0;
        }
        self.in_window += 1;
        let smallest = self.windows[0].map_or(delay, |smallest| smallest.min(delay));
        self.windows[0] = Some(smallest);
        let excess = (delay - self.quickest()).max(0);
        let step = ((excess + FRAME - 1) / FRAME) as usize;
        for weight in &mut self.weights {
            *weight *= KEPT;
        }
        if let Some(weight) = self.weights.get_mut(step.min(STEPS - 1)) {
            *weight += 1.0 - KEPT;
        }
    }

    fn quickest(&self) -> i64 {
        self.windows.iter().flatten().copied().min().unwrap_or(0)
    }

    fn frames_for(&self, share: f32) -> usize {
        let mut sum = 0.0;
        for (step, weight) in self.weights.iter().enumerate() {
            sum += weight;
            if sum >= share {
                return step;
            }
        }
        STEPS - 1
    }
}

#[cfg(test)]
#[path = "jitter/tests.rs"]
mod tests;
