//! From TOML text to tables; every fault is named with file, line, field and what was expected.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::ids::IntentId;
use crate::base::language::Language;
use crate::config::problem::Problem;
use crate::config::{Problems, Table};
use crate::understanding::classifier::{Classifier, Example, MODEL_BYTES_MAX, fingerprint};
use crate::understanding::example;
use crate::understanding::heard::{HeardTable, plain};
use crate::understanding::outcome::CallerCommand;
use crate::understanding::pattern::{Compiler, Pattern};
use crate::understanding::script::Script;
use crate::understanding::stem::Stemmer;
use crate::understanding::stress::{StressTable, StressWeights, WordWeight};
use crate::understanding::text::Spelling;
use crate::understanding::vocabulary::{Vocabulary, WordId};

use super::{Alarm, CommandRule, Intent, LanguageTables};

/// What a plain phrase is worth before its length counts, and what a hint is.
const PHRASE_WORTH: f32 = 0.72;
const HINT_WORTH: f32 = 0.45;
/// Key of the sentences that belong to no intent.
const OUT_OF_SCOPE: &str = "out_of_scope";
/// Words of one list; more is a mistake.
pub(super) const LIST_MAX: usize = 5_000;

const COMMANDS: [(&str, CallerCommand); 11] = [
    ("person", CallerCommand::Person),
    ("repeat", CallerCommand::Repeat),
    ("slower", CallerCommand::Slower),
    ("wait", CallerCommand::Wait),
    ("go_back", CallerCommand::GoBack),
    ("goodbye", CallerCommand::Goodbye),
    ("dont_record", CallerCommand::DontRecord),
    ("yes", CallerCommand::Yes),
    ("no", CallerCommand::No),
    ("automatic", CallerCommand::Automatic),
    ("assisted", CallerCommand::Assisted),
];

/// The language folders of `dir`, sorted by name.
pub(super) fn folders(dir: &Path, problems: &mut Problems) -> Vec<(Language, PathBuf)> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            problems.add(whole_file(dir, error.to_string(), "a folder with one folder a language"));
            return Vec::new();
        }
    };
    let mut out: Vec<(Language, PathBuf)> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .filter_map(|path| Some((Language::new(path.file_name()?.to_str()?)?, path)))
        .collect();
    out.sort();
    if out.is_empty() {
        problems.add(whole_file(dir, "no language".into(), "a folder such as en or zh"));
    }
    out
}

pub(super) fn file(path: &Path, bytes_max: u64, problems: &mut Problems) -> Option<String> {
    let small = std::fs::metadata(path).is_ok_and(|meta| meta.len() <= bytes_max);
    match std::fs::read_to_string(path) {
        Ok(text) if small => Some(text),
        Ok(_) => {
            problems.add(whole_file(path, "a larger file".into(), &format!("{bytes_max} bytes")));
            None
        }
        Err(error) => {
            problems.add(whole_file(path, error.to_string(), "a table of this language"));
            None
        }
    }
}

/// Takes the trained classifier at `path`, if there is one and it fits the examples.
pub(super) fn model(path: &Path, tables: &mut LanguageTables, problems: &mut Problems) {
    let Ok(meta) = std::fs::metadata(path) else { return };
    let expected = "a model written by `warmline intents train`";
    if meta.len() > MODEL_BYTES_MAX as u64 {
        problems.add(whole_file(path, format!("{} bytes", meta.len()), expected));
        return;
    }
    let read = std::fs::read(path).map_err(|error| error.to_string());
    match read.and_then(|bytes| Classifier::from_bytes(&bytes).map_err(|fault| fault.to_string())) {
        // A model of other examples is only old: it is trained again in the background.
        Ok(model) if model.fingerprint() == fingerprint(&tables.examples, model.embedding()) => {
            tables.classifier = Arc::new(model);
        }
        Ok(_) => {}
        Err(fault) => problems.add(whole_file(path, fault, expected)),
    }
}

fn whole_file(path: &Path, found: String, expected: &str) -> Problem {
    Problem {
        file: path.display().to_string(),
        line: 1,
        field: String::new(),
        found,
        expected: expected.into(),
    }
}

/// What the readers of one language share.
pub(super) struct Reader<'p> {
    pub compiler: Compiler,
    pub words: Vocabulary,
    pub problems: &'p mut Problems,
}

