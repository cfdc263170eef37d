//! A recording as the browser's player wants it: in ranges (RFC 9110 section 14), by our id only.

use std::io::SeekFrom;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::guard::Actor;
use super::limits::AUDIO_CHUNK_BYTES;
use super::{Shared, call, page};

pub(super) async fn play(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let call = match call::seen(&app, &actor, &id).await {
        Ok(call) => call,
        Err(refusal) => return refusal,
    };
    let missing = || page::notice(StatusCode::NOT_FOUND, "there is no recording of this call");
    let Some(path) = app.store.recording_path(&call) else { return missing() };
    let Ok(file) = File::open(path).await else { return missing() };
    let Ok(about) = file.metadata().await else { return missing() };
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let wanted = asked.map_or(Wanted::Whole, |text| range(text, about.len()));
    // One row for one hearing: players fetch the rest in many ranges.
    if matches!(wanted, Wanted::Whole | Wanted::Part { from: 0, .. }) {
        let source = actor.address.to_string();
        drop(app.store.audit(&actor.user.name, "play_recording", &id, &source).await);
    }
    respond(file, about.len(), wanted).await
}

#[derive(Debug, PartialEq)]
enum Wanted {
    Whole,
    /// Both ends included.
    Part {
        from: u64,
        to: u64,
    },
    Unsatisfiable,
}

/// One range of a `Range` header. Several ranges, and other units, mean the whole.
fn range(text: &str, length: u64) -> Wanted {
    let Some(spec) = text.strip_prefix("bytes=") else { return Wanted::Whole };
    let Some((from, to)) = spec.split_once('-') else { return Wanted::Whole };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let last = length.saturating_sub(1);
    let part = match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => (from, to.min(last)),
        (Some(from), None) if to.trim().is_empty() => (from, last),
        (None, Some(0)) if from.trim().is_empty() => return Wanted::Unsatisfiable,
        (None, Some(count)) if from.trim().is_empty() => (length.saturating_sub(count), last),
        (Some(_) | None, Some(_) | None) => return Wanted::Whole,
    };
    if part.0 >= length { Wanted::Unsatisfiable } else { Wanted::Part { from: part.0, to: part.1 } }
}

async fn respond(mut file: File, length: u64, wanted: Wanted) -> Response {
    let (status, from, count) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0, length),
        Wanted::Part { from, to } => (StatusCode::PARTIAL_CONTENT, from, to - from + 1),
        Wanted::Unsatisfiable => {
            let all = format!("bytes */{length}");
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            return (status, [(header::CONTENT_RANGE, all)]).into_response();
        }
    };
    if file.seek(SeekFrom::Start(from)).await.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "audio/wav")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_LENGTH, count);
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {from}-{}/{length}", from + count - 1);
        response = response.header(header::CONTENT_RANGE, part);
    }
    let chunks = futures_util::stream::try_unfold((file, count), next_chunk);
    response
        .body(Body::from_stream(chunks))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn next_chunk(
    (mut file, left): (File, u64),
) -> std::io::Result<Option<(Bytes, (File, u64))>> {
    if left == 0 {
        return Ok(None);
    }
    let mut chunk = vec![0; (left as usize).min(AUDIO_CHUNK_BYTES)];
    let read = file.read(&mut chunk).await?;
    if read == 0 {
        // The file shrank under us: break the response off rather than promise bytes.
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    chunk.truncate(read);
    Ok(Some((Bytes::from(chunk), (file, left - read as u64))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let part = |from, to| Wanted::Part { from, to };
        for (text, wanted) in [
            ("bytes=0-", part(0, 99)),
            ("bytes=10-19", part(10, 19)),
            ("bytes=10-1000", part(10, 99)),
            ("bytes=-5", part(95, 99)),
            ("bytes=-500", part(0, 99)),
            ("bytes=100-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=99999999999999999999-", Wanted::Whole),
        ] {
            assert_eq!(range(text, 100), wanted, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Wanted::Unsatisfiable);
    }
}
