//! A wish to be called back is kept until somebody called, and passed on to the business system
//! where there is one: whether that works or not, it is never lost.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use reqwest::header::ORIGIN;
use serde_json::Value;

use super::browser::{aside, base_of};
use super::server::{Server, have_models};

const FIRST: &str = "+1 555 0199";
const SECOND: &str = "001 555 0142";

/// A business system that refuses until it is told to work.
#[derive(Default)]
struct Shop {
    works: bool,
    told: Vec<Value>,
}

async fn take(State(shop): State<Arc<Mutex<Shop>>>, Json(body): Json<Value>) -> StatusCode {
    let mut shop = shop.lock().expect("a lock");
    shop.told.push(body);
    if shop.works { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
}

/// Opens it on a free port, and writes the tables that name it.
async fn shop(folder: &Path) -> Arc<Mutex<Shop>> {
    let shop = Arc::new(Mutex::new(Shop::default()));
    let app = axum::Router::new().route("/wishes", axum::routing::post(take));
    let app = app.with_state(shop.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("is bound").port();
    tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
    let tables = folder.join("tables/knowledge");
    std::fs::create_dir_all(&tables).expect("is writable");
    let connector = format!(
        "{}\n[call_back]\nmethod = \"POST\"\nurl = \"http://127.0.0.1:{port}/wishes\"\n\
         body = {{ number = \"{{caller_number}}\", name = \"{{caller_name}}\" }}\n",
        include_str!("../../src/knowledge/tables/connectors.toml")
    );
    std::fs::write(tables.join("connectors.toml"), connector).expect("is writable");
    shop
}

async fn told(shop: &Mutex<Shop>, count: usize) -> Vec<Value> {
    for _ in 0..400 {
        let told = shop.lock().expect("a lock").told.clone();
        if told.len() >= count {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the business system was not told of {count}");
}

async fn list(server: &Arc<Server>) -> String {
    let own = server.clone();
    aside(move || own.get("/call-backs").1).await
}

/// Until the list shows it.
async fn listed(server: &Arc<Server>, wanted: &str) -> String {
    for _ in 0..200 {
        let page = list(server).await;
        if page.contains(wanted) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{wanted:?} is not shown: {}", list(server).await);
}

async fn wish(server: &Server, number: &str, name: &str) -> u16 {
    let base = base_of(server);
    let reply = reqwest::Client::new()
        .post(format!("{base}/call/back"))
        .header(ORIGIN, &base)
        .form(&[("number", number), ("name", name)])
        .send();
    reply.await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wish_to_be_called_back_is_open_until_it_was_done() {
    if !have_models("call-backs") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let shop = shop(folder.path()).await;
    let own = folder.path().to_owned();
    let mut server = Arc::new(aside(move || Server::start_in(&own, "")).await);
    assert_eq!(wish(&server, FIRST, "Ada <b>").await, 202);
    assert_eq!(told(&shop, 1).await[0], serde_json::json!({ "number": FIRST, "name": "Ada <b>" }));
    // The business system failed: the wish is open, also after the power was cut.
    let mut cut = Arc::into_inner(server).expect("nobody else has it");
    server = aside(move || {
        cut.restart();
        Arc::new(cut)
    })
    .await;
    let page = listed(&server, FIRST).await;
    assert!(page.contains("Ada &lt;b&gt;") && page.contains("1 to call"), "{page}");

    shop.lock().expect("a lock").works = true;
    assert_eq!(wish(&server, SECOND, "").await, 202);
    told(&shop, 2).await;
    let page = listed(&server, "by the business system").await;
    assert!(page.contains(SECOND) && page.contains("1 to call"), "{page}");

    // Supervisors see it and say when it was done; agents do not.
    let own = server.clone();
    let (supervisor, agent) = aside(move || {
        (own.token_of("sue", "supervisor", None), own.token_of("bo", "agent", Some("bo")))
    })
    .await;
    let (own, tokens) = (server.clone(), [agent, supervisor.clone()]);
    let seen = aside(move || tokens.map(|token| own.get_as(&token, "/call-backs").0)).await;
    assert_eq!(seen, [403, 200]);
    let none = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().redirect(none).build().expect("built");
    let done = || http.post(format!("{}/call-backs/1/done", base_of(&server)));
    assert_eq!(done().send().await.expect("an answer").status(), 403, "without a token");
    for expect in [303, 404] {
        let reply = done().bearer_auth(&supervisor).send().await.expect("an answer");
        assert_eq!(reply.status(), expect);
    }
    let page = listed(&server, "by sue").await;
    assert!(page.contains("none waits"), "{page}");

    // The audit knows of all of it, and nothing of the caller.
    let own = server.clone();
    let audit = aside(move || own.get("/audit").1).await;
    assert!(audit.contains("call back wanted") && audit.contains("call back done"), "{audit}");
    assert!(!audit.contains("0199") && !audit.contains("Ada"), "{audit}");
    let own = server.clone();
    let admin = aside(move || own.token_of("ed", "admin", None)).await;
    let erase = http.post(format!("{}/api/erase", base_of(&server))).bearer_auth(admin);
    let erased = erase.json(&serde_json::json!({ "number": "+1 (555) 0199" })).send().await;
    let erased: Value = erased.expect("an answer").json().await.expect("is JSON");
    assert_eq!(erased["call_backs"], 1, "{erased}");
    let page = list(&server).await;
    assert!(!page.contains(FIRST) && page.contains(SECOND), "{page}");
}
