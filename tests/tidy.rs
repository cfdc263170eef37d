//! The tree keeps its shape: imports run one way, files and functions stay short, nothing
//! forbidden is written down.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from left to right; a room imports what stands left of it, and itself.
const CORE: [&str; 6] = ["base", "config", "knowledge", "understanding", "policy", "call"];
/// Rooms that import the core and never each other.
const ADAPTERS: [&str; 9] =
    ["sip", "webrtc", "media", "speech", "models", "desk", "store", "publish", "web"];
/// Imports between adapters that are wanted, each with its reason.
const EXCEPTIONS: [(&str, &str); 3] = [
    // Pages and exports read what the store keeps; a copy of its rows would only be a mirror.
    ("web", "store"),
    ("publish", "store"),
    // `/metrics` and vCon downloads are pages.
    ("web", "publish"),
];
/// Rooms that may import everything.
const OUTER: [&str; 3] = ["runtime", "cli", "manual"];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 100;
const LINE_CHARS_MAX: usize = 100;
/// Files that may hold `unsafe`, each use with its proof beside it.
const UNSAFE_FILES: [&str; 1] = ["src/speech/hear/guard_ffi.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, endings: &[&str], out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, endings, out);
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            out.push(path);
        }
    }
}

fn rust_files() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        files_below(&root().join(folder), &[".rs"], &mut paths);
    }
    paths.sort();
    let named = paths.into_iter().map(|path| {
        let name = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).unwrap_or_default())
    });
    named.collect()
}

fn room_of(file: &str) -> Option<&str> {
    let rest = file.strip_prefix("src/")?;
    rest.split_once('/').map(|(room, _)| room)
}

fn may_import(room: &str, target: &str) -> bool {
    if room == target || OUTER.contains(&room) {
        return true;
    }
    let place = |name: &str| CORE.iter().position(|core| *core == name);
    match (place(room), place(target)) {
        (Some(here), Some(there)) => there <= here,
        (Some(_), None) => false,
        (None, Some(_)) => ADAPTERS.contains(&room),
        (None, None) => EXCEPTIONS.contains(&(room, target)),
    }
}

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files() {
        let Some(room) = room_of(&file) else { continue };
        assert!(
            CORE.contains(&room) || ADAPTERS.contains(&room) || OUTER.contains(&room),
            "{file}: room {room} is not in the table of tests/tidy.rs"
        );
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for part in code.split("crate::").skip(1) {
                let target: String =
                    part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let known = CORE.contains(&target.as_str())
                    || ADAPTERS.contains(&target.as_str())
                    || OUTER.contains(&target.as_str());
                if known && !may_import(room, &target) {
                    wrong.push(format!("{file}:{}: {room} imports {target}", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_core_has_no_clock_socket_file_thread_or_chance() {
    let banned = [
        "Instant::now",
        "SystemTime::now",
        "std::net::Udp",
        "std::net::Tcp",
        "tokio::",
        "thread::spawn",
        "rand::",
        "Zoned::now",
        "Timestamp::now",
    ];
    let mut wrong = Vec::new();
    for (file, text) in rust_files() {
        let core = room_of(&file).is_some_and(|room| CORE.contains(&room));
        if !core || file.contains("test") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            wrong.extend(
                banned
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|word| format!("{file}:{}: {word}", number + 1)),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_functions_and_lines_stay_short() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files() {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            wrong.push(format!("{file}: {} lines", lines.len()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{file}: the first line does not say what it is (//!)"));
        }
        for (number, line) in lines.iter().enumerate() {
            if line.chars().count() > LINE_CHARS_MAX && !line.contains("\"") {
                wrong.push(format!("{file}:{}: {} columns", number + 1, line.chars().count()));
            }
        }
        wrong.extend(long_functions(&file, &lines));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Functions as rustfmt lays them out: from the line with `fn` to the brace at its indentation.
fn long_functions(file: &str, lines: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let is_function = ["fn ", "pub fn ", "pub(crate) fn ", "async fn ", "pub async fn "]
            .iter()
            .any(|word| trimmed.starts_with(word));
        if !is_function {
            continue;
        }
        let close = format!("{}}}", " ".repeat(line.len() - trimmed.len()));
        let length = lines[start..].iter().position(|line| *line == close).unwrap_or(0);
        if length > FUNCTION_LINES_MAX {
            wrong.push(format!("{file}:{}: a function of {length} lines", start + 1));
        }
    }
    wrong
}

#[test]
fn unsafe_stands_only_where_it_is_proved() {
    let word = concat!("un", "safe ");
    let mut wrong = Vec::new();
    for (file, text) in rust_files() {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !code.contains(word) {
                continue;
            }
            let before = &lines[number.saturating_sub(8)..number];
            let proved = before.iter().any(|line| line.contains("SAFETY"));
            if !UNSAFE_FILES.contains(&file.as_str()) || !proved {
                wrong.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_undone_or_tells_of_one_machine() {
    // Spelt apart, so that this file does not hold them.
    let banned = [
        concat!("to", "do!("),
        concat!("unimplemen", "ted!("),
        concat!("FIX", "ME"),
        concat!("/wo", "rk/"),
        concat!("/tmp/", "mdl"),
        concat!(".lib", "rary"),
        concat!("pypi.", "org"),
        concat!("files.python", "hosted"),
        concat!("hugging", "face.co"),
    ];
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", ".ci"] {
        files_below(
            &root().join(folder),
            &[".rs", ".toml", ".md", ".css", ".js", "run"],
            &mut paths,
        );
    }
    for file in ["README.md", "CHANGELOG.md", "Cargo.toml", "dev"] {
        paths.push(root().join(file));
    }
    let mut wrong = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            wrong.extend(
                banned
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: {word}", path.display(), number + 1)),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
