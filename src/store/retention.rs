//! Calls are kept for a while and then deleted, with their recordings.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::limits::SWEEP_CALLS_MAX;
use super::{Store, StoreFault};

const DAY_MS: i64 = 86_400_000;

impl Store {
    /// Deletes calls that ended more than the settings' days before `now`, and wishes to be called
    /// back and recordings as old that belong to no call. Answers how many calls went.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreFault> {
        let days = self.settings().retention_days;
        if days == 0 {
            return Ok(0);
        }
        let oldest_ms = now.as_millisecond() - i64::from(days) * DAY_MS;
        let mut swept = 0;
        loop {
            let calls: Vec<String> = self
                .read(move |db| {
                    db.prepare_cached("SELECT id FROM calls WHERE ended_ms < ?1 LIMIT ?2")?
                        .query_map(params![oldest_ms, SWEEP_CALLS_MAX], |row| row.get(0))?
                        .collect()
                })
                .await?;
            if calls.is_empty() {
                break;
            }
            swept += calls.len() as u64;
            self.delete_calls(calls).await?;
        }
        self.sweep_call_backs(oldest_ms).await?;
        self.sweep_orphans(oldest_ms).await?;
        Ok(swept)
    }

    async fn sweep_orphans(&self, oldest_ms: i64) -> Result<(), StoreFault> {
        let folder = self.recordings().to_owned();
        let old = tokio::task::spawn_blocking(move || old_files(&folder, oldest_ms))
            .await
            .map_err(|_| StoreFault::Closed)?;
        for name in old {
            let key = name.clone();
            let known: bool = self
                .read(move |db| {
                    db.prepare_cached("SELECT 1 FROM calls WHERE recording = ?1")?.exists([key])
                })
                .await?;
            let path = self.recordings().join(&name);
            if !known && let Err(error) = fs::remove_file(path) {
                tracing::warn!(%error, "store: an old recording could not be removed");
            }
        }
        Ok(())
    }
}

fn old_files(folder: &Path, oldest_ms: i64) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_old = |entry: &fs::DirEntry| {
        let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
        let at = modified.and_then(|time| Timestamp::try_from(time).ok());
        at.is_some_and(|at| at.as_millisecond() < oldest_ms)
    };
    entries
        .flatten()
        .filter(is_old)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".wav"))
        .collect()
}

/// Sweeps now and every `every`, for ever; faults are logged and the next sweep tries again.
pub async fn keep_sweeping(store: Store, every: Duration) {
    loop {
        match store.sweep(Timestamp::now()).await {
            Ok(0) => {}
            Ok(calls) => tracing::info!(calls, "store: deleted calls past their retention"),
            Err(fault) => tracing::warn!(%fault, "store: the retention sweep failed"),
        }
        tokio::time::sleep(every).await;
    }
}
