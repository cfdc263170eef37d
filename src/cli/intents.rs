//! `warmline intents train | test | explain | import`: the operator's side of understanding.

mod csv;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, Subcommand};

use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::base::utterance::Utterance;
use crate::config::{Config, Problems};
use crate::models::disk;
use crate::models::wanted::AUTO;
use crate::runtime::embedding::{self, Embedding};
use crate::understanding::classifier::Settings;
use crate::understanding::outcome::{CallerCommand, Expecting, Understanding};
use crate::understanding::proposal::{Line, PERSON_SIGNS, PastCase, Proposed, propose};
use crate::understanding::tables::MODEL_FILE;
use crate::understanding::{Memory, Tables, Understander, intent};

/// Largest file of sentences or cases, bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Pairs of intents that are shown as taken for each other.
const CONFUSIONS_SHOWN: usize = 12;
const PULLS_SHOWN: usize = 8;
/// Read where it is there and no other is named.
const CONFIG: &str = "warmline.toml";
/// What [`outcome`] gives beside the tables' intents.
const OUTCOMES: [&str; 3] = ["emergency", "talk_to_person", "out_of_scope"];

#[derive(Args)]
#[command(after_help = "Example: warmline intents explain \"Where is my order?\"")]
pub struct IntentsArgs {
    #[command(subcommand)]
    action: Action,
    /// The configuration whose tables are meant [default: warmline.toml; the shipped tables where
    /// there is none].
    #[arg(long, short, env = "WARMLINE_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The folder of the tables instead: the one with `understanding` in it.
    #[arg(long, global = true)]
    tables: Option<PathBuf>,
    /// The language that is meant [default: en; to train: every language].
    #[arg(long, global = true)]
    language: Option<String>,
}

#[derive(Subcommand)]
enum Action {
    /// Learn the examples now and write each language's model beside its tables.
    Train {
        /// Share of good sentences that may be refused, so that strange ones are; 0 to 0.5.
        #[arg(long, default_value_t = Settings::default().refusal_max)]
        refusal: f32,
    },
    /// Understand the sentences of a file, and count those that are understood rightly.
    Test {
        /// A line a sentence: its intent, a tab or comma, the sentence. Beside the tables' intents
        /// there are emergency, talk_to_person and out_of_scope.
        file: PathBuf,
        /// Exit with 1 if fewer than this share are right; 0 to 1.
        #[arg(long, default_value_t = 0.0)]
        at_least: f32,
        /// Show every sentence that is wrong.
        #[arg(long)]
        wrong: bool,
    },
    /// Everything that is understood of one sentence, and why.
    Explain {
        /// The sentence, in quotes.
        sentence: String,
    },
    /// Propose intents, examples and what stays with people from a CSV of past cases.
    Import {
        /// Comma-separated values; the first line names the columns.
        file: PathBuf,
        /// Column with what the caller wanted, in their words.
        #[arg(long, default_value = "text")]
        text: String,
        /// Column with how it ended.
        #[arg(long, default_value = "outcome")]
        outcome: String,
        /// Column with the intent, where the file has one.
        #[arg(long)]
        label: Option<String>,
        /// A word in the outcome that says that a person ended it; more may be given.
        #[arg(long)]
        person: Vec<String>,
    },
}

pub fn run(args: &IntentsArgs) -> ExitCode {
    let done = match &args.action {
        Action::Train { refusal } => train(args, *refusal),
        Action::Test { file, at_least, wrong } => test(args, file, *at_least, *wrong),
        Action::Explain { sentence } => explain(args, sentence),
        Action::Import { file, text, outcome, label, person } => {
            let columns = Columns { text, outcome, label: label.as_deref() };
            import(args, file, &columns, person)
        }
    };
    done.unwrap_or_else(|told| {
        eprintln!("{}", told.trim_end());
        ExitCode::from(2)
    })
}

/// What a command works on.
struct Loaded {
    tables: Tables,
    /// Of the operator's tables; `None` for the shipped ones.
    folder: Option<PathBuf>,
    embedding: Option<Embedding>,
}

