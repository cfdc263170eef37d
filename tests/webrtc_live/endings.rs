//! What breaks on the agent's side loses no caller: a tab that is closed while it rings, and a
//! server that is killed in mid-call. And an agent with a SIP phone for a caller in a browser.

use std::sync::Arc;
use std::time::Duration;

use super::agents::Desk;
use super::baresip::{self, Baresip};
use super::browser::{
    PERSON_WISH, RATE_HZ, aside, base_of, captions_until, ended, hang_up, serve, tone,
    wants_a_person,
};
use super::chromium::is_there;
use super::page::{click, wait_shown};
use super::server::{Server, have_models};
use super::tone::{Part, compose, read, seconds_of};
use super::whole::{AGENT_HZ, CALLER_HZ, Tells, desk_with_headset, with_microphone};

const LONG: Duration = Duration::from_secs(60);
const BOTH: &str = "[[agents]]\nid = \"anna\"\nname = \"Anna\"\nbrowser = true\n\
    [[agents]]\nid = \"ben\"\nname = \"Ben\"\nbrowser = true\n[transfer]\nring_s = 60\n\
    wrap_up_s = 300\n";

/// Anna's tab rings and is closed; nobody else is there. The caller waits, until Ben comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tab_closed_while_it_rings_leaves_the_caller_waiting_for_the_next_agent() {
    if !have_models("closed tab") || !is_there("closed tab") {
        return;
    }
    let server = serve(BOTH).await;
    let _tells = Tells(server.clone());
    let base = base_of(&server);
    let folder = tempfile::tempdir().expect("a folder");
    let sound = folder.path().join("anna.wav");
    compose(&sound, &[Part::Tone { hz: AGENT_HZ, seconds: 20.0 }]);
    let anna = desk_with_headset(&server, "anna", &sound).await;
    let http = reqwest::Client::new();
    let (caller, path) = wants_a_person(&base).await;
    anna.wait_stage("ringing").await;
    let tab = anna.driver.window().await.expect("a window");
    let other = anna.driver.new_tab().await.expect("a tab");
    anna.driver.switch_to_window(tab).await.expect("switched");
    anna.driver.close_window().await.expect("closed");
    anna.driver.switch_to_window(other).await.expect("switched");

    // The caller is not lost: music, or a voice, and a call that runs.
    tokio::time::sleep(Duration::from_secs(3)).await;
    caller.take();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let loudest = caller.take().iter().map(|sample| sample.unsigned_abs()).max();
    assert!(loudest > Some(500), "silence while the caller waits: {loudest:?}");
    let mut ben = Desk::of(&server, "ben").await;
    ben.accept().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    caller.take();
    ben.voice.take();
    caller.say(tone(f64::from(CALLER_HZ), 4_000)).await;
    ben.voice.say(tone(f64::from(AGENT_HZ), 4_000)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let heard = [(caller.take(), AGENT_HZ), (ben.voice.take(), CALLER_HZ)]
        .map(|(samples, hz)| seconds_of(&samples, RATE_HZ, hz));
    assert!(heard.iter().all(|seconds| *seconds >= 2.0), "{heard:?} s");
    hang_up(&http, &base, &path).await;
    let calls = ended(&server, 1, LONG).await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    anna.close().await;
}

