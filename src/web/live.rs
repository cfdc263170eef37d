//! What the runtime tells the pages of this very moment, and the little they may ask of it.

use serde::Serialize;

use crate::base::ids::{CallId, OfferId};

/// Implemented by the runtime. Every method answers at once, from what it keeps in memory.
pub trait Live: Send + Sync + 'static {
    /// Calls that run now.
    fn active(&self) -> Vec<ActiveCall>;
    /// Voice engine, recogniser, trunks with their registration, recordings, models…; the store
    /// is added by the web itself. No personal data: `/healthz` needs no login.
    fn parts(&self) -> Vec<Part>;
    /// Why no new call is taken (`draining`, `models are loading`); `None` if ready.
    fn not_ready(&self) -> Option<String>;
    /// Agents and the queue.
    fn desk(&self) -> DeskView;
    /// The offered agent pressed accept or decline on the page. `false` if the offer is gone.
    fn answer_offer(&self, call: &CallId, offer: OfferId, accept: bool) -> bool;
}

/// A call that runs now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActiveCall {
    pub call: CallId,
    /// In a word or two: `greeting`, `dialogue`, `queued`, `ringing anna`, `bridged`.
    pub state: String,
    pub agent: Option<String>,
    /// 0 to 1.
    pub stress: f32,
}

/// One part of the service and how it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    pub name: String,
    pub state: PartState,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    Ok,
    /// Works with less: the fallback voice, a trunk that is not registered.
    Degraded,
    Down,
}

impl PartState {
    pub fn name(self) -> &'static str {
        match self {
            PartState::Ok => "ok",
            PartState::Degraded => "degraded",
            PartState::Down => "down",
        }
    }
}

/// Agents and who waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeskView {
    pub agents: Vec<DeskAgent>,
    pub waiting: u32,
    /// Of the longest-waiting caller.
    pub longest_wait_s: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeskAgent {
    pub id: String,
    pub name: String,
    /// `free`, `offered`, `talking`, `wrap_up`, `away`.
    pub presence: String,
}
