//! How an agent who looks elsewhere learns of a call: a desktop notification, a ring on the chosen
//! device, and a tab in the background that keeps its presence.

use std::time::Duration;

use warmline::call::command::{AgentOutcome, TransferStep};
use warmline::call::steer::Steer;

use super::browser::is_there;
use super::page::{asked, desk_with};
use super::play::Play;
use super::server::Server;

/// Notifications and rings are noted instead of shown and heard; two loudspeakers are there.
const EARS: &str = include_str!("alerts.js");

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_rings_on_the_chosen_device_until_it_is_answered() {
    if !is_there("the ring") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_with(&server, "anna", EARS).await;
    anna.wait_text("Ready").await;
    // A page whose headset is not connected has a phone that rings by itself.
    let first = Play::new(&server, 1, "anna").await;
    first.offer();
    first.own(34_500, |agent| TransferStep::Ringing { agent });
    anna.wait_stage("ringing").await;
    anna.wait("a notification", "return window.told.length === 1").await;
    assert_eq!(anna.run("return window.rung.length").await, 0, "the phone rings by itself");
    first.own(36_000, |agent| TransferStep::Declined { agent });
    first.release(AgentOutcome::Declined);
    anna.wait_stage("idle").await;
    assert_eq!(anna.run("return window.told[0].open").await, false, "the offer is gone");

    anna.run("document.querySelector('#line').dataset.state = 'connected'").await;
    anna.click("#presence summary").await;
    anna.wait("two devices", "return document.querySelectorAll('.ring-on option').length === 2")
        .await;
    anna.shoot("16-ring-on").await;
    anna.run(
        "const choice = document.querySelector('.ring-on select'); choice.value = 'speakers'; \
         choice.dispatchEvent(new Event('change'))",
    )
    .await;
    // Loaded anew, the choice is still there.
    anna.driver.refresh().await.expect("loaded again");
    anna.wait_text("Ready").await;
    anna.run("document.querySelector('#line').dataset.state = 'connected'").await;
    let play = Play::new(&server, 2, "anna").await;
    play.offer();
    play.own(34_500, |agent| TransferStep::Ringing { agent });
    anna.wait_stage("ringing").await;
    // Where the page is the phone, the summary can be heard before the call is taken.
    anna.press("s").await;
    assert_eq!(asked(&play, 1).await, [Steer::HearSummary]);
    anna.wait("it rings, and again", "return window.rung.length >= 4").await;
    assert_eq!(anna.run("return [...new Set(window.rung)].join()").await, "speakers");
    let told = anna.run("return window.told").await;
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    let body = told[0]["body"].as_str().unwrap_or_default();
    assert!(body.contains("order 4217 is a week late"), "{told}");
    let title = anna.driver.title().await.expect("a title");
    assert!(title.contains("order 4217"), "{title}");

    play.own(35_000, |agent| TransferStep::Briefing { agent });
    anna.wait_stage("briefing").await;
    let rung = anna.run("return window.rung.length").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(anna.run("return window.rung.length").await, rung, "it rings into the summary");
    // The key that the voice names.
    anna.press("1").await;
    assert_eq!(asked(&play, 2).await[1], Steer::Accept { three_way: false });
    play.talk();
    anna.wait_stage("talking").await;
    anna.wait("the notification is gone", "return !window.told[0].open").await;
    let rung = anna.run("return window.rung.length").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(anna.run("return window.rung.length").await, rung, "it rings no more");
    anna.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_in_the_background_keeps_its_presence_and_is_told_of_a_call() {
    if !is_there("a tab in the background") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_with(&server, "anna", EARS).await;
    anna.wait_text("Ready").await;
    let desk = anna.driver.window().await.expect("a window");
    let other = anna.driver.new_tab().await.expect("a tab");
    anna.driver.switch_to_window(other.clone()).await.expect("switched");
    // The server looks twice in this time whether the page is still there.
    tokio::time::sleep(Duration::from_secs(45)).await;
    let play = Play::new(&server, 1, "anna").await;
    let view = server.desk.view();
    let presence = view.agents.iter().find(|agent| agent.id == "anna").map(|a| a.presence.clone());
    assert_eq!(presence.as_deref(), Some("free"), "{view:?}");
    let began = jiff::Timestamp::now().as_millisecond() - 34_000;
    play.reserve();
    let shown = server.pages.offered(&play.card, began, warmline::base::moment::Moment(34_000));
    let shown = shown.expect("a page is open");
    let told = tokio::time::timeout(Duration::from_secs(30), shown).await;
    told.expect("the card is on the hidden page").expect("and it says so");
    anna.driver.switch_to_window(desk).await.expect("switched");
    anna.wait_stage("offered").await;
    assert_eq!(anna.run("return window.hid").await, true, "the tab was in the background");
    assert_eq!(anna.run("return window.sockets").await, 1, "its line never broke");
    let told = anna.run("return window.told").await;
    assert_eq!(told[0]["hidden"], true, "told while nobody looked: {told}");
    anna.close().await;
}
