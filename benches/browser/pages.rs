//! What people in two Chromiums wait for, measured in the pages: from page load to connected, from
//! accept to sound, from a reload to sound, and from the last word to its line on the desk. The
//! browsers share the machine with the server, and their playout is in the figures.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::browser::{aside, base_of, serve};
use super::chromium::{Chromium, is_there};
use super::ear;
use super::page::click;
use super::server::{have_models, speak};
use super::tone::{Part, compose};
use super::whole::{
    AGENT_HZ, ANNA, CALLER_HZ, agent_sound, desk_with_headset, reload, with_microphone,
};

const QUESTIONS: usize = 6;
/// Silence between a question's end and the tone after it.
const AFTER: Duration = Duration::from_secs(2);
const RELOADS: usize = 20;
const LONG: Duration = Duration::from_secs(120);

fn caller_sound(folder: &Path) -> PathBuf {
    let wish = speak(folder, "wish.wav", "I want to talk to an agent, please.");
    let question = speak(folder, "question.wav", "When are you open on Saturday?");
    let file = folder.join("caller.wav");
    let tone = |seconds| Part::Tone { hz: CALLER_HZ, seconds };
    let mut parts = vec![Part::Silence(11.0), Part::File(&wish), Part::Silence(5.0), tone(14.0)];
    for _ in 0..QUESTIONS {
        parts.extend([Part::Silence(1.0), Part::File(&question)]);
        parts.extend([Part::Silence(AFTER.as_secs_f32()), tone(4.0)]);
    }
    parts.push(tone(300.0));
    compose(&file, &parts);
    file
}

/// `false` where there is nothing to print.
fn line(what: &str, mut ms: Vec<i64>) -> bool {
    ms.sort_unstable();
    let at = |share: f64| ms.get(((ms.len() as f64 - 1.0) * share).round() as usize).copied();
    let (Some(middle), Some(high)) = (at(0.5), at(0.95)) else {
        println!("{what}: none");
        return false;
    };
    match ms.len() {
        1 => println!("{what}: {middle} ms (once)"),
        times => println!("{what}: p50 {middle} ms, p95 {high} ms ({times} times)"),
    }
    true
}

async fn number(page: &Chromium, script: &str) -> i64 {
    page.run(script).await.as_f64().unwrap_or_default() as i64
}

const CLICKS: &str =
    "document.addEventListener('click', () => { window.clicked = Date.now(); }, true)";
const LINES: &str = "window.lines = []; new MutationObserver(() => { \
     const now = [...document.querySelectorAll('.lines .caller .text')] \
       .filter((line) => line.textContent.includes('Saturday')).length; \
     while (lines.length < now) lines.push(Date.now()); }) \
     .observe(document.querySelector('#desk'), {childList: true, subtree: true, characterData: true})";

/// Prints the figures; `false` where something is missing.
pub async fn figures() -> bool {
    if !have_models("browser pages") || !is_there("browser pages") {
        return true;
    }
    let server = serve(ANNA).await;
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().to_owned();
    let (caller_wav, agent_wav) = aside(move || (caller_sound(&own), agent_sound(&own))).await;
    let desk = desk_with_headset(&server, "anna", &agent_wav).await;
    let caller = with_microphone(&base_of(&server), &caller_wav, "%noloop").await;
    caller.goto("/call").await;
    caller.run(CLICKS).await;
    click(&caller, "call").await;
    caller.wait("connected", "return window.connectedAt > 0").await;
    let mut whole = line(
        "browser caller, click to connected",
        vec![number(&caller, "return connectedAt - clicked").await],
    );
    desk.wait_stage("ringing").await;
    // Until the caller's tone is on the line: who accepts then hears it at once.
    tokio::time::sleep(Duration::from_secs(8)).await;
    desk.run(&format!("{CLICKS}; {LINES}")).await;
    desk.click("[data-act=A]").await;
    let clicked = number(&desk, "return clicked").await;
    let heard = ear::first(&desk, CALLER_HZ, clicked).await - clicked;
    whole &= line("browser agent, accept by click to the caller's voice in the page", vec![heard]);
    ear::first(&caller, AGENT_HZ, clicked).await;
    whole &= transcript_delay(&desk).await;
    whole &= reloads(&desk, &caller).await;
    desk.close().await;
    caller.close().await;
    whole
}

/// A question's end is known by the tone that follows it, as the desk hears it.
async fn transcript_delay(desk: &Chromium) -> bool {
    let began = std::time::Instant::now();
    let seen = "return window.lines.length";
    while number(desk, seen).await < QUESTIONS as i64 && began.elapsed() < LONG {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // The tone after the last one, too.
    tokio::time::sleep(AFTER * 2).await;
    let tones = format!(
        "const own = heard.filter(([, f]) => Math.abs(f - {CALLER_HZ}) < 30).map(([at]) => at); \
         return own.filter((at, n) => n > 0 && at - own[n - 1] > 2500)"
    );
    let list = |value: serde_json::Value| -> Vec<i64> {
        value.as_array().into_iter().flatten().filter_map(serde_json::Value::as_i64).collect()
    };
    let (tones, lines) =
        (list(desk.run(&tones).await), list(desk.run("return window.lines").await));
    if tones.len() < lines.len() {
        println!("browser live transcript: {} lines, {} tones", lines.len(), tones.len());
        return false;
    }
    let after = AFTER.as_millis() as i64;
    let late = lines.iter().zip(&tones).map(|(line, tone)| line - (tone - after));
    line("browser live transcript, last word heard at the desk to its line there", late.collect())
}

async fn reloads(desk: &Chromium, caller: &Chromium) -> bool {
    let (mut connected, mut agent, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RELOADS {
        let [agent_hears, caller_hears] = reload(desk, caller).await;
        agent.push(agent_hears);
        other.push(caller_hears);
        let since = "return connectedAt - Math.round(performance.timeOrigin)";
        connected.push(number(desk, since).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // All three are printed, whatever is missing.
    [
        line("browser desk, page load to connected", connected),
        line("browser desk, reload to the caller's voice in the page", agent),
        line("browser desk, reload to the agent's voice in the caller's page", other),
    ]
    .into_iter()
    .all(|printed| printed)
}
