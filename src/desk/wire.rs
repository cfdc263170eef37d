//! What server and page say to each other over the desk's WebSocket: JSON objects with a `type`.
//! Written once, here; the schema at `/api/desk.schema.json` is made from these types.
//!
//! The server sends whole views, not changes of views: a page that missed something is right again
//! with the next message. Only the transcript comes line by line. Times are milliseconds since
//! 1970 where a name ends in `_unix_ms`, otherwise milliseconds of the call's own clock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::card::{Priority, Speaker};
use crate::call::steer::ConsultState;

/// From the server to the page.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ToPage {
    /// Always first. Whoever gets it is the one live page of this agent.
    Hello(Hello),
    /// Presence, queue and colleagues, whenever one of them changes.
    Desk(DeskNow),
    /// The call on this desk, or `null`; whenever anything of it changes, without its lines.
    Call { now_unix_ms: i64, call: Option<Box<CallNow>> },
    /// Lines of the transcript from place `from` on. `from` 0 is the whole transcript.
    Lines { call: String, from: usize, lines: Vec<LineNow> },
    /// Who speaks at this moment: their line is on its way. `so_far` are its first words, where
    /// the recognisers have time for them.
    Speaking { call: String, caller: bool, agent: bool, so_far: Option<String> },
    /// Something to be read once.
    Notice { level: Level, text: String },
    /// Another page of this agent has taken over; this one gets nothing more.
    Taken,
}

