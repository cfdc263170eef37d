//! How the service is: for people, for load balancers, for Prometheus; and the audit.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use maud::html;
use serde_json::json;

use crate::store::StoreState;

use super::guard::Actor;
use super::{App, Part, PartState, Shared, page};

/// The runtime's parts and the store.
fn parts(app: &App) -> Vec<Part> {
    let mut parts = app.live.parts();
    let health = app.store.health();
    let (state, detail) = match &health.state {
        StoreState::Working => (
            PartState::Ok,
            format!("waiting: {}, last commit {} ms", health.queued, health.last_commit_ms),
        ),
        StoreState::Stalled { since, why } => (
            PartState::Down,
            format!("since {since:.0}: {why}; {} writes wait in memory", health.queued),
        ),
    };
    parts.push(Part { name: "store".into(), state, detail });
    parts
}

/// Why no new call is taken.
fn not_ready(app: &App) -> Option<String> {
    let stalled = !app.store.health().is_working();
    app.live.not_ready().or_else(|| stalled.then(|| "the store does not take writes".into()))
}

/// 200 as long as the process lives: restarting it would end calls that run.
pub(super) async fn healthz(State(app): State<Shared>) -> Response {
    let parts = parts(&app);
    let worst = parts.iter().map(|part| part.state).max().unwrap_or(PartState::Ok);
    let health = app.store.health();
    Json(json!({
        "status": worst.name(),
        "version": env!("CARGO_PKG_VERSION"),
        "ready": not_ready(&app).is_none(),
        "active_calls": app.live.active().len(),
        "parts": parts,
        "store": { "queued": health.queued, "commits": health.commits, "refused": health.refused },
    }))
    .into_response()
}

pub(super) async fn readyz(State(app): State<Shared>) -> Response {
    match not_ready(&app) {
        None => Json(json!({ "ready": true })).into_response(),
        Some(why) => {
            let body = Json(json!({ "ready": false, "why": why }));
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], body).into_response()
        }
    }
}

pub(super) async fn metrics(State(app): State<Shared>) -> Response {
    let health = app.store.health();
    app.metrics.store_queue.set(i64::try_from(health.queued).unwrap_or(i64::MAX));
    app.metrics.store_stalled.set(i64::from(!health.is_working()));
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.render()).into_response()
}

pub(super) async fn page(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let (desk, parts, why) = (app.live.desk(), parts(&app), not_ready(&app));
    let body = html! {
        div #status data-poll="/status" {
            div.headline {
                h1 { "Status" }
                @match &why {
                    None => span.chip.good { "takes calls" },
                    Some(why) => span.chip.warn { "takes no new calls: " (why) },
                }
            }
            div.tiles {
                div.tile { strong { (app.live.active().len()) } span { "calls now" } }
                div.tile { strong { (desk.waiting) } span { "wait for a person" } }
                div.tile { strong { (page::span(desk.longest_wait_s as i64 * 1_000)) } span { "longest wait" } }
                div.tile { strong { (app.metrics.decode_queue.value()) } span { "wait for the recogniser" } }
            }
            h2 { "Parts" }
            table.parts { tbody {
                @for part in &parts {
                    tr {
                        th scope="row" { (page::words(&part.name)) }
                        td { span class={ "chip " (part_tone(part.state)) } { (part.state.name()) } }
                        td.wrap { (part.detail) }
                    }
                }
            } }
            h2 { "Agents" }
            @if desk.agents.is_empty() { p.empty { "No agent is configured." } }
            @else {
                table.parts { tbody {
                    @for agent in &desk.agents {
                        tr {
                            th scope="row" { (agent.name) }
                            td { span class={ "chip " (presence_tone(&agent.presence)) } { (page::words(&agent.presence)) } }
                            td.quiet { (agent.id) }
                        }
                    }
                } }
            }
        }
    };
    page::framed("Status", "/status", &actor, body).into_response()
}

fn part_tone(state: PartState) -> &'static str {
    match state {
        PartState::Ok => "good",
        PartState::Degraded => "warn",
        PartState::Down => "bad",
    }
}

fn presence_tone(presence: &str) -> &'static str {
    match presence {
        "free" => "good",
        "talking" | "offered" => "live",
        _ => "flat",
    }
}

pub(super) async fn audit(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let (rows, broken) = (app.store.audit_rows(200).await, app.store.audit_broken_at().await);
    let (Ok(rows), Ok(broken)) = (rows, broken) else { return store_down() };
    let body = html! {
        div.headline {
            h1 { "Audit" }
            @match broken {
                None => span.chip.good { "chain whole" },
                Some(row) => span.chip.bad { "changed at row " (row) },
            }
        }
        div.scroll { table.calls {
            thead { tr { th { "When" } th { "Who" } th { "What" } th { "Which" } th { "From" } } }
            tbody {
                @for row in &rows {
                    tr {
                        td.nowrap { (page::wall(row.wall_ms, &app.settings.time_zone)) }
                        td { (row.who) } td { (page::words(row.what.as_str())) }
                        td.figures { (row.target) } td.quiet { (row.address) }
                    }
                }
            }
        } }
    };
    page::framed("Audit", "/audit", &actor, body).into_response()
}

pub(super) fn store_down() -> Response {
    page::notice(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
}

pub(super) async fn not_found() -> Response {
    page::notice(StatusCode::NOT_FOUND, "there is nothing at this address")
}
