//! How the store is, in atomics that the writer sets and anybody reads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::Serialize;

/// How the store is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreHealth {
    pub state: StoreState,
    /// Writes that wait for a commit.
    pub queued: u64,
    pub commits: u64,
    /// Duration of the last commit, milliseconds.
    pub last_commit_ms: u64,
    /// Writes that were wrong in themselves (unknown call, refused name) and not kept.
    pub refused: u64,
}

/// Whether the disk takes what we write.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StoreState {
    Working,
    /// The disk refuses (full, I/O error) or lags; facts are kept in memory and tried again.
    Stalled {
        since: Timestamp,
        why: String,
    },
}

impl StoreHealth {
    pub fn is_working(&self) -> bool {
        self.state == StoreState::Working
    }
}

#[derive(Default)]
pub(super) struct Gauges {
    pub(super) queued: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) last_commit_ms: AtomicU64,
    pub(super) refused: AtomicU64,
    stalled: Mutex<Option<(Timestamp, String)>>,
}

impl Gauges {
    pub(super) fn stall(&self, why: String) {
        let mut stalled = self.stalled.lock().unwrap_or_else(|broken| broken.into_inner());
        match stalled.as_mut() {
            Some((_, old)) => *old = why,
            None => {
                tracing::error!(%why, "store: the disk refuses writes; facts wait in memory");
                *stalled = Some((Timestamp::now(), why));
            }
        }
    }

    pub(super) fn clear(&self) {
        let mut stalled = self.stalled.lock().unwrap_or_else(|broken| broken.into_inner());
        if stalled.take().is_some() {
            tracing::info!("store: the disk takes writes again");
        }
    }

    pub(super) fn read(&self) -> StoreHealth {
        let stalled = self.stalled.lock().unwrap_or_else(|broken| broken.into_inner()).clone();
        let queued = self.queued.load(Ordering::Relaxed);
        let state = match stalled {
            Some((since, why)) => StoreState::Stalled { since, why },
            None if queued >= super::limits::QUEUE_JOBS_ALARM as u64 => StoreState::Stalled {
                since: Timestamp::now(),
                why: format!("{queued} writes wait"),
            },
            None => StoreState::Working,
        };
        StoreHealth {
            state,
            queued,
            commits: self.commits.load(Ordering::Relaxed),
            last_commit_ms: self.last_commit_ms.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}
