//! Rules, lines and prompts as tables: the shipped ones, or the operator's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use crate::base::card::Priority;
use crate::base::ids::{ConnectorId, Skill};
use crate::base::language::Language;
use crate::base::markup;
use crate::config::{Problems, Table};
use crate::knowledge::{files_of, language_of};

/// The shipped files by their path below a `policy` folder; `warmline init` writes them out.
pub const SHIPPED: [(&str, &str); 6] = [
    ("rules.toml", include_str!("tables/rules.toml")),
    ("intents.toml", include_str!("tables/intents.toml")),
    ("en/language.toml", include_str!("tables/en/language.toml")),
    ("en/prompts.toml", include_str!("tables/en/prompts.toml")),
    ("zh/language.toml", include_str!("tables/zh/language.toml")),
    ("zh/prompts.toml", include_str!("tables/zh/prompts.toml")),
];

/// What the machine may do with an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineColour {
    /// Facts and simple tasks: the machine.
    Green,
    /// Judgement: the machine drafts, a person decides.
    Yellow,
    /// Feeling, dispute, danger: a person at once.
    Red,
}

/// One row of `intents.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentRow {
    pub line: LineColour,
    pub priority: Priority,
    pub skills: Vec<Skill>,
    pub draft: Option<String>,
    pub connector: Option<ConnectorId>,
    /// The connector changes something: read back first.
    pub task: bool,
    /// What must be known before the connector is asked.
    pub slot: Option<String>,
    /// Length of the slot, where it is a string of digits.
    pub digits: Option<(u8, u8)>,
    /// Field of the reply that the caller must name before anything of it is spoken.
    pub proof: Option<String>,
    /// For a task: where that field is looked up before anything is done.
    pub proof_connector: Option<ConnectorId>,
}

/// A rule that can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub on: bool,
    pub threshold: u32,
    pub window: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub unrecognised: Rule,
    pub negative_words: Rule,
    pub urgent: Rule,
    pub vip: Rule,
    pub high_stress: Rule,
    pub no_input: Rule,
    pub no_input_ms: u64,
    pub digits_no_input_ms: u64,
    pub wait_ms: u64,
    pub clarify_max: u32,
    pub collect_max: u32,
    pub proof_max: u32,
}

/// A prompt with its shorter form for a tense caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    pub text: String,
    pub stressed: Option<String>,
}

/// Everything that the policy reads.
#[derive(Clone, Debug)]
pub struct Tables {
    pub rules: Rules,
    intents: BTreeMap<String, IntentRow>,
    prompts: BTreeMap<(Language, String), Prompt>,
    emergency: BTreeMap<String, String>,
    /// Names and keys by which a caller chooses a language.
    languages: BTreeMap<Language, Vec<String>>,
}

/// Signs that may stand around a language's name for it to be asked for: "do you speak …".
const AROUND_NAME_MAX: usize = 16;

impl Tables {
    /// The shipped tables. They are checked by a test, so their faults are none.
    pub fn embedded() -> Self {
        let files = SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self::read(files.collect(), &mut Problems::new())
    }

    /// The tables of `folder`; a file that is not there is taken from the shipped ones.
    pub fn load(folder: &Path, problems: &mut Problems) -> Self {
        let mut tables = Self::read(files_of(folder, &SHIPPED, problems), problems);
        // Copies that are older than a prompt lack it.
        for (key, prompt) in Self::embedded().prompts {
            tables.prompts.entry(key).or_insert(prompt);
        }
        tables
    }

    fn read(files: Vec<(String, String)>, problems: &mut Problems) -> Self {
        let mut tables = Self {
            rules: Rules::default(),
            intents: BTreeMap::new(),
            prompts: BTreeMap::new(),
            emergency: BTreeMap::new(),
            languages: BTreeMap::new(),
        };
        for (name, text) in files {
            let Some(table) = Table::parse(&name, &text, problems) else { continue };
            let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
            match (file, language_of(&name)) {
                ("rules.toml", _) => tables.read_rules(&table, problems),
                ("intents.toml", _) => {
                    for (id, row) in table.named_tables(problems) {
                        tables.intents.insert(id, read_intent(&row, problems));
                    }
                }
                ("prompts.toml", Some(language)) => {
                    for (id, row) in table.named_tables(problems) {
                        let text = row.required_string("text", problems).unwrap_or_default();
                        let stressed = row.string("stressed", problems);
                        for (key, text) in [("text", Some(&text)), ("stressed", stressed.as_ref())]
                        {
                            check_markup(&row, key, text, problems);
                        }
                        row.finish(problems);
                        tables.prompts.insert((language.clone(), id), Prompt { text, stressed });
                    }
                }
                ("language.toml", Some(language)) => {
                    tables.read_language(language, &table, problems);
                }
                (_, _) => table.fault("", name.clone(), "a file that is known here", problems),
            }
        }
        tables
    }

