//! SIP: everything between the wire and a call's session, behind `rsipstack`'s parser and
//! transactions. In come datagrams and streams; out come [`SipEvent`]s, and back the commands of
//! a [`LegHandle`].
//!
//! ```text
//! net → receive ── admission (size, ban, rate, form, right, room) → transaction → leg
//!         │            ├ sources, judge, digest                        ├ dialog, session_timer,
//!         └ registrar ─┘                                               └ reliable, sdp, body
//! ```
//!
//! Pure and tested by themselves: `admission`, `body`, `dialog`, `digest`, `judge`, `keys`,
//! `ladder`, `registrar`, `reliable`, `sdp`, `session_timer`, `sources`, `wire`. Shell: `endpoint`,
//! `leg`, `net`, `receive`, `trunk_line`. rsipstack's dialog layer is not used: reliable
//! provisionals, session timers, glare and admission would all have had to go around it.

mod admission;
mod body;
mod dialog;
mod digest;
mod endpoint;
mod event;
#[cfg(test)]
mod fuzz_tests;
mod judge;
mod keys;
mod ladder;
mod leg;
pub mod limits;
mod net;
mod receive;
mod registrar;
mod reliable;
pub mod sdp;
mod session_timer;
mod settings;
mod sources;
mod trunk_line;
mod wire;

pub use body::BodyPart;
pub use endpoint::{DialRefused, Endpoint, EndpointHandle};
pub use event::{
    Dial, DialTarget, Incoming, LegEvent, LegGone, LegHandle, SipEvent, SipLegId, TrunkState,
};
pub use ladder::{LadderLine, Way};
pub use net::StartError;
pub use settings::{
    AcceptAnyone, Cidr, Credentials, PhoneSettings, RegisterSettings, Secret, Settings, Strangers,
    TrunkSettings,
};

/// Directive for the log filter: rsipstack writes whole packets, credentials included, at info.
pub const LOG_DIRECTIVE: &str = "rsipstack=warn";
