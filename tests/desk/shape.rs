//! What the pages are for a phone's screen, a keyboard alone, a screen reader, and tired eyes:
//! nothing sticks out, everything has a name and a key, nothing moves while a call runs, and text
//! stands out from its ground in the light and in the dark.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use warmline::call::command::TransferStep;
use warmline::call::steer::Steer;
use warmline::desk::wire::RecordingNow;

use super::browser::{Chromium, is_there};
use super::page::{asked, desk_of, desk_with};
use super::play::Play;
use super::server::Server;

async fn cdp(page: &Chromium, method: &str, arguments: Value) -> Value {
    page.driver.cdp().send_raw(method, arguments).await.expect("Chromium does it")
}

pub async fn as_phone(page: &Chromium) {
    let screen = json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true });
    cdp(page, "Emulation.setDeviceMetricsOverride", screen).await;
}

pub async fn in_colours(page: &Chromium, scheme: &str) {
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    cdp(page, "Emulation.setEmulatedMedia", features).await;
}

/// No element sticks out of the screen, whatever scrolls inside of its own box.
pub async fn nothing_sticks_out(page: &Chromium, what: &str) {
    let script = "const wide = document.documentElement.clientWidth; \
        const out = [...document.querySelectorAll('body *')] \
          .flatMap((one) => [one, ...(one.shadowRoot?.querySelectorAll('*') ?? [])]) \
          .filter((one) => one.getBoundingClientRect().right > wide + 1 && one.checkVisibility()) \
          .filter((one) => !one.closest('.scroll, .hidden, .skip')) \
          .map((one) => `${one.tagName}.${one.className}`); \
        return [document.documentElement.scrollWidth, wide, out.slice(0, 8)]";
    let seen = page.run(script).await;
    assert_eq!(seen, json!([390, 390, []]), "{what} does not fit");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_phones_screen() {
    if !is_there("a phone's screen") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    as_phone(&anna).await;
    anna.driver.refresh().await.expect("loaded again");
    anna.wait_text("Ready").await;
    nothing_sticks_out(&anna, "the idle desk").await;
    anna.shoot("50-phone-idle").await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.own(34_500, |agent| TransferStep::Ringing { agent });
    play.customer();
    anna.wait_stage("ringing").await;
    nothing_sticks_out(&anna, "the ringing desk").await;
    anna.shoot("51-phone-ringing").await;
    play.talk();
    play.agent_says(39_000, "Hello Ms Ellison, this is Anna. I have your order here.");
    play.caller_says(43_000, "When are you open? I want to come by.", "opening_hours", 0.52);
    anna.wait_text("We are open").await;
    nothing_sticks_out(&anna, "the desk of a talk").await;
    anna.shoot("52-phone-talking").await;
    anna.press("k").await;
    anna.wait_text("Keys to the caller").await;
    nothing_sticks_out(&anna, "the keypad").await;
    anna.press("\u{e00c}").await;
    play.end(74_000);
    anna.wait_stage("wrap_up").await;
    nothing_sticks_out(&anna, "the wrap-up").await;
    anna.shoot("53-phone-wrap-up").await;
    for (name, path) in [
        ("the list", "/calls".to_owned()),
        ("one call", format!("/calls/{}", play.call)),
        ("nothing", "/nothing".to_owned()),
    ] {
        anna.goto(&path).await;
        nothing_sticks_out(&anna, name).await;
        anna.shoot(&format!("54-phone-{}", name.replace(' ', "-"))).await;
    }
    let admin = desk_of(&server, "admin").await;
    as_phone(&admin).await;
    for path in ["/login", "/status", "/audit", "/call-backs"] {
        admin.goto(path).await;
        nothing_sticks_out(&admin, path).await;
        admin.shoot(&format!("55-phone{}", path.replace('/', "-"))).await;
    }
    anna.close().await;
    admin.close().await;
}

/// Presses Tab until the element has the focus, as somebody without a mouse does.
async fn tab_to(page: &Chromium, css: &str) {
    for _ in 0..60 {
        if page.run(&format!("return document.activeElement?.matches('{css}') ?? false")).await
            == Value::Bool(true)
        {
            let seen = "const look = getComputedStyle(document.activeElement); \
                        return look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 1";
            assert_eq!(page.run(seen).await, true, "{css}: the focus is not seen");
            return;
        }
        type_on(page, "\u{e004}").await;
    }
    panic!("no way to {css} by Tab:\n{}", page.text().await);
}

/// Keys to whatever has the focus.
pub async fn type_on(page: &Chromium, keys: &str) {
    let focused = page.driver.active_element().await.expect("an element");
    focused.send_keys(keys).await.expect("typed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_by_tab_and_enter_alone() {
    if !is_there("the keyboard alone") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    let enter = "\u{e007}";
    anna.wait_text("Ready").await;
    tab_to(&anna, "#presence summary").await;
    type_on(&anna, enter).await;
    tab_to(&anna, "#presence .choices button[aria-keyshortcuts=B]").await;
    type_on(&anna, enter).await;
    anna.wait_text("On a break").await;
    tab_to(&anna, ".hero .primary").await;
    type_on(&anna, enter).await;
    anna.wait_text("Ready").await;

    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.own(34_500, |agent| TransferStep::Ringing { agent });
    anna.wait_stage("ringing").await;
    tab_to(&anna, "[data-act=A]").await;
    type_on(&anna, enter).await;
    assert_eq!(asked(&play, 1).await, [Steer::Accept { three_way: false }]);
    play.talk();
    anna.wait_stage("talking").await;
    tab_to(&anna, "[data-act=K]").await;
    type_on(&anna, enter).await;
    // The menu takes the focus; closed again, the button has it back.
    anna.wait("focus in the menu", "return !!document.activeElement.closest('.chooser')").await;
    type_on(&anna, enter).await;
    assert!(matches!(asked(&play, 2).await[1], Steer::Key { .. }));
    type_on(&anna, "\u{e00c}").await;
    anna.wait("focus back", "return document.activeElement.matches('[data-act=K]')").await;
    tab_to(&anna, "[data-act=H]").await;
    type_on(&anna, enter).await;
    assert_eq!(asked(&play, 3).await[2], Steer::Hold);
    play.hold(50_000);
    anna.wait_stage("held").await;
    // The same button, drawn anew, still has the focus.
    anna.wait("the focus stays", "return document.activeElement.matches('[data-act=H]')").await;
    type_on(&anna, enter).await;
    assert_eq!(asked(&play, 4).await[3], Steer::Resume);
    play.end(60_000);
    anna.wait_stage("wrap_up").await;
    tab_to(&anna, "#wrap-outcome").await;
    tab_to(&anna, ".bar .primary").await;
    type_on(&anna, enter).await;
    anna.wait_stage("idle").await;
    anna.close().await;
}

/// Roles that a person acts on; each must say what it is.
const ACTED_ON: [&str; 9] =
    ["button", "link", "textbox", "combobox", "checkbox", "radio", "meter", "image", "searchbox"];

/// Role and name of all that a screen reader meets.
async fn read_aloud(page: &Chromium) -> Vec<(String, String)> {
    let tree = cdp(page, "Accessibility.getFullAXTree", json!({})).await;
    let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().trim().to_owned();
    let met = nodes.iter().filter(|node| node["ignored"] != true);
    met.map(|node| (text(&node["role"]), text(&node["name"]))).collect()
}

pub async fn all_is_named(page: &Chromium, what: &str) -> Vec<(String, String)> {
    let mut met = read_aloud(page).await;
    let titled = |met: &[(String, String)]| met.iter().any(|(role, _)| role == "heading");
    let began = Instant::now();
    while !titled(&met) && began.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        met = read_aloud(page).await;
    }
    let nameless: Vec<_> = met
        .iter()
        .filter(|(role, name)| ACTED_ON.contains(&role.as_str()) && name.is_empty())
        .collect();
    assert!(nameless.is_empty(), "{what}: without a name: {nameless:?}\nof {met:?}");
    assert!(titled(&met), "{what} has no heading");
    met
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_reader_is_told_names_and_changes() {
    if !is_there("the accessibility tree") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    anna.wait_text("Ready").await;
    all_is_named(&anna, "the idle desk").await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.own(34_500, |agent| TransferStep::Ringing { agent });
    anna.wait_stage("ringing").await;
    let has = |met: &[(String, String)], role: &str, part: &str| {
        met.iter().any(|(is, name)| is == role && name.contains(part))
    };
    let met = all_is_named(&anna, "the ringing desk").await;
    assert!(has(&met, "button", "Accept") && has(&met, "button", "Decline"), "{met:?}");
    // Said at once: what happened, and the one line that is read in three seconds.
    let told = "const place = document.querySelector('#told'); \
                return place?.getAttribute('aria-live') === 'assertive' ? place.textContent : ''";
    let words = anna.run(told).await.as_str().unwrap_or_default().to_owned();
    assert!(words.contains("rings") && words.contains("order 4217 is a week late"), "{words:?}");
    play.talk();
    play.agent_says(39_000, "Hello, this is Anna.");
    play.caller_says(43_000, "When are you open?", "opening_hours", 0.52);
    anna.wait_text("We are open").await;
    let met = all_is_named(&anna, "the desk of a talk").await;
    assert!(has(&met, "log", "Transcript"), "{met:?}");
    assert!(has(&met, "image", "Stress over the call"), "{met:?}");
    assert!(has(&met, "textbox", "Notes"), "{met:?}");
    anna.wait(
        "it is told",
        "return document.querySelector('#told').textContent.includes('Talking')",
    )
    .await;
    play.end(60_000);
    anna.wait_stage("wrap_up").await;
    let met = all_is_named(&anna, "the wrap-up").await;
    assert!(has(&met, "textbox", "Outcome"), "{met:?}");
    for path in ["/calls".to_owned(), format!("/calls/{}", play.call)] {
        anna.goto(&path).await;
        all_is_named(&anna, &path).await;
    }
    anna.close().await;
}

/// Counts what moves that nobody moved, and names it.
const SHIFTS: &str = include_str!("shifts.js");

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_while_a_call_runs() {
    if !is_there("layout shift") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_with(&server, "anna", SHIFTS).await;
    anna.wait_text("Ready").await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    anna.wait_stage("offered").await;
    let shifts = "return new Promise((done) => requestAnimationFrame(() => \
                  setTimeout(() => done(window.shifts.map(String)), 150)))";
    // From here on everything stays where it is.
    anna.run(shifts).await;
    anna.run("window.shifts = []").await;
    play.own(34_500, |agent| TransferStep::Ringing { agent });
    anna.wait_stage("ringing").await;
    play.customer();
    anna.wait_text("Oak shelf").await;
    play.steered(36_000, Steer::Accept { three_way: false });
    anna.wait_stage("accepted").await;
    play.talk();
    anna.wait_stage("talking").await;
    for turn in 0..6 {
        let at_ms = 40_000 + turn * 6_000;
        server.pages.speaking(&play.call, warmline::base::ids::LegId::CALLER, None);
        let stress = if turn % 2 == 0 { 0.1 } else { 0.9 };
        play.caller_says(at_ms, "When are you open? I want to come by.", "opening_hours", stress);
        play.agent_says(at_ms + 3_000, "We are open from nine to five, and on Saturday too.");
        anna.run(shifts).await;
    }
    play.steered(80_000, Steer::Mute { on: true });
    server.pages.recording(&play.call, RecordingNow::Paused);
    anna.wait_text("Recording paused").await;
    server.pages.recording(&play.call, RecordingNow::On);
    play.hold(82_000);
    anna.wait_stage("held").await;
    play.step(84_000, TransferStep::Resumed { leg: warmline::base::ids::LegId::CALLER });
    anna.wait_stage("talking").await;
    play.steered(86_000, Steer::Consult { agent: "bert".into() });
    anna.wait_text("Bert").await;
    let moved = anna.run(shifts).await;
    assert_eq!(moved, json!([]), "this moved under the agent's hand");
    // The watch sees what it is for.
    anna.run("document.querySelector('.call-head').style.marginTop = '60px'").await;
    let moved = anna.run(shifts).await;
    assert_ne!(moved, json!([]), "a shift is not seen");
    anna.close().await;
}

/// Texts that stand out too little from their ground (WCAG 2.2, 1.4.3: 4.5 to 1, 3 to 1 if large).
pub const FAINT: &str = include_str!("faint.js");

#[tokio::test(flavor = "multi_thread")]
async fn text_stands_out_in_the_light_and_in_the_dark() {
    if !is_there("contrast") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    let mut grounds = Vec::new();
    for (number, scheme) in [(1, "light"), (2, "dark")] {
        in_colours(&anna, scheme).await;
        anna.goto("/desk").await;
        anna.wait_text("Ready").await;
        let mut faint = vec![("idle", anna.run(FAINT).await)];
        let play = Play::new(&server, number, "anna").await;
        play.offer();
        play.own(34_500, |agent| TransferStep::Ringing { agent });
        play.customer();
        anna.wait_stage("ringing").await;
        anna.shoot(&format!("60-ringing-{scheme}")).await;
        // The ring's animation takes its colours from both ends.
        anna.wait(
            "still",
            "document.querySelector('.call-head').style.animation = 'none'; return true",
        )
        .await;
        faint.push(("ringing", anna.run(FAINT).await));
        play.talk();
        play.agent_says(39_000, "Hello Ms Ellison, this is Anna.");
        play.caller_says(43_000, "When are you open? It is a shame.", "opening_hours", 0.82);
        play.steered(44_000, Steer::Mute { on: true });
        anna.wait_text("We are open").await;
        anna.shoot(&format!("61-talking-{scheme}")).await;
        faint.push(("talking", anna.run(FAINT).await));
        play.end(60_000);
        anna.wait_stage("wrap_up").await;
        anna.shoot(&format!("62-wrap-up-{scheme}")).await;
        faint.push(("wrap-up", anna.run(FAINT).await));
        anna.click(".bar .primary").await;
        anna.wait_stage("idle").await;
        for path in ["/calls".to_owned(), format!("/calls/{}", play.call)] {
            anna.goto(&path).await;
            faint.push(("calls", anna.run(FAINT).await));
        }
        anna.shoot(&format!("63-call-{scheme}")).await;
        let ground = "return getComputedStyle(document.body).backgroundColor";
        grounds.push(anna.run(ground).await);
        for (what, texts) in faint {
            assert_eq!(texts, json!([]), "{scheme}, {what}: hard to read");
        }
    }
    assert_ne!(grounds[0], grounds[1], "light and dark are the same");
    anna.close().await;
}
