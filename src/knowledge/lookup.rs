//! A question put to a business system and what came back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a business system said: flat fields, as the connector's table maps them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupReply {
    pub fields: BTreeMap<String, String>,
}

/// Why a business system gave no usable reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupFailure {
    /// No reply in the connector's time.
    Timeout,
    /// The system knows no such thing (404).
    NotFound,
    /// Any other refusal or transport failure.
    Unavailable,
}
