//! The page itself: every state of a call, what the buttons ask, reload, tabs, a cut line, and
//! strings that would like to be markup.

use std::time::Duration;

use warmline::base::ids::CallId;
use warmline::base::moment::Moment;
use warmline::call::command::TransferStep;
use warmline::call::steer::Steer;
use warmline::desk::wire::{CustomerNow, FieldNow};

use super::browser::{Chromium, is_there};
use super::example;
use super::play::Play;
use super::server::{PASSWORD, Server};

pub async fn desk_of(server: &Server, name: &str) -> Chromium {
    desk_with(server, name, "").await
}

/// The same, with a script in each page before the page's own.
pub async fn desk_with(server: &Server, name: &str, script: &str) -> Chromium {
    let chromium = Chromium::open(&server.url("")).await;
    if !script.is_empty() {
        chromium.before_each_page(script).await;
    }
    chromium.log_in(name, PASSWORD).await;
    chromium
}

/// Waits until the page has asked for as many things.
pub async fn asked(play: &Play<'_>, count: usize) -> Vec<Steer> {
    for _ in 0..200 {
        if play.asked().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    play.asked()
}

/// Waits until the server has these notes, whole: the page sends them some time after a key, and
/// one that is loaded anew before that shows what the server had.
async fn noted(play: &Play<'_>, text: &str) {
    for _ in 0..400 {
        let kept = play.server.store.call(&play.call).await.expect("an answer").expect("the call");
        let own = kept.wrap_ups.iter().find(|wrap_up| wrap_up.agent == play.agent.as_str());
        let notes = own.and_then(|own| own.notes.as_ref()).map(|notes| notes.reveal().as_str());
        if notes == Some(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not have the notes {text:?}")
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
    let caller = warmline::base::ids::LegId::CALLER;
    server.pages.speaking(&play.call, caller, Some("Has it been <b>sent</b>"));
    anna.wait_text("Caller: Has it been <b>sent</b> …").await;
    server.pages.speaking(&play.call, caller, None);
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

/// Strings that would run, were they ever markup. What they note outlives the page.
const MARKUP: [&str; 4] = [
    "<img src=x onerror=\"localStorage.ran=1\">",
    "<script>localStorage.ran=1</script>",
    "\"><svg onload=localStorage.ran=1>",
    "javascript:localStorage.ran=1",
];

/// Notes over all pages whatever was made of such a string, although no such script runs here: an
/// element that we never make, a handler in an attribute, a script that the policy stopped.
const WATCH: &str = include_str!("watch.js");

async fn watched(page: &Chromium) -> serde_json::Value {
    page.run("return { ...localStorage }").await
}

/// The card, the customer, both sides' words and the notes of a call are all of such strings.
async fn a_call_of_markup<'a>(server: &'a Server, all: &str) -> Play<'a> {
    let mut play = Play::new(server, 1, "anna").await;
    play.card.summary = all.to_owned();
    play.card.caller_name = Some(all.to_owned().into());
    play.card.caller_number = Some(MARKUP[0].to_owned().into());
    play.card.intent = Some(all.to_owned());
    play.card.tried = vec![all.to_owned()];
    play.card.draft = Some(all.to_owned());
    play.card.reasons = vec![warmline::base::reason::Reason::new(all.to_owned())];
    for point in &mut play.card.stress_line {
        point.reasons = vec![warmline::base::reason::Reason::new(all.to_owned())];
    }
    for slot in &mut play.card.slots {
        slot.name = MARKUP[2].into();
        slot.value = all.to_owned().into();
        slot.source = all.to_owned().into();
    }
    play.offer();
    let field = |name: &str| FieldNow { name: name.to_owned(), value: all.to_owned() };
    server.pages.customer(
        &play.call,
        CustomerNow::Known { fields: vec![field(all)], orders: vec![vec![field("number")]] },
    );
    play
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_outside_is_text() {
    if !is_there("text, never markup") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_with(&server, "anna", WATCH).await;
    anna.wait_text("Ready").await;
    // The watch sees what it is for, and this survives the page.
    let markup = serde_json::to_string(MARKUP[0]).expect("is text");
    anna.run(&format!("document.body.insertAdjacentHTML('beforeend', {markup})")).await;
    anna.wait("the watch sees it", "return 'made' in localStorage && 'stopped' in localStorage")
        .await;
    anna.driver.refresh().await.expect("loaded again");
    anna.wait_text("Ready").await;
    assert!(watched(&anna).await["made"].is_string(), "a page takes what was seen with it");
    anna.run("localStorage.clear()").await;

    let all = MARKUP.join(" ");
    let play = a_call_of_markup(&server, &all).await;
    anna.wait_stage("offered").await;
    play.talk();
    play.caller_says(41_000, &all, "opening_hours", 0.9);
    play.agent_says(42_000, &all);
    anna.wait("the line", "return document.querySelectorAll('.lines li').length > 6").await;
    anna.find("#notes").await.send_keys(&all).await.expect("typed");
    // However long: no caller's name pushes the buttons off the screen.
    let wide = "const main = document.querySelector('main'); \
                return main.scrollWidth <= main.clientWidth";
    assert_eq!(anna.run(wide).await, true, "the desk is wider than the screen");
    anna.shoot("09-markup").await;
    noted(&play, &all).await;
    anna.driver.refresh().await.expect("loaded again");
    anna.wait_stage("talking").await;
    anna.wait("the notes", "return document.querySelector('#notes')?.value.includes('onerror')")
        .await;
    play.end(60_000);
    anna.wait_stage("wrap_up").await;
    anna.click(".bar .primary").await;
    anna.wait_stage("idle").await;
    anna.wait_text("Last calls").await;
    // The User-Agent and all that was kept, on the pages of the calls, their list, and an offer.
    let other = kept_call(&server, &all).await;
    let card = example::card(&other, "anna");
    let card = warmline::base::card::OfferCard { summary: all.clone(), ..card };
    let token = server.store.offer_opened(&card, jiff::Timestamp::now()).await.expect("opened");
    let pages = [
        format!("/calls/{}", play.call),
        format!("/calls/{other}"),
        "/calls".to_owned(),
        format!("/offer/{token}"),
    ];
    for path in &pages {
        anna.goto(path).await;
        anna.wait_text("onerror").await;
    }
    let seen = watched(&anna).await;
    for sign in ["ran", "made", "stopped"] {
        assert!(seen[sign].is_null(), "markup came through: {seen}");
    }
    anna.close().await;
}

/// A call of the store whose caller and User-Agent are `text`, and that Anna may see.
async fn kept_call(server: &Server, text: &str) -> CallId {
    let caller = warmline::base::caller::CallerInfo {
        user_agent: Some(text.to_owned()),
        ..example::caller(text, "1")
    };
    let call = example::call_id(9);
    let now = jiff::Timestamp::now();
    server.store.arrived(&call, now, &caller).await.await.expect("kept");
    let accepted = example::transfer(TransferStep::Accepted { agent: "anna".into() });
    server.store.note(&call, Moment(1), now, accepted).await.await.expect("kept");
    call
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
    noted(&play, "call back at five").await;
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

/// Keeps the page's sockets, and lets none through while the network is `away`.
const SOCKETS: &str = include_str!("sockets.js");

// One thread: nothing is sent between two lines of the flood.
#[tokio::test(flavor = "current_thread")]
async fn a_page_that_falls_behind_is_closed_and_comes_back_to_the_whole() {
    if !is_there("a slow page") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_with(&server, "anna", SOCKETS).await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.talk();
    anna.wait_stage("talking").await;
    for n in 0..400 {
        play.agent_says(40_000 + n * 10, "and another thing");
    }
    play.agent_says(90_000, "the last one");
    anna.wait("it was closed for being slow", "return window.codes.includes(4001)").await;
    anna.wait_text("the last one").await;
    let lines = anna.run("return document.querySelectorAll('.lines li').length").await;
    assert_eq!(lines, 407, "nothing is lost and nothing is there twice");
    anna.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_comes_back_with_the_whole_state() {
    if !is_there("a cut line") {
        return;
    }
    let server = Server::start().await;
    let anna = desk_with(&server, "anna", SOCKETS).await;
    let play = Play::new(&server, 1, "anna").await;
    play.offer();
    play.talk();
    play.agent_says(39_000, "Hello, this is Anna.");
    anna.wait_text("Hello, this is Anna.").await;
    anna.run("window.away = true; window.sockets.at(-1).close()").await;
    anna.wait("the page says so", "return document.body.classList.contains('lost')").await;
    anna.shoot("11-lost").await;
    // What happens meanwhile: the call goes on, and the agent writes.
    play.caller_says(43_000, "When are you open on Saturday?", "opening_hours", 0.2);
    play.steered(44_000, Steer::Mute { on: true });
    anna.find("#notes").await.send_keys("asked for Saturday").await.expect("typed");
    // A button reaches nobody now, and is not sent later either.
    anna.press("\u{e00c}").await;
    anna.press("h").await;
    anna.wait("it goes on trying", "return window.sockets.length >= 4").await;
    assert!(!anna.text().await.contains("on Saturday?"), "the line is still cut");
    anna.run("window.away = false").await;
    anna.wait("the line is open", "return !document.body.classList.contains('lost')").await;
    anna.wait_text("When are you open on Saturday?").await;
    anna.wait_text("you are muted").await;
    let said = "return [...document.querySelectorAll('.lines .text')] \
                .filter((line) => line.textContent.includes('on Saturday?')).length";
    assert_eq!(anna.run(said).await, 1, "once");
    anna.press("m").await;
    assert_eq!(asked(&play, 1).await, [Steer::Mute { on: false }]);
    // The notes that were written without a line are on the server.
    anna.driver.refresh().await.expect("loaded again");
    let notes = "return document.querySelector('#notes')?.value === 'asked for Saturday'";
    anna.wait("the notes", notes).await;
    anna.close().await;
}
