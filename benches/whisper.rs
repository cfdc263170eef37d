//! What each way of driving whisper costs in time and in errors: a table, from which the defaults
//! are chosen. Every way hears the same clips as the plain full-context decode in the same run,
//! the ways taken in turns, so that a busy machine slows all alike.
//!
//! `cargo bench --bench whisper -- [CLIPS | full] [invented] [digits] [way=NAME] [show]`: 30 clips
//! unless told otherwise; `full` takes all 150, 60 strings of digits and 60 minutes without words.
//! Writes `target/bench/whisper.html`. Needs `models/` and `../shared/data/speech`, and says so if
//! they are absent.

#[path = "whisper/digits.rs"]
mod digits;
#[path = "whisper/invented.rs"]
mod invented;
#[path = "plots/page.rs"]
#[allow(dead_code)]
mod page;
#[path = "whisper/quantised.rs"]
mod quantised;
#[path = "whisper/sound.rs"]
#[allow(dead_code)]
mod sound;
#[path = "whisper/ways.rs"]
mod ways;

use std::path::PathBuf;

use warmline::speech::hear::whisper::WhisperModel;

/// Clips, strings of digits and minutes without words, unless `full` is asked for.
const CLIPS_DEFAULT: usize = 30;
const STRINGS_DEFAULT: usize = 12;
const MINUTES_DEFAULT: u64 = 6;

const MODELS: [(&str, &str); 2] =
    [("base-q8_0", "ggml-base-q8_0.bin"), ("tiny.en-q8_0", "ggml-tiny.en-q8_0.bin")];

fn main() {
    // `cargo bench` passes `--bench`.
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let named = |name: &str| words.iter().any(|word| word == name);
    let full = named("full");
    let clips = words.iter().find_map(|word| word.parse().ok());
    let clips = if full { usize::MAX } else { clips.unwrap_or(CLIPS_DEFAULT) };
    let only = named("digits") || named("invented");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let speech = root.join("../shared/data/speech");
    if !speech.is_dir() {
        return println!("whisper: skipped, ../shared/data/speech is not there");
    }
    println!("whisper.cpp as it was built: {}", whisper_rs::print_system_info().trim());
    let mut body = String::new();
    for (id, file) in MODELS {
        let path = root.join("models").join(file);
        let (model, flash) = match (WhisperModel::load(&path), WhisperModel::load_with(&path, true))
        {
            (Ok(model), Ok(flash)) => (model, flash),
            (Err(error), _) | (_, Err(error)) => {
                println!("whisper {id}: skipped, {error}");
                continue;
            }
        };
        if !only {
            let way = words.iter().find_map(|word| word.strip_prefix("way=")).unwrap_or("");
            let models = ways::Models { id, path: &path, usual: &model, flash: &flash };
            body += &ways::measure(&models, &speech.join("callers"), clips, way, named("show"));
            if !way.is_empty() {
                continue;
            }
        }
        if !only || named("digits") {
            body += &digits::measure(id, &model, &speech, if full { 60 } else { STRINGS_DEFAULT });
        }
        if (!only && id == "base-q8_0") || named("invented") {
            invented::measure(id, &model, &speech, if full { 60 } else { MINUTES_DEFAULT });
        }
    }
    if !body.is_empty() {
        page::write("whisper.html", "Ways of driving Whisper", &(BEFORE.to_owned() + &body));
    }
}

/// What the page says first.
const BEFORE: &str = "<p class=note>Every way hears the same clips of simulated callers as the \
                      plain full-context decode, in turns, on one thread unless it says otherwise. \
                      The encoder's work on a partial cannot be kept for the final: each position \
                      looks at all others, so one more second of sound changes every one; what is \
                      kept is a whole text, where nothing followed.</p>";
