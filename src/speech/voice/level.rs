//! Levels and rates of what is spoken: −26 dBFS of active speech, peaks at −3, soft ends.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use crate::base::audio::Pcm;

const SPEECH_DBFS: f32 = -26.0;
const PEAK: f32 = 0.707;
/// Frames quieter than this below the loudest are pauses, not speech.
const PAUSE_DB: f32 = 30.0;
const FADE_MS: usize = 5;

/// Brings speech to its level and softens both ends.
pub fn normalise(pcm: &Pcm) -> Pcm {
    let frame = (pcm.rate_hz as usize / 50).max(1);
    let levels: Vec<f32> = pcm.samples.chunks(frame).map(crate::base::audio::level_dbfs).collect();
    let loudest = levels.iter().copied().fold(-96.0, f32::max);
    let active: Vec<f32> =
        levels.into_iter().filter(|level| *level > loudest - PAUSE_DB && *level > -60.0).collect();
    if active.is_empty() {
        return pcm.clone();
    }
    let power = active.iter().map(|db| 10f32.powf(db / 10.0)).sum::<f32>() / active.len() as f32;
    let mut gain = 10f32.powf((SPEECH_DBFS - 10.0 * power.log10()) / 20.0);
    let peak = pcm.samples.iter().map(|s| f32::from(*s).abs()).fold(1.0, f32::max) / 32_767.0;
    gain = gain.min(PEAK / peak);
    let length = pcm.samples.len();
    let fade = (pcm.rate_hz as usize * FADE_MS / 1_000).max(1);
    let samples: Vec<i16> = pcm
        .samples
        .iter()
        .enumerate()
        .map(|(at, sample)| {
            let edge = (at.min(length - 1 - at) as f32 / fade as f32).min(1.0);
            (f32::from(*sample) * gain * edge).clamp(-32_767.0, 32_767.0) as i16
        })
        .collect();
    Pcm::new(pcm.rate_hz, samples)
}

/// The sound louder by `gain_db` (never above full scale), after `pause_ms` of silence.
pub fn with_gain(pcm: &Pcm, gain_db: f32, pause_ms: u64) -> Pcm {
    if gain_db == 0.0 && pause_ms == 0 {
        return pcm.clone();
    }
    let gain = 10f32.powf(gain_db / 20.0);
    let mut samples = vec![0i16; (u64::from(pcm.rate_hz) * pause_ms / 1_000) as usize];
    let louder =
        pcm.samples.iter().map(|s| (f32::from(*s) * gain).clamp(-32_767.0, 32_767.0) as i16);
    samples.extend(louder);
    Pcm::new(pcm.rate_hz, samples)
}

/// Resamples to `rate_hz` with its own delay removed.
pub fn resample(pcm: &Pcm, rate_hz: u32) -> Pcm {
    if pcm.rate_hz == rate_hz || pcm.samples.is_empty() {
        return Pcm::new(rate_hz, pcm.samples.clone());
    }
    resample_whole(pcm, rate_hz).unwrap_or_else(|| Pcm::new(rate_hz, Vec::new()))
}

fn resample_whole(pcm: &Pcm, rate_hz: u32) -> Option<Pcm> {
    let input: Vec<f32> = pcm.samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
    let (from, to) = (pcm.rate_hz as usize, rate_hz as usize);
    let mut resampler = Fft::<f32>::new(from, to, 1_024, 1, FixedSync::Input).ok()?;
    let length = resampler.process_all_needed_output_len(input.len());
    let mut output = vec![0f32; length];
    let source = InterleavedSlice::new(&input, 1, input.len()).ok()?;
    let mut sink = InterleavedSlice::new_mut(&mut output, 1, length).ok()?;
    let (_, written) =
        resampler.process_all_into_buffer(&source, &mut sink, input.len(), None).ok()?;
    output.truncate(written);
    let samples: Vec<i16> =
        output.iter().map(|value| (value.clamp(-1.0, 1.0) * 32_767.0) as i16).collect();
    Some(Pcm::new(rate_hz, samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate_hz: u32, seconds: f32, loud: f32) -> Pcm {
        let count = (rate_hz as f32 * seconds) as usize;
        let wave = |n: usize| {
            (std::f32::consts::TAU * 440.0 * n as f32 / rate_hz as f32).sin() * loud * 32_767.0
        };
        Pcm::new(rate_hz, (0..count).map(|n| wave(n) as i16).collect::<Vec<_>>())
    }

    #[test]
    fn speech_comes_to_its_level() {
        for loud in [0.01, 0.2, 0.9] {
            let level =
                crate::base::audio::level_dbfs(&normalise(&tone(16_000, 1.0, loud)).samples);
            assert!((level - SPEECH_DBFS).abs() < 1.0, "{loud}: {level}");
        }
        assert_eq!(normalise(&Pcm::silence(16_000, 100)).samples.len(), 1_600);
    }

    #[test]
    fn resampling_keeps_length_and_level() {
        let out = resample(&tone(22_050, 1.0, 0.3), 16_000);
        assert!(out.duration_ms().abs_diff(1_000) <= 2, "{} ms", out.duration_ms());
        let level = crate::base::audio::level_dbfs(&out.samples);
        assert!((level + 13.5).abs() < 0.5, "{level}");
    }
}
