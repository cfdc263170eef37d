//! Who did what, when: rows that can only be added, each hashed over the one before.
//!
//! Targets are ids of ours or masked numbers, never a caller's name or words, so that erasing a
//! caller leaves the chain whole.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::limits::AUDIT_ROWS_MAX;
use super::{Ack, Store, StoreFault};

/// One row of the audit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditRow {
    pub id: i64,
    pub wall_ms: i64,
    pub who: String,
    /// `login`, `login_refused`, `logout`, `view_call`, `play_recording`, `export`, `erase`…
    pub what: String,
    pub target: String,
    pub address: String,
}

impl Store {
    /// Writes a row. `who` is a user's name, `target` an id or a masked number.
    pub async fn audit(&self, who: &str, what: &'static str, target: &str, address: &str) -> Ack {
        let (who, target, address) = (cut(who), cut(target), cut(address));
        let wall_ms = Timestamp::now().as_millisecond();
        self.write(move |db| add(db, wall_ms, &who, what, &target, &address)).await
    }

    /// The newest rows, newest first.
    pub async fn audit_rows(&self, limit: u32) -> Result<Vec<AuditRow>, StoreFault> {
        self.read(move |db| {
            db.prepare_cached(
                "SELECT id, wall_ms, who, what, target, address FROM audit
                 ORDER BY id DESC LIMIT ?1",
            )?
            .query_map(params![limit.min(AUDIT_ROWS_MAX)], |row| {
                Ok(AuditRow {
                    id: row.get(0)?,
                    wall_ms: row.get(1)?,
                    who: row.get(2)?,
                    what: row.get(3)?,
                    target: row.get(4)?,
                    address: row.get(5)?,
                })
            })?
            .collect()
        })
        .await
    }

    /// The number of the first row whose hash does not fit; `None` if the chain is whole.
    pub async fn audit_broken_at(&self) -> Result<Option<i64>, StoreFault> {
        self.read(|db| {
            let mut query = db.prepare(
                "SELECT id, wall_ms, who, what, target, address, hash FROM audit ORDER BY id",
            )?;
            let mut rows = query.query([])?;
            let mut before = Vec::new();
            let mut next_id = 1_i64;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                let texts: [String; 4] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                let texts: [&str; 4] = std::array::from_fn(|index| texts[index].as_str());
                let hash = row_hash(&before, id, row.get(1)?, texts);
                if id != next_id || hash != row.get::<_, Vec<u8>>(6)? {
                    return Ok(Some(id));
                }
                before = hash;
                next_id += 1;
            }
            Ok(None)
        })
        .await
    }
}

pub(super) fn add(
    db: &Connection,
    wall_ms: i64,
    who: &str,
    what: &str,
    target: &str,
    address: &str,
) -> rusqlite::Result<()> {
    let last: Option<(i64, Vec<u8>)> = db
        .prepare_cached("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, before) = last.map_or((1, Vec::new()), |(id, hash)| (id + 1, hash));
    let hash = row_hash(&before, id, wall_ms, [who, what, target, address]);
    db.prepare_cached(
        "INSERT INTO audit (id, wall_ms, who, what, target, address, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![id, wall_ms, who, what, target, address, hash])?;
    Ok(())
}

/// Each text is preceded by its length, so that no two rows read alike.
fn row_hash(before: &[u8], id: i64, wall_ms: i64, texts: [&str; 4]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(id.to_be_bytes());
    hasher.update(wall_ms.to_be_bytes());
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    hasher.finalize().to_vec()
}

fn cut(text: &str) -> String {
    text.chars().filter(|symbol| !symbol.is_control()).take(200).collect()
}
