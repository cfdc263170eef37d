//! Reads what a request carries before anybody looks at the request. Whoever answers a client that
//! is still sending has to close the connection on it: the answer may be lost with it, and so is
//! the next request that the client has already put on the same connection (RFC 9112, 9.6).

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::guard::refuse_with;
use super::limits::{BODY_BYTES_MAX, BODY_DRAINED_BYTES_MAX, BODY_WITHIN};
use super::routes::Access;

/// Why a body was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    status: StatusCode,
    why: &'static str,
    /// The client may still be sending, so the connection ends with the answer.
    unread: bool,
}

impl Refused {
    fn large(unread: bool) -> Self {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self { status, why: "that is more than is taken here", unread }
    }

    pub(super) fn answer(self, access: Access) -> Response {
        refuse_with(access, self.status, self.why)
    }

    pub(super) fn ends_connection(self) -> bool {
        self.unread
    }
}

/// The request with its whole body in memory, [`BODY_BYTES_MAX`] at most; one that is refused has
/// none. What is too large is read to its end, too, as far as [`BODY_DRAINED_BYTES_MAX`].
pub(super) async fn read(request: Request) -> (Request, Option<Refused>) {
    read_within(request, BODY_WITHIN).await
}

async fn read_within(request: Request, limit: Duration) -> (Request, Option<Refused>) {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return (Request::from_parts(parts, body), None);
    }
    let asks_first = parts.headers.contains_key(header::EXPECT);
    let declared = body.size_hint().lower();
    let taken = if asks_first && declared > BODY_BYTES_MAX as u64 {
        // It waits for our word and sends nothing (RFC 9110, 10.1.1).
        Err(Refused::large(true))
    } else {
        timeout(limit, collect(body)).await.unwrap_or(Err(Refused {
            status: StatusCode::REQUEST_TIMEOUT,
            why: "the request did not come to its end in time",
            unread: true,
        }))
    };
    match taken {
        Ok(bytes) => (Request::from_parts(parts, Body::from(bytes)), None),
        Err(refused) => (Request::from_parts(parts, Body::empty()), Some(refused)),
    }
}

async fn collect(body: Body) -> Result<Bytes, Refused> {
    let (mut pieces, mut kept, mut count) = (body.into_data_stream(), Vec::new(), 0_usize);
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else {
            let why = "the request broke off";
            return Err(Refused { status: StatusCode::BAD_REQUEST, why, unread: true });
        };
        count = count.saturating_add(piece.len());
        if count > BODY_DRAINED_BYTES_MAX {
            return Err(Refused::large(true));
        }
        if count <= BODY_BYTES_MAX {
            kept.extend_from_slice(&piece);
        }
    }
    if count > BODY_BYTES_MAX { Err(Refused::large(false)) } else { Ok(Bytes::from(kept)) }
}

#[cfg(test)]
mod tests {
    use std::io::Error;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::to_bytes;
    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;

    const PIECE: usize = 8_192;

    /// A body of so many pieces that does not say its size, and how many of them were read.
    fn in_pieces(pieces: usize) -> (Request, Arc<AtomicUsize>) {
        let read = Arc::new(AtomicUsize::new(0));
        let counted = read.clone();
        let all = stream::iter(0..pieces).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Error>(vec![b'x'; PIECE])
        });
        (Request::new(Body::from_stream(all)), read)
    }

    #[tokio::test]
    async fn what_is_within_the_bound_is_there_as_a_whole() {
        let (request, _) = in_pieces(2);
        let (request, refused) = read(request).await;
        assert_eq!(refused, None);
        let bytes = to_bytes(request.into_body(), usize::MAX).await.unwrap();
        assert_eq!(bytes.len(), BODY_BYTES_MAX);
    }

    #[tokio::test]
    async fn what_is_too_large_is_read_to_its_end_and_an_endless_one_is_not() {
        let (request, pieces) = in_pieces(12);
        let (request, refused) = read(request).await;
        assert_eq!(refused, Some(Refused::large(false)));
        assert_eq!(pieces.load(Ordering::Relaxed), 12);
        assert!(to_bytes(request.into_body(), usize::MAX).await.unwrap().is_empty());

        let (request, pieces) = in_pieces(usize::MAX);
        assert_eq!(read(request).await.1, Some(Refused::large(true)));
        assert_eq!(pieces.load(Ordering::Relaxed), BODY_DRAINED_BYTES_MAX / PIECE + 1);
    }

    #[tokio::test]
    async fn a_body_that_never_ends_or_breaks_off_is_not_waited_for() {
        let slow = stream::once(async { Ok::<_, Error>("csrf=") }).chain(stream::pending());
        let slow = Request::new(Body::from_stream(slow));
        let refused = read_within(slow, Duration::from_millis(20)).await.1.unwrap();
        assert_eq!((refused.status, refused.unread), (StatusCode::REQUEST_TIMEOUT, true));

        let broken = stream::iter([Ok("csrf="), Err(Error::other("reset"))]);
        let refused = read(Request::new(Body::from_stream(broken))).await.1.unwrap();
        assert_eq!((refused.status, refused.unread), (StatusCode::BAD_REQUEST, true));
    }

    #[tokio::test]
    async fn who_asks_before_sending_too_much_is_told_at_once() {
        let mut request = Request::new(Body::from(vec![b'x'; BODY_BYTES_MAX + 1]));
        request.headers_mut().insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        assert_eq!(read(request).await.1, Some(Refused::large(true)));
    }
}
