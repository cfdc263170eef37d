//! The page itself: every state of a call, what the buttons ask, reload, tabs, a cut line, and
//! strings that would like to be markup.

use std::time::Duration;

use warmline::call::command::TransferStep;
use warmline::call::steer::Steer;

use super::browser::{Chromium, is_there};
use super::play::Play;
use super::server::{PASSWORD, Server};

async fn desk_of(server: &Server, name: &str) -> Chromium {
    let chromium = Chromium::open(&server.url("")).await;
    chromium.log_in(name, PASSWORD).await;
    chromium
}

/// Waits until the page has asked for as many things.
async fn asked(play: &Play<'_>, count: usize) -> Vec<Steer> {
    for _ in 0..200 {
        if play.asked().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    play.asked()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_the_card_to_the_wrap_up() {
    if !is_there("a call on the desk") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    anna.wait_text("Ready").await;
    anna.shoot("01-idle").await;

    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    anna.wait_stage("offered").await;
    anna.wait_text("order 4217 is a week late").await;
    anna.wait_text("Asking the business system").await;
    anna.shoot("02-offered").await;
    play.own(34_500, |agent| TransferStep::Ringing { agent });
    play.customer();
    anna.wait_stage("ringing").await;
    anna.wait_text("Oak shelf").await;
    anna.shoot("03-ringing").await;

    anna.click("[data-act=A]").await;
    assert_eq!(asked(&play, 1).await, [Steer::Accept { three_way: false }]);
    play.steered(36_000, Steer::Accept { three_way: false });
    anna.wait_stage("accepted").await;
    anna.shoot("04-accepted").await;
    play.talk();
    play.agent_says(39_000, "Hello Ms Ellison, this is Anna. I have your order here.");
    play.caller_says(43_000, "When are you open? I want to come by.", "opening_hours", 0.52);
    anna.wait_text("this is Anna").await;
    anna.wait_text("We are open Monday to Friday").await;
    server.pages.speaking(&play.call, warmline::base::ids::LegId::CALLER);
    anna.wait("a line on its way", "return !!document.querySelector('.pending.caller.on')").await;
    anna.shoot("05-talking").await;

    // By key: hold, mute, the first suggestion.
    anna.press("h").await;
    anna.press("m").await;
    anna.press("1").await;
    let wanted = asked(&play, 4).await;
    assert_eq!(wanted[1..3], [Steer::Hold, Steer::Mute { on: true }]);
    assert!(matches!(&wanted[3], Steer::Say { text } if text.starts_with("We are open")));
    play.hold(50_000);
    anna.wait_stage("held").await;
    anna.shoot("06-held").await;
    play.step(55_000, TransferStep::Resumed { leg: warmline::base::ids::LegId::CALLER });
    anna.press("c").await;
    anna.wait_text("Transfer to").await;
    anna.shoot("07-transfer").await;
    anna.click("[data-choice='1']").await;
    let wanted = asked(&play, 5).await;
    assert_eq!(wanted[4], Steer::Consult { agent: "bert".into() });

    anna.find("#notes").await.send_keys("wants it at the door").await.expect("typed");
    play.caller_says(70_000, "Thank you, goodbye.", "goodbye", 0.14);
    play.end(74_000);
    anna.wait_stage("wrap_up").await;
    anna.shoot("08-wrap-up").await;
    anna.click(".bar .choice").await;
    anna.click(".bar .primary").await;
    anna.wait_stage("idle").await;
    anna.wait_text("Ready").await;

    let kept = server.store.call(&play.call).await.expect("an answer").expect("the call");
    let wrap_up = kept.wrap_ups.iter().find(|w| w.agent == "anna").expect("a wrap-up");
    assert_eq!(wrap_up.result.as_deref(), Some("Solved"));
    let notes = wrap_up.notes.as_ref().map(|notes| notes.reveal().as_str());
    assert_eq!(notes, Some("wants it at the door"));
    let summary = wrap_up.summary.as_ref().expect("a summary");
    assert!(summary.situation.reveal().contains("late delivery"));
    anna.close().await;
}

/// Strings that would run, were they ever markup.
const MARKUP: [&str; 4] = [
    "<img src=x onerror=\"window.ran=1\">",
    "<script>window.ran=1</script>",
    "\"><svg onload=window.ran=1>",
    "javascript:window.ran=1",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_outside_is_text() {
    if !is_there("text, never markup") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    anna.wait_text("Ready").await;
    let mut play = Play::new(&server, 1, "anna").await;
    let all = MARKUP.join(" ");
    play.card.summary = all.clone();
    play.card.caller_name = Some(all.clone().into());
    play.card.caller_number = Some(MARKUP[0].to_owned().into());
    play.card.intent = Some(all.clone());
    play.card.tried = vec![all.clone()];
    play.card.draft = Some(all.clone());
    play.card.reasons = vec![warmline::base::reason::Reason::new(all.clone())];
    for slot in &mut play.card.slots {
        slot.name = MARKUP[2].into();
        slot.value = all.clone().into();
        slot.source = all.clone().into();
    }
    play.offer();
    server.pages.customer(
        &play.call,
        warmline::desk::wire::CustomerNow::Known {
            fields: vec![warmline::desk::wire::FieldNow { name: all.clone(), value: all.clone() }],
            orders: Vec::new(),
        },
    );
    play.talk();
    play.caller_says(41_000, &all, "opening_hours", 0.9);
    play.agent_says(42_000, &all);
    anna.wait("the line", "return document.querySelectorAll('.lines li').length > 6").await;
    anna.find("#notes").await.send_keys(&all).await.expect("typed");
    anna.shoot("09-markup").await;
    // The server has the notes before the page asks for them again.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    anna.driver.refresh().await.expect("loaded again");
    anna.wait_stage("talking").await;
    anna.wait("the notes", "return document.querySelector('#notes')?.value.includes('onerror')")
        .await;
    play.end(60_000);
    anna.wait_stage("wrap_up").await;
    anna.click(".bar .primary").await;
    anna.wait_stage("idle").await;
    // The User-Agent and all that was kept, on the page of the call.
    let caller = warmline::base::caller::CallerInfo {
        user_agent: Some(all.clone()),
        ..super::example::caller(&all, "1")
    };
    let other = super::example::call_id(9);
    let now = jiff::Timestamp::now();
    server.store.arrived(&other, now, &caller).await.await.expect("kept");
    let accepted = TransferStep::Accepted { agent: "anna".into() };
    let fact = super::example::transfer(accepted);
    server
        .store
        .note(&other, warmline::base::moment::Moment(1), now, fact)
        .await
        .await
        .expect("ok");
    for call in [&play.call, &other] {
        anna.goto(&format!("/calls/{call}")).await;
        anna.wait_text("onerror").await;
    }
    let ran = anna.run("return window.ran ?? null").await;
    assert!(ran.is_null(), "markup ran");
    let made = anna.run("return document.querySelectorAll('[onerror],[onload]').length").await;
    assert_eq!(made, 0, "an element was made of what a caller said");
    anna.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_loaded_again_shows_the_same_call() {
    if !is_there("reload") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.talk();
    play.agent_says(39_000, "Hello, this is Anna.");
    play.steered(40_000, Steer::Mute { on: true });
    anna.wait_text("you are muted").await;
    // Recognised late: it stands where it was said, and nothing is there twice.
    play.agent_says(37_000, "Warmline, good morning.");
    let order = "return [...document.querySelectorAll('.lines .agent .text')] \
                 .map((line) => line.textContent).join('|')";
    let order = format!("{order} === 'Warmline, good morning.|Hello, this is Anna.'");
    anna.wait("the late line", &order).await;
    anna.find("#notes").await.send_keys("call back at five").await.expect("typed");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for _ in 0..3 {
        anna.driver.refresh().await.expect("loaded again");
        anna.wait_stage("talking").await;
        anna.wait_text("you are muted").await;
        anna.wait_text("Hello, this is Anna.").await;
        anna.wait(
            "the notes",
            "return document.querySelector('#notes')?.value === 'call back at five'",
        )
        .await;
        let lines = anna.run("return document.querySelectorAll('.lines li').length").await;
        assert_eq!(lines, 8, "each line once");
    }
    anna.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tab_takes_over_and_the_first_can_take_it_back() {
    if !is_there("two tabs") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.talk();
    anna.wait_stage("talking").await;
    let first = anna.driver.window().await.expect("a window");
    let second = anna.driver.new_tab().await.expect("a tab");
    anna.driver.switch_to_window(second).await.expect("switched");
    anna.goto("/desk").await;
    anna.wait_stage("talking").await;
    anna.driver.switch_to_window(first).await.expect("switched");
    anna.wait_text("open in another tab").await;
    anna.shoot("10-taken").await;
    // What the old tab still sends is not heard.
    anna.press("h").await;
    anna.click("#desk .primary").await;
    anna.wait_text("order 4217 is a week late").await;
    assert!(play.asked().is_empty(), "{:?}", play.asked());
    anna.press("h").await;
    assert_eq!(asked(&play, 1).await, [Steer::Hold]);
    anna.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_comes_back_with_the_whole_state() {
    if !is_there("a cut line") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_of(&server, "anna").await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.talk();
    anna.wait_stage("talking").await;
    // More than waits for a page in one breath: it is closed, and comes back to the whole.
    for n in 0..400 {
        play.agent_says(40_000 + n * 10, "and another thing");
    }
    play.agent_says(90_000, "the last one");
    anna.wait_text("the last one").await;
    let lines = anna.run("return document.querySelectorAll('.lines li').length").await;
    assert_eq!(lines, 407, "nothing is lost and nothing is there twice");
    // The network is away, and comes back.
    let offline = |on: bool| {
        format!("window.dispatchEvent(new Event('{}'))", if on { "offline" } else { "online" })
    };
    anna.run(&offline(true)).await;
    anna.run(&offline(false)).await;
    anna.wait("the line is open", "return !document.body.classList.contains('lost')").await;
    anna.close().await;
}
