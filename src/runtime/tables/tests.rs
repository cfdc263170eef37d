//! Tables change while calls hold them: the next reader has the new ones, a bad file changes
//! nothing and is told.

use super::*;
use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::base::utterance::Utterance;
use crate::understanding::Memory;
use crate::understanding::outcome::Expecting;
use crate::understanding::tables::{FILES, SHIPPED};

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (language, texts) in SHIPPED {
        let folder = dir.path().join("understanding").join(language);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in FILES.iter().zip(texts) {
            // A dozen examples train quickly.
            let text = if *name == "examples" { "" } else { text };
            std::fs::write(folder.join(format!("{name}.toml")), text).expect("written");
        }
    }
    dir
}

fn edit(dir: &Path, file: &str, from: &str, to: &str) {
    let path = dir.join(file);
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(text.contains(from), "{from} is not in {file}");
    std::fs::write(path, text.replacen(from, to, 1)).expect("written");
}

fn config(dir: &Path) -> Config {
    let text = format!("tables = {:?}\n", dir.display().to_string());
    let path = dir.join("warmline.toml");
    std::fs::write(&path, text).expect("written");
    Config::load(&path).expect("a small configuration")
}

fn intent(tables: &Tables, text: &str) -> Option<String> {
    let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
    let utterance = Utterance::typed(text, Moment(0), 1_500);
    let heard = tables.understander.understand(&utterance, &mut memory, &Expecting::Anything);
    heard.intent.map(|found| found.intent.to_string())
}

#[test]
fn a_changed_rule_serves_the_next_call_and_not_the_running_one() {
    let dir = folder();
    let config = config(dir.path());
    let live = LiveTables::new(Tables::load(&config).expect("good"));
    let running = live.get();
    let said = "is the flurble ready";
    assert_eq!(intent(&running, said), None);
    let file = "understanding/en/intents.toml";
    edit(dir.path(), file, "\"hours of operation", "\"flurble ready\", \"hours of operation");
    live.reload(&config).expect("good");
    assert_eq!(intent(&live.get(), said).as_deref(), Some("opening_hours"));
    assert_eq!(intent(&running, said), None);
}

#[test]
fn a_bad_file_keeps_the_old_tables_and_tells_all_faults() {
    let dir = folder();
    let config = config(dir.path());
    let live = LiveTables::new(Tables::load(&config).expect("good"));
    let before = live.get();
    edit(dir.path(), "understanding/en/intents.toml", "slots = []", "slotz = []");
    edit(dir.path(), "understanding/zh/stress.toml", "[weights]", "[weights]\nnonsense = 1\n");
    let told = live.reload(&config).expect_err("two faults").to_string();
    assert!(told.contains("slotz") && told.contains("nonsense"), "{told}");
    assert!(Arc::ptr_eq(&before, &live.get()));
}

#[test]
fn a_folder_that_is_not_there_is_a_fault_and_not_the_shipped_tables() {
    let dir = tempfile::tempdir().expect("a folder");
    let nowhere = dir.path().join("nowhere");
    std::fs::write(dir.path().join("file"), "").expect("written");
    for folder in [nowhere, dir.path().join("file")] {
        let told = Tables::load_folder(&folder).map(drop).expect_err("no folder").to_string();
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.starts_with(&format!("{}: found no folder", folder.display())), "{told}");
    }
}

#[test]
fn the_classifier_is_trained_beside_and_swapped_in() {
    let dir = folder();
    let config = config(dir.path());
    let live = LiveTables::new(Tables::load(&config).expect("good"));
    let english = |tables: &Tables| {
        let words = tables.understander.tables().language(&Language::english());
        words.map(|one| one.classifier.clone()).expect("English")
    };
    assert!(english(&live.get()).is_empty(), "nothing is trained at the start");
    assert!(live.train());
    let trained = english(&live.get());
    assert!(!trained.is_empty());
    assert!(!live.train(), "nothing is left to train");
    // Other examples: the old classifier serves until the new one is there.
    edit(dir.path(), "understanding/en/intents.toml", "\"do you open on christmas\", ", "");
    live.reload(&config).expect("good");
    assert!(Arc::ptr_eq(&english(&live.get()), &trained));
    assert!(live.train());
    assert_ne!(english(&live.get()).fingerprint(), trained.fingerprint());
    // Tables without a changed example keep it.
    let kept = english(&live.get());
    edit(dir.path(), "understanding/en/stress.toml", "[weights]", "[weights]\nhigh = 0.7\n");
    drop(live.reload(&config));
    assert!(Arc::ptr_eq(&english(&live.get()), &kept));
}

#[test]
fn a_model_file_saves_the_training_and_a_bad_one_is_told() {
    let dir = folder();
    let config = config(dir.path());
    let trained = Tables::load(&config).expect("good").trained();
    let words = trained.understander.tables().language(&Language::english()).expect("English");
    let file = dir.path().join("understanding/en/intents.model");
    std::fs::write(&file, words.classifier.to_bytes()).expect("written");
    let loaded = Tables::load(&config).expect("good");
    let again = loaded.understander.tables().language(&Language::english()).expect("English");
    assert_eq!(again.classifier, words.classifier);
    std::fs::write(&file, b"WARMINTS but not quite").expect("written");
    let told = Tables::load(&config).map(drop).expect_err("a bad model").to_string();
    assert!(told.contains("intents.model"), "{told}");
}

#[test]
fn a_snapshot_differs_where_a_table_was_changed_and_only_there() {
    let dir = folder();
    let before = Snapshot::of(dir.path());
    std::fs::write(dir.path().join("notes.txt"), "not a table").expect("written");
    assert_eq!(before, Snapshot::of(dir.path()));
    edit(dir.path(), "understanding/en/intents.toml", "slots = []", "slots = [ ]");
    assert_ne!(before, Snapshot::of(dir.path()));
}
