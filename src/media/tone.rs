//! Tones: ringing tones by country, sines and comfort noise, and the measure of a tone's level
//! (Goertzel) by which tests and checks recognise one.

use std::f64::consts::PI;

use crate::base::audio::Pcm;

/// Level of the ringing tone.
const RINGING_DBFS: f32 = -24.0;
/// Level of the noise that is sent when nothing else is.
pub const COMFORT_NOISE_DBFS: f32 = -62.0;
/// Rise and fall of a tone, so that it does not click.
const EDGE_MS: usize = 5;

/// A country's ringing tone (ITU-T E.180 supplement 2): frequencies in hertz, and the cadence as
/// milliseconds of tone, silence, tone, silence…
struct Ringing {
    country: &'static str,
    frequencies_hz: &'static [f64],
    cadence_ms: &'static [u64],
}

const RINGING: [Ringing; 12] = [
    Ringing { country: "US", frequencies_hz: &[440.0, 480.0], cadence_ms: &[2_000, 4_000] },
    Ringing { country: "CA", frequencies_hz: &[440.0, 480.0], cadence_ms: &[2_000, 4_000] },
    Ringing { country: "GB", frequencies_hz: &[400.0, 450.0], cadence_ms: &[400, 200, 400, 2_000] },
    Ringing { country: "IE", frequencies_hz: &[400.0, 450.0], cadence_ms: &[400, 200, 400, 2_000] },
    Ringing { country: "AU", frequencies_hz: &[400.0, 450.0], cadence_ms: &[400, 200, 400, 2_000] },
    Ringing { country: "DE", frequencies_hz: &[425.0], cadence_ms: &[1_000, 4_000] },
    Ringing { country: "AT", frequencies_hz: &[425.0], cadence_ms: &[1_000, 5_000] },
    Ringing { country: "CH", frequencies_hz: &[425.0], cadence_ms: &[1_000, 4_000] },
    Ringing { country: "FR", frequencies_hz: &[440.0], cadence_ms: &[1_500, 3_500] },
    Ringing { country: "ES", frequencies_hz: &[425.0], cadence_ms: &[1_500, 3_000] },
    Ringing { country: "CN", frequencies_hz: &[450.0], cadence_ms: &[1_000, 4_000] },
    Ringing { country: "IN", frequencies_hz: &[400.0, 425.0], cadence_ms: &[400, 200, 400, 2_000] },
];

/// One whole cadence of a country's ringing tone at 8 kHz, to be looped. The country is the two
/// letters of ISO 3166 in either case; one that the table lacks rings as in the US.
pub fn ringing(country: &str) -> Pcm {
    let entry = RINGING.iter().find(|entry| entry.country.eq_ignore_ascii_case(country));
    let [us, ..] = &RINGING;
    let entry = entry.unwrap_or(us);
    let mut samples = Vec::new();
    for (index, ms) in entry.cadence_ms.iter().enumerate() {
        let count = (ms * 8) as usize;
        if index % 2 == 0 {
            samples.extend(chord(8_000, entry.frequencies_hz, count, RINGING_DBFS));
        } else {
            samples.resize(samples.len() + count, 0);
        }
    }
    Pcm::new(8_000, samples)
}

