//! The speech sets of `../shared/data/speech`, each judged by what it can tell: word errors where
//! the words are known, intents and numbers where the understanding reads them, slot words where
//! only labels are there. Cut context beside the plain full-context decode, in one run.

use std::path::Path;

use warmline::base::moment::Moment;
use warmline::base::utterance::Utterance;
use warmline::speech::hear::score::{Errors, normalise, word_errors};
use warmline::speech::hear::transcript::{Hint, StopFlag, Transcriber};
use warmline::speech::hear::whisper::Whisper;
use warmline::understanding::outcome::Expecting;
use warmline::understanding::{Memory, Tables, Understander};

use crate::sound;

/// What one way of decoding made of all sets.
#[derive(Default)]
struct Score {
    callers: Errors,
    /// Errors of the callers who say numbers and codes alone.
    numbers: Errors,
    digits: Errors,
    read: Errors,
    /// Intents read alike from what was said and from what was heard.
    intents_alike: usize,
    intents: usize,
    /// Of those who asked for a person, those who were understood.
    persons_heard: usize,
    persons: usize,
    slot_words_heard: usize,
    slot_words: usize,
}

impl Score {
    fn line(&self, id: &str, way: &str) {
        println!(
            "speech {id}: {way:<12} word errors: callers {:.1} %, of them numbers {:.1} %, one \
             digit alone {:.1} %, read {:.1} %; intent as if typed {} of {}, a person asked for \
             {} of {}; slot words of human commands {} of {}",
            self.callers.percent(),
            self.numbers.percent(),
            self.digits.percent(),
            self.read.percent(),
            self.intents_alike,
            self.intents,
            self.persons_heard,
            self.persons,
            self.slot_words_heard,
            self.slot_words,
        );
    }
}

/// Decodes every `step`-th clip of all sets with both ways and prints a line each.
pub fn measure(id: &str, cut: &mut Whisper, plain: &mut Whisper, folder: &Path, step: usize) {
    let understander = Understander::new(Tables::embedded());
    for (way, whisper) in [("cut + guard", cut), ("plain", plain)] {
        let mut score = Score::default();
        callers(whisper, &folder.join("callers"), step, &understander, &mut score);
        digits(whisper, &folder.join("digits"), step, &mut score);
        read(whisper, &folder.join("read"), &mut score);
        commands(whisper, &folder.join("commands"), &mut score);
        score.line(id, way);
    }
}

fn heard(whisper: &mut Whisper, samples: &[i16]) -> String {
    match whisper.transcribe(samples, &Hint::default(), &StopFlag::default()) {
        Ok(transcript) => transcript.text,
        Err(error) => {
            println!("speech: a decode failed: {error}");
            String::new()
        }
    }
}

fn callers(
    whisper: &mut Whisper,
    folder: &Path,
    step: usize,
    understander: &Understander,
    score: &mut Score,
) {
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap_or_default();
    let lines = manifest.lines().filter_map(|line| serde_json::from_str(line).ok());
    for line in lines.step_by(step) {
        let line: serde_json::Value = line;
        let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let (said, label) = (field("text"), field("intent"));
        let Some(samples) = sound::read(&folder.join(field("file"))).filter(|_| !said.is_empty())
        else {
            continue;
        };
        let text = heard(whisper, &samples);
        let errors = word_errors(&said, &text);
        score.callers += errors;
        if matches!(label.as_str(), "number" | "code") {
            score.numbers += errors;
            continue;
        }
        let (typed, spoken) = (intent(understander, &said), intent(understander, &text));
        if label == "agent_request" {
            score.persons += 1;
            score.persons_heard += usize::from(spoken.as_deref() == Some("talk_to_person"));
        }
        if typed.is_some() {
            score.intents += 1;
            score.intents_alike += usize::from(typed == spoken);
        }
    }
}

fn intent(understander: &Understander, text: &str) -> Option<String> {
    let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
    let utterance = Utterance::typed(text, Moment(0), 2_000);
    let read = understander.understand(&utterance, &mut memory, &Expecting::Anything);
    read.intent.map(|found| found.intent.to_string())
}

/// One human digit alone; the digit is the name's first character.
fn digits(whisper: &mut Whisper, folder: &Path, step: usize, score: &mut Score) {
    for name in names(folder).into_iter().step_by(step) {
        let Some(samples) = sound::read(&folder.join(&name)) else { continue };
        score.digits += word_errors(name.get(..1).unwrap_or_default(), &heard(whisper, &samples));
    }
}

/// The human reading in English (the Mandarin clip is judged in `tests`).
fn read(whisper: &mut Whisper, folder: &Path, score: &mut Score) {
    let list = std::fs::read_to_string(folder.join("trans.tsv")).unwrap_or_default();
    for (name, said) in list.lines().filter_map(|line| line.split_once('\t')) {
        let path = folder.join(format!("{name}.wav"));
        if let Some(samples) = sound::read(&path).filter(|_| said.is_ascii()) {
            score.read += word_errors(said, &heard(whisper, &samples));
        }
    }
}

/// Human commands, some noisy, with labels but no transcript: which words of the labels came out.
fn commands(whisper: &mut Whisper, folder: &Path, score: &mut Score) {
    let labels = std::fs::read_to_string(folder.join("label.json")).unwrap_or_default();
    let Ok(serde_json::Value::Object(labels)) = serde_json::from_str(&labels) else { return };
    for (name, label) in labels {
        let Some(samples) = sound::read(&folder.join(&name)) else { continue };
        let words = normalise(&heard(whisper, &samples));
        let slots = label["slots"].as_object().into_iter().flat_map(|slots| slots.values());
        for word in slots.flat_map(|value| normalise(value.as_str().unwrap_or_default())) {
            score.slot_words += 1;
            score.slot_words_heard += usize::from(words.contains(&word));
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".wav"))
        .collect();
    names.sort();
    names
}
