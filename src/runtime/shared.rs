//! What all tasks of the running server share.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, mpsc};

use crate::base::ids::{AgentId, CallId, LegId, PlayId, RequestId};
use crate::call::event::Event;
use crate::config::Config;
use crate::knowledge::lookup::{LookupFailure, LookupReply};
use crate::media;
use crate::publish::Metrics;
use crate::sip;
use crate::speech::voice::Studio;
use crate::store::Store;
use crate::web::ActiveCall;

use super::browser::{BrowserNews, Browsers};
use super::call::signal::Signal;
use super::clips::Clips;
use super::desk::DeskHandle;
use super::desk::pages::Pages;
use super::ears::Ears;
use super::live::LiveFact;
use super::tables::LiveTables;

/// One thing for a call's task.
#[derive(Debug)]
pub enum Inbound {
    Sip(sip::SipLegId, sip::LegEvent),
    Browser(LegId, BrowserNews),
    /// Ready as it is: from the ears, the desk, the pages.
    Event(Event),
    Lookup(RequestId, Result<LookupReply, LookupFailure>),
    PlayFailed(PlayId),
    /// The words so far of somebody who goes on speaking.
    SoFar(LegId, String),
    /// Rung long enough.
    AnswerNow,
    /// Every leg is to be hung up now.
    Abort,
}

pub type Inbox = mpsc::Sender<Inbound>;

/// A running call, as others reach it.
#[derive(Clone)]
pub struct CallEntry {
    pub inbox: Inbox,
    /// Its legs, so that they can be ended if its own task breaks off.
    pub legs: Vec<Signal>,
}

pub struct Shared {
    pub config: Config,
    pub sip: sip::EndpointHandle,
    pub media: media::Engine,
    pub studio: Studio,
    pub ears: Ears,
    pub desk: DeskHandle,
    pub pages: Arc<Pages>,
    pub browsers: Browsers,
    pub store: Store,
    pub metrics: Arc<Metrics>,
    pub http: reqwest::Client,
    pub tables: Arc<LiveTables>,
    pub public_url: String,
    pub calls: Mutex<HashMap<CallId, CallEntry>>,
    pub by_leg: Mutex<HashMap<sip::SipLegId, Inbox>>,
    pub active: Mutex<HashMap<CallId, ActiveCall>>,
    pub clips: Clips,
    pub live: broadcast::Sender<LiveFact>,
    pub draining: AtomicBool,
    /// Agents whose phone could not be rung when it was tried last.
    pub broken_phones: Mutex<BTreeSet<AgentId>>,
}

/// A lock that a panicking task cannot take from the others: the tables stay whole.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Hands an event to a call; `false` if the call is gone.
    pub fn tell(&self, call: &CallId, event: Event) -> bool {
        let inbox = locked(&self.calls).get(call).map(|entry| entry.inbox.clone());
        inbox.is_some_and(|inbox| inbox.try_send(Inbound::Event(event)).is_ok())
    }

    pub fn agent(&self, id: &AgentId) -> Option<&crate::config::settings::Agent> {
        self.config.agents.iter().find(|agent| agent.id == *id)
    }
}

/// The ears name a leg so.
pub type EarKey = (CallId, LegId);
