//! The jitter buffer: packets as they arrive → one 20 ms frame of payload a tick. Adapts its
//! delay to the network, reorders, drops duplicates and late packets, and says what is missing.
//!
//! All times are ticks of 8 kHz. In G.711 and G.722 one tick is one payload byte, so that packets
//! may be cut anywhere; an Opus packet is one whole frame, whatever its length in bytes. A packet
//! with timestamp `t` is due when the playout clock shows `t + offset`. The offset is the quickest
//! way a packet took of late, plus the wanted delay.

use std::collections::VecDeque;

use super::limits::{FRAME_BYTES, JITTER_PACKETS_MAX, PAYLOAD_BYTES_MAX};
use super::payload::Payload;

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
/// Pulls with one frame of delay too much, and no quiet frame to drop, after which one is dropped
/// anyway; with several too many it is so much sooner.
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
    /// Length of its sound.
    ticks: i64,
    payload: Vec<u8>,
}

impl Stored {
    fn end(&self) -> i64 {
        self.timestamp + self.ticks
    }

    /// Whether this packet is the frame that is due, give or take half a frame.
    fn is_near(&self, due: i64) -> bool {
        (-FRAME / 2..FRAME / 2).contains(&(self.timestamp - due))
    }
}

/// One stream's buffer.
#[derive(Debug)]
pub struct JitterBuffer {
    least_frames: usize,
    most_frames: usize,
    /// Each packet is one frame and is never cut.
    whole: bool,
    /// Timestamp of the last frame that was handed out.
    played: Option<i64>,
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
            whole: false,
            played: None,
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

    /// Whether each packet is one whole frame of 20 ms from now on; forgets the stream.
    pub fn set_whole(&mut self, whole: bool) {
        self.clear();
        self.whole = whole;
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
        let ticks = if self.whole { FRAME } else { payload.len() as i64 };
        if self.played.is_some_and(|played| timestamp + ticks <= played + FRAME) {
            return Inserted::Late;
        }
        if timestamp + ticks <= due {
            if timestamp < self.newest || !self.stored.is_empty() {
                return Inserted::Late;
            }
            self.wait_for(timestamp);
        }
        self.store(timestamp, ticks, payload, result)
    }

    /// The newest packet comes too late, and nothing else is there to play: it is played now, and
    /// the delay grows. After a stall of the network the rest of the burst follows it, and the
    /// delay is won back from there; after a stall of the sender, whose clock stood still
    /// meanwhile, each packet would be late from now on.
    fn wait_for(&mut self, timestamp: i64) {
        let delay = self.clock - timestamp;
        if delay - self.delays.quickest() > self.most_frames as i64 * FRAME {
            self.delays.forget_quickest();
            self.delays.add(delay);
        }
        self.offset = Some(delay.max(self.wanted()));
    }

    fn store(&mut self, timestamp: i64, ticks: i64, payload: &[u8], result: Inserted) -> Inserted {
        let place = self.stored.iter().rposition(|stored| stored.timestamp <= timestamp);
        let before = place.and_then(|place| self.stored.get(place));
        if before.is_some_and(|stored| stored.timestamp == timestamp) {
            return Inserted::Duplicate;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(payload);
        let stored = Stored { timestamp, ticks, payload: bytes };
        self.stored.insert(place.map_or(0, |place| place + 1), stored);
        if self.stored.len() > JITTER_PACKETS_MAX {
            self.drop_front();
            // What was dropped is due no more. Else each pull would ask for what just went.
            if let (Some(front), Some(offset)) = (self.stored.front(), self.offset) {
                self.offset = Some(offset.min(self.clock - front.timestamp));
            }
            return Inserted::Overflow;
        }
        result
    }

    /// Advances the clock by one frame and writes what is due into `frame`. `quiet` tells that
    /// the last frame was nearly silent, so that the delay may be changed unheard.
    pub fn pull(&mut self, quiet: bool, frame: &mut Payload) -> Pulled {
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
            self.impatience += (excess / FRAME) as u32;
            if quiet || self.impatience > PATIENCE {
                self.impatience = 0;
                self.offset = Some(offset - FRAME);
            }
        } else {
            self.impatience = 0;
        }
        let due = self.clock - self.offset.unwrap_or(offset);
        let pulled = if self.copy(due, frame) { Pulled::Frame } else { Pulled::Missing };
        if pulled == Pulled::Frame {
            self.played = Some(due);
        }
        self.forget(due + FRAME);
        self.conclude(pulled)
    }

    /// After a missing frame: the whole packet right behind it, in which that frame's repair may
    /// lie (in-band FEC). `None` if what was missing was only held back, and will yet be played.
    pub fn behind_the_gap(&self) -> Option<&[u8]> {
        let due = self.clock - self.offset?;
        let next = self.stored.iter().find(|stored| stored.is_near(due))?;
        let gap = self.played.is_none_or(|played| due - played > FRAME + FRAME / 2);
        (self.whole && gap).then_some(next.payload.as_slice())
    }

    /// The delay that the buffer wants to add to the quickest packets, milliseconds.
    pub fn delay_ms(&self) -> u32 {
        self.delay_frames() as u32 * 20
    }

    /// Forgets the stream: the next packet begins anew.
    pub fn clear(&mut self) {
        self.offset = None;
        self.played = None;
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
        if self.whole {
            return self.stored.iter().any(|stored| stored.is_near(due));
        }
        let mut covered = due;
        for stored in &self.stored {
            if stored.timestamp > covered {
                break;
            }
            covered = covered.max(stored.end());
        }
        covered >= due + FRAME
    }

    fn copy(&self, due: i64, frame: &mut Payload) -> bool {
        if !self.is_ready(due) {
            return false;
        }
        if self.whole {
            let stored = self.stored.iter().find(|stored| stored.is_near(due));
            return stored.is_some_and(|stored| frame.set(&stored.payload));
        }
        let frame = frame.whole_mut(FRAME_BYTES);
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
        while self.stored.front().is_some_and(|stored| stored.end() <= before) {
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

    fn forget_quickest(&mut self) {
        self.windows = [None; 4];
        self.in_window = 0;
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
