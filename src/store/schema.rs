//! The tables, and how an older file becomes a newer one (`user_version`).

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreFault;

/// One script a version, in order; a script that was released is never changed.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema.sql"), include_str!("wrap_ups.sql"), include_str!("call_backs.sql")];

/// Brings the file to this program's version, each step in its own transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreFault> {
    let known = MIGRATIONS.len() as i64;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known || found < 0 {
        return Err(StoreFault::Newer { path: path.to_owned(), found, known });
    }
    for (index, script) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have done it while we waited for the lock.
        let now: i64 = step.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if now > index as i64 {
            continue;
        }
        step.execute_batch(script)?;
        step.pragma_update(None, "user_version", index as i64 + 1)?;
        step.commit()?;
    }
    Ok(())
}