/// From the page to the server. `call` and `offer` are those of the [`CallNow`] that was shown:
/// what comes too late for it is ignored.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FromPage {
    /// The card is on the screen: now the phone may ring.
    Shown {
        call: String,
        offer: u32,
    },
    Presence {
        to: Choice,
        reason: Option<String>,
    },
    Accept {
        call: String,
        offer: u32,
        three_way: bool,
    },
    Decline {
        call: String,
        offer: u32,
        reason: Option<String>,
    },
    HearSummary {
        call: String,
        offer: u32,
    },
    Hold {
        call: String,
        offer: u32,
        on: bool,
    },
    Mute {
        call: String,
        offer: u32,
        on: bool,
    },
    /// One of `0`-`9`, `*`, `#`, `A`-`D`, to the caller's line.
    Key {
        call: String,
        offer: u32,
        key: char,
    },
    Record {
        call: String,
        offer: u32,
        on: bool,
    },
    /// Read this to the caller; the agent hears it too.
    Say {
        call: String,
        offer: u32,
        text: String,
    },
    Consult {
        call: String,
        offer: u32,
        agent: String,
    },
    Complete {
        call: String,
        offer: u32,
    },
    Abort {
        call: String,
        offer: u32,
    },
    Swap {
        call: String,
        offer: u32,
    },
    ThreeWay {
        call: String,
        offer: u32,
    },
    ToMachine {
        call: String,
        offer: u32,
    },
    HangUp {
        call: String,
        offer: u32,
    },
    /// The agent's notes so far; kept at once.
    Notes {
        call: String,
        text: String,
    },
    WrapUp {
        call: String,
        result: WrapUpResult,
    },
    /// A minute more for the wrap-up.
    MoreTime,
    /// Keeps the line open; nothing answers.
    Ping,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Hello {
    /// `null` for a supervisor who takes no calls.
    pub agent: Option<String>,
    pub name: String,
    pub company: String,
    pub now_unix_ms: i64,
    /// Reasons for a break, for a declined offer, and results of a call, as configured.
    pub breaks: Vec<String>,
    pub declines: Vec<String>,
    pub codes: Vec<String>,
    /// A ticket can be filed (the connector `ticket` is configured).
    pub tickets: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    Available,
    Break,
    Offline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Info,
    Warn,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DeskNow {
    pub now_unix_ms: i64,
    /// `null` for a supervisor who takes no calls.
    pub own: Option<AgentNow>,
    pub colleagues: Vec<AgentNow>,
    /// Best first; without names, for it is nobody's call yet.
    pub queue: Vec<WaitingNow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AgentNow {
    pub agent: String,
    pub name: String,
    pub state: AgentState,
    /// Of a break.
    pub reason: Option<String>,
    /// When the state ends by itself.
    pub until_unix_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    Available,
    /// An offer rings, or a call runs.
    OnCall,
    WrapUp,
    Break,
    /// The phone said busy: left alone for a while.
    Busy,
    Offline,
    /// Would take calls, but no phone is there.
    NoPhone,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WaitingNow {
    pub priority: String,
    pub skill: Option<String>,
    pub language: String,
    pub since_unix_ms: i64,
}

/// Where a call stands for the agent who sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The card is there; the phone does not ring yet.
    Offered,
    Ringing,
    /// The agent has answered and hears the briefing; the caller waits.
    Briefing,
    /// Accepted on the page; joined as soon as the phone is answered.
    Accepted,
    Talking,
    Held,
    /// Asked in by a colleague: talks with them, the caller holds.
    AskedIn,
    /// The agent's line broke; the caller holds for them.
    LineLost,
    /// The caller is gone; what is left is the wrap-up.
    WrapUp,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CallNow {
    pub call: String,
    pub offer: u32,
    pub stage: Stage,
    /// Since when, and since when the call, and the conversation.
    pub stage_unix_ms: i64,
    pub began_unix_ms: i64,
    pub talk_unix_ms: Option<i64>,
    /// Who, why, how they feel: read in three seconds.
    pub summary: String,
    pub caller_name: Option<String>,
    pub caller_number: Option<String>,
    pub language: String,
    pub intent: Option<String>,
    pub skill: Option<String>,
    pub priority: String,
    pub stress: f32,
    pub stress_level: Tension,
    pub stress_line: Vec<StressNow>,
    /// Why a person.
    pub reasons: Vec<String>,
    pub slots: Vec<SlotNow>,
    pub tried: Vec<String>,
    /// The machine's draft of an answer.
    pub draft: Option<String>,
    pub customer: CustomerNow,
    pub recording: RecordingNow,
    pub muted: bool,
    pub consult: Option<ConsultNow>,
    /// For what the caller said last, best first.
    pub suggestions: Vec<SuggestionNow>,
    pub notes: String,
    /// Filled in by rule, for the agent to edit.
    pub draft_summary: Option<SummaryNow>,
    /// What happened to the call, where that needs saying.
    pub fate: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tension {
    Calm,
    Raised,
    High,
}

/// The stress after one turn of the caller, with what it was made of.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StressNow {
    pub at_ms: u64,
    /// 0 calm to 1.
    pub score: f32,
    pub reasons: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SlotNow {
    pub name: String,
    pub value: String,
    /// The words that it came from.
    pub source: String,
}

/// What the business system knows of the caller.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CustomerNow {
    /// No business system is asked.
    #[default]
    None,
    Pending,
    Known {
        fields: Vec<FieldNow>,
        /// The last orders, newest first.
        orders: Vec<Vec<FieldNow>>,
    },
    /// It knows no such customer.
    Unknown,
    /// It did not reply in time, or refused.
    Failed {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FieldNow {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingNow {
    #[default]
    Off,
    On,
    Paused,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConsultNow {
    pub agent: String,
    pub name: String,
    pub state: ConsultState,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SuggestionNow {
    /// What it answers: `opening hours`.
    pub about: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SummaryNow {
    pub situation: String,
    pub tried: String,
    pub outcome: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LineNow {
    pub at_ms: u64,
    pub speaker: SpeakerNow,
    pub text: String,
    /// Of the caller's lines.
    pub stress: Option<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerNow {
    Caller,
    Machine,
    Agent,
}

/// The agent's result after the call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WrapUpResult {
    pub code: String,
    pub situation: String,
    pub tried: String,
    pub outcome: String,
    pub notes: String,
    /// "Was the machine's answer right?"
    pub machine_right: Option<bool>,
    /// File a ticket with it.
    pub ticket: bool,
}

impl From<Speaker> for SpeakerNow {
    fn from(speaker: Speaker) -> Self {
        match speaker {
            Speaker::Caller => SpeakerNow::Caller,
            Speaker::Machine => SpeakerNow::Machine,
            Speaker::Agent => SpeakerNow::Agent,
        }
    }
}

/// `P0` danger to `P3` can wait.
pub fn priority_name(priority: Priority) -> String {
    format!("{priority:?}")
}

/// The JSON schema of both directions (draft 2020-12).
pub fn schema() -> serde_json::Value {
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Warmline desk WebSocket (/desk/socket)",
        "description": "Every message is one JSON object in a text frame.",
        "from_server": schemars::schema_for!(ToPage),
        "from_page": schemars::schema_for!(FromPage),
    })
}