impl Reader<'_> {
    /// Compiles the phrases of `key`, naming each that does not compile.
    pub fn patterns(&mut self, table: &Table, key: &str) -> Vec<Pattern> {
        let texts = table.strings(key, self.problems);
        if texts.len() > LIST_MAX {
            table.fault(key, texts.len(), format!("at most {LIST_MAX} phrases"), self.problems);
        }
        texts.iter().take(LIST_MAX).filter_map(|text| self.pattern(table, key, text)).collect()
    }

    pub fn pattern(&mut self, table: &Table, key: &str, text: &str) -> Option<Pattern> {
        match self.compiler.compile(text, &mut self.words) {
            Ok(pattern) => Some(pattern),
            Err(expected) => {
                table.fault(key, format!("{text:?}"), expected, self.problems);
                None
            }
        }
    }

    /// The phrases of a sub-table with their weights: `"waste of time" = 0.7`.
    pub fn weighted(&mut self, table: &Table, key: &str) -> Vec<(Pattern, f32)> {
        let Some(list) = table.table(key, self.problems) else { return Vec::new() };
        list.floats(0.0..=1.0, self.problems)
            .into_iter()
            .filter_map(|(text, weight)| Some((self.pattern(&list, &text, &text)?, weight as f32)))
            .collect()
    }
}

/// Reads the files of one language, in the order of [`super::FILES`].
pub(super) fn language(
    language: Language,
    files: &[(String, String)],
    problems: &mut Problems,
) -> Option<LanguageTables> {
    // All are parsed first, so that a syntax fault in one does not hide those of the others.
    let parsed: Vec<Option<Table>> =
        files.iter().map(|(name, text)| Table::parse(name, text, problems)).collect();
    let mut parsed = parsed.into_iter();
    let mut next = || parsed.next().flatten();
    let (words, intents, commands) = (next()?, next()?, next()?);
    let (alarms, stress, slots) = (next()?, next()?, next()?);
    let (heard, more_examples) = (next()?, next()?);

    let mut reader = words_file(&words, problems);
    let skip = word_ids(&mut reader, &words, "skip");
    let negators = reader.patterns(&words, "negators");
    let function_words = words.strings("function_words", reader.problems).into_iter().collect();
    let dangling = words.strings("dangling", reader.problems).into_iter().collect();
    let finished = reader.patterns(&words, "finished");
    let script = words.choice("script", &Script::NAMES, Script::Latin, reader.problems);
    words.finish(reader.problems);
    let mut examples = Vec::new();
    let intents = intents_file(&mut reader, &intents, &mut examples);
    examples_file(&mut reader, &more_examples, &intents, &mut examples);
    let commands = commands_file(&mut reader, &commands);
    let (urgent, danger) = alarms_file(&mut reader, &alarms);
    let stress = stress_file(&mut reader, &stress);
    let slots = super::read_slots::slots_file(&mut reader, &slots);
    let heard = heard_file(&heard, reader.problems);
    Some(LanguageTables {
        language,
        script,
        words: reader.words,
        skip,
        function_words,
        dangling,
        finished,
        negators,
        intents,
        examples: examples.into(),
        classifier: Arc::default(),
        embedder: None,
        commands,
        urgent,
        danger,
        stress,
        slots,
        heard,
    })
}

/// Longest text that the recogniser is given before a turn.
const TEXT_BEFORE_CHARS_MAX: usize = 200;

fn heard_file(table: &Table, problems: &mut Problems) -> HeardTable {
    let mut list = |key: &str| -> HashSet<String> {
        let texts = table.strings(key, problems);
        if texts.len() > LIST_MAX {
            table.fault(key, texts.len(), format!("at most {LIST_MAX} texts"), problems);
        }
        texts.iter().take(LIST_MAX).map(|text| plain(text)).collect()
    };
    let heard = HeardTable {
        backchannels: list("backchannels"),
        invented: list("invented"),
        doubtful: list("doubtful"),
        short_answers: list("short_answers"),
        text_before: table.string_or("text_before", "", problems),
    };
    if heard.text_before.chars().count() > TEXT_BEFORE_CHARS_MAX {
        let found = format!("{} characters", heard.text_before.chars().count());
        let expected = format!("at most {TEXT_BEFORE_CHARS_MAX}: every one costs time");
        table.fault("text_before", found, expected, problems);
    }
    if heard.text_before.chars().any(char::is_control) {
        let expected = "a sentence without control characters";
        table.fault("text_before", format!("{:?}", heard.text_before), expected, problems);
    }
    table.finish(problems);
    heard
}

