//! # Warmline: the map
//!
//! A self-hosted voice IVR call router. One direction, no way back except through the runtime:
//!
//! ```text
//! socket → sip, webrtc → media (frames) → speech (utterance → text) → call
//!   call asks:   understanding (intent, slots, stress) and policy (decision)
//!   call wants:  commands → runtime → speech (sound), desk, store, web
//! ```
//!
//! Imports: base ← config ← knowledge ← understanding ← policy ← call; adapters (sip, webrtc,
//! media, speech, desk, store, publish, web) import call and what stands left of it, never each
//! other; runtime and cli import all. `tests/tidy.rs` checks it.

pub mod base;
pub mod call;
pub mod cli;
pub mod config;
pub mod desk;
pub mod knowledge;
pub mod manual;
pub mod media;
pub mod models;
pub mod policy;
pub mod publish;
pub mod runtime;
pub mod sip;
pub mod speech;
pub mod store;
pub mod understanding;
pub mod web;
pub mod webrtc;
