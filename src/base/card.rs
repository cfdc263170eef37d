//! What a person receives with a call: read in three seconds, spoken in ten.

use serde::{Deserialize, Serialize};

use super::ids::{AgentId, CallId, OfferId, Skill};
use super::language::Language;
use super::moment::Moment;
use super::pii::Pii;
use super::reason::Reason;

/// How soon a person is needed. P0 is danger; P3 can wait.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum Priority {
    P0,
    P1,
    #[default]
    P2,
    P3,
}

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    Caller,
    Machine,
    Agent,
}

/// Stands where card data was said.
pub const NOT_KEPT: &str = "[card data not kept]";

/// One line of the transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub at: Moment,
    pub speaker: Speaker,
    pub text: Pii<String>,
}

/// A piece of information taken from the caller's words, normalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotValue {
    /// `order_number`, `date`, `amount`, `postcode`, `department`…
    pub name: String,
    /// Normalised: `4217`, `2026-05-03`, `12.50 EUR`, `billing`.
    pub value: Pii<String>,
    /// The words that it came from.
    pub source: Pii<String>,
}

/// How tense the caller was at a moment of the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StressPoint {
    pub at: Moment,
    /// 0 calm to 1.
    pub score: f32,
    /// What it was made of.
    pub reasons: Vec<Reason>,
}

/// The offer of a call to an agent, on paper: page, JSON and INVITE body are made from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfferCard {
    pub call: CallId,
    pub offer: OfferId,
    pub agent: AgentId,
    /// One line: who, why, how they feel.
    pub summary: String,
    pub caller_name: Option<Pii<String>>,
    pub caller_number: Option<Pii<String>>,
    pub language: Language,
    /// In words: "asks where the order is".
    pub intent: Option<String>,
    pub skill: Option<Skill>,
    pub priority: Priority,
    /// 0 calm to 1.
    pub stress: f32,
    /// Why the call goes to a person, and what the stress is made of.
    pub reasons: Vec<Reason>,
    pub slots: Vec<SlotValue>,
    /// What the machine did: "answered opening hours", "looked up order 4217: no reply".
    pub tried: Vec<String>,
    pub transcript: Vec<Line>,
    /// The stress after each of the caller's turns.
    #[serde(default)]
    pub stress_line: Vec<StressPoint>,
    /// The machine's draft for a yellow intent.
    #[serde(default)]
    pub draft: Option<String>,
}