fn words_file<'p>(table: &Table, problems: &'p mut Problems) -> Reader<'p> {
    let english = table.choice("stemmer", &[("english", true), ("none", false)], false, problems);
    let pairs = |key: &str, problems: &mut Problems| -> Vec<(String, String)> {
        table.table(key, problems).map(|list| list.texts(problems)).unwrap_or_default()
    };
    let split = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let contractions = pairs("contractions", problems);
    let endings = pairs("endings", problems);
    let forms = pairs("forms", problems);
    let mut variants = HashMap::new();
    for (from, to) in pairs("variants", problems) {
        match (one_sign(&from), one_sign(&to)) {
            (Some(from), Some(to)) => {
                variants.insert(from, to);
            }
            (_, _) => table.fault("variants", format!("{from:?}"), "one sign each", problems),
        }
    }
    let spelling = Spelling {
        contractions: contractions.into_iter().map(|(from, to)| (from, split(to))).collect(),
        endings: endings.into_iter().map(|(from, to)| (from, split(to))).collect(),
        variants,
    };
    let mut by_form = HashMap::new();
    for (stem, words) in forms {
        by_form.extend(split(words).into_iter().map(|word| (word, stem.clone())));
    }
    // A form named in another's list is itself left as it is ("make" of "made").
    for stem in by_form.values().cloned().collect::<Vec<_>>() {
        by_form.entry(stem.clone()).or_insert(stem);
    }
    let mut words = Vocabulary::new(spelling, Stemmer { english, forms: by_form });
    for word in table.strings("fillers", problems) {
        words.add_filler(&word);
    }
    for word in table.strings("known", problems).iter().flat_map(|line| line.split_whitespace()) {
        words.add_known(word);
    }
    let mut classes = HashMap::new();
    if let Some(list) = table.table("classes", problems) {
        for name in list.keys() {
            let members = list.strings(&name, problems);
            classes.insert(name, members);
        }
    }
    Reader { compiler: Compiler { classes }, words, problems }
}

fn one_sign(text: &str) -> Option<char> {
    let mut signs = text.chars();
    signs.next().filter(|_| signs.next().is_none())
}

fn word_ids(reader: &mut Reader<'_>, table: &Table, key: &str) -> HashSet<WordId> {
    let list = table.strings(key, reader.problems);
    let mut out = HashSet::new();
    for word in &list {
        for part in reader.words.cut(word) {
            out.insert(reader.words.intern(&part));
        }
    }
    out
}

/// `examples.toml`: a list of sentences under each intent's name, and `out_of_scope`.
fn examples_file(
    reader: &mut Reader<'_>,
    table: &Table,
    intents: &[Intent],
    examples: &mut Vec<Example>,
) {
    for key in table.keys() {
        let known = intents.iter().any(|intent| intent.id.as_str() == key);
        match key.as_str() {
            OUT_OF_SCOPE => {
                examples_of(reader, table, &key, None, examples);
            }
            _ if known => {
                examples_of(reader, table, &key, Some(&key), examples);
            }
            _ => table.fault(&key, "this name", "an intent of intents.toml", reader.problems),
        }
    }
    table.finish(reader.problems);
}

/// Reads the sentences of `key` for `intent`; gives how many lines there are.
fn examples_of(
    reader: &mut Reader<'_>,
    table: &Table,
    key: &str,
    intent: Option<&str>,
    examples: &mut Vec<Example>,
) -> usize {
    let lines = table.strings(key, reader.problems);
    for line in &lines {
        let group = examples.last().map_or(0, |last| last.group + 1);
        match example::expand(line) {
            Ok(sentences) => examples.extend(sentences.iter().map(|text| {
                let reading = reader.words.words_of(text);
                let words = reading.tokens.into_iter().map(|one| one.norm).collect();
                let intent = intent.map(str::to_owned);
                Example { intent, words, text: reading.plain, group }
            })),
            Err(expected) => {
                table.fault(key, format!("{line:?}"), expected, reader.problems);
            }
        }
    }
    lines.len()
}

fn intents_file(
    reader: &mut Reader<'_>,
    table: &Table,
    examples: &mut Vec<Example>,
) -> Vec<Intent> {
    let mut out = Vec::new();
    if let Some(list) = table.table("intents", reader.problems) {
        for (name, table) in list.named_tables(reader.problems) {
            out.push(intent(reader, &name, &table, examples));
        }
    }
    if out.is_empty() {
        table.fault("intents", "no intent", "tables headed [intents.NAME]", reader.problems);
    }
    examples_of(reader, table, OUT_OF_SCOPE, None, examples);
    table.finish(reader.problems);
    out
}

