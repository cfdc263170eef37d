//! A caller asks, and hears the answer: judged by what the caller's phone recorded.

use std::time::Duration;

use super::baresip::{self, Baresip};
use super::server::{self, Server, have_models, speak, transcribe};
use super::tone::{Part, compose};

/// baresip says "When are you open?" over the greeting's end and hears the hours.
#[test]
fn a_question_is_answered_aloud() {
    if !have_models("answers") || !baresip::is_there("answers") {
        return;
    }
    let server = Server::start("");
    let folder = tempfile::tempdir().expect("a folder");
    let question = speak(folder.path(), "question.wav", "When are you open?");
    let sound = folder.path().join("caller.wav");
    compose(&sound, &[Part::Silence(9.0), Part::File(&question), Part::Silence(14.0)]);

    let mut caller = Baresip::start(&sound, false);
    caller.dial(&server.uri());
    caller.wait_for("Call established", Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(22));
    caller.hang_up();
    let calls = server.ended_calls(1, Duration::from_secs(15));
    caller.quit();

    let heard = transcribe(&caller.received());
    assert!(heard.contains("automated"), "the notice is heard: {heard}");
    assert!(heard.contains("open"), "the answer is heard: {heard}");
    let call = &calls[0];
    let text = call.to_string().to_lowercase();
    assert!(text.contains("opening_hours"), "{call:#}");
    assert!(text.contains("when are you open"), "{call:#}");
    assert!(server.is_recorded(call), "the recording opens: {call:#}");
}

/// Warmline's own simulated caller, told what to expect, judges by its exit code.
#[test]
fn the_simulated_caller_judges_what_it_hears() {
    if !have_models("simulated caller") {
        return;
    }
    let server = Server::start("");
    let (status, out, error) = server::warmline(&[
        "call",
        &server.uri(),
        "--say",
        "When are you open?",
        "--expect",
        "open",
    ]);
    assert_eq!(status, 0, "{out}\n{error}");
    let (status, out, _) = server::warmline(&[
        "call",
        &server.uri(),
        "--say",
        "When are you open?",
        "--expect",
        "hippopotamus",
        "--listen-s",
        "6",
    ]);
    assert_eq!(status, 1, "what does not come is a failure:\n{out}");
}

/// Two turns: the order number is read back, the postcode proves the caller.
#[test]
fn an_order_is_looked_up_in_a_business_system() {
    if !have_models("order lookup") {
        return;
    }
    let server = Server::start_with_shop("");
    let (status, out, error) = server::warmline(&[
        "call",
        &server.uri(),
        "--say",
        "Where is my order?",
        "--then",
        "Four two one seven.",
        "--then",
        "Yes.",
        "--then",
        "One two three four five.",
        "--expect",
        "order",
    ]);
    assert_eq!(status, 0, "{out}\n{error}");
    let calls = server.ended_calls(1, Duration::from_secs(20));
    let text = calls[0].to_string();
    assert!(text.contains("order_status"), "{:#}", calls[0]);
}
