//! A language is added by a folder of its code in each room of the tables. What one of them
//! lacks is told by file, so that no caller is half served in another language.

use std::collections::BTreeSet;
use std::path::Path;

use crate::base::language::Language;
use crate::config::{Problem, Problems};
use crate::understanding::tables::{FILES, OPTIONAL, SHIPPED};

use super::Tables;

/// Names of one fault that are written out.
const NAMED_MAX: usize = 12;

/// Adds what languages lack. `wanted` are those in which calls begin; of the shipped ones only
/// these must be whole, for an operator who serves no Mandarin translates no answers of their own.
pub(super) fn check(tables: &Tables, folder: &Path, wanted: &[&Language], problems: &mut Problems) {
    let words = tables.understander.tables();
    let understood: BTreeSet<&Language> = words.languages().map(|one| &one.language).collect();
    let mut all: BTreeSet<&Language> = wanted.iter().copied().collect();
    all.extend(tables.policy.languages());
    all.extend(tables.policy.chosen_languages());
    all.extend(tables.knowledge.languages());
    all.extend(&understood);
    for language in all {
        let shipped = SHIPPED.iter().any(|(code, _)| *code == language.code());
        if shipped && !wanted.contains(&language) {
            continue;
        }
        let at = |room: &str| folder.join(room).join(language.code());
        if !understood.contains(language) && !at("understanding").is_dir() {
            let needed = FILES.iter().filter(|file| !OPTIONAL.contains(file));
            let needed: Vec<String> = needed.map(|file| format!("{file}.toml")).collect();
            let expected = format!("a folder with {}", needed.join(", "));
            problems.add(fault(&at("understanding"), "no folder".into(), expected));
        }
        let prompts = tables.policy.prompts_missing(language);
        if !prompts.is_empty() {
            let file = at("policy").join("prompts.toml");
            let expected = "every prompt that English has".to_owned();
            problems.add(fault(&file, format!("no {}", named(&prompts)), expected));
        }
        let known = |intent: &str| {
            let own = words.language(language);
            own.is_some_and(|own| own.intents.iter().any(|one| one.id.as_str() == intent))
        };
        let mut answers = tables.knowledge.answers_missing(language);
        answers.retain(|intent| known(intent));
        if !answers.is_empty() {
            let file = at("knowledge").join("answers.toml");
            let expected = "an answer to every intent that English answers".to_owned();
            problems.add(fault(&file, format!("none for {}", named(&answers)), expected));
        }
    }
}

fn named(names: &[&str]) -> String {
    let (shown, more) = names.split_at(names.len().min(NAMED_MAX));
    let list = shown.join(", ");
    if more.is_empty() { list } else { format!("{list} and {} more", more.len()) }
}

fn fault(file: &Path, found: String, expected: String) -> Problem {
    let file = file.display().to_string();
    Problem { file, line: 0, field: String::new(), found, expected }
}
