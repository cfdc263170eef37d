//! The dialogue around the words: numbers right after their read-back, stress told from calm,
//! tables read again while calls run; each beside a baseline of the same run. `SEED=n` says other
//! misheard numbers.

#[path = "../tests/sentences/callers.rs"]
#[allow(dead_code)]
mod callers;
#[path = "dialogue/read_back.rs"]
mod read_back;

use std::fs;
use std::time::Instant;

use callers::{Caller, area};
use warmline::config::Config;
use warmline::runtime::tables::{LiveTables, Tables};
use warmline::understanding::outcome::Stress;
use warmline::understanding::{self, Understander};

fn main() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4_217);
    // `-- reload` measures that alone.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    if wanted("read_back") {
        read_back::measure(seed);
    }
    if wanted("stress") {
        stress("English", &callers::english());
        stress("Mandarin", &callers::mandarin());
    }
    if wanted("reload") {
        reload();
    }
}

/// What each turn of a caller adds up to, by the parts that `counts` lets count.
fn highest(turns: &[Stress], counts: fn(&str) -> bool) -> f32 {
    let of_turn = |turn: &Stress| -> f32 {
        let parts = turn.parts.iter().filter(|part| counts(&part.name));
        parts.map(|part| part.adds).sum()
    };
    turns.iter().map(of_turn).fold(0.0, f32::max)
}

/// The whole score beside its words alone and the pace alone, on scripted callers.
fn stress(name: &str, callers: &[Caller]) {
    let understander = Understander::new(understanding::Tables::embedded_rules());
    let (mut whole, mut words, mut pace) = (Vec::new(), Vec::new(), Vec::new());
    for caller in callers {
        let turns = caller.heard_by(&understander);
        let score = turns.iter().map(|turn| turn.score).fold(0.0, f32::max);
        whole.push((caller.stressed, score));
        words.push((caller.stressed, highest(&turns, |part| part == "negative")));
        pace.push((caller.stressed, highest(&turns, |part| part == "rate")));
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
    // What is there already stays as it is.
    let written = fs::write(&config, "tables = \"tables\"\n")
        .and_then(|()| warmline::cli::init::write(dir.path()));
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
