//! How a call ended for us. Every call has exactly one.

use serde::{Deserialize, Serialize};

/// The end of a call, seen from Warmline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// The machine answered or did what was asked, and the caller or the machine said goodbye.
    Answered,
    /// A person took the call; it ended after the bridge.
    Transferred,
    /// The caller hung up before anything was said or answered.
    AbandonedEarly,
    /// The caller hung up while a person was being found, rung or briefed.
    AbandonedInQueue,
    /// The caller hung up while talking with the machine, without an answer.
    AbandonedInDialogue,
    /// No person was there; the caller heard the set message and a polite end.
    NobodyAvailable,
    /// Told to hang up and dial the emergency number, and did so.
    SentToEmergency,
    /// The caller's media or signalling was lost and did not come back.
    CallerLost,
    /// Refused before it was answered: no capacity, not allowed, no common codec.
    Refused,
    /// The caller gave up before we answered (CANCEL).
    Cancelled,
    /// The longest permitted call was reached.
    TooLong,
    /// A fault of ours ended it.
    SystemFailure,
}

impl Disposition {
    pub const ALL: [Disposition; 12] = [
        Disposition::Answered,
        Disposition::Transferred,
        Disposition::AbandonedEarly,
        Disposition::AbandonedInQueue,
        Disposition::AbandonedInDialogue,
        Disposition::NobodyAvailable,
        Disposition::SentToEmergency,
        Disposition::CallerLost,
        Disposition::Refused,
        Disposition::Cancelled,
        Disposition::TooLong,
        Disposition::SystemFailure,
    ];

    /// As written in the store and in metrics, `snake_case`.
    pub fn name(self) -> &'static str {
        match self {
            Disposition::Answered => "answered",
            Disposition::Transferred => "transferred",
            Disposition::AbandonedEarly => "abandoned_early",
            Disposition::AbandonedInQueue => "abandoned_in_queue",
            Disposition::AbandonedInDialogue => "abandoned_in_dialogue",
            Disposition::NobodyAvailable => "nobody_available",
            Disposition::SentToEmergency => "sent_to_emergency",
            Disposition::CallerLost => "caller_lost",
            Disposition::Refused => "refused",
            Disposition::Cancelled => "cancelled",
            Disposition::TooLong => "too_long",
            Disposition::SystemFailure => "system_failure",
        }
    }
}
