//! What is lost between a caller's mouth and the intent: sentences are spoken by simulated
//! callers of many voices, go through G.711 and noise, are heard by the recogniser and understood;
//! beside them the same sentences as typed, in the same run. Also: how true the speech rate is,
//! and which words are lost in which noise.
//!
//! `cargo bench --bench spoken -- [SENTENCES | full] [PART…]`: 120 of each set unless told
//! otherwise; parts: `demo`, `public`, `rates`. Writes `target/bench/spoken.html`. Needs the
//! default models; the public sets lie beside the project, and it says so where they are absent.

#[path = "plots/page.rs"]
#[allow(dead_code)]
mod page;
#[path = "spoken/plots.rs"]
mod plots;
#[path = "understanding/sets.rs"]
mod sets;
#[path = "spoken/telephone.rs"]
mod telephone;

use std::path::Path;
use std::sync::Arc;

use sets::{Sentence, Split, examples, known_as, outcome, words};
use telephone::{Condition, Heard, Telephone, spoken_words_a_minute};
use warmline::base::language::Language;
use warmline::base::moment::Moment;
use warmline::base::utterance::Utterance;
use warmline::models::wanted::AUTO;
use warmline::runtime::embedding;
use warmline::speech::hear::score::{Errors, word_errors};
use warmline::understanding::classifier::{Classifier, Settings};
use warmline::understanding::outcome::Expecting;
use warmline::understanding::stress::syllable;
use warmline::understanding::{Memory, Tables, Understander};

const SENTENCES_DEFAULT: usize = 120;
/// Speeds that callers are given.
const WORDS_A_MINUTE: [f32; 5] = [110.0, 140.0, 170.0, 200.0, 230.0];
/// A speech rate within this share of the truth is right.
const RATE_TOLERANCE: f32 = 0.08;

fn main() {
    let full = std::env::args().any(|word| word == "full");
    let count = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let count = if full { usize::MAX } else { count.unwrap_or(SENTENCES_DEFAULT) };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut telephone = match Telephone::install(&root.join("models")) {
        Ok(telephone) => telephone,
        Err(error) => return println!("spoken: skipped, {error}"),
    };
    let parts = ["demo", "public", "rates"];
    let named: Vec<String> =
        std::env::args().filter(|word| parts.contains(&word.as_str())).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|word| word == part);
    let mut body = String::new();
    if wanted("demo") {
        body += &demo(&mut telephone, count);
    }
    let data = root.join("../shared/data/intents");
    let banking = sets::banking(&data.join("banking77/train.csv"));
    let clinc = sets::clinc(&data.join("clinc150/train_val.json"));
    for (name, split) in [("Banking77", banking), ("CLINC150", clinc)] {
        match split {
            _ if !wanted("public") => {}
            Some(split) => public(&mut telephone, name, &split, count),
            None => println!("spoken: {name} skipped, it is not beside the project"),
        }
    }
    if wanted("rates") {
        body += &rates(&mut telephone, count / 2);
    }
    page::write("spoken.html", "Spoken sentences", &body);
}

/// Every so-many-eth of `all`, about `count`.
fn spread<T>(all: &[T], count: usize) -> impl Iterator<Item = &T> {
    all.iter().step_by((all.len() / count.max(1)).max(1)).take(count)
}

fn percent(part: usize, all: usize) -> f32 {
    100.0 * part as f32 / all.max(1) as f32
}

/// The demo's tables as a call has them: with the embedding, where it is installed.
fn learned() -> Arc<Tables> {
    let embedding = embedding::load(AUTO, None).unwrap_or_else(|told| {
        println!("spoken: {told}");
        None
    });
    match &embedding {
        Some(embedding) => {
            let tables = embedding.give(Tables::clone(&Tables::embedded_rules()));
            Arc::new(embedding::learned(tables, Some(embedding)))
        }
        None => {
            println!("spoken: by words alone, no embedding is installed");
            Tables::embedded()
        }
    }
}

/// The demo's tables on that half of the sentences, written by others, which the tables' authors
/// have not seen.
fn demo(telephone: &mut Telephone, count: usize) -> String {
    let understander = Understander::new(learned());
    let find = |text: &str| {
        let utterance = Utterance::typed(text, Moment(1_000), 1_500);
        let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
        outcome(&understander.understand(&utterance, &mut memory, &Expecting::Anything))
    };
    let sentences: Vec<_> = sets::demo().into_iter().skip(1).step_by(2).collect();
    let (mut all, mut typed) = (0, 0);
    let mut spoken = [0; Condition::ALL.len()];
    let mut lost = [Errors::default(); Condition::ALL.len()];
    for (number, (label, text)) in spread(&sentences, count).enumerate() {
        all += 1;
        let right = |found: String| known_as(label).contains(&found.as_str());
        let as_typed = right(find(text));
        typed += usize::from(as_typed);
        for (place, condition) in Condition::ALL.into_iter().enumerate() {
            let Some(heard) = telephone.say(text, number, condition) else { continue };
            lost[place] += word_errors(text, &heard.text);
            let as_spoken = right(find(&heard.text));
            spoken[place] += usize::from(as_spoken);
            if condition == Condition::CLEAN && as_typed && !as_spoken {
                println!("spoken: lost {label}: {text:?} heard as {:?}", heard.text);
            }
        }
    }
    println!("spoken: demo domain, blind half, typed {:.1} % of {all}", percent(typed, all));
    let mut bars = Vec::new();
    for ((condition, right), lost) in Condition::ALL.into_iter().zip(spoken).zip(lost) {
        let name = condition.name();
        let (right, errors) = (percent(right, all), lost.percent());
        println!("spoken: demo domain, {name}: intent {right:.1} %, word errors {errors:.1} %");
        bars.push((name, right, errors));
    }
    plots::noise(&bars)
}

