//! A simulated caller's voice: Piper's, with pitch, pace and noise of its own, as a telephone
//! brings it.

use crate::base::audio::{Pcm, TELEPHONE_RATE_HZ, level_dbfs};
use crate::base::language::Language;

use super::engine::{SynthesisError, Synthesizer};
use super::{level, spoken};

/// How a simulated caller sounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallerVoice {
    /// Hundredths of a semitone, −350 to +500.
    pub pitch_cents: f32,
    /// 0.72 (fast) to 1.4 (slow).
    pub length: f32,
    /// Level of speech over noise, dB; none without.
    pub snr_db: Option<f32>,
}

impl Default for CallerVoice {
    fn default() -> Self {
        Self { pitch_cents: 0.0, length: 1.0, snr_db: None }
    }
}

impl CallerVoice {
    /// Speaks `text` with `engine`, at 8 kHz.
    pub fn speak(&self, engine: &mut dyn Synthesizer, text: &str) -> Result<Pcm, SynthesisError> {
        let language = Language::english();
        let ratio = 2f32.powf(self.pitch_cents.clamp(-350.0, 500.0) / 1_200.0);
        // A higher pitch is a faster tape: the engine speaks as much slower before.
        let pace = self.length.clamp(0.72, 1.4) * ratio;
        let mut samples: Vec<i16> = Vec::new();
        let mut rate_hz = 22_050;
        for sentence in spoken::sentences(text, &language) {
            let pcm = engine.synthesize(&sentence, &language, pace)?;
            rate_hz = pcm.rate_hz;
            samples.extend(pcm.samples.iter());
            samples.extend(std::iter::repeat_n(0, rate_hz as usize / 5));
        }
        let faster = Pcm::new((rate_hz as f32 * ratio) as u32, samples);
        // Rates that share few factors cost the resampler much: round to 50 Hz.
        let faster = Pcm::new(faster.rate_hz / 50 * 50, faster.samples);
        let speech = level::normalise(&level::resample(&faster, TELEPHONE_RATE_HZ));
        Ok(match self.snr_db {
            Some(snr_db) => with_noise(&speech, snr_db),
            None => speech,
        })
    }
}

/// Adds a car's rumble: noise through a one-pole low-pass, always the same.
fn with_noise(speech: &Pcm, snr_db: f32) -> Pcm {
    let mut state = 0x2545_f491u32;
    let mut low = 0f32;
    let noise: Vec<f32> = speech
        .samples
        .iter()
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            low += 0.2 * ((state >> 16) as i16 as f32 / 32_768.0 - low);
            low * 8_000.0
        })
        .collect();
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
