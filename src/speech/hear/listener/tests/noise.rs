//! Voices without words over a prompt: how soon the prompt goes on, and that words still stop it.

use super::*;

/// How long the prompt was silent at a time, at most: from `began` to `nothing` or `heard`.
fn silent_ms_max(log: &[String]) -> u64 {
    let (mut since, mut longest) = (None, 0);
    for line in log {
        let (at, what) = line.split_once(' ').expect("time and event");
        let at: u64 = at.parse().expect("milliseconds");
        match what.split(' ').next() {
            Some("began") => since = Some(at),
            Some("nothing" | "heard") => longest = longest.max(at - since.take().unwrap_or(at)),
            _ => {}
        }
    }
    longest
}

#[test]
fn a_noise_that_ended_lets_the_prompt_go_on_at_200_ms_of_silence() {
    let mut scene = Scene::new(Dialogue, &[""]);
    scene.prompt(true).voice(600).pause(1_000);
    scene.check(&["60 suspected", "500 began", "680 decode caller_speculative", "800 nothing"]);
}

#[test]
fn a_noise_that_lasts_lets_the_prompt_go_on_while_it_lasts() {
    let mut scene = Scene::new(Dialogue, &[""; 20]);
    scene.decode_ms = 300;
    scene.prompt(true).voice(12_000);
    assert_eq!(
        scene.log[..4],
        ["60 suspected", "500 began", "1000 decode caller_speculative", "1300 nothing"]
    );
    let began = scene.log.iter().filter(|line| line.ends_with("began")).count();
    assert_eq!(began, 1, "it is not taken for a voice again: {:?}", scene.log);
    // Each look is at what came since, not at all of it.
    let longest = scene.orders.iter().map(|order| order.samples.len() / 16).max();
    assert!(longest <= Some(4_000), "{longest:?} ms decoded at once");
}

#[test]
fn words_after_a_noise_stop_the_prompt_and_come_whole() {
    let mut scene = Scene::new(Dialogue, &["", "", "I want", "I want an agent."]);
    scene.prompt(true).voice(4_400).pause(600);
    let log = &scene.log[4..];
    assert_eq!(
        log,
        [
            "2100 decode caller_speculative",
            "4200 decode caller_speculative",
            "4300 began",
            "4300 so far I want",
            "4480 decode caller_speculative",
            "4600 heard I want an agent.",
        ]
    );
    // The last look that found nothing came before the frame of 2.2 s; the second and a half
    // before it is kept.
    let samples = scene.orders.last().map_or(0, |order| order.samples.len() / 16);
    assert_eq!(samples, 4_480 - 2_180 + 1_500);
}

#[test]
fn words_at_the_end_of_a_noise_are_heard() {
    let mut scene = Scene::new(Dialogue, &["", "Agent."]);
    scene.prompt(true).voice(1_900).pause(600);
    assert_eq!(
        scene.log[3..],
        ["1100 nothing", "1980 decode caller_speculative", "2080 began", "2100 heard Agent."]
    );
}

#[test]
fn a_television_stops_the_prompt_twice_and_then_only_words_do() {
    let mut scene = Scene::new(Dialogue, &[]);
    scene.texts = vec![Ok(""); 40];
    scene.prompt(true);
    for _ in 0..10 {
        scene.voice(1_400).pause(400);
    }
    let began = scene.log.iter().filter(|line| line.ends_with("began")).count();
    assert_eq!(began, 2, "{:?}", scene.log);
    assert!(silent_ms_max(&scene.log) <= 2_500);
    scene.texts = vec![Ok("Agent.")];
    scene.log.clear();
    scene.voice(500).pause(400);
    assert_eq!(scene.log.last().map(|line| line.ends_with("heard Agent.")), Some(true));
    // Words came: a voice is a voice again.
    scene.log.clear();
    scene.texts = vec![Ok("Hello there.")];
    scene.voice(600);
    assert!(scene.log.iter().any(|line| line.ends_with("began")), "{:?}", scene.log);
}

#[test]
fn a_caller_who_speaks_on_keeps_the_prompt_silent() {
    let mut scene = Scene::new(Dialogue, &[]);
    scene.texts = vec![Ok("I was sent the wrong one and"); 20];
    scene.prompt(true).voice(6_000).pause(400);
    let ends = scene.log.iter().filter(|line| line.ends_with("nothing")).count();
    assert_eq!(ends, 0, "{:?}", scene.log);
    assert_eq!(scene.heard.len(), 1);
    assert_eq!(scene.heard[0].began, Moment(0));
}

#[test]
fn a_look_that_fails_decides_nothing() {
    let mut scene = Scene::new(Dialogue, &[]);
    scene.texts = vec![Err(DecodeFailure::Shed), Ok("")];
    scene.prompt(true).voice(2_400);
    assert_eq!(
        scene.log[2..],
        ["1000 decode caller_speculative", "2000 decode caller_speculative", "2100 nothing",]
    );
}
