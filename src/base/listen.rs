//! How a leg is listened to.

use serde::{Deserialize, Serialize};

/// How a leg is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenMode {
    /// Keys only; the sound goes to nobody's ears but the bridge's.
    KeysOnly,
    /// A turn of dialogue: endpointing by pause, finals with the caller's priority.
    Turn,
    /// Digits are being spoken: pauses between groups do not end the turn.
    Digits,
    /// The caller waits for a person and is asked nothing: what they say stays whole, and only
    /// words that something is done about end their turn at once.
    Waiting,
    /// A bridged conversation, transcribed on the side with low priority.
    Conversation,
}
