//! The list of calls: filters, search, pages, live ones on top.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};

use crate::base::disposition::Disposition;
use crate::base::pii::Pii;
use crate::store::record::{CallFilter, CallHead};

use super::guard::Actor;
use super::limits::{FILTER_CHARS_MAX, PAGE_CALLS, PAGE_MAX};
use super::{ActiveCall, App, Shared, page, query, status};

/// Agents begin at their desk, others with the calls.
pub(super) async fn home(Extension(actor): Extension<Actor>) -> Redirect {
    let desk = actor.user.agent.is_some();
    Redirect::to(if desk { "/desk" } else { "/calls" })
}

/// The filter as it stands in the address.
#[derive(Default)]
pub(super) struct Wanted {
    fields: Vec<(String, String)>,
    /// Counted from 0.
    page: u32,
    size: u32,
}

/// What the list of calls reads from its address.
pub(super) const FILTERS: &[&str] =
    &["from", "to", "disposition", "intent", "agent", "q", "size", "page"];

impl Wanted {
    pub(super) fn read(text: Option<String>) -> Self {
        let fields = query::fields(text.unwrap_or_default().as_bytes());
        let number = |name| query::value(&fields, name, 10).and_then(|text| text.parse().ok());
        let page = number("page").unwrap_or(1_u32).clamp(1, PAGE_MAX) - 1;
        let size = number("size").unwrap_or(PAGE_CALLS).clamp(1, 200);
        Self { page, size, fields }
    }

    fn value(&self, name: &str) -> Option<String> {
        query::value(&self.fields, name, FILTER_CHARS_MAX)
    }

    fn day(&self, name: &str, zone: &TimeZone, days: i64) -> Option<i64> {
        let date: Date = self.value(name)?.parse().ok()?;
        let start = date.checked_add(days.days()).ok()?.to_zoned(zone.clone()).ok()?;
        Some(start.timestamp().as_millisecond())
    }

    /// What the store is asked; a user bound to an agent gets that agent's calls, whatever the
    /// address says.
    pub(super) fn filter(&self, actor: &Actor, zone: &TimeZone) -> CallFilter {
        CallFilter {
            from_ms: self.day("from", zone, 0),
            until_ms: self.day("to", zone, 1),
            disposition: self.value("disposition"),
            intent: self.value("intent"),
            agent: actor.only_agent().or_else(|| self.value("agent")),
            search: self.value("q"),
            offset: self.page.saturating_mul(self.size),
            limit: self.size,
        }
    }

    fn is_filtered(&self) -> bool {
        ["from", "to", "disposition", "intent", "agent", "q"]
            .iter()
            .any(|name| self.value(name).is_some())
    }

    fn address_of_page(&self, page: u32) -> String {
        let mut address = format!("/calls?page={}", page + 1);
        for name in ["from", "to", "disposition", "intent", "agent", "q", "size"] {
            if let Some(value) = self.value(name) {
                address.push_str(&format!("&{name}={}", query::encode(&value)));
            }
        }
        address
    }
}

pub(super) async fn list(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    RawQuery(text): RawQuery,
) -> Response {
    let wanted = Wanted::read(text);
    let zone = &app.settings.time_zone;
    let found = app.store.calls(wanted.filter(&actor, zone)).await;
    let choices = app.store.filter_choices().await;
    let live = live_rows(&app, &actor).await;
    let (Ok((calls, total)), Ok((intents, agents)), Ok(live)) = (found, choices, live) else {
        return status::store_down();
    };
    let shown: Vec<&CallHead> = calls
        .iter()
        .filter(|call| call.ended_ms.is_some() || live.iter().all(|(row, _)| row.id != call.id))
        .collect();
    let body = html! {
        div #live data-poll="/calls/live" { (live_section(&live)) }
        (filters(&wanted, &actor, &intents, &agents))
        @if shown.is_empty() {
            p.empty {
                @if wanted.is_filtered() { "No call fits. " a href="/calls" { "Show all" } }
                @else { "No call has ended yet." }
            }
        } @else {
            (table(&shown, zone))
        }
        (pages(&wanted, total))
    };
    page::framed("Calls", "/calls", &actor, body).into_response()
}

/// The live calls alone, fetched again and again by the page.
pub(super) async fn live(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
) -> Response {
    match live_rows(&app, &actor).await {
        Ok(rows) => live_section(&rows).into_response(),
        Err(_) => status::store_down(),
    }
}

type LiveRows = Vec<(CallHead, Option<ActiveCall>)>;

async fn live_rows(app: &App, actor: &Actor) -> Result<LiveRows, crate::store::StoreFault> {
    let filter = CallFilter {
        disposition: Some("live".into()),
        agent: actor.only_agent(),
        limit: 200,
        ..CallFilter::default()
    };
    let (heads, _) = app.store.calls(filter).await?;
    let mut active: HashMap<_, _> =
        app.live.active().into_iter().map(|call| (call.call.clone(), call)).collect();
    Ok(heads
        .into_iter()
        .map(|head| {
            let now = active.remove(&head.id);
            (head, now)
        })
        .collect())
}

