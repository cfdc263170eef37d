//! What can go wrong in the store.

use std::path::PathBuf;

use thiserror::Error;

/// A fault of the store. None of them carries a caller's words.
#[derive(Debug, Error, Clone)]
pub enum StoreFault {
    #[error("{path}: {why}")]
    Open { path: PathBuf, why: String },
    #[error("{path}: another Warmline runs on this store")]
    InUse { path: PathBuf },
    #[error("{path}: written by a newer Warmline (schema {found}, this one knows {known})")]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{path}: damaged ({report}); restore it from a backup or move it away")]
    Damaged { path: PathBuf, report: String },
    /// The statement failed and would fail again.
    #[error("store: {0}")]
    Sql(String),
    /// The store is closed; the write was not kept.
    #[error("the store is closed")]
    Closed,
    /// The disk has not taken what was queued; it may yet.
    #[error("the disk does not take what is written")]
    Stalled,
    #[error("{0}")]
    Refused(&'static str),
}

impl From<rusqlite::Error> for StoreFault {
    fn from(error: rusqlite::Error) -> Self {
        StoreFault::Sql(error.to_string())
    }
}

/// Whether the same statement may succeed later: disk full, I/O errors, locks.
pub(super) fn passes(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, OutOfMemory,
        ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            DiskFull
                | SystemIoFailure
                | DatabaseBusy
                | DatabaseLocked
                | CannotOpen
                | ReadOnly
                | OutOfMemory
                | FileLockingProtocolFailed
        )
    )
}
