//! The shipped tables are sound, and a broken one is told in full.

use super::*;

#[test]
fn the_shipped_tables_have_no_fault() {
    let mut problems = Problems::new();
    let tables = Tables::shipped(&mut problems);
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(tables.languages().count(), 2);
}

#[test]
fn both_languages_know_the_same_intents_and_slots() {
    let tables = Tables::embedded();
    let list = |language: Language| -> Vec<_> {
        let tables = tables.language(&language).map(|tables| &tables.intents);
        let mut out: Vec<_> = tables
            .into_iter()
            .flatten()
            .map(|intent| (intent.id.clone(), intent.slots.clone()))
            .collect();
        out.sort();
        out
    };
    assert!(!list(Language::english()).is_empty());
    assert_eq!(list(Language::english()), list(Language::mandarin()));
}

fn write_language(dir: &Path, replaced: &[(&str, &str)]) {
    let folder = dir.join("en");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (_, texts) = SHIPPED.first().expect("English is shipped");
    for (name, text) in FILES.iter().zip(texts) {
        let other = replaced.iter().find(|(file, _)| file == name).map(|(_, text)| *text);
        std::fs::write(folder.join(format!("{name}.toml")), other.unwrap_or(text)).expect("write");
    }
}

#[test]
fn a_folder_of_copies_reads_like_the_shipped_ones() {
    let dir = tempfile::tempdir().expect("a folder");
    write_language(dir.path(), &[]);
    let mut problems = Problems::new();
    let tables = Tables::load(dir.path(), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    assert!(tables.language(&Language::english()).is_some_and(|one| one.intents.len() >= 20));
}

#[test]
fn all_faults_of_all_files_are_told_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let intents = r#"
[intents.opening_hours]
words = 7
threshold = 1.5
phrases = ["{nonsense} hours", "*", "fine"]
keywords = { open = 3.0 }
frases = ["typo"]

[intents.Bad-Name]
words = "x"
"#;
    let commands = "[jump]\nphrases = [\"jump\"]\n";
    let stress = "[weights]\npace_mean = \"fast\"\npace_maen = 4.0\n";
    write_language(dir.path(), &[("intents", intents), ("commands", commands), ("stress", stress)]);
    let mut problems = Problems::new();
    Tables::load(dir.path(), &mut problems);
    let told = problems.to_string();
    for expected in [
        "intents.toml:3: intents.opening_hours.words: found 7",
        "threshold: found 1.5, expected a number from 0 to 1",
        "{nonsense} hours",
        "a phrase with at least one word that may not be missing",
        "keywords.open: found 3",
        "frases",
        "Bad-Name",
        "jump",
        "pace_mean",
        "pace_maen",
    ] {
        assert!(told.contains(expected), "{expected} is not told in:\n{told}");
    }
}

#[test]
fn syntax_faults_and_missing_files_are_told_together() {
    let dir = tempfile::tempdir().expect("a folder");
    write_language(dir.path(), &[("intents", "[intents\n"), ("slots", "and = [\n")]);
    let mut problems = Problems::new();
    Tables::load(dir.path(), &mut problems);
    let told = problems.to_string();
    assert!(told.contains("intents.toml:1") && told.contains("slots.toml"), "{told}");

    // The shipped file stands in for one of English; nothing can for one of another language.
    let dir = tempfile::tempdir().expect("a folder");
    write_language(dir.path(), &[]);
    std::fs::remove_file(dir.path().join("en/alarms.toml")).expect("removed");
    let mut problems = Problems::new();
    Tables::load(dir.path(), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    std::fs::rename(dir.path().join("en"), dir.path().join("fr")).expect("renamed");
    Tables::load(dir.path(), &mut problems);
    assert_eq!(problems.len(), 1, "{problems}");
    assert!(problems.to_string().contains("fr/alarms.toml"), "{problems}");

    let mut problems = Problems::new();
    Tables::load(&dir.path().join("nowhere"), &mut problems);
    assert_eq!(problems.len(), 1, "{problems}");
}

/// Everything that a third language needs to be understood: a folder.
fn german_beside_the_tests() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tongues/understanding")
}

#[test]
fn a_language_is_added_by_a_folder() {
    use crate::base::moment::Moment;
    use crate::base::utterance::Utterance;
    use crate::understanding::heard::Standing;
    use crate::understanding::outcome::{CallerCommand, Expecting};
    use crate::understanding::{Memory, Understander};

    let mut problems = Problems::new();
    let tables = Tables::load(&german_beside_the_tests(), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    let understander = Understander::new(Arc::new(tables));
    let hear = |text: &str| {
        let mut utterance = Utterance::typed(text, Moment(0), 1_500);
        utterance.language = Language::new("de").expect("a code");
        let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
        understander.understand(&utterance, &mut memory, &Expecting::Anything)
    };
    let intent = |text: &str| hear(text).intent.map(|found| found.intent.to_string());
    assert_eq!(intent("Wann haben Sie geöffnet?").as_deref(), Some("opening_hours"));
    assert_eq!(intent("Wo ist mein Paket?").as_deref(), Some("order_status"));
    assert_eq!(hear("Einen Mitarbeiter bitte").command, Some(CallerCommand::Person));
    assert!(hear("Es brennt!").danger.is_some());
    assert_eq!(hear("Das ist unverschämt").negative.len(), 1);
    let german = Language::new("de").expect("a code");
    assert_eq!(understander.standing("Vielen Dank fürs Zuschauen.", &german), Standing::Invented);
    assert!(understander.is_backchannel("Ach so.", &german));
    assert!(!understander.is_backchannel("Ach so.", &Language::english()));
    let slots = hear("Bestellung vier zwei eins sieben").slots;
    assert_eq!(slots.first().map(|slot| slot.value.reveal().as_str()), Some("4217"));
    assert_eq!(intent("When are you open?").as_deref(), Some("opening_hours"), "English stays");
}
