//! Hold music of our own: four soft chords and a slow bell line, computed once. No recording and
//! nobody's melody; it loops without a seam.

use std::f64::consts::PI;

use crate::base::audio::{Pcm, level_dbfs};

use super::level::{gain_of, scale};

/// Level of the music.
pub const MUSIC_DBFS: f32 = -26.0;
const RATE_HZ: u32 = 16_000;
const CHORD_MS: u64 = 4_000;

/// Semitones above A2 (110 Hz), low to high: Am9 · Fmaj7 · Cadd9 · Gsus2, all within the band of
/// the telephone once their partials are counted.
const CHORDS: [[i32; 4]; 4] =
    [[12, 19, 24, 26], [8, 15, 24, 27], [15, 22, 26, 31], [10, 17, 24, 29]];
/// The bell line: one note each second, in semitones above A2.
const BELLS: [i32; 16] = [36, 31, 38, 34, 36, 39, 34, 31, 34, 38, 31, 34, 29, 36, 34, 31];

/// Sixteen seconds at 16 kHz, at [`MUSIC_DBFS`], to be looped.
pub fn hold_music() -> Pcm {
    let chord_samples = (u64::from(RATE_HZ) * CHORD_MS / 1_000) as usize;
    let total = chord_samples * CHORDS.len();
    let mut mix = vec![0.0f64; total];
    for (index, chord) in CHORDS.iter().enumerate() {
        for note in chord {
            add_pad(&mut mix, index * chord_samples, chord_samples, hertz(*note));
        }
    }
    for (index, note) in BELLS.iter().enumerate() {
        add_bell(&mut mix, index * RATE_HZ as usize, hertz(*note));
    }
    let loudest = mix.iter().fold(1e-9f64, |peak, sample| peak.max(sample.abs()));
    let samples: Vec<i16> = mix.iter().map(|s| (s / loudest * 20_000.0) as i16).collect();
    let gain = gain_of(MUSIC_DBFS - level_dbfs(&samples));
    let samples: Vec<i16> = samples.iter().map(|sample| scale(*sample, gain)).collect();
    Pcm::new(RATE_HZ, samples)
}

fn hertz(semitones: i32) -> f64 {
    110.0 * 2f64.powf(f64::from(semitones) / 12.0)
}

/// A held tone with three partials that swells in and out over its chord and overlaps the next
/// by half a second; what passes the end goes to the beginning, so that the loop has no seam.
fn add_pad(mix: &mut [f64], start: usize, length: usize, hz: f64) {
    let tail = RATE_HZ as usize / 2;
    let whole = length + tail;
    let count = mix.len();
    for index in 0..whole {
        let time = index as f64 / f64::from(RATE_HZ);
        let rise = (index as f64 / tail as f64).min(1.0);
        let fall = ((whole - index) as f64 / tail as f64).min(1.0);
        let swell = (rise.min(fall) * PI / 2.0).sin().powi(2);
        let phase = 2.0 * PI * hz * time;
        let tone = phase.sin() + 0.35 * (2.0 * phase).sin() + 0.12 * (3.0 * phase).sin();
        if let Some(sample) = mix.get_mut((start + index) % count) {
            *sample += 0.22 * swell * tone;
        }
    }
}

/// A struck tone that fades within two seconds.
fn add_bell(mix: &mut [f64], start: usize, hz: f64) {
    let count = mix.len();
    for index in 0..2 * RATE_HZ as usize {
        let time = index as f64 / f64::from(RATE_HZ);
        let rise = (time / 0.02).min(1.0);
        let fade = (-2.5 * time).exp() * (1.0 - time / 2.0);
        let phase = 2.0 * PI * hz * time;
        let tone = phase.sin() + 0.2 * (2.0 * phase).sin();
        if let Some(sample) = mix.get_mut((start + index) % count) {
            *sample += 0.25 * rise * fade * tone;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_its_level_and_without_clicks() {
        let music = hold_music();
        assert!((level_dbfs(&music.samples) - MUSIC_DBFS).abs() < 0.3);
        assert_eq!(music.duration_ms(), 16_000);
        // The steepest step of its own partials (about 1.3 kHz) is far below a click; the seam
        // from the last sample to the first is a step like any other.
        let steps = music.samples.windows(2).map(|pair| (pair[0] - pair[1]).unsigned_abs());
        let steepest = steps.max().unwrap();
        let seam = (music.samples[0] - music.samples[music.samples.len() - 1]).unsigned_abs();
        assert!(steepest < 2_500, "{steepest}");
        assert!(seam <= steepest);
        for second in music.samples.chunks(16_000) {
            assert!(level_dbfs(second) > -33.0, "no second is empty");
        }
    }
}
