//! A business system of the tests: it knows its customers, takes tickets, and can be slow or down.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::phones::block_on;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// Answers long after its time is over.
    Slow,
    Down,
}

/// What it was asked: idempotency key and body of each ticket.
type Tickets = Vec<(String, Value)>;

#[derive(Clone)]
pub struct Shop {
    pub port: u16,
    mood: Arc<Mutex<Mood>>,
    tickets: Arc<Mutex<Tickets>>,
}

impl Shop {
    pub fn open() -> Shop {
        let (tell, told) = mpsc::channel();
        let shop = Shop {
            port: 0,
            mood: Arc::new(Mutex::new(Mood::Well)),
            tickets: Arc::new(Mutex::new(Vec::new())),
        };
        let served = shop.clone();
        std::thread::spawn(move || {
            block_on(async move {
                let routes = Router::new()
                    .route("/customers/{number}", get(customer))
                    .route("/tickets", post(ticket))
                    .with_state(served);
                let at = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                tell.send(at.local_addr().expect("is bound").port()).expect("is awaited");
                axum::serve(at, routes).await.expect("serves");
            });
        });
        Shop { port: told.recv().expect("is bound"), ..shop }
    }

    pub fn is_now(&self, mood: Mood) {
        *self.mood.lock().expect("a lock") = mood;
    }

    pub fn tickets(&self) -> Tickets {
        self.tickets.lock().expect("a lock").clone()
    }

    /// Our connectors, which ask this shop, below `folder`.
    pub fn connect(&self, folder: &Path) {
        let tables = folder.join("tables/knowledge");
        fs::create_dir_all(&tables).expect("is writable");
        let connectors = include_str!("../../src/knowledge/tables/connectors.toml");
        let own = connectors.replace("127.0.0.1:8099", &format!("127.0.0.1:{}", self.port));
        fs::write(tables.join("connectors.toml"), own).expect("is writable");
    }

    /// `Some` answer where it does not do its work.
    async fn refusal(&self) -> Option<Response> {
        let mood = *self.mood.lock().expect("a lock");
        match mood {
            Mood::Well => None,
            Mood::Slow => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                None
            }
            Mood::Down => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        }
    }
}

async fn customer(State(shop): State<Shop>) -> Response {
    if let Some(refusal) = shop.refusal().await {
        return refusal;
    }
    let orders = json!([
        { "number": "4217", "status": "delayed", "item": "Oak shelf, 2 pieces" },
        { "number": "3998", "status": "delivered" },
    ]);
    let known = json!({ "number": "88-1204", "since": "2019", "tier": "gold", "orders": orders });
    Json(known).into_response()
}

async fn ticket(State(shop): State<Shop>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if let Some(refusal) = shop.refusal().await {
        return refusal;
    }
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let mut tickets = shop.tickets.lock().expect("a lock");
    tickets.push((key.to_owned(), body));
    Json(json!({ "reference": format!("T-{}", 1_000 + tickets.len()) })).into_response()
}
