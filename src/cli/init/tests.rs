//! What `init` writes: good files, and a sample that has every setting and tells no default that
//! is none.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::Config;

#[test]
fn what_it_writes_is_good_and_never_over_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!write(folder.path()).expect("is writable").is_empty());
    let config = Config::load(&folder.path().join("warmline.toml")).expect("is good");
    crate::runtime::tables::Tables::load(&config).map(drop).expect("the tables are good");
    assert_eq!(write(folder.path()).expect("is writable"), Vec::<PathBuf>::new());
}

/// A line of the sample, taken as if it were no comment.
#[derive(Clone, Copy)]
enum Line<'t> {
    /// `[web]` or `[[agents]]`, and what stands between the brackets.
    Header {
        name: &'t str,
        is_list: bool,
    },
    Setting {
        key: &'t str,
        commented: bool,
        told: Told,
    },
    Other,
}

/// What the comment behind a setting says of its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Default,
    Example,
    Nothing,
}

impl<'t> Line<'t> {
    fn of(text: &'t str) -> Line<'t> {
        let (text, commented) = match text.strip_prefix("# ") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (text, comment) = text.split_once(" # ").unwrap_or((text, ""));
        let text = text.trim();
        if let Some(name) = text.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")) {
            return Line::Header { name, is_list: true };
        }
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return Line::Header { name, is_list: false };
        }
        let told = match comment {
            _ if comment.starts_with("default") => Told::Default,
            _ if comment.starts_with("example") => Told::Example,
            _ => Told::Nothing,
        };
        match text.split_once(" = ") {
            Some((key, _)) if key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                Line::Setting { key, commented, told }
            }
            Some(_) | None => Line::Other,
        }
    }
}

/// The sample with every setting in force, without the line `left_out` and with `added` before it.
fn whole(left_out: Option<usize>, added: Option<(usize, &str)>) -> String {
    let mut text = String::new();
    for (number, line) in TEMPLATE.lines().enumerate() {
        if let Some((_, added)) = added.filter(|(at, _)| *at == number) {
            text.push_str(added);
            text.push('\n');
        }
        let taken = match Line::of(line) {
            Line::Header { .. } | Line::Setting { .. } => line.strip_prefix("# ").unwrap_or(line),
            Line::Other => line,
        };
        if left_out != Some(number) {
            text.push_str(taken);
        }
        text.push('\n');
    }
    text
}

/// A folder with the files that the sample's passwords stand in.
fn secrets() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("secrets")).expect("is writable");
    for name in ["carrier", "anna", "turn"] {
        fs::write(folder.path().join("secrets").join(name), "a password\n").expect("is writable");
    }
    folder
}

/// All settings as they are printed, or the faults.
fn read(text: &str, folder: &Path) -> Result<String, String> {
    let config = Config::read("warmline.toml", text, folder);
    config.map(|config| format!("{config:#?}")).map_err(|problems| problems.to_string())
}

#[test]
fn every_setting_of_the_sample_is_known_and_what_it_calls_a_default_is_one() {
    let folder = secrets();
    let full = read(&whole(None, None), folder.path()).unwrap_or_else(|told| panic!("{told}"));
    let mut in_list = false;
    let mut own = Vec::new();
    for (number, text) in TEMPLATE.lines().enumerate() {
        let (key, commented, told) = match Line::of(text) {
            // A table within a list, such as [trunks.register], belongs to it.
            Line::Header { name, is_list } => {
                in_list = is_list || (in_list && name.contains('.'));
                continue;
            }
            Line::Setting { key, commented, told } => (key, commented, told),
            Line::Other => continue,
        };
        let is_default = read(&whole(Some(number), None), folder.path()).as_ref() == Ok(&full);
        if !commented {
            own.extend((!is_default).then_some(key));
            continue;
        }
        let said = match told {
            Told::Default => true,
            Told::Example => false,
            Told::Nothing => !in_list,
        };
        let line = number + 1;
        assert_eq!(said, is_default, "line {line} of the sample, default or example: {text}");
    }
    assert_eq!(own, ["tables", "name", "time_zone", "pages"], "in force, and not the default");
}

/// Passwords are shown in a file alone; `transport` is known only to be refused.
const NOT_SHOWN: [&str; 3] = ["password", "password_env", "transport"];

#[test]
fn every_setting_there_is_stands_in_the_sample() {
    const UNKNOWN: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut within = "";
    for text in TEMPLATE.lines() {
        match Line::of(text) {
            Line::Header { name, .. } => {
                let (parent, own) = name.split_once('.').unwrap_or(("", name));
                shown.entry(parent).or_default().insert(own);
                shown.entry(name).or_default();
                within = name;
            }
            Line::Setting { key, .. } => {
                shown.entry(within).or_default().insert(key);
            }
            Line::Other => {}
        }
    }
    assert!(shown.len() > 15, "the sections are found: {:?}", shown.keys());
    let folder = secrets();
    // A field that nobody knows is answered with those that are known.
    let known = |section: &str, at: usize| -> BTreeSet<String> {
        let text = whole(None, Some((at, &format!("{UNKNOWN} = 1"))));
        let problems = Config::read("warmline.toml", &text, folder.path()).expect_err("unknown");
        let problem = problems.iter().find(|problem| problem.field.ends_with(UNKNOWN));
        let told = problem.unwrap_or_else(|| panic!("[{section}]: {problems}")).expected.clone();
        let list = told.strip_prefix("one of ").unwrap_or_else(|| panic!("[{section}]: {told}"));
        list.split(", ").map(str::to_owned).collect()
    };
    let headers = TEMPLATE.lines().enumerate().filter_map(|(number, text)| match Line::of(text) {
        Line::Header { name, .. } => Some((name, number + 1)),
        Line::Setting { .. } | Line::Other => None,
    });
    for (section, at) in std::iter::once(("", 0)).chain(headers) {
        for key in known(section, at) {
            assert!(
                shown[section].contains(key.as_str()) || NOT_SHOWN.contains(&key.as_str()),
                "{key} of [{section}] is not in the sample"
            );
        }
    }
}
