//! What the understanding makes of one utterance, with its reasons.

use serde::{Deserialize, Serialize};

use crate::base::card::SlotValue;
use crate::base::ids::IntentId;
use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::base::reason::Reason;

use super::correction::Correction;

/// What of a text heard so far does not wait for the end of its sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pressing {
    pub danger: Option<WordHit>,
    pub command: Option<CallerCommand>,
}

/// Everything read out of one utterance. Pure data; the policy decides what follows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Understanding {
    pub language: Language,
    /// The best intent above its threshold; `None` is a no-match.
    pub intent: Option<IntentMatch>,
    /// The next best, where it is close enough to ask "did you mean…".
    pub runner_up: Option<IntentMatch>,
    /// A word that works in every state.
    pub command: Option<CallerCommand>,
    pub slots: Vec<SlotValue>,
    pub stress: Stress,
    /// Negative words in this utterance ("ridiculous"), negations already taken into account.
    pub negative: Vec<WordHit>,
    /// Urgent matters ("payment failed", "outage", "card stolen", safety, legal).
    pub urgent: Vec<WordHit>,
    /// Danger to life ("fire", "gas", "chest pain", self-harm).
    pub danger: Option<WordHit>,
    /// The text sounds unfinished ("I want to, um", "my number is four two").
    pub unfinished: bool,
    /// Number of spoken digits that a card number has (13 to 19, Luhn valid) were said.
    pub card_number: bool,
    /// When the turn began that the card number begins in: it may come over several.
    pub card_began: Option<Moment>,
    /// Little else than digits was said.
    pub mostly_digits: bool,
    /// After a read-back: which digits go and which come ("no, nine, not five").
    #[serde(default)]
    pub correction: Option<Correction>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentMatch {
    pub intent: IntentId,
    /// 0 to 1.
    pub confidence: f32,
    /// "phrase 'opening hours'", "keyword 'open' 0.6"…
    pub reasons: Vec<Reason>,
}

/// Words that the caller may say at any time; each also has a key where it is a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerCommand {
    /// "agent", "human", "speak to a person".
    Person,
    Repeat,
    Slower,
    /// "hold on", "wait a moment".
    Wait,
    GoBack,
    Goodbye,
    DontRecord,
    Yes,
    No,
    /// "let the machine do it" and "help me with a person beside": handling by word.
    Automatic,
    Assisted,
}

/// A word or phrase of a table that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WordHit {
    pub at: Moment,
    /// As it was said.
    pub phrase: String,
    /// The table's group: `negative`, `payment_failed`, `self_harm`…
    pub group: String,
    /// 0 to 1; intensifiers raise it ("really ridiculous").
    pub weight: f32,
}

/// How tense the caller sounds, from 0 (calm) to 1, with its parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stress {
    /// This turn alone.
    pub turn: f32,
    /// Smoothed over the caller's turns.
    pub score: f32,
    pub level: StressLevel,
    pub parts: Vec<StressPart>,
    /// Syllables a second of voiced time, where the utterance was long enough to measure.
    pub syllables_per_s: Option<f32>,
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum StressLevel {
    #[default]
    Calm,
    Raised,
    High,
}

/// One part of the score: `rate`, `loudness`, `negative`, `urgent`, `repetition`, `interruption`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StressPart {
    pub name: String,
    /// What it adds to the turn's score.
    pub adds: f32,
    /// "6.1 syllables/s, 1.6 above this caller's own pace".
    pub reason: Reason,
}

/// What the dialogue waits for; it bends how words are read ("oh" is a digit, or a sigh).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expecting {
    #[default]
    Anything,
    YesNo,
    /// A string of digits of this length.
    Digits {
        min: u8,
        max: u8,
    },
    /// Any slot by name: `date`, `amount`, `department`, `postcode`.
    Slot(String),
    /// A slot of letters and digits whose length is known, for the right one is.
    Code {
        slot: String,
        /// Letters and digits.
        signs: u8,
    },
}

impl Expecting {
    /// The name of the slot that was asked for.
    pub fn slot(&self) -> Option<&str> {
        match self {
            Expecting::Slot(name) | Expecting::Code { slot: name, .. } => Some(name),
            Expecting::Anything | Expecting::YesNo | Expecting::Digits { .. } => None,
        }
    }
}
