//! The operator's tables as calls read them, and their change while calls run: a running call
//! keeps the tables that it began with, the next call has the new ones. A bad file changes
//! nothing and is told in full.

mod tongues;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use super::embedding::{self, Embedding, untrained};
use crate::config::{Config, Problem, Problems};
use crate::knowledge::Knowledge;
use crate::media::priority;
use crate::policy;
use crate::understanding::classifier::{self, Classifier};
use crate::understanding::tables::LanguageTables;
use crate::understanding::{self, Understander};

/// How often the folder is looked at for changed files.
pub const WATCH_EVERY: Duration = Duration::from_millis(500);
/// Files below the tables' folder that are watched; more is no folder of tables.
const WATCHED_MAX: usize = 2_000;

/// All tables that the operator can edit.
#[derive(Clone)]
pub struct Tables {
    pub policy: Arc<policy::Tables>,
    pub knowledge: Arc<Knowledge>,
    pub understander: Understander,
    /// Gives sentences vectors, where a model is installed.
    embedding: Option<Embedding>,
}

impl Tables {
    /// The operator's tables, or the embedded ones; all faults at once. The classifier is there
    /// where its model file fits the examples, and is otherwise trained by [`LiveTables::train`].
    pub fn load(config: &Config) -> Result<Tables, Problems> {
        let mut problems = Problems::new();
        let tables = match &config.tables {
            Some(folder) => Self::read(folder, &mut problems),
            None => Self::shipped(),
        };
        let folder = config.tables.clone().unwrap_or_else(|| config.folder.join("tables"));
        tongues::check(&tables, &folder, &config.languages(), &mut problems);
        if problems.is_empty() { Ok(tables) } else { Err(problems) }
    }

    /// The tables below `folder`: `policy`, `knowledge` and `understanding`.
    pub fn load_folder(folder: &Path) -> Result<Tables, Problems> {
        let mut problems = Problems::new();
        let tables = Self::read(folder, &mut problems);
        tongues::check(&tables, folder, &[], &mut problems);
        if problems.is_empty() { Ok(tables) } else { Err(problems) }
    }

    fn shipped() -> Tables {
        Tables {
            policy: Arc::new(policy::Tables::embedded()),
            knowledge: Arc::new(Knowledge::embedded()),
            understander: Understander::new(understanding::Tables::embedded_rules()),
            embedding: None,
        }
    }

    /// A file that the folder lacks is the shipped one; a folder that is not there is a fault.
    fn read(folder: &Path, problems: &mut Problems) -> Tables {
        if !folder.is_dir() {
            problems.add(Problem {
                file: folder.display().to_string(),
                line: 0,
                field: String::new(),
                found: "no folder".into(),
                expected: "the folder of the tables (warmline init writes one)".into(),
            });
            return Self::shipped();
        }
        let policy = policy::Tables::load(&folder.join("policy"), problems);
        let knowledge = Knowledge::load(&folder.join("knowledge"), problems);
        let words = folder.join("understanding");
        let understanding = match words.is_dir() {
            true => Arc::new(understanding::Tables::load(&words, problems)),
            false => understanding::Tables::embedded_rules(),
        };
        Tables {
            policy: Arc::new(policy),
            knowledge: Arc::new(knowledge),
            understander: Understander::new(understanding),
            embedding: None,
        }
    }

    /// With the configuration's embedding for the languages that it knows.
    ///
    /// # Errors
    /// A model that is named and not installed.
    pub fn with_embedding(self, config: &Config) -> Result<Tables, String> {
        let folder = config.speech.models_folder.as_deref();
        let embedding = embedding::load(&config.understanding.embedding, folder)?;
        Ok(self.embedded_by(embedding))
    }

    /// With a model that is loaded already.
    pub fn embedded_by(mut self, embedding: Option<Embedding>) -> Tables {
        if let Some(embedding) = &embedding {
            let words = understanding::Tables::clone(self.understander.tables());
            self.understander = Understander::new(Arc::new(embedding.give(words)));
        }
        Tables { embedding, ..self }
    }

    /// With its classifiers trained, where they are not.
    pub fn trained(mut self) -> Tables {
        let words = understanding::Tables::clone(self.understander.tables());
        let words = embedding::learned(words, self.embedding.as_ref());
        self.understander = Understander::new(Arc::new(words));
        self
    }
}

/// The tables that the next call takes.
pub struct LiveTables {
    current: RwLock<Arc<Tables>>,
}

impl LiveTables {
    pub fn new(tables: Tables) -> Self {
        Self { current: RwLock::new(Arc::new(tables)) }
    }

    pub fn get(&self) -> Arc<Tables> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, tables: Tables) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tables);
    }

    /// Reads the tables again and swaps them in; gives how long that took.
    ///
    /// # Errors
    /// Every fault of every file; then the old tables stay.
    pub fn reload(&self, config: &Config) -> Result<Duration, Problems> {
        let began = Instant::now();
        let old = self.get();
        let mut new = Tables::load(config)?.embedded_by(old.embedding.clone());
        let mut words = understanding::Tables::clone(new.understander.tables());
        // Until the new examples are learned the old classifier goes on serving.
        for one in untrained(&words) {
            if let Some(known) = old.understander.tables().language(&one.language) {
                words = words.with_classifier(&one.language, known.classifier.clone());
            }
        }
        new.understander = Understander::new(Arc::new(words));
        self.set(new);
        Ok(began.elapsed())
    }

    /// Trains what is untrained and swaps it in; takes up to a minute of one core. A language
    /// that knows nothing yet learns from the words alone first, which is sooner done. `true` if
    /// anything was trained.
    pub fn train(&self) -> bool {
        let now = self.get();
        let work = untrained(now.understander.tables());
        let any = !work.is_empty();
        let settings = classifier::Settings::default();
        for one in &work {
            if one.classifier.is_empty() && one.embedder.is_some() {
                self.swap_in(one, Classifier::train(&one.examples, settings));
            }
            // On one thread, and behind everything else: the cores have callers to hear.
            let learned = std::thread::scope(|scope| {
                let learner = scope.spawn(|| {
                    priority::lower_for_learning();
                    embedding::learn(one, now.embedding.as_ref(), settings, 1)
                });
                learner.join()
            });
            match learned {
                Ok(model) => self.swap_in(one, model),
                Err(_) => tracing::error!(language = %one.language, "learning broke off"),
            }
        }
        any
    }

    /// Takes `model`, unless the tables that it was trained from changed meanwhile: then their own
    /// training is on its way.
    fn swap_in(&self, trained: &LanguageTables, model: Classifier) {
        let now = self.get();
        let words = now.understander.tables();
        let same = words
            .language(&trained.language)
            .is_some_and(|one| one.fingerprint() == trained.fingerprint());
        if same {
            let words = understanding::Tables::clone(words);
            let words = words.with_classifier(&trained.language, Arc::new(model));
            let understander = Understander::new(Arc::new(words));
            self.set(Tables { understander, ..Tables::clone(&now) });
        }
    }
}

/// Every file below a folder with its time and length: two differ where a file was changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Snapshot(Vec<(PathBuf, Option<SystemTime>, u64)>);

impl Snapshot {
    pub fn of(folder: &Path) -> Self {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                if meta.is_dir() {
                    folders.push(entry.path());
                } else if entry.path().extension().is_some_and(|ending| ending == "toml") {
                    files.push((entry.path(), meta.modified().ok(), meta.len()));
                }
                if files.len() + folders.len() > WATCHED_MAX {
                    return Self(files);
                }
            }
        }
        files.sort();
        Self(files)
    }
}

#[cfg(test)]
mod tests;
