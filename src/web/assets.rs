//! Style sheet, script and icon: embedded, served with their hash as tag.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

const FILES: [(&str, &str, &str); 3] = [
    ("warmline.css", "text/css; charset=utf-8", include_str!("assets/warmline.css")),
    ("warmline.js", "text/javascript; charset=utf-8", include_str!("assets/warmline.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
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
