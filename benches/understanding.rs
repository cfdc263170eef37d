//! Understanding: how many sentences find their intent, how many strangers are refused, how long
//! a sentence and the training take; each beside a baseline of the same run. The sets lie beside
//! the project (`../shared/data/intents`); our own tenth is held out. Plots go to
//! `target/bench/*.svg`.

#[path = "understanding/last_words.rs"]
mod last_words;
#[path = "plots/page.rs"]
#[allow(dead_code)]
mod page;
#[path = "understanding/sets.rs"]
mod sets;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sets::{Sentence, Split, examples, known_as, outcome, words};
use warmline::base::moment::Moment;
use warmline::base::utterance::Utterance;
use warmline::models::wanted::AUTO;
use warmline::runtime::embedding::{self, Embedding, Kept};
use warmline::understanding::classifier::{Classifier, Example, Settings, Vectors};
use warmline::understanding::embedding::Vector;
use warmline::understanding::outcome::Expecting;
use warmline::understanding::{Memory, Tables, Understander};

fn main() {
    let embedding = embedding::load(AUTO, None).unwrap_or_else(|told| {
        println!("{told}");
        None
    });
    // Each run computes its vectors itself: the times count.
    let embedding = embedding.map(|one| one.keeping(Kept::default()));
    match &embedding {
        Some(embedding) => embedding_alone(embedding),
        None => println!("skipped: no embedding (warmline models fetch all-MiniLM-L6-v2)"),
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/intents");
    if data.is_dir() {
        match sets::banking(&data.join("banking77/train.csv")) {
            Some(split) => {
                compare("banking77", &split, embedding.as_ref());
                last_words::measure("Banking77, known to the tables", &split.train);
                last_words::measure("Banking77, held out", &split.test);
            }
            None => println!("skipped: Banking77 cannot be read"),
        }
        match sets::clinc(&data.join("clinc150/train_val.json")) {
            Some(split) => {
                compare("clinc150", &split, embedding.as_ref());
                last_words::measure("CLINC150, known to the tables", &split.train);
                last_words::measure("CLINC150, held out", &split.test);
            }
            None => println!("skipped: CLINC150 cannot be read"),
        }
    } else {
        println!("skipped: Banking77 and CLINC150 are not beside the project");
    }
    let demo_set: Vec<Sentence> =
        sets::demo().into_iter().map(|(label, text)| (Some(label), text)).collect();
    last_words::measure("the demo's", &demo_set);
    demo(embedding.as_ref());
    reading_tables();
}

/// A sentence of twelve tokens, one after the other and many together.
fn embedding_alone(embedding: &Embedding) {
    let embedder = embedding.embedder();
    let text = |number: usize| format!("hi i would like to know about my order {number}");
    let mut times: Vec<Duration> = (0..200)
        .map(|number| {
            let text = text(number);
            let began = Instant::now();
            embedder.embed(&text);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    let texts: Vec<String> = (0..1_000).map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let began = Instant::now();
    embedder.embed_many(&texts);
    let each = began.elapsed() / texts.len() as u32;
    println!(
        "embedding, 12 tokens, one core: p50 {:?}, p99 {:?}; many together {each:?} each",
        at(&times, 50),
        at(&times, 99)
    );
}

/// By words alone, then with the embedding.
fn compare(name: &str, split: &Split, embedding: Option<&Embedding>) {
    println!("{name}: {} learned, {} held out", split.train.len(), split.test.len());
    measure(name, split, None);
    if let Some(embedding) = embedding {
        measure(&format!("{name}-embedding"), split, Some(embedding));
    }
}

fn vectors(embedding: &Embedding, examples: &[Example]) -> Vectors {
    let texts: Vec<&str> = examples.iter().map(|one| one.text.as_str()).collect();
    let embedder = embedding.embedder();
    Vectors {
        embedding: embedder.fingerprint(),
        list: embedding::embed_on(embedder, &texts, embedding::cores()),
    }
}

/// Trains, judges, prints, plots.
fn measure(name: &str, split: &Split, embedding: Option<&Embedding>) {
    let Split { train, test } = split;
    let learned = examples(train);
    let began = Instant::now();
    let known = embedding.map(|embedding| vectors(embedding, &learned));
    let embedding_took = began.elapsed();
    let model = match &known {
        Some(known) => Classifier::train_with(&learned, known, Settings::default()),
        None => Classifier::train(&learned, Settings::default()),
    };
    let training = began.elapsed();
    let (mut scoped, mut right, mut refused, mut strangers, mut caught) = (0, 0, 0, 0, 0);
    let mut judged: Vec<(f32, bool)> = Vec::new();
    let mut confusion: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut times = Vec::new();
    for (label, text) in test {
        let began = Instant::now();
        let list = words(text);
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let vector: Option<Vector> = embedding.map(|one| one.embedder().embed(text));
        let judgement = model.judge_with(&list, vector.as_ref(), |_| 0.0);
        times.push(began.elapsed());
        let Some((best, confidence)) = judgement.ranked.first() else { continue };
        judged.push((*confidence, label.as_ref() == Some(best)));
        match label {
            Some(label) => {
                scoped += 1;
                right += u32::from(best == label);
                refused += u32::from(!judgement.in_scope);
                *confusion.entry((label.clone(), best.clone())).or_default() += 1;
            }
            None => {
                strangers += 1;
                caught += u32::from(!judgement.in_scope);
            }
        }
    }
    times.sort_unstable();
    let centroid = nearest_centroid(&learned, test);
    println!(
        "  {}: right in scope {:.1} % (nearest centroid {:.1} %); trained in {:.1} s, {:.1} s of \
         them for vectors on all cores",
        if embedding.is_some() { "with the embedding" } else { "by words alone" },
        percent(right, scoped),
        centroid,
        training.as_secs_f32(),
        embedding_took.as_secs_f32(),
    );
    println!("  a sentence: p50 {:?}, p99 {:?}", at(&times, 50), at(&times, 99));
    println!("  refused though in scope {:.1} %", percent(refused, scoped));
    if strangers > 0 {
        println!("  out of scope recognised {:.1} % of {strangers}", percent(caught, strangers));
    }
    println!("  calibration error {:.3} over ten bins", calibration_error(&judged));
    page::picture(&format!("{name}-risk.svg"), &risk_and_coverage(&mut judged));
    page::picture(&format!("{name}-confusion.svg"), &confusion_plot(&confusion));
}

fn percent(part: u32, all: u32) -> f32 {
    100.0 * part as f32 / all.max(1) as f32
}

fn at(times: &[std::time::Duration], percent: usize) -> std::time::Duration {
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}

/// The baseline: the class whose mean bag of words is nearest, weighted by rarity.
fn nearest_centroid(train: &[Example], test: &[Sentence]) -> f32 {
    let mut having: HashMap<&str, f32> = HashMap::new();
    for example in train {
        let mut seen: Vec<&str> = example.words.iter().map(String::as_str).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.into_iter().for_each(|word| *having.entry(word).or_default() += 1.0);
    }
    let rare = |word: &str| having.get(word).map(|count| (train.len() as f32 / count).ln() + 1.0);
    let mut centres: BTreeMap<&str, HashMap<&str, f32>> = BTreeMap::new();
    for example in train {
        let Some(intent) = &example.intent else { continue };
        let centre = centres.entry(intent).or_default();
        for word in &example.words {
            *centre.entry(word).or_default() += rare(word).unwrap_or(0.0);
        }
    }
    for centre in centres.values_mut() {
        let length = centre.values().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
        centre.values_mut().for_each(|value| *value /= length);
    }
    let (mut all, mut right) = (0, 0);
    for (label, text) in test {
        let Some(label) = label else { continue };
        let list = words(text);
        let score = |centre: &HashMap<&str, f32>| -> f32 {
            let one = |word: &String| Some(centre.get(word.as_str())? * rare(word)?);
            list.iter().filter_map(one).sum()
        };
        let best = centres.iter().max_by(|a, b| score(a.1).total_cmp(&score(b.1)));
        all += 1;
        right += u32::from(best.is_some_and(|(name, _)| name == label));
    }
    percent(right, all)
}

fn calibration_error(judged: &[(f32, bool)]) -> f32 {
    let mut bins = [(0.0_f32, 0.0_f32, 0.0_f32); 10];
    for (confidence, right) in judged {
        let Some(bin) = bins.get_mut(((confidence * 10.0) as usize).min(9)) else { continue };
        bin.0 += 1.0;
        bin.1 += confidence;
        bin.2 += if *right { 1.0 } else { 0.0 };
    }
    let all = judged.len().max(1) as f32;
    bins.iter().filter(|bin| bin.0 > 0.0).map(|bin| (bin.1 - bin.2).abs() / all).sum()
}

/// The demo's sentences: rules alone, then with the classifier behind them, then with its
/// embedding.
fn demo(embedding: Option<&Embedding>) {
    let began = Instant::now();
    let trained = Tables::embedded();
    println!("demo tables: read and trained in {:.1} s", began.elapsed().as_secs_f32());
    demo_with("rules alone", Tables::embedded_rules(), None);
    demo_with("with classifier", trained, Some("demo-confusion.svg"));
    let Some(embedding) = embedding else { return };
    let began = Instant::now();
    let tables = embedding.give(Tables::clone(&Tables::embedded_rules()));
    let tables = embedding::learned(tables, Some(embedding));
    println!("demo tables with the embedding: trained in {:.1} s", began.elapsed().as_secs_f32());
    demo_with("with embedding", Arc::new(tables), Some("demo-confusion-embedding.svg"));
}

fn demo_with(name: &str, tables: Arc<Tables>, plotted: Option<&str>) {
    let understander = Understander::new(tables);
    // The half that the tables' authors know, and the blind one.
    let (mut all, mut right) = ([0_u32; 2], [0_u32; 2]);
    let mut times = Vec::new();
    let mut confusion: BTreeMap<(String, String), u32> = BTreeMap::new();
    for (number, (label, text)) in sets::demo().iter().enumerate() {
        let utterance = Utterance::typed(text, Moment(1_000), 1_500);
        let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
        let began = Instant::now();
        let heard = understander.understand(&utterance, &mut memory, &Expecting::Anything);
        times.push(began.elapsed());
        let found = outcome(&heard);
        let is_right = known_as(label).contains(&found.as_str());
        all[number % 2] += 1;
        right[number % 2] += u32::from(is_right);
        let found = if is_right { label.clone() } else { found };
        *confusion.entry((label.clone(), found)).or_default() += 1;
    }
    times.sort_unstable();
    println!(
        "  {name}: known half {} of {}, blind half {} of {} ({:.1} %); all of understanding p50 \
         {:?}, p99 {:?}",
        right[0],
        all[0],
        right[1],
        all[1],
        percent(right[1], all[1]),
        at(&times, 50),
        at(&times, 99)
    );
    if let Some(file) = plotted {
        page::picture(file, &confusion_plot(&confusion));
    }
}

/// How long tables take to be read again while calls run.
fn reading_tables() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/understanding/tables");
    let mut times: Vec<_> = (0..20)
        .map(|_| {
            let began = Instant::now();
            let tables = Tables::load(&folder, &mut warmline::config::Problems::new());
            assert!(tables.languages().count() >= 2);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("reading all tables again: p50 {:?}, p95 {:?}", at(&times, 50), at(&times, 95));
}

/// Errors among the answers, if only the surest share of sentences is answered.
fn risk_and_coverage(judged: &mut [(f32, bool)]) -> String {
    judged.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut wrong, mut points) = (0.0, String::new());
    for (number, (_, right)) in judged.iter().enumerate() {
        wrong += if *right { 0.0 } else { 1.0 };
        let answered = (number + 1) as f32;
        let (x, y) = (answered / judged.len() as f32, wrong / answered);
        if number % 10 == 9 {
            let _ = write!(points, "{:.1},{:.1} ", 50.0 + x * 500.0, 350.0 - y.min(0.3) * 1_000.0);
        }
    }
    let mut out = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' width='600' height='400' font-family='sans-serif' \
         font-size='12'><rect width='600' height='400' fill='white'/>\
         <path d='M50 50V350H550' stroke='black' fill='none'/>\
         <text x='200' y='385'>share of sentences answered</text>\
         <text x='10' y='40'>errors among them</text>",
    );
    for tenth in [0, 1, 2, 3] {
        let y = 350 - tenth * 100;
        let _ = write!(out, "<text x='12' y='{y}'>{} %</text>", tenth * 10);
    }
    let _ = write!(out, "<polyline points='{points}' fill='none' stroke='#07c'/></svg>");
    out
}

/// A cell for each pair of intents, darker where more sentences fell.
fn confusion_plot(confusion: &BTreeMap<(String, String), u32>) -> String {
    let mut names: Vec<&String> = confusion.keys().flat_map(|(a, b)| [a, b]).collect();
    names.sort();
    names.dedup();
    let size = 800.0 / names.len().max(1) as f32;
    let place = |name: &String| names.binary_search(&name).unwrap_or(0) as f32 * size;
    let mut out = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' width='840' height='840' font-family='sans-serif' \
         font-size='12'><rect width='840' height='840' fill='white'/>\
         <text x='20' y='14'>rows: what was meant; columns: what was taken</text>",
    );
    for ((meant, taken), count) in confusion {
        let shade = (*count as f32 / 12.0).clamp(0.15, 1.0);
        let colour = if meant == taken { "#07c" } else { "#c30" };
        let _ = write!(
            out,
            "<rect x='{:.1}' y='{:.1}' width='{size:.1}' height='{size:.1}' fill='{colour}' \
             fill-opacity='{shade:.2}'><title>{meant} → {taken}: {count}</title></rect>",
            20.0 + place(taken),
            20.0 + place(meant),
        );
    }
    out.push_str("</svg>");
    out
}
