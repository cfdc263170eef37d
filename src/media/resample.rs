//! From one sample rate to another. Live frames between 8 and 16 kHz go through a half-band
//! filter with a memory; whole clips of any rate through `rubato`.

use std::sync::LazyLock;

use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler};

use crate::base::audio::Pcm;

/// Non-zero taps on each side of the middle; the filter is `4 * SIDE - 1` samples of 16 kHz long
/// and delays by 1.4 ms.
const SIDE: usize = 12;
/// Samples of past input that the filter needs.
const PAST: usize = 2 * SIDE;
/// Largest block that one call takes, in samples of the lower rate.
const BLOCK_MAX: usize = 160;

/// The odd taps of the half-band filter (the even ones are zero but for the middle, ½), from the
/// middle outwards: a windowed sinc, flat to 3.4 kHz, 60 dB down from 4.6 kHz.
static TAPS: LazyLock<[f32; SIDE]> = LazyLock::new(|| {
    let mut taps = [0.0f64; SIDE];
    for (index, tap) in taps.iter_mut().enumerate() {
        let place = (2 * index + 1) as f64;
        let sinc = (std::f64::consts::PI * place / 2.0).sin() / (std::f64::consts::PI * place);
        *tap = sinc * kaiser(place / (2 * SIDE) as f64);
    }
    // Unity gain at 0 Hz: the two sides and the middle sum to 1.
    let sum: f64 = taps.iter().sum::<f64>() * 2.0;
    taps.map(|tap| (tap * 0.5 / sum) as f32)
});

fn kaiser(place: f64) -> f64 {
    const BETA: f64 = 6.0;
    bessel(BETA * (1.0 - place * place).max(0.0).sqrt()) / bessel(BETA)
}

/// Modified Bessel function of order zero, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..32 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

/// 8 kHz → 16 kHz, frame by frame.
#[derive(Clone, Debug)]
pub struct Upsampler {
    past: [f32; PAST],
}

impl Default for Upsampler {
    fn default() -> Self {
        Self { past: [0.0; PAST] }
    }
}

impl Upsampler {
    /// Writes two samples for each of `input` (at most 160) into `output`; what does not fit in
    /// either is left out.
    pub fn run(&mut self, input: &[i16], output: &mut [i16]) {
        let input = &input[..input.len().min(BLOCK_MAX)];
        let mut line = [0.0f32; PAST + BLOCK_MAX];
        line[..PAST].copy_from_slice(&self.past);
        for (to, from) in line[PAST..].iter_mut().zip(input) {
            *to = f32::from(*from);
        }
        let taps = &*TAPS;
        // For each input sample: one output is the sample itself (the middle tap), the other
        // the interpolation half-way to the next.
        for (window, pair) in line.windows(PAST).skip(1).zip(output.chunks_exact_mut(2)) {
            if let [even, odd] = pair {
                *even = window[SIDE - 1].round() as i16;
                let mut sum = 0.0;
                for (index, tap) in taps.iter().enumerate() {
                    sum += tap * (window[SIDE - 1 - index] + window[SIDE + index]);
                }
                *odd = to_sample(2.0 * sum);
            }
        }
        self.past.copy_from_slice(&line[input.len()..input.len() + PAST]);
    }
}

/// 16 kHz → 8 kHz, frame by frame.
#[derive(Clone, Debug)]
pub struct Downsampler {
    /// The even and the odd samples of the past.
    past: [[f32; PAST]; 2],
}

impl Default for Downsampler {
    fn default() -> Self {
        Self { past: [[0.0; PAST]; 2] }
    }
}

impl Downsampler {
    /// Writes one sample for each two of `input` (at most 320) into `output`.
    pub fn run(&mut self, input: &[i16], output: &mut [i16]) {
        let pairs = (input.len() / 2).min(BLOCK_MAX);
        let mut even = [0.0f32; PAST + BLOCK_MAX];
        let mut odd = [0.0f32; PAST + BLOCK_MAX];
        even[..PAST].copy_from_slice(&self.past[0]);
        odd[..PAST].copy_from_slice(&self.past[1]);
        for (index, pair) in input.chunks_exact(2).take(pairs).enumerate() {
            even[PAST + index] = f32::from(pair[0]);
            odd[PAST + index] = f32::from(pair[1]);
        }
        let taps = &*TAPS;
        let windows = even.windows(PAST).zip(odd.windows(PAST)).skip(1);
        for ((even, odd), out) in windows.zip(output.iter_mut()).take(pairs) {
            let mut sum = 0.5 * even[SIDE];
            for (index, tap) in taps.iter().enumerate() {
                sum += tap * (odd[SIDE - 1 - index] + odd[SIDE + index]);
            }
            *out = to_sample(sum);
        }
        self.past[0].copy_from_slice(&even[pairs..pairs + PAST]);
        self.past[1].copy_from_slice(&odd[pairs..pairs + PAST]);
    }
}