fn intent(
    reader: &mut Reader<'_>,
    name: &str,
    table: &Table,
    examples: &mut Vec<Example>,
) -> Intent {
    let snake = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(snake) {
        table.fault("", format!("{name:?}"), "a name of a-z, 0-9 and _", reader.problems);
    }
    let words = table.required_string("words", reader.problems).unwrap_or_else(|| name.to_owned());
    let worth = |list: Vec<Pattern>, worth: f32| list.into_iter().map(move |one| (one, worth));
    let phrases = reader.patterns(table, "phrases");
    let hints = reader.patterns(table, "hints");
    let intent = Intent {
        id: IntentId::from(name),
        words,
        slots: table.strings("slots", reader.problems),
        threshold: table.float_in("threshold", 0.0..=1.0, 0.5, reader.problems) as f32,
        phrases: worth(phrases, PHRASE_WORTH).chain(worth(hints, HINT_WORTH)).collect(),
        keywords: reader.weighted(table, "keywords"),
        negations: reader.patterns(table, "negations"),
    };
    let named = examples_of(reader, table, "examples", Some(name), examples);
    table.finish(reader.problems);
    if intent.phrases.is_empty() && intent.keywords.is_empty() && named == 0 {
        table.fault("phrases", "nothing", "phrases, keywords or examples", reader.problems);
    }
    intent
}

fn commands_file(reader: &mut Reader<'_>, table: &Table) -> Vec<CommandRule> {
    let mut out = Vec::new();
    for (name, table) in table.named_tables(reader.problems) {
        let Some((_, command)) = COMMANDS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<_> = COMMANDS.iter().map(|(name, _)| *name).collect();
            table.fault("", format!("{name:?}"), names.join(" or "), reader.problems);
            continue;
        };
        out.push(CommandRule {
            command: *command,
            whole: anchored(reader, &table, "whole", "$"),
            leading: anchored(reader, &table, "leading", ""),
            phrases: reader.patterns(&table, "phrases"),
            never: reader.patterns(&table, "never"),
        });
        table.finish(reader.problems);
    }
    out
}

fn anchored(reader: &mut Reader<'_>, table: &Table, key: &str, end: &str) -> Vec<Pattern> {
    let texts = table.strings(key, reader.problems);
    texts.iter().filter_map(|text| reader.pattern(table, key, &format!("^ {text} {end}"))).collect()
}

fn alarms_file(reader: &mut Reader<'_>, table: &Table) -> (Vec<Alarm>, Vec<Alarm>) {
    let urgent = alarms(reader, table, "urgent");
    let danger = alarms(reader, table, "danger");
    table.finish(reader.problems);
    (urgent, danger)
}

fn alarms(reader: &mut Reader<'_>, table: &Table, key: &str) -> Vec<Alarm> {
    let Some(groups) = table.table(key, reader.problems) else { return Vec::new() };
    let mut out = Vec::new();
    for (group, table) in groups.named_tables(reader.problems) {
        let alarm = Alarm {
            group,
            weight: table.float_in("weight", 0.0..=1.0, 0.8, reader.problems) as f32,
            phrases: reader.patterns(&table, "phrases"),
            never: reader.patterns(&table, "never"),
        };
        if alarm.phrases.is_empty() {
            table.fault("phrases", "nothing", "at least one phrase", reader.problems);
        }
        table.finish(reader.problems);
        out.push(alarm);
    }
    out
}

fn stress_file(reader: &mut Reader<'_>, table: &Table) -> StressTable {
    let mut weights = StressWeights::default();
    if let Some(list) = table.table("weights", reader.problems) {
        for (name, place) in weights.by_name() {
            *place = list.float_in(name, 0.0..=30.0, f64::from(*place), reader.problems) as f32;
        }
        list.finish(reader.problems);
    }
    let group = |group: &str, list: Vec<(Pattern, f32)>| {
        let group = group.to_owned();
        list.into_iter().map(move |(pattern, weight)| WordWeight {
            pattern,
            weight,
            group: group.clone(),
        })
    };
    let negative = reader.weighted(table, "negative");
    let swearing = reader.weighted(table, "swearing");
    let intensifiers = table
        .table("intensifiers", reader.problems)
        .map(|list| list.floats(0.1..=3.0, reader.problems))
        .unwrap_or_default();
    let syllables = table
        .table("syllables", reader.problems)
        .map(|list| list.floats(0.0..=20.0, reader.problems))
        .unwrap_or_default();
    let by_sign =
        table.choice("count", &[("syllables", false), ("signs", true)], false, reader.problems);
    let out = StressTable {
        weights,
        negative: group("negative", negative).chain(group("swearing", swearing)).collect(),
        positive: reader.patterns(table, "positive"),
        never: reader.patterns(table, "never"),
        negators: table.strings("negators", reader.problems).into_iter().collect(),
        between: table.strings("between", reader.problems).into_iter().collect(),
        intensifiers: intensifiers.into_iter().map(|(word, by)| (word, by as f32)).collect(),
        repetition: reader.patterns(table, "repetition"),
        syllables: syllables.into_iter().map(|(word, n)| (word, n as u32)).collect(),
        by_sign,
        unit: table.string_or("unit", "syllables/s", reader.problems),
    };
    table.finish(reader.problems);
    out
}
