//! Erases a caller: rows, search index, recordings, and what SQLite leaves in its files.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::base::ids::CallId;
use crate::base::pii::mask_numbers;

use super::{Store, StoreFault, apply, audit};

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    pub calls: u64,
    pub recordings: u64,
    /// Wishes to be called back.
    pub call_backs: u64,
    /// Calls that still run; erase again when they are over.
    pub live_left: u64,
}

impl Store {
    /// Erases all ended calls of a caller's number, and its wishes to be called back. When it
    /// returns no byte of them is left in the database, its log or the recordings folder. `who`
    /// asks, for the audit.
    ///
    /// # Errors
    /// A recording could not be removed, or the database could not be rewritten; erase again.
    pub async fn erase_caller(&self, number: &str, who: &str) -> Result<Erased, StoreFault> {
        let key = apply::caller_key(number);
        let wanted = key.clone();
        let (calls, live_left) = self
            .read(move |db| {
                let mut query =
                    db.prepare("SELECT id, ended_ms IS NULL FROM calls WHERE caller_key = ?1")?;
                let rows = query.query_map(params![wanted], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
                })?;
                let all: Vec<(String, bool)> = rows.collect::<Result<_, _>>()?;
                let live = all.iter().filter(|(_, live)| *live).count() as u64;
                Ok((all.into_iter().filter(|row| !row.1).map(|row| row.0).collect(), live))
            })
            .await?;
        // First, as what follows rewrites the file.
        let call_backs = self.erase_call_backs(&key).await?;
        let erased = self.erase_calls(calls, who, "erase_caller", mask_numbers(&key)).await?;
        Ok(Erased { live_left, call_backs, ..erased })
    }

    /// Erases one ended call.
    pub async fn erase_call(&self, call: &CallId, who: &str) -> Result<Erased, StoreFault> {
        let id = call.as_str().to_owned();
        let ended: Option<bool> = self
            .read(move |db| {
                db.query_row("SELECT ended_ms IS NOT NULL FROM calls WHERE id = ?1", [id], |row| {
                    row.get(0)
                })
                .optional()
            })
            .await?;
        match ended {
            None => Err(StoreFault::Refused("there is no such call")),
            Some(false) => Ok(Erased { live_left: 1, ..Erased::default() }),
            Some(true) => {
                let id = call.as_str().to_owned();
                self.erase_calls(vec![id.clone()], who, "erase_call", id).await
            }
        }
    }

    async fn erase_calls(
        &self,
        calls: Vec<String>,
        who: &str,
        what: &'static str,
        target: String,
    ) -> Result<Erased, StoreFault> {
        let recordings = self.delete_calls(calls.clone()).await?;
        let who = who.to_owned();
        let (count, files) = (calls.len(), recordings);
        let target = format!("{target} ({count} calls)");
        self.ask(move |db| {
            audit::add(db, Timestamp::now().as_millisecond(), &who, what, &target, "")
        })
        .await?;
        self.scrub().await?;
        Ok(Erased { calls: count as u64, recordings: files, ..Erased::default() })
    }

    /// Deletes rows and then the recordings; answers how many files went. A file that is left
    /// by a crash in between is removed by the next sweep, as it belongs to no call.
    pub(super) async fn delete_calls(&self, calls: Vec<String>) -> Result<u64, StoreFault> {
        let files = self.ask(move |db| delete_rows(db, &calls)).await?;
        let folder = self.recordings().to_owned();
        tokio::task::spawn_blocking(move || remove_files(&folder, &files))
            .await
            .map_err(|_| StoreFault::Closed)?
    }

    /// Rewrites the file, so that neither free pages nor the log keep what was deleted. Facts
    /// that come meanwhile wait in memory.
    async fn scrub(&self) -> Result<(), StoreFault> {
        self.alone(|db| {
            db.execute_batch("INSERT INTO search (search) VALUES ('optimize'); VACUUM")?;
            truncate_log(db)
        })
        .await
    }
}

/// The log is emptied only when no reader needs it; each try waits `limits::BUSY_MAX` for them.
fn truncate_log(db: &Connection) -> rusqlite::Result<()> {
    for _ in 0..5 {
        let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            return Ok(());
        }
    }
    Err(rusqlite::Error::QueryReturnedNoRows)
}

fn delete_rows(db: &Connection, calls: &[String]) -> rusqlite::Result<Vec<String>> {
    let mut files = Vec::new();
    for id in calls {
        let file: Option<Option<String>> = db
            .prepare_cached("SELECT recording FROM calls WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        files.extend(file.flatten());
        // Lines first: their trigger takes the words out of the search index.
        db.prepare_cached("DELETE FROM lines WHERE call = ?1")?.execute([id])?;
        db.prepare_cached("DELETE FROM calls WHERE id = ?1")?.execute([id])?;
    }
    Ok(files)
}

fn remove_files(folder: &Path, files: &[String]) -> Result<u64, StoreFault> {
    let mut removed = 0;
    for name in files.iter().filter(|name| apply::is_plain_file_name(name)) {
        match fs::remove_file(folder.join(name)) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreFault::Sql(format!("recording {name}: {error}"))),
        }
    }
    Ok(removed)
}
