//! What the dialogue wants done next: the policy's output, obeyed by the call in order.

use serde::{Deserialize, Serialize};

use crate::base::card::Priority;
use crate::base::consent::ConsentState;
use crate::base::ids::{ConnectorId, RequestId, RuleId, Skill};
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::base::spoken::Spoken;
use crate::understanding::outcome::Expecting;

/// One step. A batch ends with exactly one of `Await`, `AwaitLookup`, `HandOver` or `Finish`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Say this to the caller, after what is playing.
    Say(Spoken),
    /// Write down what was decided and why.
    Decided(Decision),
    /// Recording was agreed or refused; nothing is recorded before this says so.
    Consent(ConsentState),
    /// Stop keeping sound and words (card data) until `ResumeKeeping`, and forget those of the
    /// caller since `from`.
    PauseKeeping {
        from: Option<Moment>,
    },
    ResumeKeeping,
    /// "Did that answer it?"
    Satisfied(bool),
    /// Something was tried, for the agent's card: "answered opening hours".
    Tried(String),

    /// Ask a business system; then the dialogue waits for it.
    AwaitLookup {
        request: RequestId,
        connector: ConnectorId,
        fields: Vec<(String, String)>,
    },
    /// When all that was said has been heard, wait for the caller this long.
    Await {
        listen: ListenMode,
        expecting: Expecting,
        no_input_ms: u64,
    },
    /// Hand the call to a person.
    HandOver(HandOver),
    /// When all that was said has been heard, hang up.
    Finish(Finish),
}

/// A decision with the rule that made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub rule: RuleId,
    /// "answer opening_hours", "ask for the order number", "person: 2 negative words".
    pub what: String,
    pub priority: Priority,
    pub reasons: Vec<Reason>,
}

/// Why and to whom a call goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandOver {
    pub skills: Vec<Skill>,
    pub priority: Priority,
    pub reasons: Vec<Reason>,
    /// The intent in words, for the briefing: "wants to dispute a bill".
    pub intent_words: Option<String>,
    /// The machine's draft of an answer, for a yellow intent.
    pub draft: Option<String>,
    /// Danger to life: ahead of all others, no machine afterwards.
    pub danger: bool,
}

/// How the dialogue ended without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// Something was answered or done.
    Answered,
    /// The caller said goodbye before anything was answered.
    Unanswered,
    /// No person was there.
    NobodyAvailable,
    /// The caller was sent to the emergency number.
    Emergency,
}