/// The operator's tables: the folder named, or that of the configuration, or the shipped ones;
/// with the configuration's embedding. A configuration that is named must be there.
fn load(args: &IntentsArgs) -> Result<Loaded, String> {
    let usual = Path::new(CONFIG);
    let file = args.config.as_deref().or_else(|| usual.exists().then_some(usual));
    let config = file.map(Config::load).transpose().map_err(|problems| problems.to_string())?;
    let wanted = config.as_ref().map_or(AUTO, |one| one.understanding.embedding.as_str());
    let models = config.as_ref().and_then(|config| config.speech.models_folder.as_deref());
    let embedding = embedding::load(wanted, models)?;
    let (tables, folder) = load_tables(args, config.as_ref())?;
    let tables = match &embedding {
        Some(embedding) => embedding.give(tables),
        None => tables,
    };
    Ok(Loaded { tables, folder, embedding })
}

fn load_tables(
    args: &IntentsArgs,
    config: Option<&Config>,
) -> Result<(Tables, Option<PathBuf>), String> {
    let folder = args.tables.clone().or_else(|| config.and_then(|config| config.tables.clone()));
    if let Some(absent) = folder.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(format!("{}: found no folder of tables", absent.display()));
    }
    let folder = folder.map(|folder| folder.join("understanding")).filter(|dir| dir.is_dir());
    if let (Some(named), None) = (&args.tables, &folder) {
        return Err(format!("{}: no folder `understanding` in it", named.display()));
    }
    let Some(folder) = folder else { return Ok((Tables::clone(&Tables::embedded_rules()), None)) };
    let mut problems = Problems::new();
    let tables = Tables::load(&folder, &mut problems);
    if problems.is_empty() { Ok((tables, Some(folder))) } else { Err(problems.to_string()) }
}

/// With the classifier of its model file, or trained now.
fn ready(args: &IntentsArgs) -> Result<(Tables, Language), String> {
    let Loaded { tables, embedding, .. } = load(args)?;
    let language = named(args, &tables)?.unwrap_or_default();
    Ok((embedding::learned(tables, embedding.as_ref()), language))
}

/// The language that was asked for, if any; it must have tables.
fn named(args: &IntentsArgs, tables: &Tables) -> Result<Option<Language>, String> {
    let Some(code) = &args.language else { return Ok(None) };
    let language = Language::new(code).filter(|language| tables.language(language).is_some());
    language.map(Some).ok_or_else(|| format!("no tables for the language {code:?}"))
}

fn train(args: &IntentsArgs, refusal: f32) -> Result<ExitCode, String> {
    let Loaded { tables, folder, embedding } = load(args)?;
    if !(0.0..=0.5).contains(&refusal) {
        return Err(format!("--refusal: found {refusal}, expected a share from 0 to 0.5"));
    }
    let wanted = named(args, &tables)?;
    // A shipped language that the folder lacks is trained where it is used.
    let own = |language: &Language| {
        folder.as_ref().is_none_or(|folder| folder.join(language.code()).is_dir())
            && wanted.as_ref().is_none_or(|wanted| wanted == language)
    };
    for one in tables.languages().filter(|one| own(&one.language)) {
        let began = Instant::now();
        let settings = Settings { refusal_max: refusal };
        let model = embedding::learn(one, embedding.as_ref(), settings, embedding::cores());
        let took = began.elapsed().as_secs_f32();
        let bytes = model.to_bytes();
        let embedded = if model.embedding().is_some() { " and an embedding" } else { "" };
        println!(
            "{}: {} intents from {} sentences, {} features{embedded}, {took:.1} s, {} KiB, \
             answers from {:.2}",
            one.language,
            model.intents().len(),
            one.examples.len(),
            model.features(),
            bytes.len() >> 10,
            model.scope_min(),
        );
        let Some(folder) = &folder else { continue };
        let path = folder.join(one.language.code()).join(MODEL_FILE);
        // A running service never reads half a model.
        let written = disk::replace(&path, &bytes);
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        println!("  {}", path.display());
    }
    if folder.is_none() {
        println!("these are the shipped tables: nothing was written (warmline init makes copies)");
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let length = std::fs::metadata(path).map_err(told)?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!(
            "{}: found {length} bytes, expected at most {FILE_BYTES_MAX}",
            path.display()
        ));
    }
    let bytes = std::fs::read(path).map_err(told)?;
    String::from_utf8(bytes).map_err(|_| format!("{}: expected text in UTF-8", path.display()))
}

fn hear(understander: &Understander, text: &str, language: &Language) -> Understanding {
    let mut memory = Memory::new(jiff::Zoned::now().date());
    let mut utterance = Utterance::typed(text, Moment::ZERO, 0);
    utterance.language = language.clone();
    understander.understand(&utterance, &mut memory, &Expecting::Anything)
}

