//! Style sheet, script and icon: embedded, or the operator's copy, served with their hash as tag.

use std::borrow::Cow;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::Shared;

/// A copy larger than this is not served.
const COPY_BYTES_MAX: u64 = 1 << 20;

/// Name, media type, text. `warmline init` writes editable copies.
pub const FILES: [(&str, &str, &str); 3] = [
    ("warmline.css", "text/css; charset=utf-8", include_str!("assets/warmline.css")),
    ("warmline.js", "text/javascript; charset=utf-8", include_str!("assets/warmline.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

pub(super) async fn file(
    State(app): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some((known, media_type, text)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let text: Cow<'static, str> = match &app.settings.pages {
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
