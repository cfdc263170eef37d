//! Callers who want to be called back, for supervisors: who, when, and a button for each that says
//! "done".

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::store::call_backs::CallBackRow;

use super::guard::Actor;
use super::{Shared, page, status};

pub(super) async fn page(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let Ok(rows) = app.store.call_backs().await else { return status::store_down() };
    if app.views.is_new(&actor.user.name, "call-backs", std::time::Instant::now()) {
        let source = actor.address.to_string();
        drop(app.store.audit(&actor.user.name, "view_call_backs", "", &source).await);
    }
    let zone = &app.settings.time_zone;
    let (open, done): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.closed_ms.is_none());
    let body = html! {
        div #call-backs data-poll="/call-backs" {
            div.headline {
                h1 { "Call-backs" }
                @if open.is_empty() { span.chip.good { "none waits" } }
                @else { span.chip.warn { (open.len()) " to call" } }
            }
            @if open.is_empty() { p.empty { "Nobody waits to be called back." } }
            @else {
                div.scroll { table.calls {
                    thead { tr { th { "Since" } th { "Who" } th { "Number" } th { "" } } }
                    tbody { @for row in &open { (waiting(row, zone, &actor)) } }
                } }
            }
            @if !done.is_empty() {
                h2 { "Done" }
                div.scroll { table.calls {
                    thead { tr { th { "Since" } th { "Who" } th { "Number" } th { "Done" } } }
                    tbody { @for row in &done { (closed(row, zone)) } }
                } }
            }
        }
    };
    page::framed("Call-backs", "/call-backs", &actor, body).into_response()
}

fn who(row: &CallBackRow) -> Markup {
    match &row.name {
        Some(name) => html! { strong { (name.reveal()) } },
        None => html! { span.quiet { "no name given" } },
    }
}

fn waiting(row: &CallBackRow, zone: &TimeZone, actor: &Actor) -> Markup {
    let number = row.number.reveal();
    let dialled: String =
        number.chars().filter(|symbol| symbol.is_ascii_digit() || *symbol == '+').collect();
    html! {
        tr {
            td.nowrap { (page::wall(row.wall_ms, zone)) }
            td { (who(row)) }
            td.figures { a href={ "tel:" (dialled) } { (number) } }
            td {
                form method="post" action={ "/call-backs/" (row.id) "/done" } {
                    (page::csrf(actor))
                    button type="submit" { "Done" }
                }
            }
        }
    }
}

fn closed(row: &CallBackRow, zone: &TimeZone) -> Markup {
    html! {
        tr {
            td.nowrap { (page::wall(row.wall_ms, zone)) }
            td { (who(row)) }
            td.figures { (row.number.reveal()) }
            td {
                @if let Some(at) = row.closed_ms { (page::wall(at, zone)) }
                @if let Some(by) = &row.closed_by { " by " (by) }
            }
        }
    }
}

pub(super) async fn done(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    let missing = || page::notice(StatusCode::NOT_FOUND, "there is no such call-back open");
    let Ok(id) = id.parse::<i64>() else { return missing() };
    match app.store.close_call_back(id, &actor.user.name).await {
        Ok(true) => {
            let (target, source) = (format!("call-back {id}"), actor.address.to_string());
            drop(app.store.audit(&actor.user.name, "call_back_done", &target, &source).await);
            Redirect::to("/call-backs").into_response()
        }
        Ok(false) => missing(),
        Err(fault) => {
            tracing::error!(%fault, "web: a call-back could not be closed");
            status::store_down()
        }
    }
}
