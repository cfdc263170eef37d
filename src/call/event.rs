//! What can happen to a call: the only way into the session.

use serde::{Deserialize, Serialize};

use crate::base::caller::CallerInfo;
use crate::base::card::Priority;
use crate::base::ids::{AgentId, LegId, OfferId, PlayId, RequestId, Skill};
use crate::base::key::Key;
use crate::base::spoken::Heard;
use crate::base::utterance::Utterance;
use crate::knowledge::lookup::{LookupFailure, LookupReply};

use super::steer::Steer;

/// One thing that happened. Times come beside it, never inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A caller's INVITE (or browser offer) was admitted and its media agreed. Always first.
    Arrived {
        caller: Box<CallerInfo>,
    },
    /// The ACK came (or the browser's media connected): the caller hears us now.
    CallerConnected,

    /// An outbound leg rings.
    LegRinging {
        leg: LegId,
    },
    /// An outbound leg was answered and its media agreed.
    LegAnswered {
        leg: LegId,
    },
    /// An outbound leg was never answered.
    LegFailed {
        leg: LegId,
        failure: DialFailure,
    },
    /// A leg ended after it was answered, or the caller gave up before (CANCEL).
    LegEnded {
        leg: LegId,
        end: LegEnd,
    },
    /// The peer put us on hold, or took us back (re-INVITE, UPDATE).
    LegHeld {
        leg: LegId,
    },
    LegResumed {
        leg: LegId,
    },
    /// RTP from the peer was seen for the first time, or again after silence.
    MediaSeen {
        leg: LegId,
    },
    /// No RTP for a while: 3 s on a leg that should send, reported once.
    MediaSilent {
        leg: LegId,
    },

    /// A key was pressed, once per press.
    KeyPressed {
        leg: LegId,
        key: Key,
    },
    /// Something like a voice over a prompt: it may still be a cough or an "uh-huh". Followed by
    /// `SpeechBegan` or `SpeechDismissed`.
    SpeechSuspected {
        leg: LegId,
    },
    /// What was suspected was no turn.
    SpeechDismissed {
        leg: LegId,
    },
    /// A voice began, for certain: backchannels and coughs do not count. Followed by `Heard`,
    /// `HeardNothing` or `SpeechUnavailable`, unless the leg is listened to for keys only.
    SpeechBegan {
        leg: LegId,
    },
    /// The words so far of somebody who goes on speaking; they may still change.
    WordsSoFar {
        leg: LegId,
        text: String,
    },
    /// A turn was over long ago, and its words are not there yet: they still follow, or their end.
    WordsLate {
        leg: LegId,
    },
    /// A turn ended and was understood as words.
    Heard {
        leg: LegId,
        utterance: Box<Utterance>,
    },
    /// A turn ended in which there were no usable words (noise, music, a cough, too quiet).
    HeardNothing {
        leg: LegId,
    },
    /// The recogniser is too busy or broken: this turn is lost.
    SpeechUnavailable {
        leg: LegId,
    },

    /// What was played came to its end or was stopped.
    PlayEnded {
        play: PlayId,
        heard: Heard,
    },
    /// What should be played could not be rendered.
    PlayFailed {
        play: PlayId,
    },

    /// An agent is claimed for this call and no other.
    Reserved {
        agent: AgentId,
        name: String,
    },
    /// Nobody could be claimed; the call waits if it was queued.
    NotReserved {
        why: NotReserved,
    },
    /// The place in the queue, 1 is next.
    QueuePosition {
        position: u32,
    },

    /// A business system replied, or did not.
    LookupEnded {
        request: RequestId,
        result: Result<LookupReply, LookupFailure>,
    },

    /// The agent pressed a button on the page instead of a key: same meaning as 1 and 2.
    AgentAccepted {
        offer: OfferId,
    },
    AgentDeclined {
        offer: OfferId,
    },

    /// An agent with a page steers the call; `offer` is the one that the page shows.
    Steered {
        offer: OfferId,
        by: Steer,
    },

    /// Recording could not be written (disk full, I/O error); the call goes on.
    RecordingFailed,
    /// Warmline is asked to end: finish politely.
    Draining,
}

/// Why an outbound leg was never answered (typed, for the card, the log and the API).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialFailure {
    /// 486, 600.
    Busy,
    /// 603, or 2 pressed on the page before the answer.
    Declined,
    /// 408, 480, or it rang too long.
    NoAnswer,
    /// 404, 410, 484, 604.
    NotFound,
    /// 401, 403, 407 that credentials did not cure.
    Forbidden,
    /// 488, 606, or no common codec.
    NoCommonMedia,
    /// 5xx.
    ServerError(u16),
    /// No route, connection refused, DNS, timeout without any response.
    Unreachable,
    /// We cancelled it.
    Cancelled,
    /// Any other final response.
    Other(u16),
}

/// How an answered leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegEnd {
    /// The peer hung up (BYE).
    HungUp,
    /// The caller gave up before we answered (CANCEL).
    Cancelled,
    /// RTP stayed silent beyond the limit.
    MediaLost,
    /// Signalling lost: session timer, transport, no ACK.
    SignallingLost,
    /// We hung up, and the BYE is done.
    ByUs,
}

/// Why nobody was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotReserved {
    /// All who could are busy; the call is in the queue at `QueuePosition`.
    AllBusy,
    /// Nobody with the needed skills is logged in.
    NobodyLoggedIn,
    /// Outside opening hours.
    Closed,
    /// The queue is full.
    QueueFull,
}

/// What the call asks of the pool of agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationRequest {
    /// Wanted skills; an agent must have all of them.
    pub skills: Vec<Skill>,
    pub language: crate::base::language::Language,
    pub priority: Priority,
    /// Agents already tried for this call, not to be asked again.
    pub except: Vec<AgentId>,
    /// This agent and nobody else: a colleague who is asked in.
    #[serde(default)]
    pub only: Option<AgentId>,
    /// Wait in the queue if nobody is free.
    pub queue: bool,
}
