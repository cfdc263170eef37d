//! A caller's words are on the desk while they are being said, and their line follows.

use super::agents::{ANNA, Desk};
use super::browser::{base_of, serve, wants_a_person, words};
use super::server::have_models;
use super::whole::Tells;

const LONG_STORY: &str = "It is about the washing machine that I bought from you in March, the \
                          one with the blue door, because it leaks all over the kitchen floor, \
                          and nobody ever called me back.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_callers_words_reach_the_desk_before_their_line() {
    if !have_models("words so far") {
        return;
    }
    let server = serve(ANNA).await;
    let _tells = Tells(server.clone());
    let mut anna = Desk::of(&server, "anna").await;
    let story = words(LONG_STORY).await;
    let (caller, _) = wants_a_person(&base_of(&server)).await;
    anna.stage("ringing").await;
    caller.say(story).await;
    let so_far = loop {
        let message = anna.message().await;
        let lines = message["lines"].to_string();
        assert!(!lines.contains("washing"), "the line came before its first words: {lines}");
        let so_far = message["so_far"].as_str().unwrap_or_default().to_lowercase();
        if message["type"] == "speaking" && so_far.contains("washing") {
            assert_eq!(message["caller"], true, "{message:#}");
            break so_far;
        }
    };
    assert!(!so_far.contains("called me back"), "the sentence had ended: {so_far}");
    while !anna.message().await["lines"].to_string().contains("washing") {}
}
