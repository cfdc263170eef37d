//! Callers who want to be called back. In: a number and a name. Out: rows for supervisors, open
//! ones first. They are a caller's data: erased with it, and by age.

use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

use crate::base::pii::Pii;

use super::apply::caller_key;
use super::limits::{CALL_BACK_ROWS_MAX, CALL_BACKS_OPEN_MAX};
use super::{Store, StoreFault};

/// A wish to be called back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallBackRow {
    pub id: i64,
    /// When it was asked for, milliseconds since 1970.
    pub wall_ms: i64,
    pub number: Pii<String>,
    pub name: Option<Pii<String>>,
    /// When and by whom it was done; `None` while it is open.
    pub closed_ms: Option<i64>,
    pub closed_by: Option<String>,
}

impl Store {
    /// Keeps a wish; its number when it is on disk.
    ///
    /// # Errors
    /// The disk does not take it, or [`CALL_BACKS_OPEN_MAX`] are open already.
    pub async fn want_call_back(
        &self,
        number: &str,
        name: &str,
        wall: Timestamp,
    ) -> Result<i64, StoreFault> {
        let (number, key, name) = (number.to_owned(), caller_key(number), name.to_owned());
        let kept = self.ask(move |db| {
            let open: u32 = db
                .prepare_cached("SELECT count(*) FROM call_backs WHERE closed_ms IS NULL")?
                .query_row([], |row| row.get(0))?;
            if open >= CALL_BACKS_OPEN_MAX {
                return Ok(None);
            }
            db.prepare_cached(
                "INSERT INTO call_backs (wall_ms, number, caller_key, name)
                 VALUES (?1, ?2, ?3, nullif(?4, ''))",
            )?
            .execute(params![wall.as_millisecond(), number, key, name])?;
            Ok(Some(db.last_insert_rowid()))
        });
        kept.await?.ok_or(StoreFault::Refused("too many wait to be called back"))
    }

    /// It was done; `false` if there is none that is open.
    pub async fn close_call_back(&self, id: i64, by: &str) -> Result<bool, StoreFault> {
        let (by, now_ms) = (by.to_owned(), Timestamp::now().as_millisecond());
        self.ask(move |db| {
            let closed = db
                .prepare_cached(
                    "UPDATE call_backs SET closed_ms = ?2, closed_by = ?3
                     WHERE id = ?1 AND closed_ms IS NULL",
                )?
                .execute(params![id, now_ms, by])?;
            Ok(closed > 0)
        })
        .await
    }

    /// Open ones, the oldest first; then those that were done, the newest first.
    pub async fn call_backs(&self) -> Result<Vec<CallBackRow>, StoreFault> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT id, wall_ms, number, name, closed_ms, closed_by FROM call_backs
                 ORDER BY closed_ms IS NOT NULL, closed_ms DESC, id LIMIT ?1",
            )?
            .query_map([CALL_BACK_ROWS_MAX], |row| {
                Ok(CallBackRow {
                    id: row.get(0)?,
                    wall_ms: row.get(1)?,
                    number: row.get::<_, String>(2)?.into(),
                    name: row.get::<_, Option<String>>(3)?.map(Into::into),
                    closed_ms: row.get(4)?,
                    closed_by: row.get(5)?,
                })
            })?
            .collect()
        })
        .await
    }

    /// Deletes those of a caller; how many.
    pub(super) async fn erase_call_backs(&self, key: &str) -> Result<u64, StoreFault> {
        let key = key.to_owned();
        self.ask(move |db| {
            let gone = db
                .prepare_cached("DELETE FROM call_backs WHERE caller_key = ?1")?
                .execute([&key])?;
            Ok(gone as u64)
        })
        .await
    }

    /// Deletes those that were asked for before then.
    pub(super) async fn sweep_call_backs(&self, oldest_ms: i64) -> Result<(), StoreFault> {
        self.ask(move |db| {
            db.prepare_cached("DELETE FROM call_backs WHERE wall_ms < ?1")?.execute([oldest_ms])?;
            Ok(())
        })
        .await
    }
}
