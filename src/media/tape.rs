//! One call's tape: what the caller said (left) and what the caller was sent (right), frame by
//! frame, gathered into blocks for the recording thread. Never waits.

use std::sync::mpsc::SyncSender;

use crate::base::audio::frame_samples;
use crate::base::moment::Moment;

use super::limits::{FRAME_SAMPLES_MAX, RECORDER_BLOCK_FRAMES};
use super::recorder::Message;
use super::resample::{Downsampler, Upsampler};

/// One call's tape. Dropping it closes the recording.
#[derive(Debug)]
pub struct Tape {
    id: u64,
    rate_hz: u32,
    started: Moment,
    to_recorder: SyncSender<Message>,
    left: [i16; FRAME_SAMPLES_MAX],
    right: [i16; FRAME_SAMPLES_MAX],
    block: Vec<i16>,
    block_frames: usize,
    /// Frames that the recording thread had no room for; they become silence.
    missing_frames: u64,
    paused: bool,
    up: Upsampler,
    down: Downsampler,
}

impl Tape {
    /// A tape at 8,000 or 16,000 Hz that begins at `started` on the call's clock.
    pub(super) fn new(
        id: u64,
        rate_hz: u32,
        started: Moment,
        to_recorder: SyncSender<Message>,
    ) -> Self {
        Self {
            id,
            rate_hz,
            started,
            to_recorder,
            left: [0; FRAME_SAMPLES_MAX],
            right: [0; FRAME_SAMPLES_MAX],
            block: Vec::new(),
            block_frames: 0,
            missing_frames: 0,
            paused: false,
            up: Upsampler::default(),
            down: Downsampler::default(),
        }
    }

    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// While paused the tape runs on and holds silence, so that its times stay those of the call.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Silences both sides from `from` to `to`, in what is written already too.
    pub fn erase(&mut self, from: Moment, to: Moment) {
        self.flush();
        let frame = |moment: Moment| moment.since(self.started).as_millis() as u64 / 20;
        let message = Message::Erase { id: self.id, from: frame(from), to: frame(to) + 1 };
        // An erasure must not be lost: it waits for room, which the recording thread makes.
        let _ = self.to_recorder.send(message);
    }

    /// What the caller said in this frame, at the tape's rate.
    pub fn caller(&mut self, samples: &[i16]) {
        copy(samples, &mut self.left);
    }

    /// What the caller was sent in this frame.
    pub fn machine(&mut self, samples: &[i16], rate_hz: u32) {
        match (rate_hz, self.rate_hz) {
            (8_000, 16_000) => self.up.run(samples, &mut self.right),
            (16_000, 8_000) => self.down.run(samples, &mut self.right),
            _ => copy(samples, &mut self.right),
        }
    }

    /// The frame is whole.
    pub fn end_frame(&mut self) {
        let count = frame_samples(self.rate_hz).min(FRAME_SAMPLES_MAX);
        if self.block.capacity() == 0 {
            self.block.reserve_exact(count * 2 * RECORDER_BLOCK_FRAMES);
        }
        if self.paused {
            self.block.resize(self.block.len() + count * 2, 0);
        } else {
            for (left, right) in self.left.iter().zip(&self.right).take(count) {
                self.block.extend_from_slice(&[*left, *right]);
            }
        }
        self.left.fill(0);
        self.right.fill(0);
        self.block_frames += 1;
        if self.block_frames >= RECORDER_BLOCK_FRAMES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.missing_frames > 0 {
            let message = Message::Silence { id: self.id, frames: self.missing_frames };
            if self.to_recorder.try_send(message).is_ok() {
                self.missing_frames = 0;
            }
        }
        let samples = std::mem::take(&mut self.block);
        let frames = std::mem::take(&mut self.block_frames) as u64;
        if frames == 0 {
            return;
        }
        let sent = self.missing_frames == 0
            && self.to_recorder.try_send(Message::Block { id: self.id, samples }).is_ok();
        if !sent {
            self.missing_frames += frames;
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.flush();
        let _ = self.to_recorder.send(Message::Close { id: self.id });
    }
}

fn copy(from: &[i16], to: &mut [i16; FRAME_SAMPLES_MAX]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
