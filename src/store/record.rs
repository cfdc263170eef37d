//! A call as it is read back: what pages, the API and exports are made from.

use serde::{Deserialize, Serialize};

use crate::base::card::{SlotValue, Speaker};
use crate::base::ids::{AgentId, CallId, LegId};
use crate::base::moment::Moment;
use crate::base::pii::Pii;
use crate::base::reason::Reason;
use crate::base::utterance::Word;

/// A leg as it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct LegRow {
    pub leg: LegId,
    /// `caller` or `agent`.
    pub role: &'static str,
    pub agent: Option<AgentId>,
    /// Address of the peer, `192.0.2.7:5060`.
    pub peer: Option<String>,
    pub codec: Option<String>,
    pub began: Moment,
}

/// One SIP message of a call, without credentials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LadderRow {
    pub at: Moment,
    pub leg: LegId,
    /// Sent by us.
    pub outbound: bool,
    pub peer: String,
    /// `INVITE`, `200 OK (INVITE)`.
    pub summary: String,
    /// The whole message; kept up to a bound.
    pub message: String,
}

/// One call in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallHead {
    pub id: CallId,
    /// Milliseconds since 1970.
    pub began_ms: i64,
    pub ended_ms: Option<i64>,
    /// On the call's clock.
    pub length_ms: Option<i64>,
    /// `None` while the call lives.
    pub disposition: Option<String>,
    pub caller_number: Option<Pii<String>>,
    pub caller_name: Option<Pii<String>>,
    pub dialled: String,
    pub trunk: String,
    pub language: String,
    pub vip: bool,
    /// The last intent that was recognised.
    pub intent: Option<String>,
    /// The highest stress of any turn, 0 to 1.
    pub stress_max: f64,
    pub priority: Option<String>,
    pub agent: Option<String>,
    /// From the wish for a person to the bridge.
    pub to_person_ms: Option<i64>,
    /// The last state of consent to recording.
    pub consent: Option<String>,
    pub satisfied: Option<bool>,
    pub has_recording: bool,
}

/// One call with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallRecord {
    #[serde(flatten)]
    pub head: CallHead,
    pub user_agent: Option<String>,
    pub handling: String,
    /// When the recording began, on the call's clock.
    pub recording_began_ms: Option<i64>,
    /// File name in the recordings folder.
    #[serde(skip)]
    pub recording: Option<String>,
    pub legs: Vec<LegRecord>,
    pub lines: Vec<LineRecord>,
    pub decisions: Vec<DecisionRecord>,
    pub transfer_steps: Vec<StepRecord>,
    pub consents: Vec<ConsentRecord>,
    pub events: Vec<EventRecord>,
    pub wrap_ups: Vec<WrapUpRecord>,
    /// Agents who accepted the call: they may see it.
    pub agents: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegRecord {
    pub leg: u32,
    pub role: String,
    pub agent: Option<String>,
    pub peer: Option<String>,
    pub codec: Option<String>,
    pub began_ms: i64,
    pub ended_ms: Option<i64>,
    pub how: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineRecord {
    pub at: Moment,
    pub wall_ms: i64,
    pub speaker: Speaker,
    pub text: Pii<String>,
    pub ended_ms: Option<i64>,
    pub words: Vec<Word>,
    pub confidence: Option<f64>,
    pub decode_ms: Option<i64>,
    pub intent: Option<String>,
    pub intent_confidence: Option<f64>,
    pub stress: Option<f64>,
    pub reasons: Vec<Reason>,
    pub slots: Vec<SlotValue>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecisionRecord {
    pub at: Moment,
    pub rule: String,
    pub decision: String,
    pub priority: String,
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRecord {
    pub at: Moment,
    pub offer: Option<u32>,
    pub agent: Option<String>,
    pub step: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConsentRecord {
    pub at: Moment,
    pub state: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventRecord {
    pub at: Moment,
    /// `key`, `looked`, `satisfied`, `wrap_up`.
    pub kind: String,
    pub detail: String,
}

/// A call in three sentences.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub situation: Pii<String>,
    pub tried: Pii<String>,
    pub outcome: Pii<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WrapUpRecord {
    pub agent: String,
    pub opened_ms: i64,
    pub closed_ms: Option<i64>,
    pub result: Option<String>,
    /// By rule, and as the agent edited it.
    pub summary: Option<Summary>,
    pub notes: Option<Pii<String>>,
    /// "Was the machine's answer right?"
    pub machine_right: Option<bool>,
    /// The reference of the ticket that was filed.
    pub ticket: Option<String>,
}

/// Which calls a list shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallFilter {
    /// Began at or after, milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Began before.
    pub until_ms: Option<i64>,
    /// A disposition's name, or `live`.
    pub disposition: Option<String>,
    pub intent: Option<String>,
    /// Calls of this agent; for role agent the web always sets it.
    pub agent: Option<String>,
    /// Words of the transcript, a caller's number or name.
    pub search: Option<String>,
    /// Rows passed over and shown.
    pub offset: u32,
    pub limit: u32,
}
