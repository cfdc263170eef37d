//! Latency on a two-channel capture of a real call: the question's end is the last loud sample
//! said, the answer's beginning is found by cross-correlating what was heard with the answer's
//! own recording. No log line and no clock but the samples' takes part.

use std::path::{Path, PathBuf};

use warmline::base::language::Language;
use warmline::speech::voice::cache::Cache;
use warmline::speech::voice::spoken::sentences;

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

/// Milliseconds from the end of the last thing said to the answer's first sound.
pub fn first_audio_ms(capture: &Path, answer: &[i16]) -> Option<u64> {
    let mut reader = hound::WavReader::open(capture).ok()?;
    let both: Vec<i16> = reader.samples::<i16>().filter_map(Result::ok).collect();
    let said: Vec<i16> = both.iter().step_by(2).copied().collect();
    let heard: Vec<i16> = both.iter().skip(1).step_by(2).copied().collect();
    let end = said.iter().rposition(|sample| sample.unsigned_abs() > LOUD)? + 1;
    let begins = where_like(heard.get(end..)?, answer.get(..PATTERN.min(answer.len()))?)?;
    Some((begins * 1_000 / RATE_HZ) as u64)
}

/// Where `pattern` is in `sound`, by normalised cross-correlation: coarse on every eighth place,
/// then to the sample.
fn where_like(sound: &[i16], pattern: &[i16]) -> Option<usize> {
    const COARSE: usize = 4;
    let last = sound.len().checked_sub(pattern.len())?.min(RATE_HZ * 12);
    let best = |places: &mut dyn Iterator<Item = usize>| {
        places
            .map(|at| (likeness(&sound[at..at + pattern.len()], pattern), at))
            .max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let (_, near) = best(&mut (0..=last).step_by(COARSE))?;
    let from = near.saturating_sub(COARSE);
    let (like, at) = best(&mut (from..=(near + COARSE).min(last)))?;
    (like >= LIKENESS_MIN).then_some(at)
}

fn likeness(sound: &[i16], pattern: &[i16]) -> f64 {
    let (mut cross, mut ours, mut theirs) = (0f64, 0f64, 0f64);
    for (a, b) in sound.iter().zip(pattern) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        cross += a * b;
        ours += a * a;
        theirs += b * b;
    }
    cross / (ours * theirs).sqrt().max(1.0)
}
