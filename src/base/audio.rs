//! Sound as it moves inside Warmline: frames of 20 ms of 16-bit mono PCM.

use std::sync::Arc;

/// Length of a frame.
pub const FRAME_MS: u64 = 20;
/// Rate at which speech engines listen, in samples a second.
pub const SPEECH_RATE_HZ: u32 = 16_000;
/// Rate of the telephone network, in samples a second.
pub const TELEPHONE_RATE_HZ: u32 = 8_000;

/// Samples in a frame at `rate_hz`.
pub const fn frame_samples(rate_hz: u32) -> usize {
    (rate_hz as u64 * FRAME_MS / 1_000) as usize
}

/// A stretch of mono sound of any length, cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Pcm {
    /// Samples a second.
    pub rate_hz: u32,
    /// Signed 16-bit samples, full scale ±32,767.
    pub samples: Arc<[i16]>,
}

impl Pcm {
    pub fn new(rate_hz: u32, samples: impl Into<Arc<[i16]>>) -> Self {
        Self { rate_hz, samples: samples.into() }
    }

    pub fn silence(rate_hz: u32, ms: u64) -> Self {
        Self::new(rate_hz, vec![0; (rate_hz as u64 * ms / 1_000) as usize])
    }

    pub fn duration_ms(&self) -> u64 {
        self.samples.len() as u64 * 1_000 / self.rate_hz.max(1) as u64
    }
}

/// Mean level in dB relative to full scale (a full-scale square wave is 0); −96 for silence.
pub fn level_dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return -96.0;
    }
    let power: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    let rms = (power / samples.len() as f64).sqrt() / 32_767.0;
    if rms <= 1.6e-5 { -96.0 } else { 20.0 * rms.log10() as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_twenty_milliseconds() {
        assert_eq!(frame_samples(TELEPHONE_RATE_HZ), 160);
        assert_eq!(Pcm::silence(8_000, 20).samples.len(), 160);
        assert_eq!(Pcm::silence(8_000, 1_500).duration_ms(), 1_500);
    }

    #[test]
    fn level_of_a_square_wave_and_of_silence() {
        assert!(level_dbfs(&[32_767, -32_767]).abs() < 0.01);
        assert_eq!(level_dbfs(&[0; 160]), -96.0);
        assert_eq!(level_dbfs(&[]), -96.0);
    }
}
