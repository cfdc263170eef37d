//! A caller who waits for a person: whole sentences, judged by the real tables as in a call.

use super::super::super::judge;
use super::*;
use crate::understanding::{Tables, Understander};
use ListenMode::Waiting;

/// A scene judged by the real tables.
fn judged(mode: ListenMode, texts: &[&'static str]) -> Scene {
    let mut scene = Scene::new(mode, texts);
    let understander = Understander::new(Tables::embedded());
    scene.listener.judge = judge::by(understander, Language::english());
    scene
}

#[test]
fn what_a_waiting_caller_says_stays_one_line() {
    let texts = ["Where is my order?", "Where is my order? I have waited for an hour."];
    // The caller breathes in the middle, for longer than ends a turn that we wait for.
    let mut asked = judged(Dialogue, &texts);
    asked.voice(900).pause(500).voice(900).pause(1_500);
    assert_eq!(asked.heard.len(), 2, "{:?}", asked.log);
    let mut waiting = judged(Waiting, &texts);
    waiting.voice(900).pause(500).voice(900).pause(1_500);
    waiting.check(&[
        "300 began",
        "1060 decode caller_speculative",
        "2460 decode caller_speculative",
        "3000 heard Where is my order? I have waited for an hour.",
    ]);
    let [first, second] = &waiting.orders[..] else { panic!("two decodes") };
    assert!(second.samples.starts_with(&first.samples), "the second has all of the first");
}

#[test]
fn while_waiting_danger_and_commands_do_not_wait_for_the_end_of_a_sentence() {
    for text in ["There is a fire and", "Don't record this.", "Goodbye.", "The machine is fine."] {
        let mut scene = judged(Waiting, &[text]);
        scene.voice(900).pause(300).voice(600);
        let heard = format!("1160 heard {text}");
        assert_eq!(scene.log[..3], ["300 began", "1060 decode caller_speculative", &heard]);
    }
}

#[test]
fn while_waiting_an_unfinished_sentence_ends_within_a_second_and_a_half() {
    let mut scene = judged(Waiting, &["My router is broken and"]);
    scene.voice(900).pause(2_000);
    assert_eq!(scene.log.last().unwrap(), "2100 heard My router is broken and");
}

#[test]
fn a_waiting_caller_who_is_joined_is_heard_to_the_end_of_the_sentence() {
    let mut scene = judged(Waiting, &["Where is my order?", "Where is my order? Hello?"]);
    scene.voice(900).pause(400);
    let mode = Conversation;
    scene.listener.set_mode(Listening { mode, language: Language::english(), prompt: None });
    scene.voice(400).pause(900);
    assert_eq!(scene.heard.len(), 1, "{:?}", scene.log);
    assert_eq!(scene.heard[0].text, "Where is my order? Hello?");
}
