//! The drop-in snippet on another site: two lines in a page of an allowed origin, in a real
//! Chromium, which asks the server before it lets that page do anything (CORS).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::response::Html;

use super::browser::{aside, base_of, ended};
use super::chromium::{Chromium, is_there};
use super::ear;
use super::page::{click, shown, wait_quality, wait_shown};
use super::server::{Server, have_models, speak};
use super::tone::{Part, compose};
use super::whole::Tells;

const LONG: Duration = Duration::from_secs(60);

/// The shop's page, and its origin. Callers' servers stand elsewhere.
async fn shop() -> (tokio::net::TcpListener, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("is bound"));
    (listener, origin)
}

/// Serves the shop's page and another one; when that one was asked for, Unix milliseconds.
fn serve_page(listener: tokio::net::TcpListener, server: &Server) -> Arc<AtomicI64> {
    let page = format!(
        "<!doctype html><title>A shop</title><h1>Our shop</h1>\
         <script type=\"module\" src=\"{}/assets/call.js\"></script>\n\
         <warmline-call name=\"Ada\"></warmline-call>",
        base_of(server)
    );
    let gone_ms = Arc::new(AtomicI64::new(0));
    let asked_ms = gone_ms.clone();
    let gone = move || async move {
        asked_ms.store(ear::now_ms(), Ordering::SeqCst);
        Html("<p>bye</p>")
    };
    let app = axum::Router::new()
        .route("/", axum::routing::get(move || async move { Html(page) }))
        .route("/gone", axum::routing::get(gone));
    tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
    gone_ms
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_snippet_calls_from_another_site() {
    let test = "snippet on another site";
    if !have_models(test) || !is_there(test) {
        return;
    }
    let (listener, origin) = shop().await;
    let extra = format!("[browser]\nallowed_origins = [\"{origin}\"]\n");
    let server = Arc::new(aside(move || Server::start(&extra)).await);
    let _tells = Tells(server.clone());
    let gone_ms = serve_page(listener, &server);
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().to_owned();
    let file = folder.path().join("microphone.wav");
    let to = file.clone();
    aside(move || {
        let question = speak(&own, "question.wav", "When are you open?");
        // Said again, for a machine on which the first time is lost.
        let asked = [Part::Silence(13.0), Part::File(&question)];
        let again = [Part::Silence(15.0), Part::File(&question), Part::Silence(120.0)];
        let parts: Vec<Part> = asked.into_iter().chain(again).collect();
        compose(&to, &parts);
    })
    .await;
    let sound = format!("--use-file-for-fake-audio-capture={}%noloop", file.display());
    let page = Chromium::open_with(&origin, &[&sound]).await;
    ear::give(&page).await;
    page.goto("/").await;
    wait_shown(&page, "call northwind", LONG).await;
    click(&page, "call").await;
    wait_shown(&page, "automatic assistant", LONG).await;
    wait_quality(&page).await;
    // Captions: an event stream from another origin.
    wait_shown(&page, "when are you open", LONG).await;
    let heard = page.run("return window.heard.length").await.as_u64();
    assert!(heard > Some(100), "too little sound came to the page: {heard:?}");
    // Loaded anew it is the same call: the page may read Location, and POST to that path.
    page.goto("/").await;
    wait_shown(&page, "when are you open", LONG).await;
    wait_shown(&page, "automatic assistant", LONG).await;
    click(&page, "hang-up").await;
    wait_shown(&page, "the call has ended", LONG).await;
    let calls = ended(&server, 1, LONG).await;
    assert_eq!(calls.len(), 1, "a reload is no second call");
    assert_eq!(calls[0]["caller_name"], "Ada");
    assert_ne!(calls[0]["disposition"], "caller_lost", "the button ended it");

    // A page that is left says so (DELETE by keepalive, after a preflight), and does not come back.
    click(&page, "call").await;
    wait_quality(&page).await;
    page.goto("/gone").await;
    let calls = ended(&server, 2, LONG).await;
    let lost = calls.iter().find(|call| call["disposition"] == "caller_lost");
    let lost = lost.unwrap_or_else(|| panic!("{calls:#?}"));
    // A page is left when the next one comes; how long the browser took to ask for it is not ours.
    let left_ms = gone_ms.load(Ordering::SeqCst);
    let away_ms = lost["ended_ms"].as_i64().expect("a time") - left_ms;
    assert!((9_500..14_500).contains(&away_ms), "ended {away_ms} ms after the page was left");
    page.close().await;
}

/// The same two lines on a site that is not allowed: no call, and the server is not asked twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_snippet_on_a_site_that_is_not_allowed_does_nothing() {
    let test = "snippet on a foreign site";
    if !have_models(test) || !is_there(test) {
        return;
    }
    let (listener, origin) = shop().await;
    let server = Arc::new(aside(move || Server::start("")).await);
    serve_page(listener, &server);
    let page = Chromium::open(&origin).await;
    page.goto("/").await;
    wait_shown(&page, "calls from this page are not possible", LONG).await;
    assert!(!shown(&page).await.contains("call northwind"));
    click(&page, "again").await;
    wait_shown(&page, "could not be connected", LONG).await;
    page.close().await;
    let own = server.clone();
    assert_eq!(aside(move || own.heads()).await.len(), 0);
}
