//! The operator's tables, one folder for each language: `words`, `intents`, `commands`,
//! `alarms`, `stress`, `slots`, `heard` and `examples`, each a TOML file. English and Mandarin are
//! built in: what an operator's folder lacks of them is the shipped one.

mod read;
mod read_slots;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::base::ids::IntentId;
use crate::base::language::Language;
use crate::config::Problems;

use super::classifier::{self, Classifier, Example};
use super::embedding::{Embedder, Vector};
use super::heard::HeardTable;
use super::outcome::CallerCommand;
use super::pattern::{Matcher, Pattern, no_captures};
use super::script::Script;
use super::slots::SlotTables;
use super::stress::StressTable;
use super::vocabulary::{Reading, Vocabulary, WordId};

/// Names of a language's files, without `.toml`, in the order in which they are read.
pub const FILES: [&str; 8] =
    ["words", "intents", "commands", "alarms", "stress", "slots", "heard", "examples"];
/// Files that a folder may lack.
pub const OPTIONAL: [&str; 1] = ["examples"];

macro_rules! shipped {
    ($code:literal) => {
        (
            $code,
            [
                include_str!(concat!("tables/", $code, "/words.toml")),
                include_str!(concat!("tables/", $code, "/intents.toml")),
                include_str!(concat!("tables/", $code, "/commands.toml")),
                include_str!(concat!("tables/", $code, "/alarms.toml")),
                include_str!(concat!("tables/", $code, "/stress.toml")),
                include_str!(concat!("tables/", $code, "/slots.toml")),
                include_str!(concat!("tables/", $code, "/heard.toml")),
                include_str!(concat!("tables/", $code, "/examples.toml")),
            ],
        )
    };
}

/// The shipped files by language code, in the order of [`FILES`]; `warmline init` writes them.
pub const SHIPPED: [(&str, [&str; 8]); 2] = [shipped!("en"), shipped!("zh")];

/// A language's trained classifier, beside its tables; `warmline intents train` writes it.
pub const MODEL_FILE: &str = "intents.model";
/// Largest table file, bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// One thing that a caller may want.
#[derive(Clone, Debug)]
pub struct Intent {
    pub id: IntentId,
    /// In the agent's words: "asks for the opening hours".
    pub words: String,
    /// Slots without which nothing can be answered.
    pub slots: Vec<String>,
    /// Confidence from which it counts, 0 to 1.
    pub threshold: f32,
    /// Phrases with what they are worth before their length is looked at.
    pub phrases: Vec<(Pattern, f32)>,
    pub keywords: Vec<(Pattern, f32)>,
    /// Any of these and the intent is out ("not about billing").
    pub negations: Vec<Pattern>,
}

/// How a command is said.
#[derive(Clone, Debug)]
pub struct CommandRule {
    pub command: CallerCommand,
    /// The whole utterance but polite words.
    pub whole: Vec<Pattern>,
    /// The first words, where yes or no is expected.
    pub leading: Vec<Pattern>,
    /// Anywhere.
    pub phrases: Vec<Pattern>,
    pub never: Vec<Pattern>,
}

/// A group of urgent or dangerous phrases.
#[derive(Clone, Debug)]
pub struct Alarm {
    pub group: String,
    pub weight: f32,
    pub phrases: Vec<Pattern>,
    /// Where one of these covers a phrase, it does not count ("fire the technician").
    pub never: Vec<Pattern>,
}

/// Everything that is known of one language.
#[derive(Clone, Debug)]
pub struct LanguageTables {
    pub language: Language,
    /// In which it is written.
    pub script: Script,
    pub words: Vocabulary,
    pub skip: HashSet<WordId>,
    /// Frequent small words, by which a language is recognised.
    pub function_words: HashSet<String>,
    /// Words with which sentences seldom end.
    pub dangling: HashSet<String>,
    /// Phrases that end a sentence although it ends with one of those ("where my order is").
    pub finished: Vec<Pattern>,
    /// Words that take back what follows ("not about").
    pub negators: Vec<Pattern>,
    pub intents: Vec<Intent>,
    /// What the classifier learns from; shared, for tables are copied whenever one thing changes.
    pub examples: Arc<[Example]>,
    /// Knows nothing until [`Tables::trained`] or [`Tables::with_classifier`].
    pub classifier: Arc<Classifier>,
    /// Gives sentences of this language the vectors that its classifier may be trained with.
    pub embedder: Option<Arc<Embedder>>,
    pub commands: Vec<CommandRule>,
    pub urgent: Vec<Alarm>,
    pub danger: Vec<Alarm>,
    pub stress: StressTable,
    pub slots: SlotTables,
    pub heard: HeardTable,
}

impl LanguageTables {
    pub fn intent(&self, id: &IntentId) -> Option<&Intent> {
        self.intents.iter().find(|intent| intent.id == *id)
    }

    /// The vector of what was said, where the classifier was trained with such.
    pub fn vector(&self, reading: &Reading) -> Option<Vector> {
        let wanted = self.classifier.embedding()?;
        let embedder = self.embedder.as_ref().filter(|one| one.fingerprint() == wanted)?;
        Some(embedder.embed(&reading.plain))
    }

