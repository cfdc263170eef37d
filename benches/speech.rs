//! Listening: decode time and word errors with the cut context and end guard, beside the plain
//! full-context decode of the same clips and model in the same run; the time from the end of a
//! voice to its text; and what the understanding reads out of the whole speech sets.
//!
//! `cargo bench --bench speech -- [CLIPS | full]`: 16 clips and a fifth of the sets unless told
//! otherwise (about 4 min; `full` takes 25).
//! Needs the models in `models/` and the clips in `../shared/data/speech`; says so where absent.

#[path = "turns/clock.rs"]
mod clock;
#[path = "speech/sets.rs"]
mod sets;
#[path = "whisper/sound.rs"]
#[allow(dead_code)]
mod sound;

use std::path::PathBuf;
use std::sync::Arc;

use clock::{decoded, play};
use sound::{Clip, callers, percentile};
use warmline::base::language::Language;
use warmline::base::listen::ListenMode;
use warmline::speech::hear::listener::{
    Completeness, Listener, ListenerSettings, Listening, Output,
};
use warmline::speech::hear::order::DecodeOrder;
use warmline::speech::hear::score::{Errors, word_errors};
use warmline::speech::hear::transcript::{Hint, StopFlag, Transcriber};
use warmline::speech::hear::whisper::{Whisper, WhisperModel, WhisperSettings};

const CLIPS_DEFAULT: usize = 16;
/// Unless `full`, every so manieth clip of the sets.
const SETS_STEP: usize = 5;
const MODELS: [(&str, &str); 2] =
    [("base-q8_0", "ggml-base-q8_0.bin"), ("tiny.en-q8_0", "ggml-tiny.en-q8_0.bin")];

fn main() {
    // `cargo bench` passes `--bench`; the first word that is no option says how many clips.
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let count = match wanted.as_deref() {
        Some("full") => usize::MAX,
        Some(number) => number.parse().unwrap_or(CLIPS_DEFAULT),
        None => CLIPS_DEFAULT,
    };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let clips = callers(&root.join("../shared/data/speech/callers"), count, true);
    if clips.is_empty() {
        return println!("speech: skipped, ../shared/data/speech is not there");
    }
    let seconds: f64 = clips.iter().map(|clip| clip.sound.len() as f64 / 16_000.0).sum();
    println!("speech: {} callers, {seconds:.0} s of sound, one thread", clips.len());
    for (id, file) in MODELS {
        let path = root.join("models").join(file);
        match WhisperModel::load(&path) {
            Ok(model) => {
                measure(id, &model, &clips, if count == usize::MAX { 1 } else { SETS_STEP })
            }
            Err(error) => println!("speech {id}: skipped, {error}"),
        }
    }
}

fn measure(id: &str, model: &WhisperModel, clips: &[Clip], step: usize) {
    let make = |settings| model.transcriber(settings);
    let (Ok(mut cut), Ok(mut plain)) =
        (make(WhisperSettings::default()), make(WhisperSettings::PLAIN))
    else {
        return println!("speech {id}: skipped, no memory for a recogniser");
    };
    let (mut cut_ms, mut plain_ms) = (Vec::new(), Vec::new());
    let (mut cut_errors, mut plain_errors) = (Errors::default(), Errors::default());
    // Taken in turns, so that a busy machine slows both alike.
    for clip in clips {
        decode(&mut cut, clip, &mut cut_ms, &mut cut_errors);
        decode(&mut plain, clip, &mut plain_ms, &mut plain_errors);
    }
    line(id, "cut context, end guard", &mut cut_ms, cut_errors);
    line(id, "plain full context", &mut plain_ms, plain_errors);
    let ratio = percentile(&mut plain_ms, 50) as f64 / percentile(&mut cut_ms, 50).max(1) as f64;
    println!("speech {id}: {ratio:.1} times faster than plain at the median");
    let ways = [
        ("decode begun in the pause", &mut cut, ListenerSettings::default()),
        ("the usual way", &mut plain, usual()),
    ];
    for (way, whisper, settings) in ways {
        let mut text_ms: Vec<u64> =
            clips.iter().filter_map(|one| to_text(whisper, one, settings.clone())).collect();
        println!(
            "speech {id}: end of voice → text of a known answer, {way:<26} p50 {:>5} ms, p95 {:>5} \
             ms ({} turns)",
            percentile(&mut text_ms, 50),
            percentile(&mut text_ms, 95),
            text_ms.len(),
        );
    }
    let sets = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/speech");
    sets::measure(id, &mut cut, &mut plain, &sets, step);
}

fn decode(whisper: &mut Whisper, clip: &Clip, times_ms: &mut Vec<u64>, errors: &mut Errors) {
    match whisper.transcribe(&clip.sound, &Hint::default(), &StopFlag::default()) {
        Ok(transcript) => {
            times_ms.push(transcript.engine_ms);
            *errors += word_errors(&clip.said, &transcript.text);
        }
        Err(error) => println!("speech: a decode failed: {error}"),
    }
}

fn line(id: &str, way: &str, times_ms: &mut [u64], errors: Errors) {
    println!(
        "speech {id}: {way:<24} p50 {:>5} ms  p95 {:>5} ms  word errors {:>5.1} % of {}",
        percentile(times_ms, 50),
        percentile(times_ms, 95),
        errors.percent(),
        errors.words,
    );
}

/// A turn ends after 700 ms of silence, and only then is it decoded.
fn usual() -> ListenerSettings {
    let ms = 700;
    ListenerSettings { speculate_after_ms: ms, end_complete_ms: ms, ..ListenerSettings::default() }
}

/// Plays the clip to a listener on a virtual clock, each decode taking the processor time that it
/// really took; the time from the last voice to the last text, milliseconds.
fn to_text(whisper: &mut Whisper, clip: &Clip, settings: ListenerSettings) -> Option<u64> {
    let judge = Arc::new(|_: &str, _: &Listening| Completeness::Complete);
    let mut listener = Listener::new(ListenerSettings { partial_every_ms: 0, ..settings }, judge);
    listener.set_mode(Listening::to(ListenMode::Turn, Language::english()));
    let mut last = None;
    let sound = [&clip.sound[..], &[0; 32_000]].concat();
    let decode = |order: &DecodeOrder| decoded(whisper, order);
    play(&mut listener, &sound, decode, |now, output| {
        if let Output::Heard(utterance) = output {
            last = Some(now.since(utterance.ended));
        }
    });
    last.map(|time| time.as_millis() as u64)
}
