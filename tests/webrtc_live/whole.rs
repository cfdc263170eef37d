//! The whole: a caller's page and an agent's desk, each in a Chromium of its own with a WAV as its
//! microphone. Who hears whom is proved by tones, in the pages and in the stored recording.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::browser::{aside, base_of, ended, serve};
use super::chromium::{Chromium, is_there};
use super::ear;
use super::page::{click, shown, wait_shown};
use super::server::{Server, have_models, speak, warmline_with_input};
use super::tone::{Part, compose, seconds_of};

pub const PASSWORD: &str = "correct horse";
pub const ANNA: &str = "[[agents]]\nid = \"anna\"\nname = \"Anna\"\nbrowser = true\n\
    [transfer]\nring_s = 60\nwrap_up_s = 300\n[recording]\non = true\n";
pub const CALLER_HZ: f32 = 1_000.0;
pub const AGENT_HZ: f32 = 600.0;
const LONG: Duration = Duration::from_secs(60);
/// How long a test waits between two reloads.
const BETWEEN: Duration = Duration::from_secs(2);
/// The goal is two seconds, and the benchmark's to show. Later than this the caller would not be
/// held for the same agent any more.
const BACK_MS_MAX: i64 = 20_000;

fn reloads() -> usize {
    if std::env::var_os("WARMLINE_FULL").is_some() { 20 } else { 2 }
}

/// The caller complains, speaks a tone, and asks something in the midst of it.
fn caller_sound(folder: &Path) -> PathBuf {
    let complaint = "This is ridiculous! I was charged twice for the same bill, and nobody helps me. \
                     I want to talk to an agent.";
    let complaint = speak(folder, "complaint.wav", complaint);
    let question = speak(folder, "question.wav", "When are you open on Saturday?");
    let file = folder.join("caller.wav");
    let tone = |seconds| Part::Tone { hz: CALLER_HZ, seconds };
    let begin = [Part::Silence(12.0), Part::File(&complaint), Part::Silence(8.0), tone(12.0)];
    let rest = [Part::Silence(1.0), Part::File(&question), Part::Silence(2.0), tone(600.0)];
    let parts: Vec<_> = begin.into_iter().chain(rest).collect();
    compose(&file, &parts);
    file
}

pub fn agent_sound(folder: &Path) -> PathBuf {
    let hello = speak(folder, "hello.wav", "Hello, this is Anna. I can help you with that.");
    let file = folder.join("agent.wav");
    let tone = Part::Tone { hz: AGENT_HZ, seconds: 9.0 };
    compose(&file, &[tone, Part::Silence(1.0), Part::File(&hello), Part::Silence(1.0)]);
    file
}

/// A Chromium whose microphone is this file; it begins anew when the microphone is opened.
pub async fn with_microphone(base: &str, file: &Path, ending: &str) -> Chromium {
    let sound = format!("--use-file-for-fake-audio-capture={}{ending}", file.display());
    let page = Chromium::open_with(base, &[&sound]).await;
    ear::give(&page).await;
    page
}

pub fn add_user(server: &Server, name: &str) {
    let config = server.folder.join("warmline.toml").to_string_lossy().into_owned();
    let add = ["user", "add", name, "--role", "agent", "--config", &config];
    let (status, out, error) = warmline_with_input(&add, &format!("{PASSWORD}\n"));
    assert_eq!(status, 0, "{out}{error}");
}

/// Logged in, with the headset on.
pub async fn desk_with_headset(server: &Arc<Server>, name: &'static str, sound: &Path) -> Chromium {
    let own = server.clone();
    aside(move || add_user(&own, name)).await;
    let desk = with_microphone(&base_of(server), sound, "").await;
    headset_on(&desk, name).await;
    desk
}

