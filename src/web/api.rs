//! The JSON API: the same calls as on the pages, for programs.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

use crate::base::ids::CallId;
use crate::publish::vcon;
use crate::store::record::CallRecord;
use crate::store::{StoreFault, erase::Erased};

use super::calls::Wanted;
use super::guard::Actor;
use super::offer::{self, Unseen};
use super::{App, Shared};

/// `{"error": "…"}` with the status.
pub(super) fn error(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

fn broken(fault: StoreFault) -> Response {
    tracing::error!(%fault, "web: the store did not answer");
    error(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
}

pub(super) async fn calls(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    RawQuery(text): RawQuery,
) -> Response {
    let filter = Wanted::read(text).filter(&actor, &app.settings.time_zone);
    match app.store.calls(filter).await {
        Ok((calls, total)) => Json(json!({ "total": total, "calls": calls })).into_response(),
        Err(fault) => broken(fault),
    }
}

async fn seen(app: &App, actor: &Actor, id: &str) -> Result<CallRecord, Response> {
    let missing = || error(StatusCode::NOT_FOUND, "there is no such call");
    let Some(id) = CallId::parse(id) else { return Err(missing()) };
    match app.store.call(&id).await {
        Ok(Some(call)) => {
            let agent = actor.only_agent();
            let visible = agent.is_none_or(|agent| call.agents.contains(&agent));
            if visible { Ok(call) } else { Err(missing()) }
        }
        Ok(None) => Err(missing()),
        Err(fault) => Err(broken(fault)),
    }
}

pub(super) async fn call(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    match seen(&app, &actor, &id).await {
        Ok(call) => {
            let source = actor.address.to_string();
            drop(app.store.audit(&actor.user.name, "export_json", &id, &source).await);
            Json(call).into_response()
        }
        Err(refusal) => refusal,
    }
}

pub(super) async fn vcon(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    match seen(&app, &actor, &id).await {
        Ok(call) => {
            let source = actor.address.to_string();
            drop(app.store.audit(&actor.user.name, "export_vcon", &id, &source).await);
            let base = app.settings.public_url.trim_end_matches('/');
            let sound = format!("{base}/api/calls/{id}/audio");
            let mut response = Json(vcon::from_call(&call, Some(&sound))).into_response();
            let kind = HeaderValue::from_static("application/vcon+json");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(refusal) => refusal,
    }
}

pub(super) async fn ladder(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    let call = match seen(&app, &actor, &id).await {
        Ok(call) => call,
        Err(refusal) => return refusal,
    };
    match app.store.call_ladder(&call.head.id).await {
        Ok(rows) => Json(rows).into_response(),
        Err(fault) => broken(fault),
    }
}

pub(super) async fn live(State(app): State<Shared>) -> Response {
    Json(json!({ "calls": app.live.active(), "desk": app.live.desk() })).into_response()
}

pub(super) async fn offer(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(token): Path<String>,
) -> Response {
    match offer::seen(&app, &actor, &token).await {
        Ok(card) => Json(card).into_response(),
        Err(Unseen::Gone) => error(StatusCode::NOT_FOUND, "no open offer of yours"),
        Err(Unseen::StoreDown) => {
            error(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
        }
    }
}

pub(super) async fn erase_call(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    let call = match seen(&app, &actor, &id).await {
        Ok(call) => call.head.id,
        Err(refusal) => return refusal,
    };
    erased(app.store.erase_call(&call, &actor.user.name).await)
}

/// Whose calls are to be erased.
#[derive(Deserialize)]
struct EraseCaller {
    number: String,
}

pub(super) async fn erase_caller(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    body: Bytes,
) -> Response {
    let Ok(wish) = serde_json::from_slice::<EraseCaller>(&body) else {
        return error(StatusCode::BAD_REQUEST, "expected {\"number\": \"+49…\"}");
    };
    if wish.number.trim().is_empty() || wish.number.len() > 128 {
        return error(StatusCode::BAD_REQUEST, "a number has 1 to 128 bytes");
    }
    erased(app.store.erase_caller(&wish.number, &actor.user.name).await)
}

fn erased(outcome: Result<Erased, StoreFault>) -> Response {
    match outcome {
        Ok(erased) => Json(erased).into_response(),
        Err(fault) => broken(fault),
    }
}
