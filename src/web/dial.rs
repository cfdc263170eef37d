//! Callers in the browser, WHIP-shaped (RFC 9725): `POST /call` with an SDP offer gives 201, the
//! answer, and in `Location` the call's secret path; `PATCH` restarts ICE, `POST` on the path takes
//! the call up after a reload, `DELETE` tells that the page was left, `POST …/hang-up` ends it.
//! `GET …/captions` are server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::base::language::Language;

use super::guard::{Asked, CallerOrigin};
use super::{Answered, App, Browsers, CallBack, CallerPage, Refused, Shared, api, query};

const SDP: &str = "application/sdp";
/// A proxy shuts a stream on which nothing comes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const NAME_CHARS_MAX: usize = 80;
const USER_AGENT_CHARS_MAX: usize = 200;

fn browsers(app: &App) -> Result<&dyn Browsers, Response> {
    app.browsers.as_deref().ok_or_else(|| refusal(Refused::Off))
}

/// A refusal as the page reads it.
pub(super) fn refusal(why: Refused) -> Response {
    let (status, text, retry) = match why {
        Refused::Off => (StatusCode::NOT_FOUND, "calls from browsers are off".to_owned(), None),
        Refused::Busy { retry_after_s } => {
            let text = "all lines are busy".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, text, Some(retry_after_s))
        }
        Refused::TooMany { retry_after_s } => {
            let text = "too many calls from your address".to_owned();
            (StatusCode::TOO_MANY_REQUESTS, text, Some(retry_after_s))
        }
        Refused::Offer(text) => (StatusCode::NOT_ACCEPTABLE, text, None),
        Refused::Gone => (StatusCode::NOT_FOUND, "there is no such call".to_owned(), None),
        Refused::Number => {
            (StatusCode::BAD_REQUEST, "this is no telephone number".to_owned(), None)
        }
    };
    let mut response = api::error(status, &text);
    if let Some(seconds) = retry {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// 201 with the secret path, or 200 where there was one before.
pub(super) fn answered(status: StatusCode, location: Option<String>, sdp: String) -> Response {
    let mut response = (status, [(header::CONTENT_TYPE, SDP)], sdp).into_response();
    if let Some(location) = location.and_then(|path| HeaderValue::from_str(&path).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// An offer comes as `application/sdp`, so that no form of a foreign page can send one.
pub(super) fn offer_in<'a>(headers: &HeaderMap, body: &'a str) -> Result<&'a str, Response> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match kind.map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
        Some(SDP) => Ok(body),
        Some(_) | None => Err(api::error(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send an SDP offer as application/sdp",
        )),
    }
}

/// What the page must know before it calls.
pub(super) async fn entrance(State(app): State<Shared>) -> Response {
    match browsers(&app) {
        Ok(browsers) => axum::Json(browsers.entrance()).into_response(),
        Err(off) => off,
    }
}

pub(super) async fn call(
    State(app): State<Shared>,
    Extension(asked): Extension<Asked>,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
    body: String,
) -> Response {
    let begun = async {
        let offer = offer_in(&headers, &body)?;
        let fields = query::fields(text.unwrap_or_default().as_bytes());
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let page = CallerPage {
            address: asked.address,
            user_agent: agent.map(|text| text.chars().take(USER_AGENT_CHARS_MAX).collect()),
            name: query::value(&fields, "name", NAME_CHARS_MAX),
            language: query::value(&fields, "language", 8).and_then(|code| Language::new(&code)),
        };
        browsers(&app)?.call(offer, page).await.map_err(refusal)
    };
    match begun.await {
        Ok(Answered { token, answer }) => {
            answered(StatusCode::CREATED, Some(format!("/call/{token}")), answer)
        }
        Err(refusal) => refusal,
    }
}

pub(super) async fn resume(
    State(app): State<Shared>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let resumed = async {
        let offer = offer_in(&headers, &body)?;
        browsers(&app)?.resume(&token, offer).await.map_err(refusal)
    };
    resumed.await.map_or_else(|no| no, |sdp| answered(StatusCode::OK, None, sdp))
}

pub(super) async fn restart(
    State(app): State<Shared>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let restarted = async {
        let offer = offer_in(&headers, &body)?;
        browsers(&app)?.restart(&token, offer).await.map_err(refusal)
    };
    restarted.await.map_or_else(|no| no, |sdp| answered(StatusCode::OK, None, sdp))
}

pub(super) async fn left(State(app): State<Shared>, Path(token): Path<String>) -> Response {
    done(browsers(&app).map(|browsers| browsers.left(&token)))
}

pub(super) async fn hang_up(State(app): State<Shared>, Path(token): Path<String>) -> Response {
    done(browsers(&app).map(|browsers| browsers.hang_up(&token)))
}

fn done(found: Result<bool, Response>) -> Response {
    match found {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => refusal(Refused::Gone),
        Err(off) => off,
    }
}

pub(super) async fn captions(State(app): State<Shared>, Path(token): Path<String>) -> Response {
    let watched = match browsers(&app) {
        Ok(browsers) => browsers.captions(&token),
        Err(off) => return off,
    };
    let Some(captions) = watched else { return refusal(Refused::Gone) };
    let events = stream::unfold(captions, |mut captions| async move {
        let caption = captions.recv().await?;
        let text = serde_json::to_string(&caption).unwrap_or_default();
        Some((Ok::<_, Infallible>(Event::default().data(text)), captions))
    });
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let no_buffer = (HeaderName::from_static("x-accel-buffering"), "no");
    ([no_buffer], stream).into_response()
}

pub(super) async fn call_back(
    State(app): State<Shared>,
    Extension(asked): Extension<Asked>,
    body: axum::body::Bytes,
) -> Response {
    let browsers = match browsers(&app) {
        Ok(browsers) => browsers,
        Err(off) => return off,
    };
    if !app.call_backs.admits(asked.address) {
        return refusal(Refused::TooMany { retry_after_s: 600 });
    }
    let fields = query::fields(&body);
    let field = |name| query::value(&fields, name, NAME_CHARS_MAX).unwrap_or_default();
    let request = CallBack { number: field("number"), name: field("name"), address: asked.address };
    match browsers.call_back(request).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(why) => refusal(why),
    }
}

/// What a browser asks before it lets a foreign page send (CORS).
pub(super) async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Lets the page of an allowed origin read what we answer it.
pub(super) fn share(response: &mut Response, origin: &CallerOrigin) {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin.foreign.as_ref().and_then(|text| HeaderValue::from_str(text).ok())
    else {
        return;
    };
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Location, Retry-After")),
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, PATCH, DELETE"),
        ),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type")),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
    ] {
        headers.insert(name, value);
    }
}
