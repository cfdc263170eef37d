//! What one leg said in this tick, as bytes and as samples, at both rates where both are needed.

use crate::base::audio::frame_samples;
use crate::base::session::Codec;

use super::limits::FRAME_SAMPLES_MAX;
use super::payload::Payload;
use super::resample::{Downsampler, Upsampler};
use super::tap::FrameKind;

/// Mean magnitude below which a frame is nearly silent (about −50 dBFS).
const QUIET_MAGNITUDE: i32 = 90;

/// One leg's frame of this tick.
#[derive(Debug)]
pub struct Heard {
    pub kind: FrameKind,
    pub codec: Codec,
    /// As it came; meaningful if `forwardable`.
    pub payload: Payload,
    /// The payload is whole and may go to another leg untouched.
    pub forwardable: bool,
    /// Samples at the codec's rate.
    pub native: [i16; FRAME_SAMPLES_MAX],
    rate_hz: u32,
    other: [i16; FRAME_SAMPLES_MAX],
    up: Upsampler,
    down: Downsampler,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            kind: FrameKind::Silent,
            codec: Codec::Pcmu,
            payload: Payload::default(),
            forwardable: false,
            native: [0; FRAME_SAMPLES_MAX],
            rate_hz: 8_000,
            other: [0; FRAME_SAMPLES_MAX],
            up: Upsampler::default(),
            down: Downsampler::default(),
        }
    }
}

impl Heard {
    pub fn set_silent(&mut self) {
        self.kind = FrameKind::Silent;
        self.forwardable = false;
        self.native.fill(0);
    }

    pub fn set_rate(&mut self, rate_hz: u32) {
        self.rate_hz = rate_hz;
    }

    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Samples at the codec's rate.
    pub fn samples(&self) -> &[i16] {
        &self.native[..frame_samples(self.rate_hz).min(FRAME_SAMPLES_MAX)]
    }

    /// Samples at `rate_hz`; those of the other rate only after [`Heard::convert`] in this tick.
    pub fn samples_at(&self, rate_hz: u32) -> &[i16] {
        if rate_hz == self.rate_hz {
            self.samples()
        } else {
            &self.other[..frame_samples(rate_hz).min(FRAME_SAMPLES_MAX)]
        }
    }

    /// Makes the samples of the other rate.
    pub fn convert(&mut self) {
        if self.rate_hz == 8_000 {
            self.up.run(&self.native[..160], &mut self.other);
        } else {
            self.down.run(&self.native, &mut self.other[..160]);
        }
    }

    /// Whether the leg really sends sound.
    pub fn is_audible(&self) -> bool {
        match self.kind {
            FrameKind::Sound | FrameKind::Concealed => true,
            FrameKind::Silent => false,
        }
    }

    pub fn is_quiet(&self) -> bool {
        let samples = self.samples();
        let sum: i32 = samples.iter().map(|sample| i32::from(sample.unsigned_abs())).sum();
        sum < QUIET_MAGNITUDE * samples.len() as i32
    }
}
