//! Sounds without words, for tests and benchmarks: hiss, tones, hum, music, ringing, keys, voices
//! through each other. 16 kHz.

use std::f32::consts::TAU;

const RATE_HZ: f32 = 16_000.0;

fn samples(ms: u64) -> usize {
    (ms * 16) as usize
}

fn amplitude(level_dbfs: f32) -> f32 {
    32_767.0 * 10_f32.powf(level_dbfs / 20.0)
}

/// White noise from a fixed seed.
pub fn hiss(ms: u64, level_dbfs: f32, seed: u64) -> Vec<i16> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let scale = amplitude(level_dbfs) * 3_f32.sqrt();
    (0..samples(ms))
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let unit = (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0;
            (unit * scale).clamp(-32_768.0, 32_767.0) as i16
        })
        .collect()
}

/// Sines of equal strength, together at `level_dbfs`.
pub fn tone(hz: &[f32], ms: u64, level_dbfs: f32) -> Vec<i16> {
    let each = amplitude(level_dbfs) * (2.0 / hz.len().max(1) as f32).sqrt();
    (0..samples(ms))
        .map(|n| {
            let sum: f32 = hz.iter().map(|f| (TAU * f * n as f32 / RATE_HZ).sin()).sum();
            (each * sum).clamp(-32_768.0, 32_767.0) as i16
        })
        .collect()
}

/// `on` and `off` in turns, for the cadence of a ringing or busy tone.
pub fn cadence(hz: &[f32], on_ms: u64, off_ms: u64, ms: u64, level_dbfs: f32) -> Vec<i16> {
    let mut sound = tone(hz, ms, level_dbfs);
    let period = samples(on_ms + off_ms);
    for (n, sample) in sound.iter_mut().enumerate() {
        if n % period >= samples(on_ms) {
            *sample = 0;
        }
    }
    sound
}

/// A slow tune of chords with overtones and decay, as hold music has.
pub fn music(ms: u64, level_dbfs: f32) -> Vec<i16> {
    const CHORDS: [[f32; 3]; 4] = [
        [261.6, 329.6, 392.0],
        [220.0, 261.6, 329.6],
        [174.6, 220.0, 261.6],
        [196.0, 246.9, 293.7],
    ];
    let peak = amplitude(level_dbfs);
    (0..samples(ms))
        .map(|n| {
            let seconds = n as f32 / RATE_HZ;
            let beat = seconds / 0.5;
            let chord = CHORDS[(beat as usize / 2) % CHORDS.len()];
            let decay = (-3.0 * (beat - beat.floor())).exp();
            let sum: f32 = chord
                .iter()
                .flat_map(|f| (1..=4).map(move |k| (f * k as f32, 1.0 / k as f32)))
                .map(|(f, strength)| strength * (TAU * f * seconds).sin())
                .sum();
            (peak * 0.5 * decay * sum).clamp(-32_768.0, 32_767.0) as i16
        })
        .collect()
}

/// The two tones of a key of the telephone, 100 ms on and 100 ms off, `digits` one by one.
pub fn keys(digits: &str, level_dbfs: f32) -> Vec<i16> {
    const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f32; 3] = [1_209.0, 1_336.0, 1_477.0];
    let mut sound = Vec::new();
    for digit in digits.chars() {
        let Some(place) = "123456789*0#".find(digit) else { continue };
        sound.extend(tone(&[ROWS[place / 3], COLUMNS[place % 3]], 100, level_dbfs));
        sound.extend(std::iter::repeat_n(0, samples(100)));
    }
    sound
}

/// Of the babble: 20 dB under a caller at −24 dBFS.
const BABBLE_DBFS: f32 = -44.0;

/// The `index`th of an endless row of sounds without words, each of `ms`: what it is, and it.
/// `voices` are mixed to babble, six and more at once; `noises` are played as they are.
pub fn wordless(
    index: usize,
    ms: u64,
    voices: &[Vec<i16>],
    noises: &[i16],
) -> (&'static str, Vec<i16>) {
    let turn = index / 10;
    let level = [-30.0, -36.0, -42.0, -24.0, -48.0][turn % 5];
    let hz = [50.0, 60.0][turn % 2];
    let filled = |mut sound: Vec<i16>| {
        sound.resize(samples(ms), 0);
        sound
    };
    match index % 10 {
        0 => ("silence", vec![0; samples(ms)]),
        1 => ("hiss", hiss(ms, level, index as u64 + 1)),
        2 => ("hum", tone(&[hz, 2.0 * hz, 3.0 * hz, 5.0 * hz], ms, level)),
        3 => {
            let count = 6 + turn % 4;
            let some: Vec<_> = voices.iter().cycle().skip(turn * 5).take(count).cloned().collect();
            ("babble", filled(babble(&some, ms, BABBLE_DBFS)))
        }
        4 => ("hold music", music(ms, level)),
        5 => {
            let tones = [[440.0, 480.0], [400.0, 450.0], [425.0, 425.0]][turn % 3];
            ("ringback", cadence(&tones, 2_000, 4_000, ms, -18.0))
        }
        6 => ("busy", cadence(&[480.0, 620.0], 500, 500, ms, -18.0)),
        7 => ("fax", cadence(&[[1_100.0, 2_100.0][turn % 2]], 500, 3_000, ms, -15.0)),
        8 => {
            let digits = ["1234567890*#", "0044", "5550172#", "11", "987654321"][turn % 5];
            ("keys", filled(keys(digits, -12.0)))
        }
        _ => {
            let start = (turn * 7 * 16_000) % noises.len().max(1);
            let sound = noises.iter().cycle().skip(start).take(samples(ms)).copied().collect();
            ("noises of the set", filled(sound))
        }
    }
}

/// Changes the level of a sound by `gain_db`.
pub fn gain(sound: &[i16], gain_db: f32) -> Vec<i16> {
    let factor = 10_f32.powf(gain_db / 20.0);
    sound
        .iter()
        .map(|sample| (f32::from(*sample) * factor).clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

/// Adds the sounds to each other, each at `level_dbfs` and turned by a part of its length, for
/// `ms`: the murmur of a room.
pub fn babble(voices: &[Vec<i16>], ms: u64, level_dbfs: f32) -> Vec<i16> {
    let mut sum = vec![0_f32; samples(ms)];
    for (place, voice) in voices.iter().enumerate().filter(|(_, voice)| !voice.is_empty()) {
        let each = amplitude(level_dbfs) / (voices.len() as f32).sqrt();
        let power: f64 = voice.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        let own = (power / voice.len() as f64).sqrt().max(1.0) as f32;
        let start = voice.len() * place / voices.len();
        for (out, sample) in sum.iter_mut().zip(voice.iter().cycle().skip(start)) {
            *out += f32::from(*sample) * each / own;
        }
    }
    sum.into_iter().map(|sample| sample.clamp(-32_768.0, 32_767.0) as i16).collect()
}
