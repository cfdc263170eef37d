//! The callers' page in a real Chromium with a WAV as its microphone. Pictures of its states go to
//! the folder `WARMLINE_SHOTS`, if it is named.

use std::path::Path;
use std::time::Duration;

use thirtyfour::By;

use super::browser::{aside, base_of, ended, serve};
use super::chromium::{Chromium, is_there};
use super::server::{have_models, speak};
use super::tone::{Part, compose};

/// Clicks in the element's own tree as a person does: what is hidden, covered or switched off
/// cannot be clicked.
pub async fn click(page: &Chromium, id: &str) {
    click_on(page, &format!("#{id}")).await;
}

pub async fn click_on(page: &Chromium, css: &str) {
    let began = std::time::Instant::now();
    loop {
        let outcome = async {
            let root = page.find("warmline-call").await.get_shadow_root().await?;
            root.find(By::Css(css.to_owned())).await?.click().await
        };
        match outcome.await {
            Ok(()) => return,
            Err(error) => {
                let patience = Duration::from_secs(30);
                assert!(began.elapsed() < patience, "cannot click {css}: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Waits until the page says how good its connection is.
pub async fn wait_quality(page: &Chromium) {
    let script = "const shown = document.querySelector('warmline-call').shadowRoot\
                  .querySelector('.quality')?.textContent ?? ''; \
                  return ['Good connection', 'Fair connection', 'Poor connection'].includes(shown)";
    page.wait("the connection's quality", script).await;
}

pub async fn shown(page: &Chromium) -> String {
    let text =
        page.run("return document.querySelector('warmline-call').shadowRoot.textContent").await;
    text.as_str().unwrap_or_default().to_lowercase()
}

pub async fn wait_shown(page: &Chromium, text: &str, longest: Duration) {
    let began = std::time::Instant::now();
    while !shown(page).await.contains(text) {
        assert!(began.elapsed() < longest, "{text:?} is not shown: {}", shown(page).await);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn microphone(folder: &Path) -> String {
    let folder = folder.to_owned();
    aside(move || {
        let question = speak(&folder, "question.wav", "When are you open?");
        let file = folder.join("microphone.wav");
        // Said again, for a machine on which the first time is lost.
        let asked = [Part::Silence(13.0), Part::File(&question)];
        let again = [Part::Silence(15.0), Part::File(&question), Part::Silence(60.0)];
        let parts: Vec<Part> = asked.into_iter().chain(again).collect();
        compose(&file, &parts);
        format!("--use-file-for-fake-audio-capture={}%noloop", file.display())
    })
    .await
}

/// Energy of what the page has heard, as Chromium counts it.
async fn energy(page: &Chromium) -> f64 {
    let value = page
        .run(
            "const line = document.querySelector('warmline-call').line; \
             if (!line) return 0; \
             const all = [...(await line.pc.getStats()).values()]; \
             return all.find((one) => one.type === 'inbound-rtp')?.totalAudioEnergy ?? 0;",
        )
        .await;
    value.as_f64().unwrap_or(0.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_asks_in_chromium_and_reads_and_hears_the_answer() {
    if !have_models("callers' page") || !is_there("callers' page") {
        return;
    }
    let server = serve("[browser]\nphone = \"+1 555 0100\"\n").await;
    let folder = tempfile::tempdir().unwrap();
    let wav = microphone(folder.path()).await;
    let page = Chromium::open_with(&base_of(&server), &[&wav]).await;
    page.goto("/call").await;
    wait_shown(&page, "call northwind", Duration::from_secs(20)).await;
    page.shoot("call-1-idle").await;
    click(&page, "call").await;
    wait_shown(&page, "automatic assistant", Duration::from_secs(30)).await;
    wait_shown(&page, "when are you open", Duration::from_secs(60)).await;
    let after_question = energy(&page).await;
    wait_quality(&page).await;
    page.shoot("call-2-talking").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(energy(&page).await > after_question + 0.000_1, "the answer is not heard");
    click(&page, "keypad").await;
    page.shoot("call-3-keypad").await;
    click_on(&page, ".pad button:nth-child(5)").await;
    // A key takes 120 ms, and a page that goes would cut it.
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Loaded anew in mid-call: the same call, with all its captions.
    page.goto("/call").await;
    wait_shown(&page, "when are you open", Duration::from_secs(30)).await;
    wait_shown(&page, "automatic assistant", Duration::from_secs(30)).await;
    click(&page, "hang-up").await;
    wait_shown(&page, "the call has ended", Duration::from_secs(10)).await;
    // What was said stays to be read.
    wait_shown(&page, "when are you open", Duration::from_secs(1)).await;
    page.shoot("call-6-ended").await;
    let calls = ended(&server, 1, Duration::from_secs(30)).await;
    assert_eq!(calls.len(), 1, "a reload is no second call");
    assert!(calls[0].to_string().contains("opening_hours"), "{:#}", calls[0]);
    let events = calls[0]["events"].to_string();
    assert!(events.contains("5 (leg 0)"), "the key did not come: {events}");
    let marked =
        page.run("return document.querySelectorAll('script:not([src]), [onclick]').length");
    assert_eq!(marked.await, 0);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_microphone_leaves_other_ways() {
    if !have_models("refused microphone") || !is_there("refused microphone") {
        return;
    }
    let server = serve("[browser]\nphone = \"+1 555 0100\"\n").await;
    let arguments =
        ["--use-fake-ui-for-media-stream=deny", "--force-dark-mode", "--window-size=390,844"];
    let page = Chromium::open_with(&base_of(&server), &arguments).await;
    page.goto("/call").await;
    wait_shown(&page, "call northwind", Duration::from_secs(20)).await;
    page.shoot("call-4-phone-dark").await;
    click(&page, "call").await;
    wait_shown(&page, "microphone", Duration::from_secs(20)).await;
    wait_shown(&page, "not allowed", Duration::from_secs(20)).await;
    wait_shown(&page, "+1 555 0100", Duration::from_secs(5)).await;
    page.shoot("call-5-refused").await;
    page.run(
        "const root = document.querySelector('warmline-call').shadowRoot; \
         root.querySelector('[name=number]').value = '+1 555 0199'; \
         root.querySelector('[name=name]').value = '<img src=x onerror=alert(1)>'; \
         root.querySelector('form').requestSubmit(); return true",
    )
    .await;
    wait_shown(&page, "we will call you back", Duration::from_secs(10)).await;
    page.close().await;
    let [audit, list] =
        aside(move || ["/audit", "/call-backs"].map(|path| server.get(path).1)).await;
    assert!(audit.contains("call back wanted") && audit.contains("******99"), "{audit}");
    assert!(!audit.contains("0199"), "a number is masked");
    assert!(!audit.contains("<img") && !audit.contains("alert"), "a name is in the audit");
    assert!(list.contains("+1 555 0199") && list.contains("tel:+15550199"), "{list}");
    assert!(list.contains("&lt;img src=x onerror=alert(1)&gt;"), "{list}");
    assert!(!list.contains("<img"), "markup came through");
}
