//! Loudness of prompts: speech at −26 dBFS, peaks at −3 at most.

use crate::base::audio::{Pcm, level_dbfs};

/// Level of speech that a prompt is brought to.
pub const SPEECH_DBFS: f32 = -26.0;
/// Highest peak of a prompt.
pub const PEAK_DBFS: f32 = -3.0;
/// Frames this far below the loudest are pauses and do not count into the level.
const PAUSE_DB: f32 = 25.0;

/// Mean level of the frames in which somebody speaks, dB relative to full scale; −96 for silence.
pub fn speech_level_dbfs(pcm: &Pcm) -> f32 {
    let frame = (pcm.rate_hz as usize / 50).max(1);
    let levels: Vec<f32> = pcm.samples.chunks(frame).map(level_dbfs).collect();
    let loudest = levels.iter().copied().fold(-96.0, f32::max);
    let voiced = levels.iter().filter(|level| **level > loudest - PAUSE_DB && **level > -90.0);
    let powers: Vec<f32> = voiced.map(|level| 10f32.powf(level / 10.0)).collect();
    if powers.is_empty() {
        return -96.0;
    }
    10.0 * (powers.iter().sum::<f32>() / powers.len() as f32).log10()
}

/// Brings a prompt to [`SPEECH_DBFS`], less where its peaks would pass [`PEAK_DBFS`].
/// Silence stays silence.
pub fn normalise(pcm: &Pcm) -> Pcm {
    let level = speech_level_dbfs(pcm);
    let peak = pcm.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    if peak == 0 || level <= -90.0 {
        return pcm.clone();
    }
    let peak_dbfs = 20.0 * (f32::from(peak) / 32_767.0).log10();
    let gain_db = (SPEECH_DBFS - level).min(PEAK_DBFS - peak_dbfs);
    let gain = gain_of(gain_db);
    let samples: Vec<i16> = pcm.samples.iter().map(|s| scale(*s, gain)).collect();
    Pcm::new(pcm.rate_hz, samples)
}

/// The factor of a gain in dB.
pub fn gain_of(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// One sample times a factor, kept within range.
#[inline]
pub fn scale(sample: i16, gain: f32) -> i16 {
    (f32::from(sample) * gain).clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tone::sine;

    #[test]
    fn quiet_and_loud_come_to_the_same_level() {
        for from in [-45.0, -26.0, -8.0] {
            let mut samples = sine(8_000, 300.0, 500, from);
            samples.extend(vec![0; 8_000]);
            let out = normalise(&Pcm::new(8_000, samples));
            assert!((speech_level_dbfs(&out) - SPEECH_DBFS).abs() < 0.5, "from {from}");
        }
    }

    #[test]
    fn peaks_hold_the_gain_down() {
        let mut samples = vec![100i16; 8_000];
        samples[4_000] = 20_000;
        let out = normalise(&Pcm::new(8_000, samples));
        let peak = out.samples.iter().copied().max().unwrap();
        assert!(peak <= (32_767.0 * gain_of(PEAK_DBFS)) as i16 + 1, "{peak}");
    }

    #[test]
    fn silence_stays_silence() {
        assert_eq!(normalise(&Pcm::silence(8_000, 40)), Pcm::silence(8_000, 40));
    }
}
