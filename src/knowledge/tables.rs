//! Answers, opening hours and connectors as tables: the shipped ones, or the operator's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::base::ids::ConnectorId;
use crate::base::language::Language;
use crate::base::markup;
use crate::config::{Problem, Problems, Table};

use super::connector::Connector;
use super::hours::OpeningHours;

/// The shipped files by their path below a `knowledge` folder; `warmline init` writes them out.
pub const SHIPPED: [(&str, &str); 4] = [
    ("connectors.toml", include_str!("tables/connectors.toml")),
    ("hours.toml", include_str!("tables/hours.toml")),
    ("en/answers.toml", include_str!("tables/en/answers.toml")),
    ("zh/answers.toml", include_str!("tables/zh/answers.toml")),
];

/// What the machine knows.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// By language and intent.
    answers: BTreeMap<(Language, String), String>,
    pub hours: OpeningHours,
    connectors: BTreeMap<ConnectorId, Connector>,
}

impl Knowledge {
    /// The shipped tables. They are checked by a test, so their faults are none.
    pub fn embedded() -> Self {
        let files = SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self::read(files.collect(), &mut Problems::new())
    }

    /// The tables of `folder`; a file that is not there is taken from the shipped ones.
    pub fn load(folder: &Path, problems: &mut Problems) -> Self {
        Self::read(files_of(folder, &SHIPPED, problems), problems)
    }

    fn read(files: Vec<(String, String)>, problems: &mut Problems) -> Self {
        let mut knowledge = Self::default();
        for (name, text) in files {
            let Some(table) = Table::parse(&name, &text, problems) else { continue };
            let file = name.rsplit('/').next().unwrap_or_default();
            match (file, language_of(&name)) {
                ("hours.toml", _) => knowledge.hours = OpeningHours::read(&table, problems),
                ("connectors.toml", _) => {
                    for (id, row) in table.named_tables(problems) {
                        let connector = Connector::read(&id, &row, problems);
                        knowledge.connectors.extend(connector.map(|c| (c.id.clone(), c)));
                    }
                }
                ("answers.toml", Some(language)) => {
                    for (intent, answer) in table.texts(problems) {
                        if let Err(error) = markup::parse(&answer) {
                            let expected = format!("good markup; {error}");
                            table.fault(&intent, format!("{answer:?}"), expected, problems);
                        }
                        knowledge.answers.insert((language.clone(), intent), answer);
                    }
                }
                (_, _) => table.fault("", name.clone(), "a file that is known here", problems),
            }
        }
        knowledge
    }

    /// The answer of an intent with its placeholders open; English where the language has none.
    pub fn answer(&self, language: &Language, intent: &str) -> Option<&str> {
        let key = |language: &Language| (language.clone(), intent.to_owned());
        let own = self.answers.get(&key(language));
        own.or_else(|| self.answers.get(&key(&Language::english()))).map(String::as_str)
    }

    /// All answers of a language, by intent, with their placeholders open.
    pub fn answers(&self, language: &Language) -> impl Iterator<Item = (&str, &str)> {
        self.answers
            .iter()
            .filter(move |((spoken_in, _), _)| spoken_in == language)
            .map(|((_, intent), text)| (intent.as_str(), text.as_str()))
    }

    /// The languages that have answers.
    pub fn languages(&self) -> BTreeSet<&Language> {
        self.answers.keys().map(|(language, _)| language).collect()
    }

    /// Intents that English answers and `language` does not: they would be answered in English.
    pub fn answers_missing(&self, language: &Language) -> Vec<&str> {
        let english = Language::english();
        let key = |intent: &str| (language.clone(), intent.to_owned());
        let unknown = |intent: &&str| !self.answers.contains_key(&key(intent));
        let answered = self.answers.keys().filter(|(spoken_in, _)| *spoken_in == english);
        answered.map(|(_, intent)| intent.as_str()).filter(unknown).collect()
    }

    pub fn connector(&self, id: &ConnectorId) -> Option<&Connector> {
        self.connectors.get(id)
    }

    /// All answers without placeholders, for rendering ahead.
    pub fn fixed_answers(&self) -> impl Iterator<Item = (&Language, &str)> {
        self.answers
            .iter()
            .filter(|(_, text)| !text.contains('{'))
            .map(|((language, _), text)| (language, text.as_str()))
    }
}

/// The files of an operator's folder with every shipped file that it lacks. Names are paths below
/// the folder; what is read from the disk is named by its whole path.
pub fn files_of(
    folder: &Path,
    shipped: &[(&str, &str)],
    problems: &mut Problems,
) -> Vec<(String, String)> {
    let mut names: Vec<String> = shipped.iter().map(|(name, _)| (*name).to_owned()).collect();
    // A language that is not shipped is a folder with the same files as English.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let language = entry.file_name().to_string_lossy().into_owned();
        if !entry.path().is_dir() || Language::new(&language).is_none() {
            continue;
        }
        for (name, _) in shipped.iter().filter(|(name, _)| name.starts_with("en/")) {
            let own = name.replacen("en/", &format!("{language}/"), 1);
            if !names.contains(&own) && folder.join(&own).exists() {
                names.push(own);
            }
        }
    }
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let path = folder.join(&name);
        let fallback = shipped.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        match (std::fs::read_to_string(&path), fallback) {
            (Ok(text), _) => files.push((path.display().to_string(), text)),
            (Err(error), Some(text)) if error.kind() == std::io::ErrorKind::NotFound => {
                files.push((name, text.to_owned()));
            }
            (Err(error), _) => problems.add(Problem {
                file: path.display().to_string(),
                line: 0,
                field: String::new(),
                found: error.to_string(),
                expected: "a readable file".into(),
            }),
        }
    }
    files
}

/// The language of a file named `…/en/answers.toml`.
pub fn language_of(name: &str) -> Option<Language> {
    let mut parts = name.rsplit(['/', '\\']);
    parts.next();
    parts.next().and_then(Language::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_good_in_every_language() {
        let mut problems = Problems::new();
        let folder = tempfile::tempdir().expect("a folder");
        let knowledge = Knowledge::load(folder.path(), &mut problems);
        assert!(problems.is_empty(), "{problems}");
        let english: Vec<_> =
            knowledge.answers.keys().filter(|(l, _)| l.code() == "en").map(|(_, i)| i).collect();
        assert!(english.len() > 8);
        for intent in english {
            let key = (Language::mandarin(), intent.clone());
            assert!(knowledge.answers.contains_key(&key), "no Mandarin answer for {intent}");
        }
        assert!(knowledge.connector(&ConnectorId::from("order")).is_some());
    }

    #[test]
    fn an_operators_folder_overrides_and_adds_languages() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("en/answers.toml", "opening_hours = \"Always.\"\n"),
            ("de/answers.toml", "opening_hours = \"Immer.\"\n"),
            ("hours.toml", "monday = \"never\"\n"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("is writable");
            std::fs::write(path, text).expect("is writable");
        }
        let mut problems = Problems::new();
        let knowledge = Knowledge::load(folder.path(), &mut problems);
        assert_eq!(problems.len(), 1, "{problems}");
        let german = Language::new("de").expect("is a code");
        assert_eq!(knowledge.answer(&german, "opening_hours"), Some("Immer."));
        assert_eq!(knowledge.answer(&Language::english(), "opening_hours"), Some("Always."));
    }
}