/// SIGKILL in mid-call: each page says what happened, and the headset is back without a hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_both_pages_say_what_happened_and_the_next_call_comes() {
    if !have_models("restart, browsers") || !is_there("restart, browsers") {
        return;
    }
    let mut server = serve(BOTH).await;
    let base = base_of(&server);
    let folder = tempfile::tempdir().expect("a folder");
    let agent_wav = folder.path().join("anna.wav");
    compose(&agent_wav, &[Part::Tone { hz: AGENT_HZ, seconds: 20.0 }]);
    let caller_wav = folder.path().join("caller.wav");
    let (own, file) = (folder.path().to_owned(), caller_wav.clone());
    aside(move || {
        let wish = super::server::speak(&own, "wish.wav", PERSON_WISH);
        let tone = Part::Tone { hz: CALLER_HZ, seconds: 60.0 };
        compose(&file, &[Part::Silence(12.0), Part::File(&wish), Part::Silence(6.0), tone]);
    })
    .await;
    let anna = desk_with_headset(&server, "anna", &agent_wav).await;
    let caller = with_microphone(&base, &caller_wav, "%noloop").await;
    for round in ["before", "after"] {
        caller.goto("/call").await;
        click(&caller, "call").await;
        anna.wait_stage("ringing").await;
        anna.press("a").await;
        anna.wait_stage("talking").await;
        let since = super::ear::now_ms();
        super::ear::first(&anna, CALLER_HZ, since).await;
        super::ear::first(&caller, AGENT_HZ, since).await;
        if round == "after" {
            break;
        }
        let mut own = Arc::into_inner(server).expect("nobody else has it");
        server = aside(move || {
            own.restart();
            Arc::new(own)
        })
        .await;
        anna.wait_stage("wrap_up").await;
        anna.wait_text("started again during this call").await;
        wait_shown(&caller, "the connection was lost", LONG).await;
        caller.shoot("43-caller-restarted").await;
        anna.shoot("44-desk-restarted").await;
        anna.click(".bar .primary").await;
        anna.wait_stage("idle").await;
        anna.wait_text("Headset ready").await;
    }
    click(&caller, "hang-up").await;
    let calls = ended(&server, 2, LONG).await;
    let mut how: Vec<_> = calls.iter().filter_map(|call| call["disposition"].as_str()).collect();
    how.sort_unstable();
    assert_eq!(how, ["system_failure", "transferred"]);
    anna.close().await;
    caller.close().await;
}

/// Opus on the caller's side, G.711 on the agent's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_in_a_browser_and_an_agent_with_a_phone_hear_each_other() {
    if !have_models("browser to SIP") || !baresip::is_there("browser to SIP") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sound = folder.path().join("agent.wav");
    compose(&sound, &[Part::Tone { hz: AGENT_HZ, seconds: 80.0 }]);
    let (server, mut phone) = aside(move || {
        let phone = Baresip::start(&sound, true);
        let agent = format!(
            "[[agents]]\nid = \"anna\"\nname = \"Anna\"\ncontact = \"{}\"\n",
            phone.contact()
        );
        (Arc::new(Server::start(&agent)), phone)
    })
    .await;
    let _tells = Tells(server.clone());
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let (caller, path) = wants_a_person(&base).await;
    phone = aside(move || {
        phone.wait_for("Call established", LONG);
        phone
    })
    .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = caller.take();
    assert!(seconds_of(&before, RATE_HZ, AGENT_HZ) < 0.5, "the briefing is private");
    // The agent hears summary and menu now; nothing of it is shown to the caller.
    let captions = format!("{base}{path}/captions");
    let shown = captions_until(&http, &captions, Duration::from_secs(3), |_| false).await;
    let shown = shown.to_lowercase();
    assert!(shown.contains("to an agent") && shown.contains("i get you a person"), "{shown}");
    let private = shown.contains("press 1 to accept") || shown.contains("to hear more");
    assert!(!private, "the briefing is in the captions: {shown}");
    phone.press('1');
    tokio::time::sleep(Duration::from_secs(4)).await;
    caller.take();
    caller.say(tone(f64::from(CALLER_HZ), 5_000)).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let heard = seconds_of(&caller.take(), RATE_HZ, AGENT_HZ);
    assert!(heard >= 3.0, "the caller heard the agent for {heard} s");
    hang_up(&http, &base, &path).await;
    let calls = ended(&server, 1, LONG).await;
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    phone.quit();
    let heard = seconds_of(&read(&phone.received()), 8_000, CALLER_HZ);
    assert!(heard >= 3.0, "the agent heard the caller for {heard} s");
    // It was said, to the agent: this test would see it.
    let steps = calls[0]["transfer_steps"].to_string();
    assert!(steps.contains("briefing"), "{steps}");
}