/// A public set: the classifier alone, as it was trained on text.
fn public(telephone: &mut Telephone, name: &str, split: &Split, count: usize) {
    let model = Classifier::train(&examples(&split.train), Settings::default());
    let scoped: Vec<&Sentence> = split.test.iter().filter(|(label, _)| label.is_some()).collect();
    let best = |text: &str| {
        let list = words(text);
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        model.judge(&list).ranked.first().map(|(intent, _)| intent.clone())
    };
    let conditions = [Condition::CLEAN, Condition::NOISY];
    let (mut all, mut typed, mut spoken) = (0, 0, [0; 2]);
    for (number, (label, text)) in spread(&scoped, count).enumerate() {
        all += 1;
        typed += usize::from(best(text) == *label);
        for (place, condition) in conditions.into_iter().enumerate() {
            let heard = telephone.say(text, number, condition).map(|heard| heard.text);
            spoken[place] += usize::from(best(&heard.unwrap_or_default()) == *label);
        }
    }
    let typed = percent(typed, all);
    for (condition, right) in conditions.into_iter().zip(spoken) {
        let right = percent(right, all);
        println!(
            "spoken: {name}, typed {typed:.1} % of {all}; {}: {right:.1} %, {:.1} points lost",
            condition.name(),
            typed - right
        );
    }
}

/// The rate that the stress score sees, beside the truth: the syllables of what was written over
/// the time in which the clean sound is loud. Beside it how true each half of it is: the
/// syllables, which are the recogniser's, and the time, which is the listener's.
fn rates(telephone: &mut Telephone, count: usize) -> String {
    let tables = Tables::embedded();
    let Some(english) = tables.language(&Language::english()) else { return String::new() };
    // A rate of a few words is chance.
    let long = |text: &&str| text.split_whitespace().count() >= 7;
    let sentences = sets::demo();
    let texts: Vec<&str> = sentences.iter().map(|(_, text)| text.as_str()).filter(long).collect();
    let syllables = |text: &str| syllable::count(text, &english.stress) as f32;
    let right = |share: f32| usize::from((share - 1.0).abs() <= RATE_TOLERANCE);
    let mut dots = Vec::new();
    for condition in [Condition::CLEAN, Condition::NOISY] {
        let (mut within, mut words, mut times, mut plain) = (0, 0, 0, 0);
        let (mut all, mut bias) = (0, 0.0);
        let (mut slowest, mut fastest) = (f32::MAX, 0f32);
        for (number, text) in spread(&texts, count).enumerate() {
            let wanted = WORDS_A_MINUTE[number % WORDS_A_MINUTE.len()];
            let heard = telephone.say_at(text, number, wanted, condition);
            let Some(heard) = heard else { continue };
            let Heard { text: said, voiced_ms, true_ms, span_ms } = heard;
            if voiced_ms == 0 || true_ms == 0 {
                continue;
            }
            let truth = syllables(text) * 1_000.0 / true_ms as f32;
            let ours = syllables(&said) * 1_000.0 / voiced_ms as f32;
            let spoken = spoken_words_a_minute(text, true_ms);
            (slowest, fastest) = (slowest.min(spoken), fastest.max(spoken));
            all += 1;
            within += right(ours / truth);
            words += right(syllables(&said) / syllables(text));
            times += right(voiced_ms as f32 / true_ms as f32);
            plain += right(syllables(&said) * 1_000.0 / span_ms.max(1) as f32 / truth);
            bias += ours / truth - 1.0;
            dots.push((truth, ours, condition == Condition::CLEAN));
        }
        println!(
            "spoken: speech rate, {}: within ±8 % in {:.1} % of {all} turns (its syllables in \
             {:.1} %, its time in {:.1} %; over the whole turn, pauses counted, in {:.1} %), mean \
             error {:+.1} % ({slowest:.0} to {fastest:.0} words a minute)",
            condition.name(),
            percent(within, all),
            percent(words, all),
            percent(times, all),
            percent(plain, all),
            100.0 * bias / all.max(1) as f32
        );
    }
    plots::rates(&dots)
}
