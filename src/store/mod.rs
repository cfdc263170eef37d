//! What Warmline remembers: calls as they happen, users, sessions, offers and the audit.
//! In: facts of calls with their times. Out: rows for pages, API and exports.
//!
//! SQLite in WAL mode with `synchronous = FULL`. One writer thread commits the facts of all calls
//! together, at most once every [`limits::COMMIT_EVERY`]; an [`Ack`] resolves after its commit,
//! and what was acknowledged survives `kill -9` and power loss. Facts are never shed: a full
//! queue makes writers wait, and [`Store::health`] says so.

mod ack;
mod apply;
pub mod audit;
pub mod call_backs;
mod calls;
pub mod erase;
mod fault;
mod health;
pub mod limits;
pub mod offers;
mod open;
mod pool;
pub mod record;
mod recovery;
pub mod retention;
mod schema;
pub mod search;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod wrap_ups;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::base::caller::CallerInfo;
use crate::base::disposition::Disposition;
use crate::base::ids::{AgentId, CallId, LegId};
use crate::base::moment::Moment;
use crate::call::command::Fact;

pub use ack::Ack;
pub use fault::StoreFault;
pub use health::{StoreHealth, StoreState};
pub use open::StoreSettings;
pub use record::{LadderRow, LegRow};

/// The store, cheap to clone. All writes go through one thread, reads through a few connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    settings: StoreSettings,
    writer: writer::Writer,
    pool: pool::Pool,
    /// Calls that a former process left in flight and that were closed when we opened.
    recovered: Vec<CallId>,
    /// Held as long as the service lives, so that no second one opens the same file.
    _lock: Option<std::fs::File>,
}

impl Store {
    /// A call arrived. The caller's number, name and the dialled number become searchable.
    pub async fn arrived(&self, call: &CallId, wall: Timestamp, caller: &CallerInfo) -> Ack {
        let (call, caller) = (call.clone(), caller.clone());
        self.write(move |db| apply::arrived(db, &call, wall, &caller)).await
    }

    /// A fact of a call, at `at` on the call's clock and `wall` on the wall's. Waits only while
    /// the queue is full; the [`Ack`] resolves when the fact is on disk and may be dropped.
    pub async fn note(&self, call: &CallId, at: Moment, wall: Timestamp, fact: Fact) -> Ack {
        let call = call.clone();
        self.write(move |db| apply::fact(db, &call, at, wall, &fact)).await
    }

    /// The call is over. Its offers close, and its agents' wrap-up opens, for the wrap-up time of
    /// the settings.
    pub async fn ended(
        &self,
        call: &CallId,
        at: Moment,
        wall: Timestamp,
        disposition: Disposition,
    ) -> Ack {
        let (call, wrap_up) = (call.clone(), self.inner.settings.wrap_up);
        self.write(move |db| apply::ended(db, &call, at, wall, disposition, wrap_up)).await
    }

    /// A leg was created. For the caller's leg: `role` `caller`, leg 0.
    pub async fn leg_began(&self, call: &CallId, leg: LegRow) -> Ack {
        let call = call.clone();
        self.write(move |db| apply::leg_began(db, &call, &leg)).await
    }

    /// A leg is gone; `how` in a word or two (`hung_up`, `busy`, `media_lost`).
    pub async fn leg_ended(&self, call: &CallId, leg: LegId, at: Moment, how: &str) -> Ack {
        let (call, how) = (call.clone(), how.to_owned());
        self.write(move |db| apply::leg_ended(db, &call, leg, at, &how)).await
    }

    /// One SIP message of the call, credentials already taken out by the SIP room. Kept up to
    /// [`limits::LADDER_ROWS_MAX`] a call; later ones are shed.
    pub async fn ladder(&self, call: &CallId, row: LadderRow) -> Ack {
        let call = call.clone();
        self.write(move |db| apply::ladder(db, &call, &row)).await
    }

    /// The recording of a call: a plain file name in the recordings folder, which began at
    /// `began` on the call's clock. A name with a separator or a leading dot is refused.
    pub async fn recording(&self, call: &CallId, file: &str, began: Moment) -> Ack {
        let (call, file) = (call.clone(), file.to_owned());
        self.write(move |db| apply::recording(db, &call, &file, began)).await
    }

    /// An agent's wrap-up of a call ended: its offers close now.
    pub async fn wrap_up_ended(&self, call: &CallId, agent: &AgentId, wall: Timestamp) -> Ack {
        let (call, agent) = (call.clone(), agent.clone());
        self.write(move |db| apply::wrap_up_ended(db, &call, &agent, wall)).await
    }

    /// Whether the disk takes what we write, how much waits, and since when it does not.
    pub fn health(&self) -> StoreHealth {
        self.inner.writer.health()
    }

    /// Calls that the former process left in flight; closed with `system_failure` at opening.
    pub fn recovered(&self) -> &[CallId] {
        &self.inner.recovered
    }

    /// The folder in which recordings lie.
    pub fn recordings(&self) -> &Path {
        &self.inner.settings.recordings
    }

    /// Where a call's recording lies; `None` if it has none or its name is not a plain file name.
    pub fn recording_path(&self, call: &record::CallRecord) -> Option<std::path::PathBuf> {
        let name = call.recording.as_deref().filter(|name| apply::is_plain_file_name(name))?;
        Some(self.recordings().join(name))
    }

    /// Commits everything that waits, at most for `limits::CLOSE_MAX`. Later writes are refused.
    pub async fn close(&self) -> Result<(), StoreFault> {
        self.inner.writer.close().await
    }
}
