//! Texts that come late: whoever waits for the answer is told that we are there, once a turn.

use super::*;

#[test]
fn a_late_text_is_told_once_and_still_comes() {
    let mut scene = Scene::new(Dialogue, &["When are you open?"]);
    scene.decode_ms = 3_200;
    scene.voice(1_000).pause(4_000);
    assert_eq!(
        scene.log[1..],
        [
            "1080 decode caller_speculative",
            "1200 raise",
            "3500 late",
            "4280 heard When are you open?",
        ]
    );
}

#[test]
fn a_text_that_comes_in_time_is_not_late() {
    let mut scene = Scene::new(Dialogue, &["When are you open?"]);
    scene.decode_ms = 2_300;
    scene.voice(1_000).pause(4_000);
    assert!(scene.log.iter().all(|line| !line.ends_with("late")), "{:?}", scene.log);
    assert_eq!(scene.log.last().unwrap(), "3380 heard When are you open?");
}

#[test]
fn a_short_word_is_waited_for_too_and_a_click_is_not() {
    for (voice_ms, told) in [(200, vec!["2700 began", "2700 late"]), (140, vec![])] {
        let mut scene = Scene::new(Dialogue, &[""]);
        scene.decode_ms = 3_200;
        scene.voice(voice_ms).pause(3_000);
        let log: Vec<&str> = scene.log.iter().map(String::as_str).collect();
        let of_late: Vec<&str> = log.into_iter().filter(|line| line.starts_with("27")).collect();
        assert_eq!(of_late, told, "{voice_ms} ms of voice: {:?}", scene.log);
    }
}

#[test]
fn who_goes_on_speaking_does_not_wait() {
    let mut scene = Scene::new(Dialogue, &["One", "Two"]);
    scene.decode_ms = 3_400;
    // The first turn is closed after 1,500 ms; the second begins before it would be late.
    scene.voice(600).pause(1_700).voice(600).pause(400);
    assert!(scene.log.iter().all(|line| !line.ends_with("late")), "{:?}", scene.log);
    // The second is, on its own.
    scene.pause(3_000);
    let late: Vec<&String> = scene.log.iter().filter(|line| line.ends_with("late")).collect();
    assert_eq!(late, ["5400 late"]);
}

#[test]
fn it_is_told_without_frames_too() {
    let mut scene = Scene::new(Dialogue, &["Yes."]);
    scene.decode_ms = 3_300;
    scene.voice(400).pause(200).gap(4_000);
    assert!(scene.log.iter().any(|line| line == "2900 late"), "{:?}", scene.log);
}

#[test]
fn who_hears_a_prompt_or_music_is_not_told() {
    // An "uh-huh" that did not stop the prompt.
    let mut scene = Scene::new(Dialogue, &["Uh-huh."]);
    scene.decode_ms = 3_300;
    scene.prompt(true).voice(200).pause(4_000);
    assert!(scene.log.iter().all(|line| !line.ends_with("late")), "{:?}", scene.log);
    // A real interruption has silenced it.
    let mut scene = Scene::new(Dialogue, &["No."]);
    scene.decode_ms = 3_300;
    scene.prompt(true).voice(800).pause(4_000);
    assert!(scene.log.iter().any(|line| line == "3300 late"), "{:?}", scene.log);
    for mode in [ListenMode::Waiting, Conversation] {
        let mut scene = Scene::new(mode, &["Hello."]);
        scene.decode_ms = 3_300;
        scene.voice(800).pause(4_000);
        assert!(scene.log.iter().all(|line| !line.ends_with("late")), "{:?}", scene.log);
    }
}