    /// `language.toml`: how callers ask for the language.
    fn read_language(&mut self, language: Language, table: &Table, problems: &mut Problems) {
        let mut names = table.strings("names", problems);
        if let Some(key) = table.string("key", problems) {
            let mut others = self.languages.iter().filter(|(other, _)| **other != language);
            if !matches!(key.as_bytes(), [b'1'..=b'9']) {
                table.fault("key", format!("{key:?}"), "one of the keys 1 to 9", problems);
            } else if let Some((other, _)) = others.find(|(_, names)| names.contains(&key)) {
                let found = format!("{key:?}, which chooses {other}");
                table.fault("key", found, "a key of its own", problems);
            }
            names.push(key);
        }
        table.finish(problems);
        self.languages.entry(language).or_default().extend(names);
    }

    fn read_rules(&mut self, table: &Table, problems: &mut Problems) {
        let mut rule = |key: &str, default: Rule| match table.table(key, problems) {
            Some(row) => read_rule(&row, default, problems),
            None => default,
        };
        let standard = Rules::default();
        self.rules = Rules {
            unrecognised: rule("unrecognised", standard.unrecognised),
            negative_words: rule("negative_words", standard.negative_words),
            urgent: rule("urgent", standard.urgent),
            vip: rule("vip", standard.vip),
            high_stress: rule("high_stress", standard.high_stress),
            no_input: rule("no_input", standard.no_input),
            ..standard
        };
        if let Some(row) = table.table("patience", problems) {
            read_patience(&row, &mut self.rules, problems);
        }
        if let Some(row) = table.table("emergency", problems) {
            self.emergency = row.texts(problems).into_iter().collect();
        }
        if let Some(row) = table.table("languages", problems) {
            for code in row.keys() {
                let names = row.strings(&code, problems);
                match Language::new(&code) {
                    Some(language) => self.languages.entry(language).or_default().extend(names),
                    None => row.fault(&code, "this name", "a code such as \"en\"", problems),
                }
            }
        }
        table.finish(problems);
    }

    /// What may be done with an intent; one that the table does not name goes to a person.
    pub fn intent(&self, id: &str) -> IntentRow {
        self.intents.get(id).cloned().unwrap_or_else(IntentRow::unknown)
    }

    /// The language that `said` asks for by name, in few other words.
    pub fn language_named(&self, said: &str) -> Option<Language> {
        let said = said.to_lowercase();
        let length = said.chars().count();
        let asks = |name: &String| {
            let longer = length.checked_sub(name.chars().count());
            let long = name.chars().count() > 1;
            long && longer.is_some_and(|more| more <= AROUND_NAME_MAX) && said.contains(name)
        };
        let mut all = self.languages.iter();
        all.find(|(_, names)| names.iter().any(asks)).map(|(language, _)| language.clone())
    }

    /// The language that `key` chooses.
    pub fn language_of_key(&self, key: char) -> Option<Language> {
        let wanted = key.to_string();
        let mut all = self.languages.iter();
        all.find(|(_, names)| names.contains(&wanted)).map(|(language, _)| language.clone())
    }

    /// The languages that have prompts.
    pub fn languages(&self) -> BTreeSet<&Language> {
        self.prompts.keys().map(|(language, _)| language).collect()
    }

    /// The languages that callers can choose.
    pub fn chosen_languages(&self) -> impl Iterator<Item = &Language> {
        self.languages.iter().filter(|(_, names)| !names.is_empty()).map(|(language, _)| language)
    }

    /// Prompts that English has and `language` lacks: they would be spoken in English.
    pub fn prompts_missing(&self, language: &Language) -> Vec<&str> {
        let english = Language::english();
        let known = |name: &str| self.prompts.contains_key(&(language.clone(), name.to_owned()));
        let names = self.prompts.keys().filter(|(spoken_in, _)| *spoken_in == english);
        names.map(|(_, name)| name.as_str()).filter(|name| !known(name)).collect()
    }

    /// Every row of the intents' table.
    pub fn intents(&self) -> impl Iterator<Item = &IntentRow> {
        self.intents.values()
    }

    /// The prompt in `language`, or in English where it has none.
    pub fn prompt_row(&self, language: &Language, name: &str) -> Option<&Prompt> {
        self.prompts
            .get(&(language.clone(), name.to_owned()))
            .or_else(|| self.prompts.get(&(Language::english(), name.to_owned())))
    }

