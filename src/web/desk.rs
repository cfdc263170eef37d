//! The agent's desk: one page, one WebSocket. The page is an empty frame; everything in it comes
//! over the socket and is put there as text.

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use jiff::Timestamp;
use maud::{DOCTYPE, html};

use crate::base::ids::AgentId;
use crate::store::users::Role;

use super::guard::{Actor, cookie_name};
use super::limits::{SOCKET_BYTES_MAX, SOCKET_LOOK_EVERY};
use super::{DeskLine, Shared, api, page};

/// Close codes of ours (RFC 6455 section 7.4.2: 4000 and up are private).
/// Nothing more comes here: taken over, which the page was told, or too slow: come again.
const CLOSED: u16 = 4_001;
const LOGGED_OUT: u16 = 4_002;

pub(super) async fn page(Extension(actor): Extension<Actor>) -> Response {
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            (page::head("Desk"))
            body.desk {
                link rel="stylesheet" href="/assets/desk.css";
                header.top {
                    a.brand href="/desk" { (page::mark()) "Warmline" }
                    nav aria-label="Pages" {
                        a href="/desk" aria-current="page" { "Desk" }
                        a href="/calls" { "Calls" }
                        @if actor.is(Role::Supervisor) {
                            a href="/call-backs" { "Call-backs" }
                            a href="/status" { "Status" }
                        }
                        @if actor.is(Role::Admin) { a href="/audit" { "Audit" } }
                    }
                    div #line {}
                    div #presence {}
                    form.who method="post" action="/logout" {
                        (page::csrf(&actor))
                        span.quiet { (actor.user.name) }
                        button.plain type="submit" { "Log out" }
                    }
                }
                main #desk data-agent=[actor.user.agent.as_deref()] data-user=(actor.user.name) {
                    noscript { p.empty { "The desk needs JavaScript." } }
                    p.empty { "Opening the desk…" }
                }
                p #told.hidden aria-live="assertive" {}
                div #notices role="status" aria-live="polite" {}
                script type="module" src="/assets/desk.js" {}
                script type="module" src="/assets/desk-line.js" {}
            }
        }
    };
    body.into_response()
}

pub(super) async fn schema(State(app): State<Shared>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/schema+json")];
    (kind, app.live.desk_schema().to_string()).into_response()
}

pub(super) async fn socket(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let agent = actor.user.agent.clone().map(AgentId);
    let looks_on = agent.is_none() && actor.is(Role::Supervisor);
    if agent.is_none() && !looks_on {
        return api::error(StatusCode::FORBIDDEN, "this user is no agent");
    }
    let Some(line) = app.live.open_desk(agent.as_ref(), &actor.user.name) else {
        return api::error(StatusCode::NOT_FOUND, "there is no such agent in the configuration");
    };
    let jar = CookieJar::from_headers(&headers);
    let session = jar.get(cookie_name(&app.settings)).map(|cookie| cookie.value().to_owned());
    upgrade
        .max_message_size(SOCKET_BYTES_MAX)
        .max_frame_size(SOCKET_BYTES_MAX)
        .on_upgrade(move |socket| serve(app, session, socket, line))
}

/// Runs until either side ends. The session is looked at again and again: a logout elsewhere ends
/// this page too, and a page that is open counts as use.
async fn serve(app: Shared, session: Option<String>, mut socket: WebSocket, mut line: DeskLine) {
    let mut look = tokio::time::interval(SOCKET_LOOK_EVERY);
    look.tick().await;
    let mut heard_since = true;
    loop {
        tokio::select! {
            out = line.to_page.recv() => match out {
                Some(text) => {
                    if socket.send(Message::text(text.as_ref())).await.is_err() {
                        return;
                    }
                }
                None => return close(&mut socket, CLOSED, "taken over, or too slow").await,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Text(text))) => {
                    heard_since = true;
                    line.said(&text);
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => {
                    heard_since = true;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            _ = look.tick() => {
                if !heard_since {
                    // Nothing came, not even the answer to our ping: the page is gone.
                    return;
                }
                heard_since = false;
                if !is_alive(&app, session.as_deref()).await {
                    return close(&mut socket, LOGGED_OUT, "logged out").await;
                }
                if socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Programs come with a token in every request and without a session.
pub(super) async fn is_alive(app: &Shared, session: Option<&str>) -> bool {
    match session {
        Some(token) => match app.store.session(token, Timestamp::now()).await {
            Ok(found) => found.is_some(),
            // A store that does not answer logs nobody out of a running call.
            Err(_) => true,
        },
        None => true,
    }
}

async fn close(socket: &mut WebSocket, code: u16, why: &'static str) {
    let frame = CloseFrame { code, reason: why.into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
}
