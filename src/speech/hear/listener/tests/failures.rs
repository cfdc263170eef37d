//! Recognisers that fail, or never answer.

use super::*;

#[test]
fn a_failed_speculation_is_tried_again_as_a_final() {
    let mut scene = Scene::new(Dialogue, &[]);
    scene.texts = vec![Err(DecodeFailure::Shed), Ok("Yes.")];
    scene.voice(400).pause(800);
    scene.check(&[
        "300 began",
        "480 decode caller_speculative",
        "600 decode caller_final",
        "700 heard Yes.",
    ]);
}

#[test]
fn a_failed_final_is_said_once() {
    let mut scene = Scene::new(Dialogue, &[]);
    scene.texts = vec![Err(DecodeFailure::Shed), Err(DecodeFailure::Hung)];
    scene.voice(400).pause(2_000);
    assert_eq!(scene.log[3..], ["700 unavailable"]);
}

#[test]
fn a_recogniser_that_never_answers_is_not_waited_for() {
    let mut scene = Scene::new(Dialogue, &["late"]);
    scene.decode_ms = 60_000;
    scene.voice(400).gap(8_000);
    assert_eq!(scene.log.last().unwrap(), "6400 unavailable");
    assert!(scene.log.iter().any(|line| line.ends_with("cancel")));
}
