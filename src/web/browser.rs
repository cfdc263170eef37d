//! What the runtime does for browsers' legs, as the routes ask it: an offer becomes a call, or an
//! agent's seat; the rest is by the token that the answer carried.

use serde::Serialize;
use tokio::sync::mpsc;

use crate::base::ids::AgentId;
use crate::base::language::Language;

/// Implemented by the runtime.
#[async_trait::async_trait]
pub trait Browsers: Send + Sync + 'static {
    /// Further origins whose pages may call.
    fn allowed_origins(&self) -> &[String];
    /// What a page must know before it calls.
    fn entrance(&self) -> Entrance;
    /// A caller's offer: the call begins.
    async fn call(&self, offer: &str, page: CallerPage) -> Result<Answered, Refused>;
    /// A page that was loaded anew takes its call up, within the grace.
    async fn resume(&self, token: &str, offer: &str) -> Result<String, Refused>;
    /// ICE restart on the same connection.
    async fn restart(&self, token: &str, offer: &str) -> Result<String, Refused>;
    /// The page was left: the grace begins.
    fn left(&self, token: &str) -> bool;
    /// The caller pressed the button.
    fn hang_up(&self, token: &str) -> bool;
    /// What was said and what happens, from the beginning; `None` without such a call.
    fn captions(&self, token: &str) -> Option<mpsc::Receiver<Caption>>;
    /// The caller asks to be called back: kept when this returns.
    async fn call_back(&self, request: CallBack) -> Result<(), Refused>;

    /// An agent's browser opens its one connection of the shift, or takes it up after a reload.
    async fn sit_down(&self, agent: &AgentId, offer: &str) -> Result<Answered, Refused>;
    /// ICE restart of an agent's connection, by the page whose seat it is.
    async fn restart_seat(
        &self,
        agent: &AgentId,
        token: &str,
        offer: &str,
    ) -> Result<String, Refused>;
    /// The agent's page was left; `token` tells which, so that an old page takes nothing away.
    fn leave_seat(&self, agent: &AgentId, token: &str) -> bool;
}

/// An offer that was taken.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Secret; names the call, or the seat, from now on.
    pub token: String,
    pub answer: String,
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Switched off in the configuration, or no such agent.
    Off,
    /// Draining, or as many calls as may be.
    Busy { retry_after_s: u32 },
    /// This address has, or began, too many.
    TooMany { retry_after_s: u32 },
    /// The offer cannot be taken; in words.
    Offer(String),
    /// No such call, or not any more.
    Gone,
    /// What was given to be called back is no telephone number.
    Number,
}

/// What is known of a caller's page.
#[derive(Clone, Debug)]
pub struct CallerPage {
    pub address: std::net::IpAddr,
    pub user_agent: Option<String>,
    /// As the page says; not proved.
    pub name: Option<String>,
    pub language: Option<Language>,
}

/// A wish to be called back.
#[derive(Clone, Debug)]
pub struct CallBack {
    pub number: String,
    pub name: String,
    pub address: std::net::IpAddr,
}

/// What a page must know before it calls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entrance {
    pub company: String,
    /// Shown where the microphone is refused.
    pub phone: Option<String>,
    pub ice_servers: Vec<IceServer>,
    /// The calls may be recorded: the page says so before the call begins.
    pub recorded: bool,
}

/// As `RTCPeerConnection` wants it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IceServer {
    pub urls: Vec<String>,
    pub username: String,
    pub credential: String,
}

/// One event for the caller's page.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Caption {
    /// Somebody said something.
    Said { who: &'static str, text: String, at_ms: u64 },
    /// Where the call stands: `machine`, `waiting`, `ringing`, `person`, `held`.
    State { state: &'static str, position: Option<u32> },
    /// The call is over, in this way: `ended`, or `lost`.
    Ended { how: &'static str },
}
