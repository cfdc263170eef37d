//! One call: what happened, why, and how it sounded.

use std::time::Instant;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use crate::base::ids::CallId;
use crate::store::record::{CallRecord, LadderRow, WrapUpRecord};
use crate::store::users::Role;

use super::guard::Actor;
use super::{App, Shared, calls, ladder, page, query, status, stream, timeline};

/// The call, if there is one and this user may see it; which of the two fails is not told.
pub(super) async fn seen(app: &App, actor: &Actor, id: &str) -> Result<CallRecord, Response> {
    let missing = || page::notice(StatusCode::NOT_FOUND, "there is no such call");
    let Some(id) = CallId::parse(id) else { return Err(missing()) };
    match app.store.call(&id).await {
        Ok(Some(call)) if may_see(actor, &call) => Ok(call),
        Ok(Some(_) | None) => Err(missing()),
        Err(_) => Err(status::store_down()),
    }
}

fn may_see(actor: &Actor, call: &CallRecord) -> bool {
    match actor.only_agent() {
        None => true,
        Some(agent) => call.agents.contains(&agent),
    }
}

pub(super) async fn page(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    let call = match seen(&app, &actor, &id).await {
        Ok(call) => call,
        Err(refusal) => return refusal,
    };
    let rows = match actor.is(Role::Supervisor) {
        true => app.store.call_ladder(&call.head.id).await.unwrap_or_default(),
        false => Vec::new(),
    };
    if app.views.is_new(&actor.user.name, &id, Instant::now()) {
        let source = actor.address.to_string();
        drop(app.store.audit(&actor.user.name, "view_call", &id, &source).await);
    }
    let live = call.head.ended_ms.is_none();
    let body = html! {
        div #call data-poll=[live.then(|| format!("/calls/{id}"))] { (whole(&app, &actor, &call, &rows)) }
    };
    page::framed("Call", "/calls", &actor, body).into_response()
}

fn whole(app: &App, actor: &Actor, call: &CallRecord, rows: &[LadderRow]) -> Markup {
    let head = &call.head;
    let name = head.caller_name.as_ref().map(|text| text.reveal().as_str());
    let number = head.caller_number.as_ref().map(|text| text.reveal().as_str());
    html! {
        p.crumb { a href="/calls" { "← Calls" } }
        div.headline {
            h1 { (page::caller(name, number)) @if head.vip { " " span.tag { "VIP" } } }
            (calls::ending(head))
            @if let Some(priority) = &head.priority { span.chip.flat { (priority) } }
            @if let Some(intent) = &head.intent { span.chip.intent { (page::words(intent)) } }
        }
        p.quiet {
            (page::wall(head.began_ms, &app.settings.time_zone))
            @if let Some(length) = head.length_ms { " · " (page::span(length)) " long" }
            " · called " (head.dialled)
            @if let Some(agent) = &head.agent { " · taken by " (agent) }
        }
        (timeline::draw(call))
        @if head.has_recording && head.ended_ms.is_some() {
            audio #audio controls preload="metadata" src={ "/calls/" (head.id) "/audio" } {}
        }
        div.columns {
            section { h2 { "What happened" } (stream::transcript(call)) }
            aside {
                (facts(call)) (exports(call))
                @if actor.is(Role::Admin) { (erasing(actor, call)) }
            }
        }
        @if !rows.is_empty() {
            details.block { summary { "SIP messages" span.count { (rows.len()) } } (ladder::draw(rows, &call.legs)) }
        }
    }
}

