//! An agent's headset and the callers' page, as their browser has them: devices, level, test sound;
//! a phone's screen, names, keys. With the real server and Chromium's made-up devices.

use std::time::Duration;

use serde_json::json;

use super::browser::{Chromium, is_there};
use super::phones::{Server, have_models};
use super::shape::{FAINT, all_is_named, as_phone, in_colours, nothing_sticks_out, type_on};
use super::tone::{Part, compose};
use super::whole::{PASSWORD, add_user};

/// Keeps the page's connections, and notes on which device it plays what.
const EARS: &str = include_str!("sound.js");

/// What the microphone brings onto the line now, 0 to 1.
const SENT: &str = "const stats = [...(await window.lines.at(-1).getStats()).values()]; \
    return stats.find((one) => one.type === 'media-source')?.audioLevel ?? 0";

async fn wait_sent(page: &Chromium, what: &str) {
    for _ in 0..600 {
        if page.run(SENT).await.as_f64().unwrap_or(0.0) > 0.01 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: the line carries no sound");
}

/// The options of a choice in the headset's sheet, by its label.
async fn devices(page: &Chromium, label: &str) -> Vec<String> {
    let script = format!(
        "const label = [...document.querySelectorAll('#line label')] \
           .find((one) => one.firstChild.textContent === '{label}'); \
         return [...label.querySelectorAll('option')].map((one) => one.value)"
    );
    serde_json::from_value(page.run(&script).await).expect("a list")
}

async fn choose(page: &Chromium, label: &str, device: &str) {
    page.run(&format!(
        "const label = [...document.querySelectorAll('#line label')] \
           .find((one) => one.firstChild.textContent === '{label}'); \
         const choice = label.querySelector('select'); choice.value = '{device}'; \
         choice.dispatchEvent(new Event('change'))"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_headset_has_a_choice_of_devices_a_level_and_a_test_sound() {
    let test = "the headset";
    if !is_there(test) || !have_models(test) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let tone = folder.path().join("tone.wav");
    compose(&tone, &[Part::Tone { hz: 600.0, seconds: 60.0 }]);
    let agents = "[[agents]]\nid = \"anna\"\nname = \"Anna\"\nbrowser = true\n";
    let server = tokio::task::block_in_place(|| Server::start(agents));
    add_user(&server, "anna");
    let sound = format!("--use-file-for-fake-audio-capture={}", tone.display());
    let base = format!("http://127.0.0.1:{}", server.web_port);
    let anna = Chromium::open_with(&base, &[&sound]).await;
    anna.before_each_page(EARS).await;
    anna.log_in("anna", PASSWORD).await;
    anna.click("#line summary").await;
    anna.click("#line .sheet button").await;
    anna.wait_text("Headset ready").await;
    // The level follows the microphone's tone.
    let level = "return (document.querySelector('#line meter')?.value ?? 0) > 0.05";
    anna.wait("the level", level).await;
    wait_sent(&anna, "the first microphone").await;
    let microphones = devices(&anna, "Microphone").await;
    let speakers = devices(&anna, "Speaker").await;
    assert!(microphones.len() >= 2 && speakers.len() >= 2, "{microphones:?} {speakers:?}");
    anna.shoot("70-headset").await;

    // Another microphone: the line stands, and carries it.
    let other = microphones.last().expect("one").clone();
    choose(&anna, "Microphone", &other).await;
    let taken = format!(
        "const track = window.lines.at(-1).getSenders().find((one) => one.track)?.track; \
         return track?.getSettings().deviceId === '{other}' && track.readyState === 'live'"
    );
    anna.wait("the other microphone on the line", &taken).await;
    wait_sent(&anna, "the other microphone").await;
    anna.wait("its level", level).await;
    assert_eq!(anna.run("return window.lines.length").await, 1, "the same line");

    // Another speaker: for calls and for the test sound.
    let other = speakers.last().expect("one").clone();
    choose(&anna, "Speaker", &other).await;
    anna.run(
        "[...document.querySelectorAll('#line button')] \
         .find((one) => one.textContent === 'Play a test sound').click()",
    )
    .await;
    let played = format!(
        "return window.tones.includes(660) && ['call', 'test'].every((what) => \
         window.sinks.some(([is, id]) => is === what && id === '{other}'))"
    );
    anna.wait("the test sound on the chosen speaker", &played).await;
    // Loaded anew, both choices are still there and the line comes by itself.
    anna.driver.refresh().await.expect("loaded again");
    anna.wait_text("Headset ready").await;
    let again =
        format!("return window.sinks.some(([is, id]) => is === 'call' && id === '{other}')");
    anna.wait("the chosen speaker again", &again).await;
    wait_sent(&anna, "after the reload").await;
    anna.close().await;
}

fn button(id: &str) -> String {
    format!("document.querySelector('warmline-call').shadowRoot.getElementById('{id}')")
}

/// Tab until this button of the callers' element has the focus.
async fn tab_to(page: &Chromium, id: &str) {
    let focused = "document.querySelector('warmline-call').shadowRoot.activeElement?.id";
    for _ in 0..40 {
        if page.run(&format!("return {focused} === '{id}'")).await == true {
            return;
        }
        type_on(page, "\u{e004}").await;
    }
    panic!("no way to {id} by Tab");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_needs_no_more_than_a_phones_screen_or_a_keyboard() {
    let test = "the callers' page";
    if !is_there(test) || !have_models(test) {
        return;
    }
    let server =
        tokio::task::block_in_place(|| Server::start("[browser]\nphone = \"+1 555 0100\"\n"));
    let page = Chromium::open(&format!("http://127.0.0.1:{}", server.web_port)).await;
    as_phone(&page).await;
    page.goto("/call").await;
    page.wait("the button", &format!("return !!{}", button("call"))).await;
    for scheme in ["light", "dark"] {
        in_colours(&page, scheme).await;
        nothing_sticks_out(&page, "the callers' page").await;
        assert_eq!(page.run(FAINT).await, json!([]), "{scheme}");
        page.shoot(&format!("71-caller-idle-{scheme}")).await;
    }
    all_is_named(&page, "the callers' page").await;
    let enter = "\u{e007}";
    tab_to(&page, "call").await;
    type_on(&page, enter).await;
    let text = "document.querySelector('warmline-call').shadowRoot.textContent";
    let told = |words: &str| format!("return {text}.includes('{words}')");
    page.wait("the call", &told("automatic assistant")).await;
    page.wait("the greeting", &format!("return !!{}?.childElementCount", log())).await;
    let met = all_is_named(&page, "the call").await;
    for (role, name) in [("log", "What is said"), ("button", "Mute"), ("button", "Hang up")] {
        let there = met.iter().any(|(is, named)| is == role && named == name);
        assert!(there, "no {role} {name:?} in {met:?}");
    }
    assert!(met.iter().any(|(role, _)| role == "status"), "{met:?}");
    // Long texts, and the keypad open.
    tab_to(&page, "keypad").await;
    type_on(&page, enter).await;
    page.wait("the keypad", &told("*")).await;
    nothing_sticks_out(&page, "the call with its keypad").await;
    for scheme in ["light", "dark"] {
        in_colours(&page, scheme).await;
        assert_eq!(page.run(FAINT).await, json!([]), "{scheme}, in a call");
        page.shoot(&format!("72-caller-keypad-{scheme}")).await;
    }
    type_on(&page, "\u{e00c}").await;
    tab_to(&page, "mute").await;
    type_on(&page, enter).await;
    page.wait("muted", &format!("return {}.ariaPressed === 'true'", button("mute"))).await;
    tab_to(&page, "hang-up").await;
    type_on(&page, enter).await;
    page.wait("the end", &told("The call has ended")).await;
    nothing_sticks_out(&page, "after the call").await;
    let calls = tokio::task::block_in_place(|| server.ended_calls(1, Duration::from_secs(60)));
    assert_eq!(calls.len(), 1, "{calls:#?}");
    page.close().await;
}

fn log() -> &'static str {
    "document.querySelector('warmline-call').shadowRoot.querySelector('.log')"
}