    /// Every prompt with its language and name, for rendering ahead.
    pub fn prompts(&self) -> impl Iterator<Item = (&Language, &str, &Prompt)> {
        self.prompts.iter().map(|((language, name), prompt)| (language, name.as_str(), prompt))
    }

    /// The emergency number of a country, 112 where the table has none.
    pub fn emergency_number(&self, country: &str) -> &str {
        self.emergency
            .get(country)
            .or_else(|| self.emergency.get("default"))
            .map_or("112", String::as_str)
    }
}

impl IntentRow {
    fn unknown() -> Self {
        Self {
            line: LineColour::Yellow,
            priority: Priority::P2,
            skills: Vec::new(),
            draft: None,
            connector: None,
            task: false,
            slot: None,
            digits: None,
            proof: None,
            proof_connector: None,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        let rule = |threshold| Rule { on: true, threshold, window: Duration::from_secs(60) };
        Self {
            unrecognised: rule(3),
            negative_words: rule(2),
            urgent: rule(1),
            vip: rule(1),
            high_stress: rule(2),
            no_input: rule(3),
            no_input_ms: 8_000,
            digits_no_input_ms: 12_000,
            wait_ms: 60_000,
            clarify_max: 2,
            collect_max: 3,
            proof_max: 2,
        }
    }
}

/// Tags that nobody knows would be read past in silence: said when the table is read.
fn check_markup(row: &Table, key: &str, text: Option<&String>, problems: &mut Problems) {
    if let Some(text) = text
        && let Err(error) = markup::parse(text)
    {
        row.fault(key, format!("{text:?}"), format!("good markup; {error}"), problems);
    }
}

fn read_rule(row: &Table, default: Rule, problems: &mut Problems) -> Rule {
    let window = row.integer_in("window_s", 1..=86_400, default.window.as_secs() as i64, problems);
    let threshold = row.integer_in("threshold", 1..=100, i64::from(default.threshold), problems);
    let rule = Rule {
        on: row.bool_or("on", default.on, problems),
        threshold: threshold as u32,
        window: Duration::from_secs(window as u64),
    };
    row.finish(problems);
    rule
}

fn read_patience(row: &Table, rules: &mut Rules, problems: &mut Problems) {
    let mut seconds = |key: &str, default_ms: u64| {
        row.integer_in(key, 2..=600, (default_ms / 1_000) as i64, problems) as u64 * 1_000
    };
    rules.no_input_ms = seconds("no_input_s", rules.no_input_ms);
    rules.digits_no_input_ms = seconds("digits_no_input_s", rules.digits_no_input_ms);
    rules.wait_ms = seconds("wait_s", rules.wait_ms);
    let mut count =
        |key: &str, default: u32| row.integer_in(key, 1..=20, i64::from(default), problems) as u32;
    rules.clarify_max = count("clarify_max", rules.clarify_max);
    rules.collect_max = count("collect_max", rules.collect_max);
    rules.proof_max = count("proof_max", rules.proof_max);
    row.finish(problems);
}

fn read_intent(row: &Table, problems: &mut Problems) -> IntentRow {
    let lines =
        [("green", LineColour::Green), ("yellow", LineColour::Yellow), ("red", LineColour::Red)];
    let priorities =
        [("P0", Priority::P0), ("P1", Priority::P1), ("P2", Priority::P2), ("P3", Priority::P3)];
    let intent = IntentRow {
        line: row.choice("line", &lines, LineColour::Yellow, problems),
        priority: row.choice("priority", &priorities, Priority::P2, problems),
        skills: row.strings("skills", problems).into_iter().map(Skill).collect(),
        draft: row.string("draft", problems),
        connector: row.string("connector", problems).map(ConnectorId),
        task: row.bool_or("task", false, problems),
        slot: row.string("slot", problems),
        digits: read_digits(row, problems),
        proof: row.string("proof", problems),
        proof_connector: row.string("proof_connector", problems).map(ConnectorId),
    };
    if intent.task && intent.proof.is_some() && intent.proof_connector.is_none() {
        let expected = "the connector that tells the second fact before the task is done";
        row.fault("proof_connector", "nothing", expected, problems);
    }
    row.finish(problems);
    intent
}

/// `digits = [3, 12]`.
fn read_digits(row: &Table, problems: &mut Problems) -> Option<(u8, u8)> {
    if !row.has("digits") {
        return None;
    }
    let numbers = row.integers("digits", 1..=20, problems);
    match numbers.as_slice() {
        [min, max] if min <= max => Some((*min as u8, *max as u8)),
        _ => {
            row.fault(
                "digits",
                format!("{numbers:?}"),
                "a shortest and a longest length",
                problems,
            );
            None
        }
    }
}
