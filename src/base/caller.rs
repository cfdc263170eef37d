//! Who calls, as far as the signalling says. None of it is proof of identity.

use serde::{Deserialize, Serialize};

use super::ids::TrunkId;
use super::language::Language;
use super::pii::Pii;

/// What is known when a call arrives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallerInfo {
    /// The caller's number or SIP user as the trunk gave it; `None` if withheld.
    pub number: Option<Pii<String>>,
    /// Display name as given; attacker's text.
    pub name: Option<Pii<String>>,
    /// The number or user that was dialled.
    pub dialled: String,
    pub trunk: TrunkId,
    /// `SIP` or `browser`, with the peer's User-Agent where given; attacker's text.
    pub user_agent: Option<String>,
    pub language: Language,
    /// Where a SIP call came from, and can be rung again; `None` for a browser.
    #[serde(default)]
    pub peer: Option<std::net::SocketAddr>,
    /// The customer's record, where the configuration knows the number.
    pub profile: CustomerProfile,
}

/// What the operator's table says of a known number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CustomerProfile {
    pub name: Option<Pii<String>>,
    pub vip: bool,
    pub handling: Handling,
}

/// How a caller wants to be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// The machine answers facts and does simple tasks; the rest goes to a person.
    #[default]
    Automatic,
    /// The machine listens and prepares; a person decides and speaks.
    Assisted,
    /// A person at once.
    Person,
}
