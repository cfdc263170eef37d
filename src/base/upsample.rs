//! Telephone sound (8 kHz) to the rate at which engines listen (16 kHz), and any recording to it.
//!
//! In: 16-bit mono PCM. Out: 16-bit mono PCM at 16 kHz. Pure arithmetic, no I/O.

use super::audio::{SPEECH_RATE_HZ, TELEPHONE_RATE_HZ};

/// Taps on each side of the point between two samples.
const SIDE: usize = 12;
/// Samples at 8 kHz by which the output lags the input.
pub const DELAY_SAMPLES: usize = SIDE;

/// Doubles the rate of one stream with a half-band filter; keeps its history between calls, so
/// that frames join without a click. 1.5 ms of delay.
#[derive(Clone, Debug)]
pub struct Upsampler {
    taps: [f32; 2 * SIDE],
    history: [f32; 2 * SIDE],
}

impl Default for Upsampler {
    fn default() -> Self {
        Self { taps: half_sample_taps(), history: [0.0; 2 * SIDE] }
    }
}

impl Upsampler {
    /// Appends two samples to `out` for each of `frame`.
    pub fn push(&mut self, frame: &[i16], out: &mut Vec<i16>) {
        out.reserve(frame.len() * 2);
        for sample in frame {
            self.history.rotate_left(1);
            self.history[2 * SIDE - 1] = f32::from(*sample);
            out.push(self.history[SIDE - 1] as i16);
            let between: f32 = self.history.iter().zip(&self.taps).map(|(x, h)| x * h).sum();
            out.push(between.round().clamp(-32_768.0, 32_767.0) as i16);
        }
    }
}

/// Values of a Hann-windowed sinc at the half-way points, scaled to unit gain at 0 Hz.
fn half_sample_taps() -> [f32; 2 * SIDE] {
    let mut taps = [0.0_f32; 2 * SIDE];
    for (index, tap) in taps.iter_mut().enumerate() {
        let distance = index as f32 - SIDE as f32 + 0.5;
        *tap = windowed_sinc(distance, SIDE as f32, 1.0);
    }
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

/// sinc(`distance` × `cutoff`) under a Hann window of half-width `reach`.
fn windowed_sinc(distance: f32, reach: f32, cutoff: f32) -> f32 {
    if distance.abs() >= reach {
        return 0.0;
    }
    let phase = std::f32::consts::PI * distance * cutoff;
    let sinc = if phase.abs() < 1e-6 { 1.0 } else { phase.sin() / phase };
    sinc * (0.5 + 0.5 * (std::f32::consts::PI * distance / reach).cos()) * cutoff
}

/// A whole recording of any rate to 16 kHz (windowed sinc, low-passed when the rate falls).
/// An empty recording or a rate of 0 gives nothing.
pub fn to_speech_rate(samples: &[i16], rate_hz: u32) -> Vec<i16> {
    if rate_hz == SPEECH_RATE_HZ || samples.is_empty() || rate_hz == 0 {
        return if rate_hz == 0 { Vec::new() } else { samples.to_vec() };
    }
    if rate_hz == TELEPHONE_RATE_HZ {
        let mut out = Vec::new();
        let mut upsampler = Upsampler::default();
        upsampler.push(samples, &mut out);
        upsampler.push(&[0; DELAY_SAMPLES], &mut out);
        out.drain(..2 * DELAY_SAMPLES);
        return out;
    }
    let step = f64::from(rate_hz) / f64::from(SPEECH_RATE_HZ);
    let cutoff = (1.0 / step).min(1.0) as f32;
    let reach = (16.0 / cutoff).min(128.0);
    let count = (samples.len() as f64 / step) as usize;
    (0..count).map(|index| interpolate(samples, index as f64 * step, reach, cutoff)).collect()
}

/// The value of `samples` at the fractional `place`.
fn interpolate(samples: &[i16], place: f64, reach: f32, cutoff: f32) -> i16 {
    let first = (place - f64::from(reach)).ceil().max(0.0) as usize;
    let last = ((place + f64::from(reach)) as usize).min(samples.len() - 1);
    let value: f32 = samples[first..=last]
        .iter()
        .enumerate()
        .map(|(offset, sample)| {
            let distance = ((first + offset) as f64 - place) as f32;
            f32::from(*sample) * windowed_sinc(distance, reach, cutoff)
        })
        .sum();
    value.round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::audio::level_dbfs;

    fn tone(rate_hz: u32, hz: f32, ms: u32) -> Vec<i16> {
        (0..rate_hz * ms / 1_000)
            .map(|n| {
                let phase = std::f32::consts::TAU * hz * n as f32 / rate_hz as f32;
                (8_000.0 * phase.sin()) as i16
            })
            .collect()
    }

    /// What is left when the same tone, made at 16 kHz, is taken away; dB below the tone.
    fn error_db(resampled: &[i16], hz: f32) -> f32 {
        let wanted = tone(16_000, hz, 200);
        let middle = 800..2_400;
        let rest: Vec<i16> =
            middle.clone().map(|n| resampled[n].saturating_sub(wanted[n])).collect();
        level_dbfs(&rest) - level_dbfs(&wanted[middle])
    }

    #[test]
    fn a_tone_stays_the_same_tone_from_any_rate() {
        for rate_hz in [8_000, 11_025, 22_050, 44_100, 48_000] {
            for hz in [300.0, 1_000.0, 3_000.0] {
                let error = error_db(&to_speech_rate(&tone(rate_hz, hz, 200), rate_hz), hz);
                assert!(error < -40.0, "{hz} Hz from {rate_hz}: {error} dB");
            }
        }
    }

    #[test]
    fn frames_join_without_a_seam() {
        let whole = tone(8_000, 440.0, 100);
        let (mut at_once, mut in_frames) = (Vec::new(), Vec::new());
        Upsampler::default().push(&whole, &mut at_once);
        let mut upsampler = Upsampler::default();
        whole.chunks(160).for_each(|frame| upsampler.push(frame, &mut in_frames));
        assert_eq!(at_once, in_frames);
        assert_eq!(at_once.len(), 2 * whole.len());
    }

    #[test]
    fn sound_above_the_new_band_does_not_fold_back() {
        let high = tone(48_000, 12_000.0, 200);
        assert!(level_dbfs(&to_speech_rate(&high, 48_000)[800..2_400]) < -50.0);
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(to_speech_rate(&[], 44_100).is_empty());
        assert!(to_speech_rate(&[1, 2, 3], 0).is_empty());
        assert_eq!(to_speech_rate(&[1, 2, 3], 16_000), [1, 2, 3]);
    }
}
