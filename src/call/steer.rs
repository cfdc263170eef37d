//! What an agent with a page can ask of the call: the buttons of the desk, as the session
//! understands them. The web has checked that the offer is this agent's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::ids::AgentId;
use crate::base::key::Key;

/// One wish. What does not fit the state of the call is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Steer {
    /// Take the call: joined at once if the agent's phone is answered, otherwise as soon as it
    /// is. With `three_way` the machine sums up aloud for both.
    Accept {
        three_way: bool,
    },
    Decline {
        reason: String,
    },
    /// The spoken summary, to the agent alone.
    HearSummary,
    /// The caller hears music.
    Hold,
    Resume,
    /// The caller no longer hears the agent; the agent goes on hearing the caller.
    Mute {
        on: bool,
    },
    /// A key to the caller's line.
    Key {
        key: Key,
    },
    /// Recorder and transcript pause (card data), or go on.
    Record {
        on: bool,
    },
    /// Read to both.
    Say {
        text: String,
    },
    /// Ask another agent; the caller stays with this one until that one answers.
    Consult {
        agent: AgentId,
    },
    /// The other agent takes the caller; this one leaves.
    Complete,
    /// The other agent leaves; this one has the caller again.
    Abort,
    /// Talk with the other party; the one left behind hears music.
    Swap,
    /// All three hear each other.
    ThreeWay,
    /// The machine takes the caller again, knowing all that was said.
    ToMachine,
    HangUp,
}

/// How an offer or a call can be in the hands of an agent who asks for a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsultState {
    /// The desk was asked for the colleague.
    Asking,
    /// The colleague's phone rings; the caller is still with the first agent.
    Ringing,
    /// The agents talk; the caller hears music.
    Apart,
    /// The first agent talks with the caller; the colleague hears music.
    Parked,
    /// All three are joined.
    Joined,
}

impl Steer {
    /// For the record, in a few words.
    pub fn words(&self) -> String {
        match self {
            Steer::Accept { three_way: false } => "accepted on the page".into(),
            Steer::Accept { three_way: true } => "accepted three-way on the page".into(),
            Steer::Decline { reason } => format!("declined: {reason}"),
            Steer::HearSummary => "heard the summary".into(),
            Steer::Hold => "put the caller on hold".into(),
            Steer::Resume => "took the caller from hold".into(),
            Steer::Mute { on: true } => "muted".into(),
            Steer::Mute { on: false } => "unmuted".into(),
            // Which one is nobody's business: it may be a secret.
            Steer::Key { .. } => "sent a key".into(),
            Steer::Record { on: false } => "paused the recording".into(),
            Steer::Record { on: true } => "resumed the recording".into(),
            Steer::Say { .. } => "had an answer read".into(),
            Steer::Consult { agent } => format!("asked {agent} in"),
            Steer::Complete => "handed the caller over".into(),
            Steer::Abort => "took the caller back".into(),
            Steer::Swap => "swapped".into(),
            Steer::ThreeWay => "joined all three".into(),
            Steer::ToMachine => "gave the caller back to the machine".into(),
            Steer::HangUp => "hung up".into(),
        }
    }
}