    /// Of the examples and of the embedder, as a classifier trained from them now would have it.
    pub fn fingerprint(&self) -> u64 {
        let embedding = self.embedder.as_ref().map(|embedder| embedder.fingerprint());
        classifier::fingerprint(&self.examples, embedding)
    }

    /// A matcher for patterns without captures.
    pub fn matcher<'r>(&'r self, reading: &'r Reading) -> Matcher<'r> {
        Matcher { reading, skip: &self.skip, captures: &no_captures }
    }
}

/// All languages.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    languages: Vec<LanguageTables>,
}

impl Tables {
    /// The shipped tables, read and trained once.
    pub fn embedded() -> Arc<Tables> {
        static TABLES: OnceLock<Arc<Tables>> = OnceLock::new();
        TABLES.get_or_init(|| Arc::new(Self::clone(&Self::embedded_rules()).trained())).clone()
    }

    /// The shipped tables without a classifier, read once: there at once.
    pub fn embedded_rules() -> Arc<Tables> {
        static TABLES: OnceLock<Arc<Tables>> = OnceLock::new();
        TABLES.get_or_init(|| Arc::new(Self::shipped(&mut Problems::new()))).clone()
    }

    /// With a classifier for each language, trained from its examples. Takes some tenths of a
    /// second for the shipped tables, up to a minute for very many examples.
    pub fn trained(mut self) -> Tables {
        for tables in &mut self.languages {
            let settings = classifier::Settings::default();
            tables.classifier = Arc::new(Classifier::train(&tables.examples, settings));
        }
        self
    }

    /// With `embedder` for those of the languages that `knows` answers with `true`.
    pub fn with_embedder(
        mut self,
        embedder: Option<&Arc<Embedder>>,
        knows: impl Fn(&Language) -> bool,
    ) -> Tables {
        for tables in &mut self.languages {
            tables.embedder = embedder.filter(|_| knows(&tables.language)).cloned();
        }
        self
    }

    /// With `classifier` for `language`; nothing where the tables do not speak it.
    pub fn with_classifier(mut self, language: &Language, classifier: Arc<Classifier>) -> Tables {
        for tables in self.languages.iter_mut().filter(|one| one.language == *language) {
            tables.classifier = classifier.clone();
        }
        self
    }

    fn shipped(problems: &mut Problems) -> Tables {
        let languages = SHIPPED.iter().filter_map(|(code, texts)| {
            let files = FILES
                .iter()
                .zip(texts)
                .map(|(name, text)| (format!("{code}/{name}.toml"), (*text).to_owned()));
            read::language(Language::new(code)?, &files.collect::<Vec<_>>(), problems)
        });
        Tables { languages: languages.collect() }
    }

    /// Reads one folder for each language below `dir`; shipped languages and files of theirs that
    /// are not there are the shipped ones. Every fault of every file is added to `problems`; what
    /// could be read is returned, without classifiers.
    pub fn load(dir: &Path, problems: &mut Problems) -> Tables {
        let mut out = Tables::default();
        let found = read::folders(dir, problems);
        for (language, folder) in &found {
            let files: Vec<(String, String)> = FILES
                .iter()
                .filter_map(|name| {
                    let path = folder.join(format!("{name}.toml"));
                    if let Some(text) = standing_in(language, name).filter(|_| !path.exists()) {
                        return Some((format!("{language}/{name}.toml"), text.to_owned()));
                    }
                    let text = read::file(&path, FILE_BYTES_MAX, problems)?;
                    Some((path.display().to_string(), text))
                })
                .collect();
            if files.len() == FILES.len()
                && let Some(mut tables) = read::language(language.clone(), &files, problems)
            {
                read::model(&folder.join(MODEL_FILE), &mut tables, problems);
                out.languages.push(tables);
            }
        }
        if !found.is_empty() {
            let shipped = Self::embedded_rules();
            let missing = |one: &&LanguageTables| !found.iter().any(|(at, _)| *at == one.language);
            out.languages.extend(shipped.languages().filter(missing).cloned());
        }
        out
    }

    /// The tables of `language`.
    pub fn language(&self, language: &Language) -> Option<&LanguageTables> {
        self.languages.iter().find(|tables| tables.language == *language)
    }

    pub fn languages(&self) -> impl Iterator<Item = &LanguageTables> {
        self.languages.iter()
    }

    /// The intent of that name in `language`.
    pub fn intent(&self, language: &Language, id: &IntentId) -> Option<&Intent> {
        self.language(language)?.intent(id)
    }
}

/// The text that stands in for a missing file: the shipped one, or nothing where a folder may
/// lack it.
fn standing_in(language: &Language, name: &str) -> Option<&'static str> {
    let shipped = SHIPPED.iter().find(|(code, _)| *code == language.code());
    let text = shipped.and_then(|(_, texts)| {
        FILES.iter().zip(texts).find(|(file, _)| **file == name).map(|(_, text)| *text)
    });
    text.or_else(|| OPTIONAL.contains(&name).then_some(""))
}

#[cfg(test)]
mod tests;
