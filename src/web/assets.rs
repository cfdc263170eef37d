//! Style sheet, script and icon: embedded, or the operator's copy, served with their hash as tag.

use std::borrow::Cow;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::Shared;

/// A copy larger than this is not served.
const COPY_BYTES_MAX: u64 = 1 << 20;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Name, media type, text. `warmline init` writes editable copies.
pub const FILES: [(&str, &str, &str); 4] = [
    ("warmline.css", STYLE, include_str!("assets/warmline.css")),
    ("warmline.js", SCRIPT, include_str!("assets/warmline.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ("desk.css", STYLE, include_str!("assets/desk/desk.css")),
];

/// A module of the desk, `desk-NAME.js`.
macro_rules! module {
    ($name:literal) => {
        (
            concat!("desk-", $name, ".js"),
            SCRIPT,
            include_str!(concat!("assets/desk/", $name, ".js")),
        )
    };
}

/// The desk's modules. They speak the server's protocol of this very version: never copied.
const MODULES: [(&str, &str, &str); 15] = [
    ("call.js", SCRIPT, include_str!("assets/call/call.js")),
    ("call-peer.js", SCRIPT, include_str!("assets/call/peer.js")),
    ("call-style.js", SCRIPT, include_str!("assets/call/style.js")),
    ("desk-line.js", SCRIPT, include_str!("assets/call/line.js")),
    ("desk.js", SCRIPT, include_str!("assets/desk/desk.js")),
    module!("actions"),
    module!("audio"),
    module!("card"),
    module!("dom"),
    module!("presence"),
    module!("recent"),
    module!("socket"),
    module!("stress"),
    module!("transcript"),
    module!("wrapup"),
];

pub(super) async fn file(
    State(app): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut all = FILES.iter().chain(&MODULES);
    let Some((known, media_type, text)) = all.find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let editable = FILES.iter().any(|(file, ..)| file == known);
    let text: Cow<'static, str> = match app.settings.pages.as_ref().filter(|_| editable) {
        Some(folder) => copy(&folder.join(known)).await.map_or((*text).into(), Cow::Owned),
        None => (*text).into(),
    };
    let digest = Sha256::digest(text.as_bytes());
    let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|given| *given == tag);
    let about = [
        (header::CONTENT_TYPE, (*media_type).to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag),
        // Public text: pages of other sites load the callers' element from here.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
    ];
    if known {
        (StatusCode::NOT_MODIFIED, about).into_response()
    } else {
        (about, text.into_owned()).into_response()
    }
}

/// The operator's copy, if it can be read and is of a sensible size.
async fn copy(path: &std::path::Path) -> Option<String> {
    let length = tokio::fs::metadata(path).await.ok()?.len();
    if length > COPY_BYTES_MAX {
        tracing::warn!("{} is too large to be served", path.display());
        return None;
    }
    tokio::fs::read_to_string(path).await.ok()
}
