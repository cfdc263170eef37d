//! Around every request: its body is read, its line is bounded, and its response has the headers
//! that keep browsers strict.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::body::{self, Refused};
use super::limits::URI_BYTES_MAX;

const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; \
    connect-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; \
    base-uri 'none'; object-src 'none'";

const FIXED: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        // The desk and the callers' page need the microphone, and where to hear.
        "camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
    ),
];

pub(super) async fn around(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let (mut request, refused) = body::read(request).await;
    if let Some(refused) = refused {
        // The guard answers it as the address is answered: a page, or JSON.
        request.extensions_mut().insert(refused);
    }
    let length = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    let mut response = if length > URI_BYTES_MAX {
        StatusCode::URI_TOO_LONG.into_response()
    } else {
        next.run(request).await
    };
    set(response.headers_mut(), app.settings.is_https());
    if refused.is_some_and(Refused::ends_connection) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn set(headers: &mut HeaderMap, https: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if https {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}
