//! Whether the caller agreed to be recorded.

use serde::{Deserialize, Serialize};

/// Whether the recorder may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// The notice was played to its end.
    Notified,
    /// The caller was asked and agreed.
    Granted,
    /// The caller was asked and refused, or said "don't record".
    Refused,
    /// Recording is off for this number.
    Off,
}

/// What the operator set for a number: how recording is agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentMode {
    /// The greeting says it; recording starts when the notice was played to its end.
    #[default]
    Notice,
    /// The caller is asked; recording starts with a yes (or 1).
    Ask,
    /// Nothing is recorded.
    Off,
}
