//! Time of speaking within a turn, for the rate of speech: by level and not by voice, for a
//! detector of voices counts the voices behind a caller, too. Pauses are left out; voiceless sounds
//! and short gaps within words are not (de Jong and Wempe 2009, "Praat script to detect syllable
//! nuclei and measure speech rate automatically").

use crate::base::audio::level_dbfs;

use super::turn::SAMPLES_PER_MS;

/// A shorter silence belongs to the words: the closure of a "t" is no pause. Rates of speech leave
/// out what is longer (de Jong and Wempe draw the line at 200 to 300 ms).
const GAP_FRAMES_MAX: usize = 10;
const FRAME: usize = 20 * SAMPLES_PER_MS as usize;
/// Frames of the quietest stretch, which tells how loud the line is without the caller.
const QUIET_FRAMES: usize = 15;
/// Louder than the line's mean by this, and by so many of its standard deviations, is speech, dB.
const OVER_NOISE_DB: f32 = 4.0;
const OVER_NOISE_DEVIATIONS: f32 = 1.5;
/// What is quieter than the loud frames by this is none, dB…
const UNDER_LOUD_DB: f32 = 27.0;
/// …and what is quieter by no more than this is, whatever the line does.
const UNDER_LOUD_MIN_DB: f32 = 8.0;
/// Share of the frames that are quieter than "loud".
const LOUD_SHARE: f32 = 0.95;
/// Hum and the rumble of cars lie below, Hz.
const HIGH_PASS_HZ: f32 = 150.0;
const LEVEL_MIN_DBFS: f32 = -96.0;

/// Time of speaking in `samples` (16 kHz, with some of the line before and after), milliseconds.
pub fn speaking_ms(samples: &[i16]) -> u64 {
    let mut filter = HighPass::new(HIGH_PASS_HZ, 1_000.0 * SAMPLES_PER_MS as f32);
    let heard: Vec<i16> = samples.iter().map(|sample| filter.next(*sample)).collect();
    let levels: Vec<f32> =
        heard.chunks_exact(FRAME).map(|frame| level_dbfs(frame).max(LEVEL_MIN_DBFS)).collect();
    let Some(gate) = gate_dbfs(&levels) else { return 0 };
    let (mut frames, mut gap) = (0, None);
    for level in levels {
        match (level > gate, gap) {
            (true, Some(quiet)) if quiet <= GAP_FRAMES_MAX => {
                (frames, gap) = (frames + quiet + 1, Some(0))
            }
            (true, _) => (frames, gap) = (frames + 1, Some(0)),
            (false, _) => gap = gap.map(|quiet| quiet + 1),
        }
    }
    frames as u64 * FRAME as u64 / SAMPLES_PER_MS
}

/// What is louder is speech; `None` without frames.
fn gate_dbfs(levels: &[f32]) -> Option<f32> {
    let mut sorted = levels.to_vec();
    sorted.sort_by(f32::total_cmp);
    let loud = *sorted.get((levels.len() as f32 * LOUD_SHARE) as usize)?;
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len().max(1) as f32;
    let quietest = levels
        .windows(QUIET_FRAMES.min(levels.len()))
        .min_by(|one, other| mean(one).total_cmp(&mean(other)))?;
    let noise = mean(quietest);
    let squares: Vec<f32> = quietest.iter().map(|level| (level - noise).powi(2)).collect();
    let over_noise = noise + OVER_NOISE_DB + OVER_NOISE_DEVIATIONS * mean(&squares).sqrt();
    Some(over_noise.clamp(loud - UNDER_LOUD_DB, loud - UNDER_LOUD_MIN_DB).max(LEVEL_MIN_DBFS))
}

/// A Butterworth high-pass of the second order (R. Bristow-Johnson, "Cookbook formulae for audio
/// EQ biquad filter coefficients").
struct HighPass {
    b: [f32; 3],
    a: [f32; 2],
    /// The last two samples that came and that went.
    x: [f32; 2],
    y: [f32; 2],
}

impl HighPass {
    fn new(cut_hz: f32, rate_hz: f32) -> Self {
        let omega = std::f32::consts::TAU * cut_hz / rate_hz;
        let alpha = omega.sin() * std::f32::consts::FRAC_1_SQRT_2;
        let (cos, a0) = (omega.cos(), 1.0 + alpha);
        Self {
            b: [(1.0 + cos) / 2.0 / a0, -(1.0 + cos) / a0, (1.0 + cos) / 2.0 / a0],
            a: [-2.0 * cos / a0, (1.0 - alpha) / a0],
            x: [0.0; 2],
            y: [0.0; 2],
        }
    }

    fn next(&mut self, sample: i16) -> i16 {
        let ([b0, b1, b2], [a1, a2]) = (self.b, self.a);
        let ([x1, x2], [y1, y2]) = (self.x, self.y);
        let x = f32::from(sample);
        let y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
        (self.x, self.y) = ([x, x1], [y, y1]);
        y as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::hear::sounds::tone;

    /// Half a second of the line, a word of 600 ms, a pause of 400 ms, a word of 400 ms with a
    /// gap of 100 ms in it, half a second of the line.
    fn words() -> Vec<i16> {
        let word = |ms: u64| tone(&[500.0], ms, -20.0);
        let quiet = |ms: u64| vec![0; (ms * SAMPLES_PER_MS) as usize];
        [quiet(500), word(600), quiet(400), word(200), quiet(100), word(100), quiet(500)].concat()
    }

    fn over(noise: impl Fn(usize) -> f32) -> u64 {
        let mixed = words().iter().enumerate().map(|(at, one)| one + noise(at) as i16).collect();
        let mixed: Vec<i16> = mixed;
        speaking_ms(&mixed)
    }

    #[test]
    fn pauses_are_left_out_and_gaps_within_words_are_not() {
        let ms = speaking_ms(&words());
        assert!((1_000..=1_040).contains(&ms), "{ms} ms, not 1,000");
        assert_eq!(speaking_ms(&[]), 0);
        assert_eq!(speaking_ms(&[0; 100]), 0);
        assert_eq!(speaking_ms(&[0; 16_000]), 0, "silence alone");
    }

    #[test]
    fn noise_in_the_pauses_is_no_speech() {
        // A voice at 15 dB under the words, which comes and goes five times a second; mains hum.
        let behind = tone(&[700.0], 2_400, -35.0);
        let swell = |at: usize| 0.7 + 0.3 * (at as f32 / 3_200.0 * std::f32::consts::TAU).sin();
        let voice = over(|at| swell(at) * f32::from(behind.get(at).copied().unwrap_or(0)));
        assert!((940..=1_060).contains(&voice), "{voice} ms behind a voice");
        let hum = tone(&[50.0], 2_400, -30.0);
        let hum = over(|at| f32::from(hum.get(at).copied().unwrap_or(0)));
        assert!((980..=1_060).contains(&hum), "{hum} ms over hum");
    }
}
