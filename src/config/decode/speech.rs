//! `[speech]`: the recogniser's model, and the languages that it must know. Which models there are.

use crate::base::language::Language;
use crate::config::problem::Problems;
use crate::config::reader::Table;
use crate::config::settings::{Config, Speech};

use super::Sections;

/// The manifest of the models; read here for their names, kinds and languages alone.
const MANIFEST: &str = include_str!("../../../models/manifest.toml");

impl Sections<'_> {
    pub(super) fn speech(&mut self, table: &Table) -> Speech {
        let words = table.strings("domain_words", self.problems);
        let chars: usize = words.iter().map(|word| word.chars().count()).sum();
        if words.len() > Speech::DOMAIN_WORDS_MAX || chars > Speech::DOMAIN_CHARS_MAX {
            let found = format!("{} words, {chars} characters", words.len());
            let (most, long) = (Speech::DOMAIN_WORDS_MAX, Speech::DOMAIN_CHARS_MAX);
            let expected = format!("at most {most} words, {long} characters together");
            table.fault("domain_words", found, expected, self.problems);
        }
        for word in words.iter().filter(|word| !is_word(word)) {
            let expected = "a name or a term, without control characters";
            table.fault("domain_words", format!("{word:?}"), expected, self.problems);
        }
        Speech {
            model: self.model(table, "model", &Speech::default().model, "whisper", &["auto"]),
            workers: table.integer_in("workers", 0..=256, 0, self.problems) as usize,
            models_folder: table
                .string("models_folder", self.problems)
                .map(|path| self.folder.join(path)),
            domain_words: words,
            end_of_turn: self.model(
                table,
                "end_of_turn",
                &Speech::default().end_of_turn,
                "end_of_turn",
                &["auto", "text"],
            ),
        }
    }

    /// The id of a model of the manifest that is of this `kind`, or one of the `others`.
    pub(super) fn model(
        &mut self,
        table: &Table,
        key: &str,
        default: &str,
        kind: &str,
        others: &[&str],
    ) -> String {
        let id = table.string_or(key, default, self.problems);
        let known = models_of(kind);
        if !others.contains(&id.as_str()) && !known.contains(&id) {
            let choices = others.iter().copied().chain(known.iter().map(String::as_str));
            let choices: Vec<String> = choices.map(|one| format!("{one:?}")).collect();
            table.fault(
                key,
                format!("{id:?}"),
                format!("one of {}", choices.join(", ")),
                self.problems,
            );
        }
        id
    }
}

/// Ids of the manifest's models of one kind.
fn models_of(kind: &str) -> Vec<String> {
    let mut ignored = Problems::new();
    let manifest = Table::parse("models/manifest.toml", MANIFEST, &mut ignored);
    let rows = manifest.map(|manifest| manifest.named_tables(&mut ignored)).unwrap_or_default();
    let of_kind = rows.into_iter().filter_map(|(id, row)| {
        (row.string("kind", &mut Problems::new()).as_deref() == Some(kind)).then_some(id)
    });
    of_kind.collect()
}

fn is_word(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric) && !word.chars().any(char::is_control)
}

/// A model that knows English alone would write any other language as English.
pub(super) fn english_alone(root: &Table, config: &Config, problems: &mut Problems) {
    if !knows_english_alone(&config.speech.model) {
        return;
    }
    let mut ignored = Problems::new();
    let mut tables = root.tables("trunks", &mut ignored);
    tables.extend(root.tables("numbers", &mut ignored));
    tables.extend(root.table("company", &mut ignored));
    for table in tables {
        if let Some(code) = table.string("language", &mut ignored)
            && Language::new(&code).is_some_and(|language| language != Language::english())
        {
            let expected = format!("\"en\": the model {} knows no other", config.speech.model);
            table.fault("language", format!("{code:?}"), &expected, problems);
        }
    }
}

/// By the manifest; a model that it does not have tells by its name (`tiny.en`).
pub(super) fn knows_english_alone(model: &str) -> bool {
    let mut ignored = Problems::new();
    let manifest = Table::parse("models/manifest.toml", MANIFEST, &mut ignored);
    let named = manifest.and_then(|manifest| manifest.table(model, &mut ignored));
    match named.map(|row| row.strings("languages", &mut ignored)) {
        Some(languages) => languages == ["en"],
        None => model.contains(".en"),
    }
}