fn live_section(rows: &LiveRows) -> Markup {
    let now_ms = Timestamp::now().as_millisecond();
    html! {
        @if !rows.is_empty() {
            section.live aria-label="Live calls" {
                h2 { span.dot {} "Live now" span.count { (rows.len()) } }
                div.cards {
                    @for (head, now) in rows {
                        a.card href={ "/calls/" (head.id) } {
                            span.line {
                                (named(head))
                                span.clock data-since=(head.began_ms) {
                                    (page::span(now_ms - head.began_ms))
                                }
                            }
                            span.line {
                                span.quiet {
                                    @match now {
                                        Some(now) => (page::words(&now.state)),
                                        None => "running",
                                    }
                                    @if let Some(intent) = &head.intent { " · " (page::words(intent)) }
                                    @if let (Some(agent), None) = (&head.agent, now) { " · " (agent) }
                                }
                                (page::stress_bar(stress_now(head, now.as_ref())))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn stress_now(head: &CallHead, now: Option<&ActiveCall>) -> f64 {
    now.map_or(head.stress_max, |now| f64::from(now.stress))
}

fn named(head: &CallHead) -> Markup {
    let text = |part: &Option<Pii<String>>| part.as_ref().map(|text| text.reveal().clone());
    let (name, number) = (text(&head.caller_name), text(&head.caller_number));
    html! { span.caller {
        (page::caller(name.as_deref(), number.as_deref()))
        @if head.vip { " " span.tag { "VIP" } }
    } }
}

fn filters(wanted: &Wanted, actor: &Actor, intents: &[String], agents: &[String]) -> Markup {
    let value = |name| wanted.value(name).unwrap_or_default();
    let dispositions = Disposition::ALL.map(|known| known.name().to_owned());
    html! {
        form.filters method="get" action="/calls" role="search" {
            label.grow { span { "Search" }
                input type="search" name="q" value=(value("q")) maxlength="200"
                    placeholder="Words, number or name"; }
            label { span { "From" } input type="date" name="from" value=(value("from")); }
            label { span { "To" } input type="date" name="to" value=(value("to")); }
            (choice("disposition", "Ended", &value("disposition"), &dispositions))
            (choice("intent", "Intent", &value("intent"), intents))
            @if actor.only_agent().is_none() {
                (choice("agent", "Agent", &value("agent"), agents))
            }
            div.buttons {
                button type="submit" { "Filter" }
                @if wanted.is_filtered() { a.button.plain href="/calls" { "Clear" } }
            }
        }
    }
}

fn choice(name: &str, label: &str, chosen: &str, all: &[String]) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) {
                option value="" { "any" }
                @for one in all {
                    option value=(one) selected[one == chosen] { (page::words(one)) }
                }
            }
        }
    }
}

fn table(calls: &[&CallHead], zone: &TimeZone) -> Markup {
    html! {
        div.scroll {
            table.calls {
                thead { tr {
                    th { "Began" } th { "Caller" } th { "Intent" } th { "Stress" } th { "Ended" }
                    th { "Agent" } th.right { "Length" } th { span.hidden { "Recording" } }
                } }
                tbody {
                    @for call in calls {
                        tr {
                            td.nowrap { a href={ "/calls/" (call.id) } { (page::wall(call.began_ms, zone)) } }
                            td { (named(call)) }
                            td { @if let Some(intent) = &call.intent { (page::words(intent)) } }
                            td { (page::stress_bar(call.stress_max)) }
                            td { (ending(call)) }
                            td { @if let Some(agent) = &call.agent { (agent) } }
                            td.right.figures {
                                @if let Some(length) = call.length_ms { (page::span(length)) }
                            }
                            td { @if call.has_recording { span.quiet title="Recorded" { "♪" span.hidden { "recorded" } } } }
                        }
                    }
                }
            }
        }
    }
}

/// How the call ended, as a coloured word.
pub(super) fn ending(call: &CallHead) -> Markup {
    let disposition = call.disposition.as_deref();
    html! {
        span class={ "chip " (page::tone(disposition)) } {
            (page::words(disposition.unwrap_or("live")))
        }
    }
}

fn pages(wanted: &Wanted, total: u64) -> Markup {
    let last = (total.saturating_sub(1) / u64::from(wanted.size)) as u32;
    html! {
        nav.pages aria-label="Pages of the list" {
            @if wanted.page > 0 {
                a.button.plain rel="prev" href=(wanted.address_of_page(wanted.page - 1)) { "← Newer" }
            }
            span.quiet { (total) @if total == 1 { " call" } @else { " calls" }
                @if last > 0 { " · page " (wanted.page + 1) " of " (last + 1) } }
            @if wanted.page < last {
                a.button.plain rel="next" href=(wanted.address_of_page(wanted.page + 1)) { "Older →" }
            }
        }
    }
}
