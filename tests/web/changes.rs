//! The stream that tells lists when to look again: only to users, only that something changed,
//! to no more pages than may be, and not after the logout.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use warmline::base::card::Speaker;
use warmline::base::ids::AgentId;
use warmline::base::moment::Moment;
use warmline::desk::Presence;
use warmline::runtime::desk::DeskMessage;

use super::example;
use super::server::{Browser, Server};

/// Far longer than anything takes; a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);
const STREAMS_OF_USER_MAX: usize = warmline::web::limits::STREAMS_OF_USER_MAX;

async fn watch(browser: &Browser<'_>) -> Response {
    let stream = browser.send(browser.get("/changes")).await;
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["cache-control"], "no-cache");
    stream
}

/// The next events' text; `None` if nothing but comments comes in this time.
async fn event(stream: &mut Response, within: Duration) -> Option<String> {
    let began = Instant::now();
    loop {
        let left = within.checked_sub(began.elapsed())?;
        match tokio::time::timeout(left, stream.chunk()).await.ok()?.expect("the stream is whole") {
            Some(chunk) if chunk.starts_with(b":") => {}
            Some(chunk) => return Some(String::from_utf8_lossy(&chunk).into_owned()),
            None => panic!("the stream ended"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_that_something_changed_and_never_what() {
    let server = Server::start().await;
    let anna = server.logged_in("anna").await;
    let mut stream = watch(&anna).await;
    let first = event(&mut stream, PATIENCE).await.expect("what changed since the page was made");
    assert!(first.contains("event: changed") && first.contains("retry: "), "{first}");
    assert_eq!(event(&mut stream, Duration::from_secs(2)).await, None, "nothing changed");

    // Somebody's presence, and a fact of a call.
    let away = DeskMessage::Presence(AgentId::from("bert"), Presence::Offline);
    server.desk.send(away);
    let told = event(&mut stream, PATIENCE).await.expect("told");
    assert!(told.contains("event: changed"), "{told}");
    let call = example::call_id(1);
    let said = example::said(1, Speaker::Caller, "my secret number is 4217");
    // Many at once are told in few events.
    for at_ms in 0..200 {
        server.pages.fact(&call, Moment(at_ms), &said);
    }
    let mut all = event(&mut stream, PATIENCE).await.expect("told");
    let mut count = 1;
    while let Some(more) = event(&mut stream, Duration::from_secs(2)).await {
        all.push_str(&more);
        count += 1;
    }
    assert!(count <= 3, "{count} events for one burst");
    assert!(!all.contains("4217") && !all.contains("bert"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_has_so_many_streams_and_gives_them_back() {
    let server = Server::start().await;
    let (anna, bert) = (server.logged_in("anna").await, server.logged_in("bert").await);
    let mut open = Vec::new();
    for _ in 0..STREAMS_OF_USER_MAX {
        open.push(watch(&anna).await);
    }
    let refused = anna.send(anna.get("/changes")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(anna.status("/calls").await, StatusCode::OK, "the page itself is there, and polls");
    drop(watch(&bert).await);
    drop(open);
    let began = Instant::now();
    while anna.status("/changes").await != StatusCode::OK {
        assert!(began.elapsed() < PATIENCE, "closed pages keep their place");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_session() {
    let server = Server::start().await;
    let anna = server.logged_in("anna").await;
    let mut stream = watch(&anna).await;
    let token = anna.csrf().await;
    let out = anna.send(anna.post("/logout").form(&[("csrf", token)])).await;
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    let began = Instant::now();
    while stream.chunk().await.expect("it ends in peace").is_some() {
        assert!(began.elapsed() < PATIENCE, "it goes on for somebody who is logged out");
    }
}
