//! What a call wants done: the only way out of the session. The runtime obeys in order.

use serde::{Deserialize, Serialize};

use crate::base::card::{Line, OfferCard, Priority};
use crate::base::consent::ConsentState;
use crate::base::disposition::Disposition;
use crate::base::ids::{AgentId, ConnectorId, IntentId, LegId, OfferId, PlayId, RequestId, RuleId};
use crate::base::key::Key;
use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::base::spoken::Spoken;
use crate::base::utterance::Utterance;
use crate::understanding::outcome::Expecting;

use super::event::{DialFailure, ReservationRequest};
use super::steer::Steer;

/// One thing to do. Terminal commands are idempotent: hanging up a leg that is gone is nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// 200 to the caller.
    AnswerCaller,
    /// A final refusal to the caller, before the answer.
    RefuseCaller { status: u16 },
    /// Ring an agent. The runtime finds the address; `Event::LegRinging`, `LegAnswered` or
    /// `LegFailed` follow.
    DialAgent { leg: LegId, card: Box<OfferCard>, ring_ms_max: u64 },
    /// Ring the caller whose line broke, as [`LegId::CALLER`] again; `Event::LegAnswered` or
    /// `LegFailed` follows.
    CallBack,
    /// Offer the leg's session anew, for sound that stays away: its address may have changed.
    Refresh { leg: LegId },
    /// CANCEL, or BYE if the answer crossed.
    HangUp { leg: LegId, cause: HangUpCause },

    /// Play to one leg, after what it is playing now; `Event::PlayEnded` follows, once.
    Play { leg: LegId, play: PlayId, what: Spoken },
    /// Stop everything that the leg plays or has queued, within a frame.
    StopPlaying { leg: LegId },
    /// How what the leg plays gives way to a voice; `StopPlaying` and the last play end it.
    GiveWay { leg: LegId, how: GiveWay },
    /// What each leg hears besides its prompts; all at once, in one tick of the mixer.
    Route { routes: Vec<(LegId, Route)> },
    /// Who hears whom, where more than two are joined; a leg that is not named keeps its route.
    Hear { hearing: Vec<(LegId, Vec<LegId>)> },
    /// A key to the peer of a leg (RFC 4733).
    SendKey { leg: LegId, key: Key },
    /// How to listen to a leg from now on, in which language, and what for: a whole answer ends
    /// its turn at once.
    Listen { leg: LegId, mode: ListenMode, language: Language, expecting: Expecting },

    /// Open the recorder, or pause it, or close it for good.
    Record { how: Recording },

    /// Claim an agent; `Event::Reserved` or `Event::NotReserved` follows.
    Reserve { request: Box<ReservationRequest> },
    /// Leave the queue, if in it.
    LeaveQueue,
    /// The reserved agent is done with this call, in this way.
    ReleaseAgent { agent: AgentId, outcome: AgentOutcome },

    /// Ask a business system; `Event::LookupEnded` follows, once.
    Lookup { request: RequestId, connector: ConnectorId, fields: Vec<(String, String)> },

    /// Write down a fact; the store keeps it and pages show it.
    Note { fact: Box<Fact> },
    /// The call is over. Always last, exactly once.
    End { disposition: Disposition },
}

/// How loud the prompts of a leg are while somebody may be speaking over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveWay {
    /// As usual; a prompt that was paused goes on where it was.
    #[default]
    No,
    /// 15 dB down: it may be a voice.
    Duck,
    /// Silent, and kept where it is: it is a voice, and not yet known whether with words.
    Pause,
}

/// What a leg hears when no prompt plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Comfort noise.
    Quiet,
    /// Hold music.
    Music,
    /// Ringing tone of the country.
    Ringback,
    /// The other leg's voice.
    Bridge { with: LegId },
}

/// Why we hang up; becomes the SIP Reason header (RFC 3326) and the log's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangUpCause {
    Normal,
    /// The offer was taken back: the caller left, or another agent has the call.
    OfferWithdrawn,
    Declined,
    NoAnswer,
    MediaLost,
    TooLong,
    Failure,
}

