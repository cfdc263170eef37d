//! The dialogue around the words: numbers right after their read-back, stress told from calm,
//! tables read again while calls run; each beside a baseline of the same run. `SEED=n` says other
//! misheard numbers.

#[path = "dialogue/read_back.rs"]
mod read_back;

use std::fs;
use std::path::Path;
use std::time::Instant;

use warmline::base::language::Language;
use warmline::base::moment::Moment;
use warmline::base::utterance::Utterance;
use warmline::config::Config;
use warmline::runtime::tables::{LiveTables, Tables};
use warmline::understanding::outcome::{Expecting, Stress};
use warmline::understanding::{self, Memory, Understander};

fn main() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4_217);
    read_back::measure(seed);
    stress("English", "en", include_str!("../tests/sentences/stress_en.tsv"));
    stress("Mandarin", "zh", include_str!("../tests/sentences/stress_zh.tsv"));
    reload();
}

/// What each turn of a caller adds up to, by the parts that `counts` lets count.
fn highest(turns: &[Stress], counts: fn(&str) -> bool) -> f32 {
    let of_turn = |turn: &Stress| -> f32 {
        let parts = turn.parts.iter().filter(|part| counts(&part.name));
        parts.map(|part| part.adds).sum()
    };
    turns.iter().map(of_turn).fold(0.0, f32::max)
}

/// The chance that a stressed caller scores above a calm one.
fn area(list: &[(bool, f32)]) -> f32 {
    let (mut won, mut all) = (0.0_f32, 0.0_f32);
    for (_, stressed) in list.iter().filter(|one| one.0) {
        for (_, calm) in list.iter().filter(|one| !one.0) {
            all += 1.0;
            won += if stressed > calm { 1.0 } else { f32::from(stressed == calm) / 2.0 };
        }
    }
    won / all.max(1.0)
}

/// The whole score beside its words alone and the pace alone, on scripted callers.
fn stress(name: &str, code: &str, file: &'static str) {
    let understander = Understander::new(understanding::Tables::embedded_rules());
    let Some(language) = Language::new(code) else { return };
    let (mut whole, mut words, mut pace) = (Vec::new(), Vec::new(), Vec::new());
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let stressed = fields.next() == Some("stressed");
        let rate: u64 = fields.next().and_then(|rate| rate.parse().ok()).unwrap_or(150);
        let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
        let mut turns = Vec::new();
        for (place, text) in fields.next().unwrap_or_default().split(" | ").enumerate() {
            let count = match code {
                "zh" => text.chars().count(),
                _ => text.split(' ').count(),
            };
            let voiced_ms = count as u64 * 60_000 / rate;
            let mut turn = Utterance::typed(text, Moment(place as u64 * 15_000), voiced_ms);
            turn.language = language.clone();
            turns.push(understander.understand(&turn, &mut memory, &Expecting::Anything).stress);
        }
        let score = turns.iter().map(|turn| turn.score).fold(0.0, f32::max);
        whole.push((stressed, score));
        words.push((stressed, highest(&turns, |part| part == "negative")));
        pace.push((stressed, highest(&turns, |part| part == "rate")));
    }
    println!(
        "stress, {name}, {} scripted callers: AUC {:.3}; negative words alone {:.3}, pace alone \
         {:.3}",
        whole.len(),
        area(&whole),
        area(&words),
        area(&pace),
    );
}

/// One changed file: the live tables are read again, beside the first reading of all at the start
/// with the training of the classifiers.
fn reload() {
    let Ok(dir) = tempfile::tempdir() else { return };
    let config = dir.path().join("warmline.toml");
    let written = write_shipped(&dir.path().join("tables"))
        .and_then(|()| fs::write(&config, "tables = \"tables\"\n"));
    if let Err(error) = written {
        println!("skipped: reload: {error}");
        return;
    }
    let Ok(config) = Config::load(&config) else { return };
    let began = Instant::now();
    let Ok(tables) = Tables::load(&config) else { return };
    let reading = began.elapsed();
    let tables = tables.trained();
    let starting = began.elapsed();
    let live = LiveTables::new(tables);
    let rules = dir.path().join("tables/policy/rules.toml");
    let mut times = Vec::new();
    for round in 1..=20 {
        let text = format!("[unrecognised]\nthreshold = {round}\n");
        if fs::write(&rules, text).is_err() {
            return;
        }
        let Ok(took) = live.reload(&config) else { return };
        assert_eq!(live.get().policy.rules.unrecognised.threshold, round);
        times.push(took.as_micros());
    }
    times.sort_unstable();
    println!(
        "hot reload of all tables: p50 {:.1} ms, most {:.1} ms; read from scratch {:.1} ms, with \
         the training of a start {:.1} ms",
        times[times.len() / 2] as f64 / 1_000.0,
        times[times.len() - 1] as f64 / 1_000.0,
        reading.as_secs_f64() * 1_000.0,
        starting.as_secs_f64() * 1_000.0,
    );
}

fn write_shipped(tables: &Path) -> std::io::Result<()> {
    let write = |path: &Path, text: &str| -> std::io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        fs::write(path, text)
    };
    for (name, text) in warmline::policy::SHIPPED {
        write(&tables.join("policy").join(name), text)?;
    }
    for (name, text) in warmline::knowledge::SHIPPED {
        write(&tables.join("knowledge").join(name), text)?;
    }
    for (language, texts) in understanding::tables::SHIPPED {
        for (name, text) in understanding::tables::FILES.iter().zip(texts) {
            let folder = tables.join("understanding").join(language);
            write(&folder.join(format!("{name}.toml")), text)?;
        }
    }
    Ok(())
}
