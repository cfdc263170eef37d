//! Server-sent events for the pages that show lists: `/changes` says "changed" whenever calls,
//! agents or the queue did, and the page fetches its own part anew, by its own route and rights.
//! An event holds nothing but a running number, so that it can tell nobody anything.
//!
//! One stream for all lists: a browser opens few connections to one host over HTTP/1.1, and a
//! page that is not looked at closes its own. Where no stream is to be had, the page polls.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Interval, sleep};

use super::guard::{Actor, cookie_name};
use super::limits::{
    CHANGES_EVERY, ON_DISK_WITHIN, SOCKET_LOOK_EVERY, STREAM_COMES_AGAIN, STREAMS_MAX,
    STREAMS_OF_USER_MAX,
};
use super::{Shared, api, desk};

/// A silent stream is kept open by a comment this often: proxies end what says nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Open streams, by user.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// A place for one stream; given back when dropped.
struct Place {
    streams: Streams,
    user: String,
}

impl Streams {
    /// `None` where this user, or all together, have as many as may be.
    fn enter(&self, user: &str) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own): (usize, usize) =
            (open.values().sum(), open.get(user).copied().unwrap_or_default());
        if all >= STREAMS_MAX || own >= STREAMS_OF_USER_MAX {
            return None;
        }
        open.insert(user.to_owned(), own + 1);
        Some(Place { streams: self.clone(), user: user.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.user) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(open.remove(&self.user)),
        }
    }
}

/// One open stream.
struct Watching {
    app: Shared,
    changes: watch::Receiver<u64>,
    session: Option<String>,
    look: Interval,
    /// Nothing was said yet.
    fresh: bool,
    _place: Place,
}

impl Watching {
    /// The next event; `None` once the user is logged out, or the service ends.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if self.fresh {
            // What changed since the page was made, or while a stream was cut.
            self.fresh = false;
            let event = self.event().retry(STREAM_COMES_AGAIN);
            return Some((Ok(event), self));
        }
        loop {
            tokio::select! {
                changed = self.changes.changed() => {
                    changed.ok()?;
                    // Several changes are one; and what the page asks for is on disk by then. A
                    // disk that takes longer, or a store that closes, holds no news up.
                    sleep(CHANGES_EVERY).await;
                    let event = self.event();
                    let _ = self.app.store.caught_up(ON_DISK_WITHIN).await;
                    return Some((Ok(event), self));
                }
                _ = self.look.tick() => {
                    if !desk::is_alive(&self.app, self.session.as_deref()).await {
                        return None;
                    }
                }
            }
        }
    }

    fn event(&mut self) -> Event {
        let number = *self.changes.borrow_and_update();
        Event::default().event("changed").data(number.to_string())
    }
}

pub(super) async fn stream(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
) -> Response {
    let Some(place) = app.streams.enter(&actor.user.name) else {
        let again = [(header::RETRY_AFTER, "10")];
        let full = api::error(StatusCode::TOO_MANY_REQUESTS, "too many streams; ask by GET");
        return (again, full).into_response();
    };
    let jar = CookieJar::from_headers(&headers);
    let session = jar.get(cookie_name(&app.settings)).map(|cookie| cookie.value().to_owned());
    let mut look = tokio::time::interval(SOCKET_LOOK_EVERY);
    look.reset();
    let changes = app.live.changes();
    let watching = Watching { app, changes, session, look, fresh: true, _place: place };
    let events = stream::unfold(watching, Watching::next);
    let no_buffer = (HeaderName::from_static("x-accel-buffering"), "no");
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    ([no_buffer], Sse::new(events).keep_alive(alive)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_some_streams_and_all_together_have_a_limit() {
        let streams = Streams::default();
        let own: Vec<_> = (0..STREAMS_OF_USER_MAX).map(|_| streams.enter("anna")).collect();
        assert!(own.iter().all(Option::is_some));
        assert!(streams.enter("anna").is_none(), "as many as one user may have");
        assert!(streams.enter("bert").is_some(), "which is nothing to others");
        drop(own);
        assert!(streams.0.lock().unwrap().is_empty(), "every place is given back");
        let users = STREAMS_MAX.div_ceil(STREAMS_OF_USER_MAX);
        let names: Vec<String> = (0..users).map(|number| format!("user{number}")).collect();
        let all: Vec<_> = (0..STREAMS_MAX).map(|n| streams.enter(&names[n % users])).collect();
        assert!(all.iter().all(Option::is_some));
        assert!(streams.enter("one more").is_none(), "as many as there may be");
    }
}