/// What the recorder is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recording {
    Start,
    /// Card data is being said; sound until `Resume` is not kept, nor what was recorded since
    /// `from` (`None`: since the beginning of the caller's last words).
    Pause {
        from: Option<Moment>,
    },
    Resume,
    /// For good, in this call; what was recorded stays.
    Stop,
}

/// How an offer ended for the agent, for presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentOutcome {
    /// Took the call, and it is over; wrap-up begins.
    Served,
    Declined,
    Busy,
    NoAnswer,
    /// Transport or media failure: an alarm.
    Failed,
    /// The caller left, or another agent got the call: free at once.
    Withdrawn,
}

/// Facts of a call, as they happen. The store writes them in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Fact {
    /// Card data came to light: what the caller said since `from` is not kept, nor what was
    /// made of it.
    NotKept { from: Moment },
    /// One line was said, by anyone. For the caller's lines the understanding is beside it.
    Said {
        line: Line,
        /// The measured utterance, for callers and agents.
        utterance: Option<Utterance>,
        understanding: Option<UnderstandingNote>,
    },
    /// The policy decided.
    Decided { rule: RuleId, decision: String, priority: Priority, reasons: Vec<Reason> },
    /// The transfer machine moved.
    Transfer { offer: Option<OfferId>, step: TransferStep },
    /// The caller was told of the system, or agreed, or refused.
    Consent { recording: ConsentState },
    /// A key was pressed by the caller; digits collected as private data are not noted one by one.
    Key { leg: LegId, key: char },
    /// A business system was asked, with the outcome in words.
    Looked { connector: ConnectorId, outcome: String },
    /// "Did that answer it?"
    Satisfied { yes: bool },
    /// The agent did something on the page that the transfer's steps do not tell.
    Steered { agent: AgentId, by: Steer },
    /// The agent's result by key after the call.
    WrapUp { agent: AgentId, result: String },
}

/// What the understanding made of a line, flattened for the store and the pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnderstandingNote {
    pub intent: Option<IntentId>,
    pub confidence: f32,
    pub stress: f32,
    /// What the stress was made of.
    #[serde(default)]
    pub stress_reasons: Vec<Reason>,
    /// Of the intent and of the stress.
    pub reasons: Vec<Reason>,
    pub slots: Vec<crate::base::card::SlotValue>,
}

/// A step of the warm transfer, as the record shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum TransferStep {
    Wanted {
        reasons: Vec<Reason>,
    },
    Queued {
        position: u32,
    },
    Offered {
        agent: AgentId,
    },
    Ringing {
        agent: AgentId,
    },
    Failed {
        agent: AgentId,
        failure: DialFailure,
    },
    Briefing {
        agent: AgentId,
    },
    Accepted {
        agent: AgentId,
    },
    Declined {
        agent: AgentId,
    },
    /// No key in time.
    Unconfirmed {
        agent: AgentId,
    },
    /// The agent hung up, or its media was dead, before the bridge.
    AgentLeft {
        agent: AgentId,
    },
    Bridged {
        agent: AgentId,
    },
    Held {
        leg: LegId,
    },
    Resumed {
        leg: LegId,
    },
    AgentLost {
        agent: AgentId,
    },
    /// A colleague answered and talks with the agent; the caller hears music.
    Consulting {
        agent: AgentId,
    },
    /// Agent, colleague and caller hear each other.
    Joined {
        agent: AgentId,
    },
    /// The colleague left, or was not reached; the agent has the caller.
    ConsultEnded {
        agent: AgentId,
    },
    /// The agent stepped out, and the colleague has the caller, or is still being rung.
    HandedOver {
        agent: AgentId,
    },
    /// The agent gave the caller back to the machine.
    ReturnedToMachine {
        agent: AgentId,
    },
    /// The caller's line broke; the agent may have them called back.
    CallerLost,
    CallingBack,
    CallerLeft,
    /// All offers failed: back to the machine.
    GaveUp,
    Ended,
}
