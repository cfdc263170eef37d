//! "Adding a language is adding a folder": the command line accepts a whole one, and names what
//! a half one lacks. German lies in `tongues/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `warmline check` in `folder`: its status and all that it says.
fn check(folder: &Path) -> (i32, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_warmline"))
        .args(["check", "--config"])
        .arg(folder.join("warmline.toml"))
        .output()
        .expect("the binary runs");
    let both = [out.stdout, out.stderr].concat();
    (out.status.code().unwrap_or(-1), String::from_utf8_lossy(&both).into_owned())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("is writable");
    for entry in fs::read_dir(from).expect("is there").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("is writable");
        }
    }
}

/// A configuration whose trunk speaks German, with German tables beside it.
fn set_up() -> (tempfile::TempDir, PathBuf) {
    let keep = tempfile::tempdir().expect("a folder");
    let tables = keep.path().join("tables");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tongues"), &tables);
    let config = "tables = \"tables\"\n[[trunks]]\nid = \"berlin\"\n\
        addresses = [\"192.0.2.1\"]\nlanguage = \"de\"\n";
    fs::write(keep.path().join("warmline.toml"), config).expect("is writable");
    (keep, tables)
}

#[test]
fn a_folder_a_room_is_a_whole_language() {
    let (keep, _) = set_up();
    let (status, said) = check(keep.path());
    assert_eq!(status, 0, "{said}");
}

#[test]
fn what_a_language_lacks_is_named_with_its_file() {
    type Spoil = fn(&Path);
    let cases: [(Spoil, &[&str]); 6] = [
        (
            |tables| fs::remove_dir_all(tables.join("understanding/de")).expect("removed"),
            &["understanding/de:", "found no folder", "words.toml", "slots.toml, heard.toml\n"],
        ),
        (
            |tables| fs::remove_file(tables.join("understanding/de/heard.toml")).expect("removed"),
            &["understanding/de/heard.toml:", "a table of this language"],
        ),
        (
            |tables| fs::remove_file(tables.join("policy/de/prompts.toml")).expect("removed"),
            &["policy/de/prompts.toml:", "found no ", "agent_back", " more, expected"],
        ),
        (
            |tables| edit(&tables.join("policy/de/prompts.toml"), "goodbye.text", "godbye.text"),
            &["policy/de/prompts.toml:", "found no goodbye,", "every prompt that English has"],
        ),
        (
            |tables| edit(&tables.join("knowledge/de/answers.toml"), "opening_hours", "x"),
            &["knowledge/de/answers.toml:", "none for opening_hours,", "every intent"],
        ),
        (
            |tables| edit(&tables.join("policy/de/language.toml"), "\"3\"", "\"2\""),
            &["policy/de/language.toml:", "key", "a key of its own"],
        ),
    ];
    for (spoil, expected) in cases {
        let (keep, tables) = set_up();
        spoil(&tables);
        let (status, said) = check(keep.path());
        assert_ne!(status, 0, "{expected:?} is not missed:\n{said}");
        for part in expected {
            assert!(said.contains(part), "{part:?} is not in:\n{said}");
        }
    }
}

/// A language of the configuration that nobody wrote tables for.
#[test]
fn a_call_cannot_begin_in_a_language_without_tables() {
    let keep = tempfile::tempdir().expect("a folder");
    let config = "[[numbers]]\ndialled = \"1\"\nlanguage = \"fr\"\n";
    fs::write(keep.path().join("warmline.toml"), config).expect("is writable");
    let (status, said) = check(keep.path());
    assert_ne!(status, 0, "{said}");
    assert!(said.contains("understanding/fr") && said.contains("policy/fr"), "{said}");
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("is there");
    assert!(text.contains(from), "{from} is not in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).expect("is writable");
}
