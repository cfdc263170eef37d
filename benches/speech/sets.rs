//! The speech sets of `../shared/data/speech`, each judged by what it can tell: word errors where
//! the words are known, intents and numbers where the understanding reads them, slot words where
//! only labels are there. The listener as it ships beside the plain full-context decode, in one
//! run.

use std::path::Path;

use warmline::base::moment::Moment;
use warmline::base::utterance::Utterance;
use warmline::speech::hear::file::{FileHearing, transcribe};
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
    /// Callers whose label is a matter of the demo's, those found as typed, and as heard.
    labelled: usize,
    labels_typed: usize,
    labels_heard: usize,
    slot_words_heard: usize,
    slot_words: usize,
}

impl Score {
    fn line(&self, id: &str, way: &str) {
        println!(
            "speech {id}: {way:<12} word errors: callers {:.1} %, of them numbers {:.1} %, one \
             digit alone {:.1} %, read {:.1} %; intent as if typed {} of {}, a person asked for \
             {} of {}, their labels {} of {} (typed {}); slot words of human commands {} of {}",
            self.callers.percent(),
            self.numbers.percent(),
            self.digits.percent(),
            self.read.percent(),
            self.intents_alike,
            self.intents,
            self.persons_heard,
            self.persons,
            self.labels_heard,
            self.labelled,
            self.labels_typed,
            self.slot_words_heard,
            self.slot_words,
        );
    }
}

/// Decodes every `step`-th clip of all sets with both ways and prints a line each.
pub fn measure(id: &str, cut: &mut Whisper, plain: &mut Whisper, folder: &Path, step: usize) {
    let understander = Understander::new(Tables::embedded());
    let ways = [("as shipped", cut, Ear::Listener), ("plain", plain, Ear::Whole)];
    for (way, whisper, ear) in ways {
        let mut score = Score::default();
        let whisper = &mut Hearing { whisper, ear };
        callers(whisper, &folder.join("callers"), step, &understander, &mut score);
        digits(whisper, &folder.join("digits"), step, &mut score);
        read(whisper, &folder.join("read"), &mut score);
        commands(whisper, &folder.join("commands"), &mut score);
        score.line(id, way);
    }
}

/// Who cuts the sound into turns: the listener, or nobody.
#[derive(Clone, Copy)]
enum Ear {
    Listener,
    Whole,
}

struct Hearing<'a> {
    whisper: &'a mut Whisper,
    ear: Ear,
}

fn heard(hearing: &mut Hearing<'_>, samples: &[i16]) -> String {
    let text = match hearing.ear {
        Ear::Listener => transcribe(samples, 16_000, FileHearing::default(), hearing.whisper)
            .map(|turns| turns.into_iter().map(|one| one.text + " ").collect()),
        Ear::Whole => hearing
            .whisper
            .transcribe(samples, &Hint::default(), &StopFlag::default())
            .map(|transcript| transcript.text),
    };
    match text {
        Ok(text) => text,
        Err(error) => {
            println!("speech: a decode failed: {error}");
            String::new()
        }
    }
}

fn callers(
    whisper: &mut Hearing<'_>,
    folder: &Path,
    step: usize,
    understander: &Understander,
    score: &mut Score,
) {
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap_or_default();
    let lines = manifest.lines().filter_map(|line| serde_json::from_str(line).ok());
    for (place, line) in lines.enumerate() {
        let line: serde_json::Value = line;
        // Those whose label is a matter of the demo's are few, and all taken.
        if !place.is_multiple_of(step)
            && meant_by(line["intent"].as_str().unwrap_or_default()).is_empty()
        {
            continue;
        }
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
        let means = meant_by(&label);
        if !means.is_empty() {
            let found = |one: &Option<String>| {
                usize::from(one.as_deref().is_some_and(|id| means.contains(&id)))
            };
            score.labelled += 1;
            score.labels_typed += found(&typed);
            score.labels_heard += found(&spoken);
            if found(&typed) > found(&spoken) {
                println!("speech: lost {label}: {said:?} heard as {text:?}");
            }
        }
        if typed.is_some() {
            score.intents += 1;
            score.intents_alike += usize::from(typed == spoken);
        }
    }
}

/// The demo's intents that a caller's label may mean: the labels are coarser. None for what the
/// demo knows nothing of.
fn meant_by(label: &str) -> &'static [&'static str] {
    match label {
        "account" => &["password_reset", "technical_problem", "cancel_contract"],
        "agent_request" => &["talk_to_person"],
        "billing" => &["billing_question", "billing_dispute"],
        "complaint" => {
            &["complaint", "legal_threat", "outage", "delivery_problem", "technical_problem"]
        }
        "hours_appointment" => &["opening_hours", "book_appointment", "address"],
        "order_status" => &["order_status"],
        "urgent" => &["emergency", "outage", "technical_problem", "card_stolen", "talk_to_person"],
        _ => &[],
    }
}

fn intent(understander: &Understander, text: &str) -> Option<String> {
    let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
    let utterance = Utterance::typed(text, Moment(0), 2_000);
    let read = understander.understand(&utterance, &mut memory, &Expecting::Anything);
    read.intent.map(|found| found.intent.to_string())
}

/// One human digit alone; the digit is the name's first character.
fn digits(whisper: &mut Hearing<'_>, folder: &Path, step: usize, score: &mut Score) {
    for name in names(folder).into_iter().step_by(step) {
        let Some(samples) = sound::read(&folder.join(&name)) else { continue };
        score.digits += word_errors(name.get(..1).unwrap_or_default(), &heard(whisper, &samples));
    }
}

/// The human reading in English (the Mandarin clip is judged in `tests`).
fn read(whisper: &mut Hearing<'_>, folder: &Path, score: &mut Score) {
    let list = std::fs::read_to_string(folder.join("trans.tsv")).unwrap_or_default();
    for (name, said) in list.lines().filter_map(|line| line.split_once('\t')) {
        let path = folder.join(format!("{name}.wav"));
        if let Some(samples) = sound::read(&path).filter(|_| said.is_ascii()) {
            score.read += word_errors(said, &heard(whisper, &samples));
        }
    }
}

/// Human commands, some noisy, with labels but no transcript: which words of the labels came out.
fn commands(whisper: &mut Hearing<'_>, folder: &Path, score: &mut Score) {
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
