//! Clips and the time that a decode really took.

use std::path::{Path, PathBuf};

use warmline::base::audio::level_dbfs;
use warmline::base::language::Language;
use warmline::base::upsample::to_speech_rate;
use warmline::speech::hear::transcript::Hint;
use warmline::speech::hear::vad::{NeuralDetector, VadSettings, VoiceDetector};
use warmline::understanding::{Tables, Understander};

/// One clip and what was said in it.
pub struct Clip {
    pub said: String,
    /// It says numbers, amounts or codes.
    pub number: bool,
    pub file: PathBuf,
    pub sound: Vec<i16>,
    /// Voice in it, as the listener finds it, milliseconds.
    pub voiced_ms: u64,
}

/// What the recogniser is given for a turn of a call in English.
pub fn usual_hint() -> Hint {
    let understander = Understander::new(Tables::embedded_rules());
    let before = understander.text_before(&Language::english());
    Hint { prompt: Some(before.to_owned()).filter(|text| !text.is_empty()), ..Hint::default() }
}

/// First sample of the first frame (of `frame` samples) of a caller's voice: within 20 dB of the
/// loudest, and 10 dB over the noise that the caller stands in, the quietest fifth of the clip.
pub fn voice_begins(sound: &[i16], frame: usize) -> usize {
    let levels: Vec<f32> = sound.chunks(frame).map(level_dbfs).collect();
    let mut sorted = levels.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let loudest = sorted.last().copied().unwrap_or_default();
    let noise = sorted.get(sorted.len() / 5).copied().unwrap_or_default();
    let threshold = (loudest - 20.0).max(noise + 10.0).min(loudest);
    levels.iter().position(|level| *level >= threshold).unwrap_or(0) * frame
}

/// A clip at 16 kHz.
pub fn read(path: &Path) -> Option<Vec<i16>> {
    let mut reader = hound::WavReader::open(path).ok()?;
    let rate_hz = reader.spec().sample_rate;
    let samples: Vec<i16> = reader.samples::<i16>().collect::<Result<_, _>>().ok()?;
    Some(to_speech_rate(&samples, rate_hz))
}

/// `count` clips of the callers, spread evenly; with words, or those without.
pub fn callers(folder: &Path, count: usize, with_words: bool) -> Vec<Clip> {
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap_or_default();
    let all: Vec<serde_json::Value> = manifest
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|clip: &serde_json::Value| {
            clip["text"].as_str().is_some_and(|text| text.is_empty() != with_words)
        })
        .collect();
    let step = (all.len() / count.max(1)).max(1);
    let field = |clip: &serde_json::Value, name: &str| {
        clip[name].as_str().map(str::to_owned).unwrap_or_default()
    };
    all.iter()
        .step_by(step)
        .take(count)
        .filter_map(|clip| {
            let number = matches!(
                field(clip, "intent").as_str(),
                "number" | "amount_date_time" | "account" | "code"
            );
            let file = folder.join(field(clip, "file"));
            let sound = read(&file)?;
            let mut detector = NeuralDetector::new(VadSettings::default());
            let voiced = sound.chunks(320).filter(|frame| detector.push(frame).voiced).count();
            let voiced_ms = 20 * voiced as u64;
            Some(Clip { said: field(clip, "text"), number, sound, voiced_ms, file })
        })
        .collect()
}

/// Processor time of this thread so far, microseconds: unlike the clock it does not count what
/// others took. 0 where the system does not tell.
pub fn processor_us() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |ns| ns / 1_000)
}

/// The value at `percent` of `values`; 0 without any.
pub fn percentile(values: &mut [u64], percent: usize) -> u64 {
    values.sort_unstable();
    let place = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(place).copied().unwrap_or(0)
}
