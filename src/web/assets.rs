//! Style sheet, script and icon: embedded, served with their hash as tag.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

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

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Name, media type, content.
const FILES: [(&str, &str, &str); 14] = [
    ("warmline.css", STYLE, include_str!("assets/warmline.css")),
    ("warmline.js", SCRIPT, include_str!("assets/warmline.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ("desk.css", STYLE, include_str!("assets/desk/desk.css")),
    ("desk.js", SCRIPT, include_str!("assets/desk/desk.js")),
    module!("dom"),
    module!("socket"),
    module!("stress"),
    module!("transcript"),
    module!("presence"),
    module!("card"),
    module!("actions"),
    module!("wrapup"),
    module!("recent"),
];

pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, media_type, text)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let digest = Sha256::digest(text.as_bytes());
    let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|given| *given == tag);
    let about = [
        (header::CONTENT_TYPE, (*media_type).to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag),
    ];
    if known {
        (StatusCode::NOT_MODIFIED, about).into_response()
    } else {
        (about, *text).into_response()
    }
}
