//! The promise that a write is on disk.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::StoreFault;

/// Resolves after the commit that holds the write. Dropping it changes nothing: the write is
/// made all the same. While the disk refuses writes it stays pending; a call need not wait.
#[must_use = "await it where the fact must be on disk, or drop it on purpose"]
pub struct Ack {
    receiver: Option<oneshot::Receiver<Result<(), StoreFault>>>,
}

impl Ack {
    pub(super) fn waiting(receiver: oneshot::Receiver<Result<(), StoreFault>>) -> Self {
        Self { receiver: Some(receiver) }
    }

    pub(super) fn closed() -> Self {
        Self { receiver: None }
    }
}

impl Future for Ack {
    type Output = Result<(), StoreFault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.receiver.as_mut() {
            None => Poll::Ready(Err(StoreFault::Closed)),
            Some(receiver) => Pin::new(receiver)
                .poll(context)
                .map(|outcome| outcome.unwrap_or(Err(StoreFault::Closed))),
        }
    }
}
