//! The desk in two tabs, in mid-call: the second takes desk and headset over without a gap that
//! the caller would notice as a loss, the first stays away until it is told to come back.

use std::time::Duration;

use reqwest::header::ORIGIN;
use warmline::base::key::Key;

use super::browser::{RATE_HZ, base_of, ended, offer, serve, tone};
use super::chromium::{Chromium, is_there};
use super::ear;
use super::server::have_models;
use super::tone::{Part, compose, seconds_of};
use super::whole::{AGENT_HZ, ANNA, CALLER_HZ, Tells, desk_with_headset};

const LONG: Duration = Duration::from_secs(60);
/// Longer than a page that fought for the seat would need to take it back several times.
const QUIET: Duration = Duration::from_secs(15);

async fn line_is(desk: &Chromium, state: &str) {
    let script = format!("return document.querySelector('#line').dataset.state === '{state}'");
    desk.wait(&format!("the headset {state}"), &script).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_tab_takes_the_call_over_and_the_first_stays_away() {
    let test = "two tabs in mid-call";
    if !have_models(test) || !is_there(test) {
        return;
    }
    let server = serve(ANNA).await;
    let _tells = Tells(server.clone());
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let folder = tempfile::tempdir().expect("a folder");
    let sound = folder.path().join("anna.wav");
    compose(&sound, &[Part::Tone { hz: AGENT_HZ, seconds: 20.0 }]);
    let anna = desk_with_headset(&server, "anna", &sound).await;
    let (caller, path) = offer(&http, &base, "/call", None).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    caller.press(Key::ZERO).await;
    anna.wait_stage("ringing").await;
    anna.press("a").await;
    anna.wait_stage("talking").await;
    caller.say(tone(f64::from(CALLER_HZ), 240_000)).await;
    ear::first(&anna, CALLER_HZ, ear::now_ms()).await;

    let first = anna.driver.window().await.expect("a window");
    let second = anna.driver.new_tab().await.expect("a tab");
    anna.driver.switch_to_window(second.clone()).await.expect("switched");
    ear::give(&anna).await;
    anna.goto("/desk").await;
    anna.wait_stage("talking").await;
    line_is(&anna, "connected").await;
    ear::first(&anna, CALLER_HZ, ear::now_ms()).await;
    // Until the first tab has surely let go.
    tokio::time::sleep(Duration::from_secs(12)).await;
    caller.take();
    let since = ear::now_ms();
    tokio::time::sleep(QUIET).await;
    let to_anna = ear::lasted(&anna, CALLER_HZ, since).await;
    let to_caller = seconds_of(&caller.take(), RATE_HZ, AGENT_HZ);
    line_is(&anna, "connected").await;
    // A fight for the seat leaves each of them some seconds of it at most.
    assert!(to_anna > 9.0 && to_caller > 9.0, "{to_anna} s and {to_caller} s of 15 s");

    anna.driver.switch_to_window(first).await.expect("switched");
    line_is(&anna, "elsewhere").await;
    assert!(anna.text().await.contains("open in another tab"));
    let in_first = ear::seconds(&anna, CALLER_HZ, since).await;
    assert!(in_first < 0.1, "the first tab still heard the caller: {in_first} s");
    // Told to come back, it does, and now the second one stays away.
    anna.click("#desk .primary").await;
    anna.wait_stage("talking").await;
    line_is(&anna, "connected").await;
    ear::first(&anna, CALLER_HZ, ear::now_ms()).await;
    anna.driver.switch_to_window(second).await.expect("switched");
    anna.wait_text("open in another tab").await;

    let url = format!("{base}{}/hang-up", path.unwrap());
    assert_eq!(http.post(url).header(ORIGIN, &base).send().await.unwrap().status(), 204);
    let calls = ended(&server, 1, LONG).await;
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    let steps = calls[0]["transfer_steps"].to_string();
    assert!(!steps.contains("agent_lost"), "taking over was a loss: {steps}");
    anna.close().await;
}