/// Logs in and turns the headset on.
pub async fn headset_on(desk: &Chromium, name: &str) {
    desk.log_in(name, PASSWORD).await;
    desk.wait_text("Your phone is not there").await;
    desk.click("#line summary").await;
    desk.click("#line .sheet button").await;
    desk.wait(
        "the headset",
        "return document.querySelector('#line').dataset.state === 'connected'",
    )
    .await;
    desk.wait_text("Headset ready").await;
    desk.click("#line summary").await;
    desk.wait_text("The next call comes here").await;
}

fn said(who: &str, word: &str) -> String {
    format!(
        "return [...document.querySelectorAll('.lines .{who} .text')]\
         .some((line) => line.textContent.toLowerCase().includes('{word}'))"
    )
}

/// Both channels of the only recording, the caller's and what was played to the caller, and its
/// rate in Hz.
pub fn channels(server: &Server) -> ([Vec<i16>; 2], u32) {
    let files = server.recordings();
    assert_eq!(files.len(), 1, "{files:?}");
    let mut wav = hound::WavReader::open(&files[0]).expect("the recording opens");
    assert_eq!(wav.spec().channels, 2);
    let all: Vec<i16> = wav.samples::<i16>().filter_map(Result::ok).collect();
    let apart = [0, 1].map(|channel| all.iter().skip(channel).step_by(2).copied().collect());
    (apart, wav.spec().sample_rate)
}

/// Shows the server's log when a test fails.
pub struct Tells(pub Arc<Server>);

impl Drop for Tells {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.0.log());
        }
    }
}

/// One reload of the desk: how long until each side heard the other again, milliseconds since the
/// page began to load.
pub async fn reload(desk: &Chromium, caller: &Chromium) -> [i64; 2] {
    let before = ear::now_ms();
    desk.driver.refresh().await.expect("loaded again");
    let began = desk.run("return Math.round(performance.timeOrigin)").await;
    let began = began.as_i64().expect("a time");
    assert!(began >= before - 50, "the page was not loaded anew");
    let agent_hears = ear::first(desk, CALLER_HZ, began).await;
    let caller_hears = ear::back(caller, AGENT_HZ, before).await;
    [agent_hears - began, caller_hears - began]
}

/// How often the caller was told to wait for the agent, as captions.
async fn one_moments(caller: &Chromium) -> usize {
    let count = "return [...document.querySelector('warmline-call').shadowRoot\
                 .querySelectorAll('.said.machine')]\
                 .filter((line) => line.textContent.includes('I get you back to your agent')).length";
    caller.run(count).await.as_u64().unwrap_or(0) as usize
}

