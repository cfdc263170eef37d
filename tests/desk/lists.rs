//! Lists live by server-sent events; where there is no stream, they poll.

use jiff::Timestamp;
use warmline::base::disposition::Disposition;
use warmline::base::moment::Moment;

use super::browser::{Chromium, is_there};
use super::example;
use super::server::{PASSWORD, Server};

/// No timer of the page's own ever runs: what changes was told by the stream.
const NO_TIMERS: &str = "window.setInterval = () => 0;";
/// A stream that is refused, as a proxy or too many pages would.
const NO_STREAM: &str = "window.EventSource = class { \
    static OPEN = 1; static CLOSED = 2; readyState = 2; addEventListener() {} close() {} };";

async fn list(server: &Server, script: &str) -> Chromium {
    let page = Chromium::open(&server.url("")).await;
    page.before_each_page(script).await;
    page.log_in("super", PASSWORD).await;
    page.goto("/calls").await;
    page.find(".filters").await;
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_calls_lives_by_the_stream_and_without_it() {
    if !is_there("live lists") {
        return;
    }
    let server = Server::start().await;
    let streamed = list(&server, NO_TIMERS).await;
    let polled = list(&server, NO_STREAM).await;
    for page in [&streamed, &polled] {
        assert!(!page.text().await.contains("Live now"), "no call yet");
    }
    let began = Timestamp::now();
    let call = example::complaint(&server.store, 1, began).await;
    // As the call's task tells the pages of each fact.
    let fact = example::said(1, warmline::base::card::Speaker::Machine, "Good morning.");
    server.pages.fact(&call, Moment(1), &fact);
    for page in [&streamed, &polled] {
        page.wait_text("Live now").await;
        page.wait_text("Marta Ellison").await;
    }
    polled
        .wait(
            "its clock runs",
            "return document.querySelector('.card .clock').textContent >= '0:02'",
        )
        .await;
    streamed.shoot("17-live-list").await;
    // The focus stays on the card that it was on while the list is drawn anew.
    streamed.run("document.querySelector('.card').focus()").await;
    let second = example::complaint(&server.store, 2, began).await;
    server.pages.fact(&second, Moment(1), &fact);
    streamed.wait("two cards", "return document.querySelectorAll('.card').length === 2").await;
    assert_eq!(streamed.run("return document.activeElement.className").await, "card");
    for (call, at_ms) in [(&call, 9_000), (&second, 9_500)] {
        example::end(&server.store, call, began, Disposition::Answered, at_ms).await;
        server.pages.ended(call, Moment(at_ms), Disposition::Answered);
    }
    for page in [&streamed, &polled] {
        page.wait("no live call", "return !document.querySelector('.card')").await;
    }
    streamed.close().await;
    polled.close().await;
}
