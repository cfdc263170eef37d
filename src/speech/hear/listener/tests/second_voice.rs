//! A second voice beside an open text: when it is asked, and what its answer changes.

use super::*;

fn scene(texts: &[&'static str], finished: &[f32]) -> Scene {
    let settings =
        ListenerSettings { partial_every_ms: 0, second_voice: true, ..ListenerSettings::default() };
    let mut scene = Scene::with(settings, Dialogue, texts);
    scene.finished = finished.to_vec();
    scene
}

#[test]
fn an_open_text_ends_sooner_where_it_sounds_finished_and_later_where_it_does_not() {
    let mut finished = scene(&["I would like that!"], &[0.9]);
    finished.voice(1_000).pause(2_000);
    finished.check(&[
        "300 began",
        "1080 decode caller_speculative",
        "1200 finished? partial",
        "1600 heard I would like that!",
    ]);
    let mut going_on = scene(&["I would like that!"], &[0.2]);
    going_on.voice(1_000).pause(2_000);
    going_on.check(&[
        "300 began",
        "1080 decode caller_speculative",
        "1200 finished? partial",
        "2300 heard I would like that!",
    ]);
    let samples = going_on.orders[1].samples.len();
    assert_eq!(samples, 1_200 * 16, "all of the turn with its pause");
}

#[test]
fn without_an_answer_the_text_alone_decides() {
    let mut silent = scene(&["I would like that!"], &[]);
    silent.voice(1_000).pause(2_000);
    silent.check(&[
        "300 began",
        "1080 decode caller_speculative",
        "1200 finished? partial",
        "1700 heard I would like that!",
    ]);
}

#[test]
fn it_is_not_asked_where_the_text_tells() {
    for (text, heard) in [("What are your opening hours?", "1200"), ("I want to…", "2500")] {
        let mut scene = scene(&[text], &[0.9]);
        scene.voice(1_000).pause(2_000);
        let heard = format!("{heard} heard {text}");
        scene.check(&["300 began", "1080 decode caller_speculative", &heard]);
    }
}

#[test]
fn who_goes_on_is_asked_about_anew() {
    let mut scene = scene(&["I would like that!", "I would like that one!"], &[0.2, 0.9]);
    scene.voice(1_000).pause(400).voice(400).pause(2_000);
    scene.check(&[
        "300 began",
        "1080 decode caller_speculative",
        "1200 finished? partial",
        "1880 decode caller_speculative",
        "2000 finished? partial",
        "2400 heard I would like that one!",
    ]);
}

#[test]
fn a_question_that_nobody_waits_for_is_taken_back() {
    let mut scene = scene(&["I would like that!", "I would like that one!"], &[0.2]);
    scene.decode_ms = 100;
    // Asked at 1,200; the answer would come at 1,300.
    scene.voice(1_000).pause(220).voice(400).pause(2_000);
    assert!(scene.log.contains(&"1280 cancel".to_owned()), "{:?}", scene.log);
    let mut scene = self::scene(&["I would like that!"], &[0.2]);
    scene.voice(1_000).pause(220);
    scene.listener.set_mode(Listening::to(KeysOnly, Language::english()));
    scene.outputs();
    assert!(scene.log.contains(&"1220 cancel".to_owned()), "{:?}", scene.log);
}
