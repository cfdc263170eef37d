//! Packet-loss concealment: what was lost is filled with the last pitch period, repeated and
//! faded out (the idea of G.711 appendix I, in our own words and without its delay).

/// Longest pitch period looked for, milliseconds (66 Hz).
const PERIOD_MS_MAX: usize = 15;
/// Shortest (400 Hz).
const PERIOD_MS_MIN: usize = 2;
/// Past sound kept: the template and the longest period.
const PAST_MS: usize = 40;
/// Sound that is compared to find the period.
const TEMPLATE_MS: usize = 20;
/// Full strength so long, then down to nothing at `FADE_END_MS`.
const FADE_START_MS: usize = 10;
const FADE_END_MS: usize = 70;
/// After a gap the real sound is faded in over so long.
const JOIN_MS: usize = 5;
/// Samples of the past at 16 kHz.
const PAST_MAX: usize = PAST_MS * 16;

/// Remembers the sound of one stream and invents what is missing.
#[derive(Clone, Debug)]
pub struct Concealer {
    /// Samples in a millisecond.
    per_ms: usize,
    past: [i16; PAST_MAX],
    period: usize,
    /// Samples invented since the last real frame.
    invented: usize,
}

impl Concealer {
    /// For sound at `rate_hz` (8,000 or 16,000).
    pub fn new(rate_hz: u32) -> Self {
        let per_ms = if rate_hz == 8_000 { 8 } else { 16 };
        Self { per_ms, past: [0; PAST_MAX], period: PERIOD_MS_MIN * per_ms, invented: 0 }
    }

    /// A real frame came: it is remembered, and after a gap its beginning is blended with what
    /// would have been invented.
    pub fn real(&mut self, frame: &mut [i16]) {
        if self.invented > 0 {
            let join = (JOIN_MS * self.per_ms).min(frame.len());
            let mut bridge = [0i16; JOIN_MS * 16];
            self.invent(&mut bridge[..join]);
            for (index, (real, old)) in frame.iter_mut().zip(&bridge[..join]).enumerate() {
                let weight = index as i32 * 256 / join as i32;
                *real =
                    ((i32::from(*real) * weight + i32::from(*old) * (256 - weight)) / 256) as i16;
            }
            self.invented = 0;
        }
        self.remember(frame);
    }

    /// Fills `frame` with what might have been said.
    pub fn conceal(&mut self, frame: &mut [i16]) {
        if self.invented == 0 {
            self.period = self.find_period();
        }
        self.invent(frame);
    }

    fn invent(&mut self, frame: &mut [i16]) {
        let fade_start = FADE_START_MS * self.per_ms;
        let fade_end = FADE_END_MS * self.per_ms;
        let length = self.length();
        let cycle = self.past.get(length - self.period..length).unwrap_or_default();
        for sample in frame.iter_mut() {
            let old = cycle.get(self.invented % self.period).copied().unwrap_or(0);
            let left = fade_end.saturating_sub(self.invented).min(fade_end - fade_start);
            *sample = (i32::from(old) * left as i32 / (fade_end - fade_start) as i32) as i16;
            self.invented += 1;
        }
    }

    fn length(&self) -> usize {
        PAST_MS * self.per_ms
    }

    fn remember(&mut self, frame: &[i16]) {
        let length = self.length();
        let fresh = frame.len().min(length);
        let past = &mut self.past[..length];
        past.copy_within(fresh.., 0);
        past[length - fresh..].copy_from_slice(&frame[frame.len() - fresh..]);
    }

    /// The lag at which the end of the past resembles itself best.
    fn find_period(&self) -> usize {
        let length = self.length();
        let past = &self.past[..length];
        let template = TEMPLATE_MS * self.per_ms;
        let now = &past[length - template..];
        // A sum of squares that follows the lag: one sample enters, one leaves.
        let mut power = energy(now);
        let mut best = (f64::MIN, PERIOD_MS_MAX * self.per_ms);
        for lag in 1..=PERIOD_MS_MAX * self.per_ms {
            let start = length - template - lag;
            power += square(past[start]) - square(past[start + template]);
            if lag < PERIOD_MS_MIN * self.per_ms {
                continue;
            }
            let then = &past[start..start + template];
            let likeness = product(now, then) as f64 / ((power + 1) as f64).sqrt();
            // A longer lag must be clearly better: its half is as good for a pure tone.
            if likeness > best.0 * if best.0 > 0.0 { 1.02 } else { 1.0 } {
                best = (likeness, lag);
            }
        }
        best.1
    }
}

fn square(sample: i16) -> i64 {
    i64::from(sample) * i64::from(sample)
}

fn energy(samples: &[i16]) -> i64 {
    samples.iter().map(|sample| square(*sample)).sum()
}

/// Sum of products, in whole numbers so that the compiler may use wide instructions.
fn product(a: &[i16], b: &[i16]) -> i64 {
    a.iter().zip(b).map(|(a, b)| i64::from(i32::from(*a) * i32::from(*b))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::audio::level_dbfs;
    use crate::media::tone::{sine, tone_level_dbfs};

    #[test]
    fn a_lost_frame_of_a_steady_tone_goes_nearly_unheard() {
        for rate in [8_000u32, 16_000] {
            for hz in [120.0, 210.0, 333.0] {
                let tone = sine(rate, hz, 200, -20.0);
                let frame = rate as usize / 50;
                let mut concealer = Concealer::new(rate);
                let mut out = Vec::new();
                for (index, original) in tone.chunks(frame).enumerate() {
                    let mut samples = original.to_vec();
                    if index == 5 {
                        concealer.conceal(&mut samples);
                    } else {
                        concealer.real(&mut samples);
                    }
                    out.extend(samples);
                }
                let error: Vec<i16> = out.iter().zip(&tone).map(|(a, b)| a - b).collect();
                let noise = level_dbfs(&error[5 * frame..7 * frame]);
                assert!(noise < -27.0, "{hz} Hz at {rate}: error {noise} dBFS");
                // Plain silence instead would err by the tone itself: −20 dBFS in that frame.
            }
        }
    }

    #[test]
    fn a_long_gap_fades_to_silence() {
        let mut concealer = Concealer::new(8_000);
        for frame in sine(8_000, 200.0, 100, -10.0).chunks_mut(160) {
            concealer.real(frame);
        }
        let mut levels = Vec::new();
        for _ in 0..5 {
            let mut frame = [0i16; 160];
            concealer.conceal(&mut frame);
            levels.push(level_dbfs(&frame));
        }
        assert!(levels.windows(2).all(|pair| pair[1] < pair[0] || pair[0] == -96.0), "{levels:?}");
        assert_eq!(levels[4], -96.0);
    }

    #[test]
    fn nothing_heard_yet_is_silence() {
        let mut frame = [7i16; 160];
        Concealer::new(8_000).conceal(&mut frame);
        assert_eq!(frame, [0; 160]);
        assert_eq!(tone_level_dbfs(&frame, 8_000, 100.0), -96.0);
    }
}
