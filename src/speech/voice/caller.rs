//! A simulated caller's voice: Piper's, with pitch, pace and noise of its own, as a telephone
//! brings it.

use crate::base::audio::{Pcm, TELEPHONE_RATE_HZ, level_dbfs};
use crate::base::language::Language;

use super::engine::{SynthesisError, Synthesizer};
use super::{level, spoken};

/// What is behind a simulated caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Noise {
    /// A car's rumble.
    #[default]
    Car,
    /// The hiss of a line.
    Hiss,
    /// Mains hum at 50 Hz and its harmonics.
    Hum,
    /// Six voices at once: the caller's own, backwards and at other times.
    Babble,
}

/// How a simulated caller sounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallerVoice {
    /// Hundredths of a semitone, −350 to +500.
    pub pitch_cents: f32,
    /// 0.72 (fast) to 2.5 (very slow).
    pub length: f32,
    /// Level of speech over noise, dB; none without.
    pub snr_db: Option<f32>,
    pub noise: Noise,
}

impl Default for CallerVoice {
    fn default() -> Self {
        Self { pitch_cents: 0.0, length: 1.0, snr_db: None, noise: Noise::Car }
    }
}

impl CallerVoice {
    /// Speaks `text` with `engine`, at 8 kHz.
    pub fn speak(&self, engine: &mut dyn Synthesizer, text: &str) -> Result<Pcm, SynthesisError> {
        let language = Language::english();
        let ratio = 2f32.powf(self.pitch_cents.clamp(-350.0, 500.0) / 1_200.0);
        // A higher pitch is a faster tape: the engine speaks as much slower before.
        let pace = self.length.clamp(0.72, 2.5) * ratio;
        let mut samples: Vec<i16> = Vec::new();
        let mut rate_hz = 22_050;
        for sentence in spoken::sentences(text, &language) {
            let pcm = engine.synthesize(&sentence.spoken, &language, pace)?;
            rate_hz = pcm.rate_hz;
            samples.extend(pcm.samples.iter());
            samples.extend(std::iter::repeat_n(0, rate_hz as usize / 5));
        }
        let faster = Pcm::new((rate_hz as f32 * ratio) as u32, samples);
        // Rates that share few factors cost the resampler much: round to 50 Hz.
        let faster = Pcm::new(faster.rate_hz / 50 * 50, faster.samples);
        let speech = level::normalise(&level::resample(&faster, TELEPHONE_RATE_HZ));
        Ok(match self.snr_db {
            Some(snr_db) => with_noise(&speech, self.noise, snr_db),
            None => speech,
        })
    }
}

/// Adds noise of `kind` at `snr_db` under the speech, always the same for the same speech.
pub fn with_noise(speech: &Pcm, kind: Noise, snr_db: f32) -> Pcm {
    let noise = noise(speech, kind);
    let whole: Vec<i16> = noise.iter().map(|value| *value as i16).collect();
    let gain_db = level_dbfs(&speech.samples) - snr_db - level_dbfs(&whole);
    let gain = 10f32.powf(gain_db / 20.0);
    let mixed = speech.samples.iter().zip(noise);
    let mixed: Vec<i16> = mixed
        .map(|(sample, noise)| {
            (f32::from(*sample) + noise * gain).clamp(-32_767.0, 32_767.0) as i16
        })
        .collect();
    Pcm::new(speech.rate_hz, mixed)
}

/// Noise of the speech's length, at any level.
fn noise(speech: &Pcm, kind: Noise) -> Vec<f32> {
    let mut state = 0x2545_f491u32;
    let mut white = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 16) as i16 as f32 / 32_768.0
    };
    let length = speech.samples.len();
    match kind {
        // Through a one-pole low-pass.
        Noise::Car => {
            let mut low = 0f32;
            let mut next = || {
                low += 0.2 * (white() - low);
                low * 8_000.0
            };
            (0..length).map(|_| next()).collect()
        }
        Noise::Hiss => (0..length).map(|_| white() * 8_000.0).collect(),
        Noise::Hum => (0..length)
            .map(|at| {
                let phase = std::f32::consts::TAU * 50.0 * at as f32 / speech.rate_hz as f32;
                (phase.sin() + 0.6 * (3.0 * phase).sin() + 0.3 * (5.0 * phase).sin()) * 4_000.0
            })
            .collect(),
        Noise::Babble => {
            const VOICES: usize = 6;
            let voice = |number: usize, at: usize| {
                let shifted = (at + number * length / VOICES) % length.max(1);
                let place = if number.is_multiple_of(2) { length - 1 - shifted } else { shifted };
                speech.samples.get(place).copied().map_or(0.0, f32::from)
            };
            (0..length).map(|at| (0..VOICES).map(|n| voice(n * 2 % 7, at)).sum()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_noise_has_the_level_that_was_asked_for() {
        let wave = |n: usize| ((n as f32 * 0.3).sin() * 6_000.0 * (n as f32 * 0.001).sin()) as i16;
        let speech = Pcm::new(8_000, (0..16_000).map(wave).collect::<Vec<_>>());
        for kind in [Noise::Car, Noise::Hiss, Noise::Hum, Noise::Babble] {
            let mixed = with_noise(&speech, kind, 10.0);
            let pairs = mixed.samples.iter().zip(speech.samples.iter());
            let rest: Vec<i16> = pairs.map(|(a, b)| a.saturating_sub(*b)).collect();
            let snr = level_dbfs(&speech.samples) - level_dbfs(&rest);
            assert!((snr - 10.0).abs() < 0.5, "{kind:?}: {snr} dB");
        }
    }
}