/// What the caller gets: danger first, then a person where one is asked for, then the intent.
fn outcome(heard: &Understanding) -> String {
    match (&heard.danger, heard.command, &heard.intent) {
        (Some(_), _, _) => "emergency".into(),
        (None, Some(CallerCommand::Person), _) => "talk_to_person".into(),
        (None, _, Some(found)) => found.intent.to_string(),
        (None, _, None) => "out_of_scope".into(),
    }
}

/// A sentence with the outcome that it should have.
struct Case<'t> {
    line: usize,
    label: &'t str,
    sentence: &'t str,
}

/// The sentences of `text`; empty lines and those that begin with `#` are none.
fn cases<'t>(file: &Path, text: &'t str) -> Result<Vec<Case<'t>>, String> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let cases: Vec<Case> = lines
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(line, text)| {
            let parts = text.split_once('\t').or_else(|| text.split_once(','));
            let (label, sentence) = parts.ok_or_else(|| {
                let place = format!("{}:{line}", file.display());
                format!("{place}: expected an intent, a tab or comma, and a sentence")
            })?;
            Ok(Case { line, label: label.trim(), sentence: sentence.trim().trim_matches('"') })
        })
        .collect::<Result<_, String>>()?;
    match cases.is_empty() {
        true => Err(format!("{}: no sentence in it", file.display())),
        false => Ok(cases),
    }
}

