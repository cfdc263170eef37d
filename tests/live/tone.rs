//! Tones in, tones out: what proves who hears whom.

use std::path::Path;

const RATE_HZ: u32 = 8_000;

/// A stretch of sound for a peer to send: silence, speech from a file, or a tone.
pub enum Part<'a> {
    Silence(f32),
    Tone { hz: f32, seconds: f32 },
    File(&'a Path),
}

/// Writes the parts one after the other as 8 kHz mono 16-bit.
pub fn compose(file: &Path, parts: &[Part<'_>]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut out = hound::WavWriter::create(file, spec).expect("is writable");
    for part in parts {
        for sample in samples(part) {
            out.write_sample(sample).expect("is writable");
        }
    }
    out.finalize().expect("is writable");
}

fn samples(part: &Part<'_>) -> Vec<i16> {
    match part {
        Part::Silence(seconds) => vec![0; (seconds * RATE_HZ as f32) as usize],
        Part::Tone { hz, seconds } => (0..(seconds * RATE_HZ as f32) as usize)
            .map(|n| {
                let phase = std::f32::consts::TAU * hz * n as f32 / RATE_HZ as f32;
                (phase.sin() * 6_000.0) as i16
            })
            .collect(),
        Part::File(path) => read(path),
    }
}

/// All samples of the first channel.
pub fn read(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).expect("is a WAV");
    let channels = usize::from(reader.spec().channels);
    reader.samples::<i16>().step_by(channels).filter_map(Result::ok).collect()
}

/// Seconds of the recording in which `hz` carries most of the energy (windows of 100 ms).
pub fn seconds_of(samples: &[i16], rate_hz: u32, hz: f32) -> f32 {
    let window = rate_hz as usize / 10;
    let heard = samples.chunks_exact(window).filter(|part| dominated(part, rate_hz, hz)).count();
    heard as f32 / 10.0
}

/// Goertzel: more than half of the window's energy at `hz`, and loud enough to be heard.
fn dominated(part: &[i16], rate_hz: u32, hz: f32) -> bool {
    let omega = std::f32::consts::TAU * hz / rate_hz as f32;
    let coefficient = 2.0 * omega.cos();
    let (mut before, mut last) = (0.0f32, 0.0f32);
    let mut energy = 0.0f32;
    for sample in part {
        let value = f32::from(*sample);
        energy += value * value;
        let next = value + coefficient * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - coefficient * last * before;
    let share = 2.0 * power / (part.len() as f32 * energy.max(1.0));
    let rms = (energy / part.len() as f32).sqrt();
    share > 0.5 && rms > 300.0
}

#[test]
fn the_ear_of_these_tests_hears_its_own_tones() {
    let samples = samples(&Part::Tone { hz: 1_000.0, seconds: 2.0 });
    assert!(seconds_of(&samples, RATE_HZ, 1_000.0) > 1.8);
    assert_eq!(seconds_of(&samples, RATE_HZ, 600.0), 0.0);
}