/// The caller's button: the agent hears nothing of the caller until it is pressed again.
async fn muted(caller: &Chromium, desk: &Chromium) {
    click(caller, "mute").await;
    tokio::time::sleep(BETWEEN).await;
    let since = ear::now_ms();
    tokio::time::sleep(BETWEEN * 2).await;
    let heard = ear::seconds(desk, CALLER_HZ, since).await;
    assert!(heard < 0.2, "muted, and heard for {heard} s");
    click(caller, "mute").await;
    ear::first(desk, CALLER_HZ, ear::now_ms()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_is_taken_in_the_browser_and_the_desk_may_be_loaded_anew() {
    let test = "a whole call in two browsers";
    if !have_models(test) || !is_there(test) {
        return;
    }
    let server = serve(ANNA).await;
    let _tells = Tells(server.clone());
    let base = base_of(&server);
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().to_owned();
    let (caller_wav, agent_wav) = aside(move || (caller_sound(&own), agent_sound(&own))).await;
    let desk = desk_with_headset(&server, "anna", &agent_wav).await;
    desk.run(
        "window.stages = []; new MutationObserver(() => { const s = document.body.dataset.stage; \
         if (stages.at(-1) !== s) stages.push(s); }) \
         .observe(document.body, {attributes: true, attributeFilter: ['data-stage']})",
    )
    .await;
    let caller = with_microphone(&base, &caller_wav, "%noloop").await;
    caller.goto("/call").await;
    click(&caller, "call").await;
    wait_shown(&caller, "charged twice", LONG).await;

    // The card is there before it rings, and says why.
    desk.wait_stage("ringing").await;
    let stages = desk.run("return window.stages.filter((stage) => stage !== 'idle')").await;
    assert_eq!(stages, serde_json::json!(["offered", "ringing"]));
    let card = desk.text().await.to_lowercase();
    assert!(card.contains("charged twice"), "{card}");
    desk.shoot("40-browsers-ringing").await;
    assert!(ear::seconds(&desk, CALLER_HZ, 0).await < 0.1, "heard before it was accepted");
    desk.click("[data-act=A]").await;
    desk.wait_stage("talking").await;
    let talking = ear::now_ms();
    ear::first(&desk, CALLER_HZ, talking).await;
    ear::first(&caller, AGENT_HZ, talking).await;
    wait_shown(&caller, "talking to a colleague", LONG).await;
    desk.wait("the agent's words", &said("agent", "help you")).await;
    desk.wait("the caller's words", &said("caller", "saturday")).await;
    wait_shown(&caller, "anna", LONG).await;
    desk.shoot("41-browsers-talking").await;
    caller.shoot("42-browsers-caller").await;
    let heard = [
        ear::seconds(&desk, CALLER_HZ, talking).await,
        ear::seconds(&caller, AGENT_HZ, talking).await,
    ];
    assert!(heard.iter().all(|seconds| *seconds > 2.0), "heard: {heard:?} s");
    // Voices have a little of every pitch; her own tone coming back would last as it is sent.
    let own = ear::seconds(&desk, AGENT_HZ, talking).await;
    assert!(own < heard[1] / 2.0, "the agent hears herself: {own} s of {} s", heard[1]);

    muted(&caller, &desk).await;
    let mut took = Vec::new();
    for times in 1..=reloads() {
        took.push(reload(&desk, &caller).await);
        desk.wait_stage("talking").await;
        // As a line of the machine's, and not as a state alone.
        assert!(one_moments(&caller).await >= times, "{}", shown(&caller).await);
        tokio::time::sleep(BETWEEN).await;
        let still = shown(&caller).await;
        assert!(still.contains("hang up") && !still.contains("call again"), "{still}");
    }
    println!("reload to sound again, ms [agent hears, caller hears]: {took:?}");
    assert!(took.as_flattened().iter().all(|ms| *ms <= BACK_MS_MAX), "{took:?}");
    desk.wait("the transcript", &said("caller", "charged twice")).await;

    desk.find("#notes").await.send_keys("paid back").await.expect("typed");
    desk.press("\u{e00c}").await;
    desk.click("[data-act=X]").await;
    desk.wait_stage("wrap_up").await;
    wait_shown(&caller, "the call has ended", LONG).await;
    desk.click(".bar .choice").await;
    desk.click(".bar .primary").await;
    desk.wait_stage("idle").await;
    stored(&server).await;
    desk.close().await;
    caller.close().await;
}

/// One call, one agent, her wrap-up, and both voices in the recording.
async fn stored(server: &Arc<Server>) {
    let calls = ended(server, 1, LONG).await;
    assert_eq!(calls.len(), 1, "a reload is no second call");
    let call = &calls[0];
    assert_eq!(call["disposition"], "transferred", "{call:#}");
    let wrap_ups = call["wrap_ups"].as_array().expect("wrap-ups");
    assert_eq!(wrap_ups.len(), 1, "{call:#}");
    assert_eq!(wrap_ups[0]["result"], "Solved", "{call:#}");
    assert_eq!(wrap_ups[0]["notes"], "paid back");
    let own = server.clone();
    let ([from_caller, to_caller], rate_hz) = aside(move || channels(&own)).await;
    for (samples, hz, what) in
        [(&from_caller, CALLER_HZ, "the caller's tone"), (&to_caller, AGENT_HZ, "the agent's tone")]
    {
        let seconds = seconds_of(samples, rate_hz, hz);
        assert!(seconds > 3.0, "{what} is recorded for {seconds} s");
    }
}