fn facts(call: &CallRecord) -> Markup {
    let head = &call.head;
    let satisfied = head.satisfied.map(|yes| if yes { "yes" } else { "no" });
    html! {
        h2 { "Facts" }
        dl {
            dt { "Highest stress" } dd { (page::stress_bar(head.stress_max)) }
            @if let Some(wait) = head.to_person_ms { dt { "To a person" } dd { (page::span(wait)) } }
            @if let Some(state) = &head.consent { dt { "Recording" } dd { (page::words(state)) } }
            @if let Some(answer) = satisfied { dt { "Answered it?" } dd { (answer) } }
            dt { "Language" } dd { (head.language) }
            dt { "Handling" } dd { (call.handling) }
            dt { "Trunk" } dd { (head.trunk) }
            @if let Some(agent) = &call.user_agent { dt { "Caller's device" } dd.wrap { (agent) } }
            @for wrap_up in &call.wrap_ups {
                dt { "Wrap-up " (wrap_up.agent) }
                dd { (wrap_up.result.as_deref().unwrap_or("no result")) }
                @if let Some(ticket) = &wrap_up.ticket { dt { "Ticket" } dd { (ticket) } }
                @if let Some(right) = wrap_up.machine_right {
                    dt { "Machine was right" } dd { (if right { "yes" } else { "no" }) }
                }
            }
        }
        @for wrap_up in &call.wrap_ups { (written(wrap_up)) }
        @if !call.legs.is_empty() {
            h2 { "Legs" }
            ul.legs {
                @for leg in &call.legs {
                    li {
                        strong { (leg.agent.as_deref().unwrap_or(&leg.role)) } " "
                        span.quiet {
                            (leg.codec.as_deref().unwrap_or("no codec"))
                            " · " (page::span(leg.began_ms)) "–"
                            @if let Some(ended) = leg.ended_ms { (page::span(ended)) }
                            @if let Some(how) = &leg.how { " · " (page::words(how)) }
                        }
                        @if let Some(peer) = &leg.peer { div.quiet { (peer) } }
                    }
                }
            }
        }
    }
}

/// What the agent wrote: the summary, and the notes.
fn written(wrap_up: &WrapUpRecord) -> Markup {
    html! {
        @if let Some(summary) = &wrap_up.summary {
            h2 { "Summary by " (wrap_up.agent) }
            @for part in [&summary.situation, &summary.tried, &summary.outcome] {
                p.wrap { (part.reveal()) }
            }
        }
        @if let Some(notes) = wrap_up.notes.as_ref().filter(|notes| !notes.reveal().is_empty()) {
            h2 { "Notes of " (wrap_up.agent) }
            p.wrap { (notes.reveal()) }
        }
    }
}

fn exports(call: &CallRecord) -> Markup {
    let id = &call.head.id;
    html! {
        h2 { "Take along" }
        p.links {
            a href={ "/api/calls/" (id) } download={ (id) ".json" } { "JSON" }
            a href={ "/api/calls/" (id) "/vcon" } download={ (id) ".vcon.json" } { "vCon" }
            @if call.head.has_recording {
                a href={ "/calls/" (id) "/audio" } download={ (id) ".wav" } { "Recording" }
            }
        }
    }
}

fn erasing(actor: &Actor, call: &CallRecord) -> Markup {
    let id = &call.head.id;
    html! {
        @if call.head.ended_ms.is_some() {
            details.erase {
                summary { "Erase…" }
                form method="post" action={ "/calls/" (id) "/erase" } {
                    (page::csrf(actor))
                    label.inline { input type="radio" name="scope" value="call" checked; " This call" }
                    @if call.head.caller_number.is_some() {
                        label.inline { input type="radio" name="scope" value="caller"; " All calls of this number" }
                    }
                    label.inline { input type="checkbox" name="sure" value="yes" required; " I know that nothing brings them back" }
                    button.danger type="submit" { "Erase for good" }
                }
            }
        }
    }
}

pub(super) async fn erase(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let fields = query::fields(&body);
    if query::value(&fields, "sure", 8).as_deref() != Some("yes") {
        return page::notice(StatusCode::BAD_REQUEST, "nothing was erased: it was not confirmed");
    }
    let call = match seen(&app, &actor, &id).await {
        Ok(call) => call,
        Err(refusal) => return refusal,
    };
    let number = call.head.caller_number.as_ref().map(|number| number.reveal().clone());
    let whole_caller = query::value(&fields, "scope", 8).as_deref() == Some("caller");
    let outcome = match number.filter(|_| whole_caller) {
        Some(number) => app.store.erase_caller(&number, &actor.user.name).await,
        None => app.store.erase_call(&call.head.id, &actor.user.name).await,
    };
    match outcome {
        Ok(erased) if erased.live_left > 0 => page::notice(
            StatusCode::CONFLICT,
            "a call of this caller still runs; erase again when it is over",
        ),
        Ok(_) => Redirect::to("/calls").into_response(),
        Err(fault) => {
            tracing::error!(%fault, "web: erasing failed");
            page::notice(StatusCode::SERVICE_UNAVAILABLE, "erasing failed; please try again")
        }
    }
}
