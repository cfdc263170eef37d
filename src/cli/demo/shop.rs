//! A small business system for the demo: a shop with orders, accounts and appointments.
//!
//! `GET /orders/N` → status and postcode; `GET /accounts/N` → postcode; `GET /customers/N` →
//! profile and last orders;
//! `POST /orders/N/cancel`, `/password-resets`, `/appointments`, `/appointments/cancel`,
//! `/tickets` do a task once per `Idempotency-Key`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Tasks remembered by their key; the oldest demo never reaches it.
const TASKS_MAX: usize = 10_000;

/// Replies by idempotency key: the same key is the same task.
type Done = Arc<Mutex<HashMap<String, Value>>>;

/// Serves the shop on `address` (port 0 takes a free one) until the process ends.
/// Returns the address it listens on.
pub async fn serve(address: SocketAddr) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let shop = Router::new()
        .route("/orders/{number}", get(order))
        .route("/orders/{number}/cancel", post(cancel_order))
        .route("/accounts/{number}", get(account))
        .route("/password-resets", post(task))
        .route("/appointments", post(task))
        .route("/appointments/cancel", post(task))
        .route("/customers/{number}", get(customer))
        .route("/tickets", post(task))
        .with_state(Done::default());
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, shop).await {
            tracing::warn!(%error, "the demo shop ended");
        }
    });
    Ok(bound)
}

/// The shop's books: number, status, when it arrives, the customer's postcode.
const ORDERS: [(&str, &str, &str, &str); 3] = [
    ("4217", "is on its way", "tomorrow", "12345"),
    ("5500", "was delivered", "last Monday", "10115"),
    ("9034", "is being packed", "on Friday", "60601"),
];

async fn order(Path(number): Path<String>) -> Result<Json<Value>, StatusCode> {
    let found = ORDERS.iter().find(|(known, ..)| *known == number);
    let (number, status, arrives, postcode) = found.ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({
        "number": number, "status": status, "arrives": arrives,
        "customer": { "postcode": postcode },
    })))
}

/// Every customer number of the demo is known, and all live in one street.
async fn account(Path(number): Path<String>) -> Json<Value> {
    Json(json!({ "number": number, "postcode": "12345" }))
}

/// Every caller of the demo is an old customer.
async fn customer(Path(number): Path<String>) -> Json<Value> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let tail = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default();
    Json(json!({
        "number": format!("88-{tail}"), "since": "2019", "tier": "gold",
        "orders": [
            { "number": "4217", "status": "is on its way", "item": "Oak shelf, 2 pieces" },
            { "number": "5500", "status": "was delivered", "item": "Desk lamp" },
        ],
    }))
}

async fn cancel_order(
    State(done): State<Done>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    if !ORDERS.iter().any(|(known, ..)| *known == number) {
        return Err(StatusCode::NOT_FOUND);
    }
    task(State(done), headers).await
}

async fn task(State(done): State<Done>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.ok_or(StatusCode::BAD_REQUEST)?;
    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
    if done.len() >= TASKS_MAX {
        return Err(StatusCode::INSUFFICIENT_STORAGE);
    }
    let reference = 1_000 + done.len();
    let reply = done
        .entry(key.to_owned())
        .or_insert_with(|| json!({ "status": "done", "reference": reference.to_string() }));
    Ok(Json(reply.clone()))
}
