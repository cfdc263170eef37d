//! Media: RTP in and out, one frame of 20 ms a tick for every leg.
//!
//! ```text
//! datagram → source lock → jitter buffer → decoder, concealment → Heard ─┬→ tap (speech)
//!                                                                        ├→ mixer → other legs
//! clip, stream, music, ringing, noise ──────────────────→ mixer → encoder ┴→ tape → recorder
//!                                                            └→ datagram, tap (echo reference)
//! ```
//!
//! Reading order: `handle` (what the runtime calls), `engine`, `pacer` (threads and sockets),
//! `mixer` (one call, sans-IO), `compose`, `inbound` and `outbound` (one leg's halves), then the
//! small ones. Invariants: the pacing thread never waits for anything but its deadline; a prompt
//! is encoded once per codec; nothing is sent to, or heard from, an address that is not the
//! leg's; comfort noise is sent when nothing else is.

pub mod clip;
pub mod codec;
pub mod conceal;
pub mod dtmf;
pub mod engine;
pub mod event;
pub mod g711;
pub mod handle;
pub mod heard;
pub mod inbound;
pub mod jitter;
pub mod level;
pub mod limits;
pub mod metrics;
pub mod mixer;
pub mod music;
pub mod opus;
pub mod outbound;
mod pacer;
pub mod payload;
pub mod pipe;
pub mod player;
pub mod ports;
pub mod priority;
pub mod recorder;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod source;
pub mod stats;
pub mod tap;
pub mod tape;
pub mod tone;
pub mod wav;

pub use clip::Clip;
pub use engine::{Engine, Settings};
pub use event::{MediaEvent, RecordingFailure};
pub use handle::{CallMedia, LegHandle, OpenLegError, PlanError};
pub use inbound::InboundSettings;
pub use player::{PlayStream, StreamClosed, StreamSender, play_stream};
pub use stats::LegStats;
pub use tap::{Bell, Frame, FrameKind, Tap};