fn test(args: &IntentsArgs, file: &Path, at_least: f32, wrong: bool) -> Result<ExitCode, String> {
    if !(0.0..=1.0).contains(&at_least) {
        return Err(format!("--at-least: found {at_least}, expected a share from 0 to 1"));
    }
    let text = read(file)?;
    let cases = cases(file, &text)?;
    let (tables, language) = ready(args)?;
    let known = |label: &str| {
        let intents = tables.language(&language).map(|one| one.intents.as_slice());
        OUTCOMES.contains(&label)
            || intents.unwrap_or_default().iter().any(|one| one.id.as_str() == label)
    };
    if let Some(Case { line, label, .. }) = cases.iter().find(|case| !known(case.label)) {
        let place = format!("{}:{line}", file.display());
        let others = OUTCOMES.join(", ");
        return Err(format!(
            "{place}: found {label:?}, expected an intent of the tables or {others}"
        ));
    }
    let understander = Understander::new(Arc::new(tables));
    let mut rows: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut taken: BTreeMap<(String, String), u32> = BTreeMap::new();
    for Case { label, sentence, .. } in cases {
        let found = outcome(&hear(&understander, sentence, &language));
        let row = rows.entry(label.to_owned()).or_default();
        row.0 += 1;
        if found == label {
            row.1 += 1;
            continue;
        }
        if wrong {
            println!("{label} ← {found}: {sentence}");
        }
        *taken.entry((label.to_owned(), found)).or_default() += 1;
    }
    let (all, right) = rows.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    for (label, (all, right)) in &rows {
        println!("{label:24} {right:4} of {all:4}");
    }
    let mut taken: Vec<_> = taken.into_iter().collect();
    taken.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for ((label, found), count) in taken.iter().take(CONFUSIONS_SHOWN) {
        println!("  {count:3} × {label} taken for {found}");
    }
    let share = right as f32 / all.max(1) as f32;
    println!("{right} of {all} right: {:.1} %", share * 100.0);
    Ok(if share >= at_least { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn explain(args: &IntentsArgs, sentence: &str) -> Result<ExitCode, String> {
    let (tables, language) = ready(args)?;
    let understander = Understander::new(Arc::new(tables));
    let heard = hear(&understander, sentence, &language);
    println!("outcome: {}", outcome(&heard));
    if let Some(command) = heard.command {
        println!("command: {command:?}");
    }
    for (name, found) in [("intent", &heard.intent), ("runner-up", &heard.runner_up)] {
        let Some(found) = found else { continue };
        println!("{name}: {} {:.2}", found.intent, found.confidence);
        found.reasons.iter().for_each(|reason| println!("  {reason}"));
    }
    for slot in &heard.slots {
        println!("slot: {} = {} (\"{}\")", slot.name, slot.value.reveal(), slot.source.reveal());
    }
    for hit in heard.danger.iter().chain(&heard.urgent).chain(&heard.negative) {
        println!("word: \"{}\" ({}, {:.2})", hit.phrase, hit.group, hit.weight);
    }
    println!("stress: {:.2} {:?}", heard.stress.score, heard.stress.level);
    heard.stress.parts.iter().for_each(|part| println!("  {} +{:.2}", part.reason, part.adds));
    let Some(tables) = understander.tables().language(&heard.language) else {
        return Ok(ExitCode::SUCCESS);
    };
    let reading = tables.words.read(sentence);
    let words = intent::words(&reading);
    let vector = tables.vector(&reading);
    let judged = intent::judge(tables, &reading);
    let scope = if judged.in_scope { "in scope" } else { "out of scope" };
    println!("examples: {scope} (from {:.2})", tables.classifier.scope_min());
    for (name, share) in judged.ranked.iter().take(3) {
        let pulls = tables.classifier.explain(&words, name);
        let told: Vec<String> = pulls
            .iter()
            .take(PULLS_SHOWN)
            .map(|(word, pull)| format!("{word} {pull:+.2}"))
            .collect();
        println!("  {name} {share:.2}: {}", told.join(", "));
        let nearest = vector.as_ref().and_then(|one| tables.classifier.nearest(one, name));
        if let Some((text, likeness)) = nearest {
            println!("    closest example «{text}» ({likeness:.2})");
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Columns<'c> {
    text: &'c str,
    outcome: &'c str,
    label: Option<&'c str>,
}

fn import(
    args: &IntentsArgs,
    file: &Path,
    columns: &Columns<'_>,
    person: &[String],
) -> Result<ExitCode, String> {
    let rows = csv::parse(&read(file)?).map_err(|told| format!("{}: {told}", file.display()))?;
    let Some((head, rows)) = rows.split_first() else {
        return Err(format!("{}: empty, expected a first line of column names", file.display()));
    };
    let column = |wanted: &str| {
        head.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted)).ok_or_else(|| {
            let there = head.join(", ");
            format!("{}: no column {wanted:?}; there are: {there}", file.display())
        })
    };
    let (text, outcome) = (column(columns.text)?, column(columns.outcome)?);
    let label = columns.label.map(column).transpose()?;
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    let cases: Vec<PastCase> = rows
        .iter()
        .map(|row| PastCase {
            text: cell(row, text),
            outcome: cell(row, outcome),
            label: label.map(|at| cell(row, at)).filter(|label| !label.trim().is_empty()),
        })
        .filter(|case| !case.text.trim().is_empty())
        .collect();
    if cases.is_empty() {
        return Err(format!("{}: no case with a text in it", file.display()));
    }
    let (tables, language) = ready(args)?;
    let tables = tables.language(&language).ok_or("no tables")?;
    let signs: Vec<String> = match person {
        [] => PERSON_SIGNS.iter().map(|sign| (*sign).to_owned()).collect(),
        given => given.iter().map(|sign| sign.to_lowercase()).collect(),
    };
    let (found, rest) = propose(tables, &cases, &signs);
    print!("{}", proposal(&found, cases.len(), rest));
    Ok(ExitCode::SUCCESS)
}

/// As TOML to read, correct, and copy into `examples.toml`, `intents.toml` and `policy`.
fn proposal(found: &[Proposed], cases: usize, rest: usize) -> String {
    let mut out = format!("# From {cases} cases; {rest} fit nowhere. Read before you use it.\n");
    out.push_str("\n# For policy/intents.toml: what people ended stays with people.\n");
    for one in found {
        let line = match one.line {
            Line::Green => "green",
            Line::Yellow => "yellow",
            Line::Red => "red",
        };
        let by = one.by_people * 100.0;
        let kind = if one.known { "known" } else { "new" };
        out.push_str(&format!(
            "[{}] # {kind}, {} cases, {by:.0} % by people\n",
            one.name, one.cases
        ));
        out.push_str(&format!("line = \"{line}\"\n"));
    }
    out.push_str("\n# For understanding/LANGUAGE/examples.toml; a new intent also needs\n");
    out.push_str("# [intents.NAME] with `words` in intents.toml.\n");
    for one in found.iter().filter(|one| !one.examples.is_empty()) {
        out.push_str(&format!("{} = [\n", one.name));
        for example in &one.examples {
            out.push_str(&format!("  {example:?},\n"));
        }
        out.push_str("]\n");
    }
    out
}
