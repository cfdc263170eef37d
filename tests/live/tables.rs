//! Tables change under the running service: the next call has the new ones, the running call the
//! old; broken ones change nothing and are told; a call begins in its number's language.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::baresip::{self, Baresip};
use super::server::{self, Server, have_models, speak};
use super::tone::{Part, compose};

const READ_AGAIN: &str = "the tables were read again";

/// Waits until the log has `count` lines with `part`.
fn logged(server: &Server, part: &str, count: usize) {
    let begun = Instant::now();
    while server.log().matches(part).count() < count {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{part:?} {count} times in\n{}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Writes a table in one go: the service never sees half of it.
fn put(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("has one")).expect("is writable");
    let beside = file.with_extension("new");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, file)).expect("is writable");
}

fn answer(folder: &Path, hours: &str) {
    let shipped = include_str!("../../src/knowledge/tables/en/answers.toml");
    let others = shipped.lines().filter(|line| !line.starts_with("opening_hours"));
    let text = format!("opening_hours = {hours:?}\n{}\n", others.collect::<Vec<_>>().join("\n"));
    put(&folder.join("tables/knowledge/en/answers.toml"), &text);
}

/// What the machine said in the call, in lower case.
fn said(call: &serde_json::Value) -> String {
    call["lines"].to_string().to_lowercase()
}

#[test]
fn changed_tables_serve_the_next_call_and_broken_ones_none() {
    if !have_models("tables") || !baresip::is_there("tables") {
        return;
    }
    let keep = tempfile::tempdir().expect("a folder");
    answer(keep.path(), "We are open on Mondays.");
    let server = Server::start_in(keep.path(), "");
    let question = speak(keep.path(), "question.wav", "When are you open?");

    // A call that asks only after the tables have changed.
    let sound = keep.path().join("caller.wav");
    compose(&sound, &[Part::Silence(16.0), Part::File(&question), Part::Silence(60.0)]);
    let mut running = Baresip::start(&sound, false);
    running.dial(&server.uri());
    running.wait_for("Call established", Duration::from_secs(15));
    answer(keep.path(), "We are open on Thursdays.");
    logged(&server, READ_AGAIN, 1);
    let question = question.to_string_lossy().into_owned();
    let ask = |expected: &str| {
        let arguments = ["call", &server.uri(), "--wav", &question, "--expect", expected];
        let (status, out, error) = server::warmline(&arguments);
        assert_eq!(status, 0, "{out}\n{error}\n{}", server.log());
    };
    ask("Thursday");
    std::thread::sleep(Duration::from_secs(10));
    running.hang_up();
    let calls = server.ended_calls(2, Duration::from_secs(30));
    running.quit();
    let answers: Vec<(bool, bool)> = calls
        .iter()
        .map(|call| (said(call).contains("mondays"), said(call).contains("thursdays")))
        .collect();
    assert!(answers.contains(&(true, false)), "the running call keeps the old: {calls:#?}");
    assert!(answers.contains(&(false, true)), "the next one has the new: {calls:#?}");

    // SIGHUP reads them though no file has changed.
    hang_up_signal(&server);
    logged(&server, READ_AGAIN, 2);

    let rules = keep.path().join("tables/policy/rules.toml");
    put(&rules, "[unrecognised]\nthreshold = \"many\"\n");
    logged(&server, "the old tables stay", 1);
    let log = server.log();
    assert!(log.contains("rules.toml:2: unrecognised.threshold: found"), "{log}");
    assert_eq!(log.matches(READ_AGAIN).count(), 2, "{log}");
    ask("Thursday");
}

fn hang_up_signal(server: &Server) {
    let pid = server.pid().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill is there");
}

/// The caller presses nothing: the trunk and the number decide, and the prompts were rendered.
#[test]
fn a_number_answers_in_its_language() {
    if !have_models("a number's language") {
        return;
    }
    let server = Server::start("[[numbers]]\ndialled = \"help\"\nlanguage = \"zh\"\n");
    let (_, out, error) =
        server::warmline(&["call", &server.uri(), "--say", "Hello.", "--listen-s", "3"]);
    let calls = server.ended_calls(1, Duration::from_secs(30));
    let said = said(&calls[0]);
    assert!(said.contains("欢迎致电"), "{out}{error}{said}");
    assert!(!said.contains("welcome"), "{said}");
    let log = server.log();
    assert!(!log.contains("could not be rendered"), "{log}");
}
