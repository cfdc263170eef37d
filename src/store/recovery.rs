//! After a crash: calls that were in flight are closed, their agents' wrap-up opens.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::base::disposition::Disposition;
use crate::base::ids::CallId;
use crate::base::moment::Moment;

use super::{StoreFault, apply};

/// Closes every call without an end as `system_failure`, at the time of its last line or step.
pub(super) fn close_calls_in_flight(
    connection: &mut Connection,
    wrap_up: Duration,
) -> Result<Vec<CallId>, StoreFault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: Vec<(String, u64)> = {
        let mut query = transaction.prepare(
            "SELECT id, max(
                 coalesce((SELECT max(at_ms) FROM lines WHERE call = c.id), 0),
                 coalesce((SELECT max(at_ms) FROM transfer_steps WHERE call = c.id), 0),
                 coalesce((SELECT max(at_ms) FROM decisions WHERE call = c.id), 0))
             FROM calls c WHERE ended_ms IS NULL",
        )?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        rows.collect::<Result<_, _>>()?
    };
    let mut closed = Vec::with_capacity(found.len());
    for (id, last_ms) in found {
        let Some(call) = CallId::parse(&id) else { continue };
        let failure = Disposition::SystemFailure;
        apply::ended(&transaction, &call, Moment(last_ms), Timestamp::now(), failure, wrap_up)?;
        transaction.execute(
            "UPDATE legs SET ended_ms = ?2, how = 'system_failure'
             WHERE call = ?1 AND ended_ms IS NULL",
            params![id, last_ms as i64],
        )?;
        closed.push(call);
    }
    transaction.commit()?;
    Ok(closed)
}
