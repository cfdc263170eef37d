//! What the runtime tells the pages of this very moment, and the little they may ask of it.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::base::ids::{AgentId, CallId, OfferId};

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
    /// Counts up whenever a running call, an agent or the queue changes.
    fn changes(&self) -> watch::Receiver<u64>;
    /// Opens the desk of `agent`, or the view of somebody named `name` who looks on. `None` if
    /// there is no such agent.
    fn open_desk(&self, agent: Option<&AgentId>, name: &str) -> Option<DeskLine>;
    /// The JSON schema of the desk's messages.
    fn desk_schema(&self) -> serde_json::Value;
    /// The offered agent pressed accept or decline on the page. `false` if the offer is gone.
    fn answer_offer(&self, call: &CallId, offer: OfferId, accept: bool) -> bool;
}

/// One open page of the desk: text both ways. Dropping it closes it.
pub struct DeskLine {
    /// Ends when another page has taken over, or this one is too slow.
    pub to_page: mpsc::Receiver<Arc<str>>,
    said: Box<dyn Fn(&str) + Send + Sync>,
    closed: Box<dyn Fn() + Send + Sync>,
}

impl DeskLine {
    pub fn new(
        to_page: mpsc::Receiver<Arc<str>>,
        said: impl Fn(&str) + Send + Sync + 'static,
        closed: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { to_page, said: Box::new(said), closed: Box::new(closed) }
    }

    /// What the page sent.
    pub fn said(&self, text: &str) {
        (self.said)(text);
    }
}

impl Drop for DeskLine {
    fn drop(&mut self) {
        (self.closed)();
    }
}

/// A call that runs now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActiveCall {
    pub call: CallId,
    /// In a word or two: `greeting`, `dialogue`, `danger`, `queued`, `ringing anna`, `bridged`.
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