fn to_sample(value: f32) -> i16 {
    value.round().clamp(-32_768.0, 32_767.0) as i16
}

/// Resamples a whole clip to `rate_hz`, without delay; the length stays the same to a sample.
/// A clip that is at that rate already is shared, not copied. Rates of 0 give an empty clip.
pub fn resample(pcm: &Pcm, rate_hz: u32) -> Pcm {
    if pcm.rate_hz == rate_hz || pcm.samples.is_empty() {
        return Pcm { rate_hz, samples: pcm.samples.clone() };
    }
    let input: Vec<f32> = pcm.samples.iter().map(|sample| f32::from(*sample)).collect();
    match run_rubato(&input, pcm.rate_hz, rate_hz) {
        Some(output) => Pcm::new(rate_hz, output),
        None => Pcm::new(rate_hz, Vec::new()),
    }
}

fn run_rubato(input: &[f32], from_hz: u32, to_hz: u32) -> Option<Vec<i16>> {
    if from_hz == 0 || to_hz == 0 {
        return None;
    }
    let chunk = 1_024;
    let mut resampler =
        Fft::<f32>::new(from_hz as usize, to_hz as usize, chunk, 1, FixedSync::Both).ok()?;
    let length = input.len();
    let buffer = InterleavedOwned::new_from(input.to_vec(), 1, length).ok()?;
    let output = resampler.process_all(&buffer, length, None).ok()?;
    Some(output.take_data().into_iter().map(to_sample).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::audio::level_dbfs;
    use crate::media::tone::{sine, tone_level_dbfs};

    fn up(input: &[i16]) -> Vec<i16> {
        let mut upsampler = Upsampler::default();
        let mut output = vec![0; input.len() * 2];
        for (from, to) in input.chunks(160).zip(output.chunks_mut(320)) {
            upsampler.run(from, to);
        }
        output
    }

    fn down(input: &[i16]) -> Vec<i16> {
        let mut downsampler = Downsampler::default();
        let mut output = vec![0; input.len() / 2];
        for (from, to) in input.chunks(320).zip(output.chunks_mut(160)) {
            downsampler.run(from, to);
        }
        output
    }

    #[test]
    fn speech_tones_pass_at_their_level() {
        for hz in [200.0, 1_000.0, 3_000.0, 3_300.0] {
            let narrow = sine(8_000, hz, 800, -20.0);
            let wide = up(&narrow);
            assert!((level_dbfs(&wide[1_600..]) + 20.0).abs() < 0.3, "up at {hz}");
            let back = down(&wide);
            assert!((level_dbfs(&back[800..]) + 20.0).abs() < 0.4, "down at {hz}");
        }
    }

    #[test]
    fn images_and_aliases_are_gone() {
        let wide = up(&sine(8_000, 1_000.0, 800, -10.0));
        assert!(tone_level_dbfs(&wide[1_600..8_000], 16_000, 7_000.0) < -65.0);
        let narrow = down(&sine(16_000, 6_000.0, 800, -10.0));
        assert!(level_dbfs(&narrow[800..]) < -65.0, "{}", level_dbfs(&narrow[800..]));
    }

    #[test]
    fn whole_clips_of_any_rate() {
        for rate in [11_025, 22_050, 24_000, 44_100, 48_000, 16_000] {
            let pcm = Pcm::new(rate, sine(rate, 440.0, 1_000, -20.0));
            let out = resample(&pcm, 8_000);
            assert!((out.samples.len() as i64 - 8_000).abs() <= 1, "{rate}: {}", out.samples.len());
            let level = tone_level_dbfs(&out.samples[800..7_200], 8_000, 440.0);
            assert!((level + 20.0).abs() < 0.3, "{rate}: {level}");
        }
        assert!(resample(&Pcm::new(0, vec![1, 2]), 8_000).samples.is_empty());
    }
}
