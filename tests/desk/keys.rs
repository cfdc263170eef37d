//! Every button of a call by its key: what the page asks of the call, and the light that says
//! whether it is recorded.

use warmline::base::key::Key;
use warmline::call::command::TransferStep;
use warmline::call::steer::Steer;
use warmline::desk::wire::RecordingNow;

use super::browser::{Chromium, is_there};
use super::page::{asked, desk_of};
use super::play::Play;
use super::server::Server;

const ESCAPE: &str = "\u{e00c}";
const CONTROL: &str = "\u{e009}";

/// The light and its words, as the agent sees them; `None` unless exactly one burns.
async fn wait_light(page: &Chromium, state: &str, words: &str) {
    let script = format!(
        "const all = [...document.querySelectorAll('.recording')]; \
         return all.length === 1 && all[0].classList.contains('{state}') \
         && all[0].textContent === '{words}' && all[0].getClientRects().length > 0"
    );
    page.wait(words, &script).await;
}

/// The chosen entry of an open menu, by its key.
async fn choose(page: &Chromium, title: &str, key: &str) {
    page.wait_text(title).await;
    page.press(key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_declined_with_a_reason_or_taken_three_way() {
    if !is_there("decline and three-way") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    anna.wait_text("Ready").await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.own(34_500, |agent| TransferStep::Ringing { agent });
    anna.wait_stage("ringing").await;
    anna.press("d").await;
    anna.wait_text("Why not?").await;
    anna.shoot("12-decline").await;
    // Thought better of it: nothing is asked.
    anna.press(ESCAPE).await;
    anna.wait("the menu is gone", "return !document.querySelector('.chooser')").await;
    anna.press("d").await;
    let first = "return document.querySelector('.chooser [data-choice=\"1\"] span').textContent";
    anna.find(".chooser").await;
    let reason = anna.run(first).await.as_str().expect("a reason").to_owned();
    assert!(reason.len() > 3, "{reason:?} is no reason");
    choose(&anna, "Why not?", "1").await;
    assert_eq!(asked(&play, 1).await, [Steer::Decline { reason }]);

    // The next offer of the same call.
    play.own(36_000, |agent| TransferStep::Declined { agent });
    anna.wait_stage("idle").await;
    let mut card = play.card.clone();
    card.offer = warmline::base::ids::OfferId(2);
    play.ring_again(&card);
    anna.wait_stage("offered").await;
    anna.press("t").await;
    assert_eq!(asked(&play, 2).await[1], Steer::Accept { three_way: true });
    anna.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_talk_reach_the_call() {
    if !is_there("keys of a talk") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.talk();
    play.caller_says(43_000, "When are you open? I want to come by.", "opening_hours", 0.52);
    anna.wait_stage("talking").await;
    // Digits of the keypad, by click and by key, and it stays open between them.
    anna.press("k").await;
    anna.click(".chooser [data-choice='4']").await;
    choose(&anna, "Keys to the caller's line", "#").await;
    let key = |symbol| Steer::Key { key: Key::new(symbol).expect("a key") };
    assert_eq!(asked(&play, 2).await, [key('4'), key('#')]);
    anna.shoot("13-keypad").await;
    anna.press(ESCAPE).await;

    wait_light(&anna, "on", "Recording").await;
    anna.press("r").await;
    assert_eq!(asked(&play, 3).await[2], Steer::Record { on: false });
    // The light says what is, not what was asked.
    wait_light(&anna, "on", "Recording").await;
    server.pages.recording(&play.call, RecordingNow::Paused);
    wait_light(&anna, "paused", "Recording paused").await;
    anna.shoot("14-recording-paused").await;
    anna.press("r").await;
    assert_eq!(asked(&play, 4).await[3], Steer::Record { on: true });
    server.pages.recording(&play.call, RecordingNow::On);
    wait_light(&anna, "on", "Recording").await;
    server.pages.recording(&play.call, RecordingNow::Failed);
    wait_light(&anna, "failed", "Recording failed").await;

    anna.press("s").await;
    assert_eq!(asked(&play, 5).await[4], Steer::HearSummary);
    anna.press("c").await;
    choose(&anna, "Transfer to", "9").await;
    assert_eq!(asked(&play, 6).await[5], Steer::ToMachine);

    // A suggestion is copied, and pasted into the notes.
    anna.click(".answers [data-copy]").await;
    anna.wait_text("Copied").await;
    let notes = anna.find("#notes").await;
    notes.send_keys(format!("{CONTROL}v")).await.expect("typed");
    let pasted = "return document.querySelector('#notes').value.includes('We are open')";
    anna.wait("what was copied", pasted).await;
    anna.press(ESCAPE).await;

    anna.press("x").await;
    assert_eq!(asked(&play, 7).await[6], Steer::HangUp);
    anna.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_shown_on_the_desk() {
    if !is_there("the queue on the desk") {
        return;
    }
    let server = Server::start().await;
    let looks_on = desk_of(&server, "super").await;
    looks_on.goto("/desk").await;
    looks_on.wait_text("Nobody waits").await;
    // Both agents have a call; the third caller waits.
    let (first, second) =
        (Play::new(&server, 1, "anna").await, Play::new(&server, 2, "bert").await);
    first.reserve();
    second.reserve();
    Play::new(&server, 3, "anna").await.queue();
    let waiting = "const all = document.querySelectorAll('.queue li'); \
                   return all.length === 1 && all[0].textContent.includes('P1') \
                   && /\\d:\\d\\d/.test(all[0].querySelector('.clock').textContent) \
                   && document.querySelector('.count').textContent === '1'";
    looks_on.wait("who waits", waiting).await;
    let page = looks_on.text().await;
    assert!(!page.contains("Marta"), "it is nobody's call yet: {page}");
    looks_on.shoot("15-queue").await;
    // An agent sees the same while her own call rings; then she is free, and nobody waits.
    first.end(40_000);
    let anna = desk_of(&server, "anna").await;
    anna.press("v").await;
    looks_on.wait_text("Nobody waits").await;
    looks_on.close().await;
    anna.close().await;
}
