//! Voices over prompts: murmurs, coughs, words; each suspicion settled once.

use super::*;

#[test]
fn over_a_prompt_a_murmur_stops_nothing_and_a_word_does() {
    let mut scene = Scene::new(Dialogue, &["Uh-huh.", "", "Agent."]);
    scene.prompt(true).pause(400).voice(300).pause(1_000);
    scene.check(&["460 suspected", "780 decode caller_speculative", "880 dismissed"]);
    scene.log.clear();
    // A cough: a voice for the detector, without words.
    scene.voice(200).pause(1_000);
    scene.check(&["1760 suspected", "1980 decode caller_speculative", "2080 dismissed"]);
    scene.log.clear();
    scene.voice(300).pause(1_000);
    scene.check(&[
        "2960 suspected",
        "3280 decode caller_speculative",
        "3380 began",
        "3400 heard Agent.",
    ]);
    assert!(scene.heard[0].over_prompt);
}

#[test]
fn over_a_prompt_a_voice_that_goes_on_begins_a_turn_with_its_first_word() {
    let mut scene = Scene::new(Dialogue, &["I want to speak to an agent."]);
    scene.prompt(true).pause(400).voice(500);
    scene.check(&["460 suspected", "900 began"]);
    scene.prompt(false).voice(600).pause(600);
    assert_eq!(
        scene.log[2..],
        ["1580 decode caller_speculative", "1700 heard I want to speak to an agent."]
    );
    assert_eq!(scene.orders[0].samples.len(), (300 + 1_100 + 80) * 16, "with its pre-roll");
    assert_eq!(scene.heard[0].began, Moment(400));
}

/// "Yes, … it is.": the first word alone was not believed, and it is not lost.
#[test]
fn a_short_first_word_is_heard_together_with_what_follows_it() {
    let said = |pause_ms| {
        let mut scene = Scene::new(Dialogue, &["", "Yes, it is."]);
        scene.prompt(true).pause(400).voice(200).pause(pause_ms).voice(280).pause(1_000);
        assert_eq!(scene.heard.len(), 1, "{:?}", scene.log);
        assert!(scene.log.iter().any(|line| line == "780 dismissed"), "{:?}", scene.log);
        (scene.heard[0].clone(), scene.orders[1].samples.len() / 16)
    };
    let (heard, decoded_ms) = said(340);
    assert_eq!((heard.text.as_str(), heard.began), ("Yes, it is.", Moment(400)));
    assert_eq!(decoded_ms, 300 + 200 + 340 + 280 + 80, "with the pre-roll of the first word");
    // Later it is a murmur of its own.
    let (heard, decoded_ms) = said(760);
    assert_eq!((heard.began, decoded_ms), (Moment(400 + 200 + 760), 300 + 280 + 80));
}

#[test]
fn a_murmur_after_the_prompt_is_an_answer() {
    let mut scene = Scene::new(Dialogue, &["Okay."]);
    scene.prompt(true).pause(400).voice(200).prompt(false).voice(200).pause(600);
    scene.check(&[
        "460 suspected",
        "700 began",
        "880 decode caller_speculative",
        "1000 heard Okay.",
    ]);
}

#[test]
fn a_polite_word_after_an_answered_sentence_belongs_to_it() {
    // "Tell me your opening hours, please.": complete before its last word, which begins before
    // the answer is heard.
    for after_ms in [240, 400, 600] {
        let mut scene = Scene::new(Dialogue, &["Tell me your opening hours.", "Please."]);
        scene.voice(1_000).pause(after_ms).voice(100).prompt(true).voice(240).pause(1_000);
        assert!(scene.log[2].ends_with("heard Tell me your opening hours."), "{:?}", scene.log);
        assert_eq!(scene.heard.len(), 1, "{:?}", scene.log);
        let end = scene.log.last().unwrap();
        assert!(end.ends_with("dismissed") || end.ends_with("nothing"), "{:?}", scene.log);
    }
    // Later, it is said for itself.
    let mut scene = Scene::new(Dialogue, &["Tell me your opening hours.", "Please."]);
    scene.voice(1_000).pause(900).voice(340).pause(1_000);
    assert_eq!(scene.heard.len(), 2, "{:?}", scene.log);
}

#[test]
fn a_long_murmur_over_a_prompt_was_nothing_in_the_end() {
    let mut scene = Scene::new(Dialogue, &["Uh-huh."]);
    scene.prompt(true).voice(600).pause(1_000);
    scene.check(&["60 suspected", "500 began", "680 decode caller_speculative", "800 nothing"]);
}

#[test]
fn a_suspicion_is_given_up_when_no_word_comes_in_time() {
    let mut scene = Scene::new(Dialogue, &["Operator."]);
    scene.decode_ms = 1_000;
    scene.prompt(true).voice(200).pause(2_000);
    scene.check(&[
        "60 suspected",
        "280 decode caller_speculative",
        "400 raise",
        "700 dismissed",
        "1280 began",
        "1280 heard Operator.",
    ]);
}

#[test]
fn every_suspicion_is_settled_once_whatever_is_said() {
    for seed in 1..=200_u64 {
        let mut draw = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |bound: u64| {
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            (draw >> 11) % bound
        };
        let texts = ["Uh-huh.", "", "Agent.", "I want to, um…"];
        let mut scene = Scene::new(Dialogue, &[]);
        for _ in 0..30 {
            scene.texts.push(Ok(texts[next(4) as usize]));
        }
        for _ in 0..12 {
            scene.decode_ms = 20 * (1 + next(30));
            scene.prompt(next(4) > 0).voice(20 * next(45)).pause(20 * next(60));
        }
        scene.pause(6_000);
        let (mut suspected, mut open) = (false, false);
        for line in &scene.log {
            match line.split(' ').nth(1) {
                Some("suspected") => {
                    assert!(!suspected && !open, "seed {seed}: {:?}", scene.log);
                    suspected = true;
                }
                Some("dismissed") => assert!(std::mem::take(&mut suspected), "seed {seed}"),
                Some("began") => {
                    assert!(!open, "seed {seed}: {:?}", scene.log);
                    (suspected, open) = (false, true);
                }
                Some("heard" | "nothing" | "unavailable") => {
                    assert!(std::mem::take(&mut open), "seed {seed}: {:?}", scene.log);
                }
                _ => {}
            }
        }
        assert!(!suspected && !open, "seed {seed}: {:?}", scene.log);
    }
}
