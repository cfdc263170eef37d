//! Latency on a two-channel capture of a real call: the question's end is the last loud sample
//! said, the answer's beginning is found by cross-correlating what was heard with the answer's
//! own recording. No log line and no clock but the samples' takes part.

use std::path::{Path, PathBuf};

use warmline::base::language::Language;
use warmline::base::upsample::to_speech_rate;
use warmline::speech::voice::cache::Cache;
use warmline::speech::voice::spoken::sentences;

use super::likeness::best_place;

const RATE_HZ: usize = 8_000;
/// Louder than this is a voice.
const LOUD: u16 = 300;
/// This much of the answer's beginning is looked for.
const PATTERN: usize = RATE_HZ * 6 / 10;
/// A likeness below this is no find.
const LIKENESS_MIN: f64 = 0.7;

/// The recording of the first sentence of `answer` in the server's cache, at 8 kHz, from its
/// first loud sample.
pub fn recording(server: &Path, engine: &str, answer: &str) -> Option<Vec<i16>> {
    let first = sentences(answer, &Language::english()).into_iter().next()?;
    let key = Cache::key(engine, "en", 1.0, &first.spoken);
    let file = find(server, &format!("{key}.wav"))?;
    let mut reader = hound::WavReader::open(file).ok()?;
    let samples: Vec<i16> = reader.samples::<i16>().filter_map(Result::ok).collect();
    // 16 kHz; the mean of two is enough of a low-pass for finding a likeness.
    let half: Vec<i16> = samples
        .chunks_exact(2)
        .map(|two| ((i32::from(two[0]) + i32::from(two[1])) / 2) as i16)
        .collect();
    let begins = half.iter().position(|sample| sample.unsigned_abs() > LOUD)?;
    Some(half.get(begins..)?.to_vec())
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        match path.is_dir() {
            true => find(&path, name),
            false => path.file_name().is_some_and(|file| file == name).then_some(path),
        }
    })
}

/// The two channels of a capture: said by the caller, heard by the caller; 8 kHz.
pub struct Capture {
    said: Vec<i16>,
    heard: Vec<i16>,
}

impl Capture {
    pub fn read(file: &Path) -> Option<Self> {
        let mut reader = hound::WavReader::open(file).ok()?;
        let both: Vec<i16> = reader.samples::<i16>().filter_map(Result::ok).collect();
        Some(Self {
            said: both.iter().step_by(2).copied().collect(),
            heard: both.iter().skip(1).step_by(2).copied().collect(),
        })
    }

    /// Place after the last loud sample said.
    fn said_until(&self) -> Option<usize> {
        Some(self.said.iter().rposition(|sample| sample.unsigned_abs() > LOUD)? + 1)
    }

    /// Milliseconds from the end of the last thing said to the answer's first sound.
    pub fn first_audio_ms(&self, answer: &[i16]) -> Option<u64> {
        let after = self.heard.get(self.said_until()?..)?;
        let begins = where_like(after, answer.get(..PATTERN.min(answer.len()))?)?;
        Some((begins * 1_000 / RATE_HZ) as u64)
    }

    /// Milliseconds from the end of the last thing said to any sound at all.
    pub fn silence_ms(&self) -> Option<u64> {
        let after = self.heard.get(self.said_until()?..)?;
        let until = after.iter().position(|sample| sample.unsigned_abs() > LOUD);
        Some((until.unwrap_or(after.len()) * 1_000 / RATE_HZ) as u64)
    }

    /// What was said, as a recogniser wants it.
    pub fn question(&self) -> Option<Vec<i16>> {
        let begins = self.said.iter().position(|sample| sample.unsigned_abs() > LOUD)?;
        let said = self.said.get(begins.saturating_sub(RATE_HZ / 5)..self.said_until()?)?;
        Some(to_speech_rate(said, RATE_HZ as u32))
    }
}

/// Where `pattern` is in the first 12 s of `sound`, by normalised cross-correlation.
fn where_like(sound: &[i16], pattern: &[i16]) -> Option<usize> {
    let (at, like) = best_place(sound, pattern, 0..RATE_HZ * 12)?;
    (like >= LIKENESS_MIN).then_some(at)
}

/// Finds a known sound at a known place in noise, and nothing where it is not; panics otherwise.
/// Run before the measurement: a correlator that errs would make any figure.
pub fn check() {
    let mut seed = 1_u32;
    let mut noise = move |loud: i32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((seed >> 16) as i32 % (2 * loud) - loud) as i16
    };
    // Like a voice: a tone whose pitch and loudness wander.
    let pattern: Vec<i16> = (0..PATTERN)
        .map(|at| {
            let time = at as f64 / RATE_HZ as f64;
            let loud = 6_000.0 * (0.6 + 0.4 * (time * 31.0).sin());
            (loud * (time * (900.0 + 700.0 * (time * 7.0).sin())).sin()) as i16
        })
        .collect();
    for place in [0, 1, 2, 3, 2_401, 9_999] {
        let mut sound: Vec<i16> = (0..3 * RATE_HZ).map(|_| noise(400)).collect();
        for (sample, wanted) in sound.iter_mut().skip(place).zip(&pattern) {
            *sample = sample.saturating_add(wanted / 2);
        }
        let found = where_like(&sound, &pattern).expect("the sound is there");
        assert!(found.abs_diff(place) <= 1, "placed at {place}, found at {found}");
    }
    let empty: Vec<i16> = (0..3 * RATE_HZ).map(|_| noise(8_000)).collect();
    assert_eq!(where_like(&empty, &pattern), None, "found where there is only noise");
}
