//! The frame of every page, and the small parts that pages share.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::store::users::Role;

use super::guard::Actor;

/// A page without navigation: login, notices.
pub(super) fn bare(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body { (body) }
        }
    }
}

/// A page of a logged-in user. `here` marks the entry of the navigation.
pub(super) fn framed(title: &str, here: &str, actor: &Actor, body: Markup) -> Markup {
    let entry = |path: &str, text: &str| {
        html! { a href=(path) aria-current=[(path == here).then_some("page")] { (text) } }
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/calls" { (mark()) "Warmline" }
                    nav aria-label="Pages" {
                        (entry("/desk", "Desk"))
                        (entry("/calls", "Calls"))
                        @if actor.is(Role::Supervisor) {
                            (entry("/call-backs", "Call-backs"))
                            (entry("/status", "Status"))
                        }
                        @if actor.is(Role::Admin) { (entry("/audit", "Audit")) }
                    }
                    form.who method="post" action="/logout" {
                        (csrf(actor))
                        span.quiet { (actor.user.name) " · " (actor.user.role.name()) }
                        button.plain type="submit" { "Log out" }
                    }
                }
                main #main { (body) }
            }
        }
    }
}

pub(super) fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="robots" content="noindex";
            title { (title) " · Warmline" }
            link rel="stylesheet" href="/assets/warmline.css";
            link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
            script type="module" src="/assets/warmline.js" {}
        }
    }
}

/// Our sign: a line that warms to a bow.
pub(super) fn mark() -> Markup {
    PreEscaped(
        r#"<svg class="mark" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M2 14c3.500 0 3.500-8 7-8s3.500 12 7 12 3-4 6-4"/></svg>"#
            .to_owned(),
    )
}

/// The hidden field that a form carries.
pub(super) fn csrf(actor: &Actor) -> Markup {
    html! { input type="hidden" name="csrf" value=(actor.csrf); }
}

/// A short page that says what went wrong.
pub(super) fn notice(status: StatusCode, what: &str) -> Response {
    let body = html! {
        main.login {
            h1 { (mark()) (status.canonical_reason().unwrap_or("Sorry")) }
            p { (capitalised(what)) }
            p { a href="/calls" { "To the calls" } }
        }
    };
    (status, bare("Notice", body)).into_response()
}

fn capitalised(text: &str) -> String {
    let mut symbols = text.chars();
    let first = symbols.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(symbols).collect()
}

/// `21 Nov, 07:44:21`; the year where it is not this one.
pub(super) fn wall(unix_ms: i64, zone: &TimeZone) -> String {
    let Ok(at) = Timestamp::from_millisecond(unix_ms) else { return String::new() };
    let (at, now) = (at.to_zoned(zone.clone()), Timestamp::now().to_zoned(zone.clone()));
    let form = if at.year() == now.year() { "%d %b, %H:%M:%S" } else { "%d %b %Y, %H:%M" };
    at.strftime(form).to_string()
}

/// `0:41`, `12:07`, `1:02:03`.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

/// `opening_hours` → `opening hours`.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// The colour of a disposition: good, neutral, bad.
pub(super) fn tone(disposition: Option<&str>) -> &'static str {
    match disposition {
        None => "live",
        Some("answered" | "transferred") => "good",
        Some("system_failure" | "caller_lost" | "sent_to_emergency") => "bad",
        Some("abandoned_in_queue" | "abandoned_in_dialogue" | "nobody_available" | "too_long") => {
            "warn"
        }
        Some(_) => "flat",
    }
}

/// `calm`, `raised` or `high`, as the pages colour it.
pub(super) fn stress_level(stress: f64) -> &'static str {
    match stress {
        s if s >= 0.6 => "high",
        s if s >= 0.35 => "raised",
        _ => "calm",
    }
}

/// A small bar with its figure; the colour is not the only sign.
pub(super) fn stress_bar(stress: f64) -> Markup {
    let level = stress_level(stress);
    let percent = (stress.clamp(0.0, 1.0) * 100.0).round();
    html! {
        span class={ "stress " (level) } title={ "Stress " (percent) " of 100, " (level) } {
            svg viewBox="0 0 40 6" width="40" height="6" aria-hidden="true" {
                rect.ground x="0" y="0" width="40" height="6" rx="3" {}
                rect.fill x="0" y="0" width=(percent * 0.4) height="6" rx="3" {}
            }
            span { (percent) }
        }
    }
}

/// Name and number of a caller, or what there is.
pub(super) fn caller(name: Option<&str>, number: Option<&str>) -> Markup {
    match (name, number) {
        (Some(name), Some(number)) => html! { strong { (name) } " " span.quiet { (number) } },
        (Some(text), None) | (None, Some(text)) => html! { strong { (text) } },
        (None, None) => html! { span.quiet { "number withheld" } },
    }
}