/// A sine of `hz`, `ms` long, at `level_dbfs` (a full-scale sine is −3).
pub fn sine(rate_hz: u32, hz: f64, ms: u64, level_dbfs: f32) -> Vec<i16> {
    let amplitude = 32_767.0 * 2f64.sqrt() * 10f64.powf(f64::from(level_dbfs) / 20.0);
    let step = 2.0 * PI * hz / f64::from(rate_hz);
    let count = u64::from(rate_hz) * ms / 1_000;
    (0..count)
        .map(|index| (amplitude * (step * index as f64).sin()).clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

/// Equal sines together, with soft edges; the whole has `level_dbfs`.
fn chord(rate_hz: u32, frequencies_hz: &[f64], count: usize, level_dbfs: f32) -> Vec<i16> {
    let each = f64::from(level_dbfs) - 10.0 * (frequencies_hz.len().max(1) as f64).log10();
    let amplitude = 32_767.0 * 2f64.sqrt() * 10f64.powf(each / 20.0);
    let edge = EDGE_MS * rate_hz as usize / 1_000;
    (0..count)
        .map(|index| {
            let time = index as f64 / f64::from(rate_hz);
            let sum: f64 = frequencies_hz.iter().map(|hz| (2.0 * PI * hz * time).sin()).sum();
            let to_edge = index.min(count - 1 - index).min(edge);
            (amplitude * sum * to_edge as f64 / edge as f64) as i16
        })
        .collect()
}

/// Soft hiss at [`COMFORT_NOISE_DBFS`], 16 kHz, four seconds, to be looped. The same every time.
pub fn comfort_noise() -> Pcm {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut low = 0.0f64;
    let count = 16_000 * 4;
    let mut noise = Vec::with_capacity(count);
    for _ in 0..count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let white = (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        // One pole at about 1.5 kHz: a room rather than a waterfall.
        low += 0.45 * (white - low);
        noise.push(low);
    }
    let power = noise.iter().map(|sample| sample * sample).sum::<f64>() / count as f64;
    let wanted = 32_767.0 * 10f64.powf(f64::from(COMFORT_NOISE_DBFS) / 20.0);
    let gain = wanted / power.sqrt().max(1e-9);
    let samples: Vec<i16> = noise.iter().map(|sample| (sample * gain).round() as i16).collect();
    Pcm::new(16_000, samples)
}

/// Level of the part of `samples` that lies at `hz` (Goertzel), dB relative to full scale.
pub fn tone_level_dbfs(samples: &[i16], rate_hz: u32, hz: f64) -> f32 {
    if samples.is_empty() || rate_hz == 0 {
        return -96.0;
    }
    let step = 2.0 * PI * hz / f64::from(rate_hz);
    let factor = 2.0 * step.cos();
    let (mut last, mut before) = (0.0f64, 0.0f64);
    for sample in samples {
        let now = f64::from(*sample) + factor * last - before;
        before = last;
        last = now;
    }
    let power = last * last + before * before - factor * last * before;
    let rms = power.max(0.0).sqrt() * 2f64.sqrt() / samples.len() as f64 / 32_767.0;
    if rms < 1.6e-5 { -96.0 } else { 20.0 * rms.log10() as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::audio::level_dbfs;

    #[test]
    fn goertzel_finds_its_tone_and_no_other() {
        let tone = sine(8_000, 1_000.0, 200, -20.0);
        assert!((tone_level_dbfs(&tone, 8_000, 1_000.0) + 20.0).abs() < 0.1);
        assert!(tone_level_dbfs(&tone, 8_000, 1_500.0) < -60.0);
        assert_eq!(tone_level_dbfs(&[], 8_000, 1.0), -96.0);
    }

    #[test]
    fn every_country_rings_in_its_cadence() {
        for entry in &RINGING {
            let pcm = ringing(entry.country);
            assert_eq!(pcm.duration_ms(), entry.cadence_ms.iter().sum::<u64>());
            let on = (entry.cadence_ms[0] * 8) as usize;
            let level = level_dbfs(&pcm.samples[..on]);
            assert!((level - RINGING_DBFS).abs() < 0.6, "{}: {level}", entry.country);
            assert_eq!(level_dbfs(&pcm.samples[on..on + 800]), -96.0);
            for hz in entry.frequencies_hz {
                assert!(tone_level_dbfs(&pcm.samples[..on], 8_000, *hz) > -31.0);
            }
        }
        assert_eq!(ringing("gb"), ringing("GB"));
        assert_eq!(ringing("??"), ringing("US"));
    }

    #[test]
    fn comfort_noise_is_heard_but_soft() {
        let level = level_dbfs(&comfort_noise().samples);
        assert!((-65.0..=-60.0).contains(&level), "{level}");
    }
}
