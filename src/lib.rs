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
//!
//! Where to look:
//!
//! - [`base`]: nouns: moments, ids, keys, cards, personal data that is not printed.
//! - [`config`]: the operator's TOML, with every fault named at once.
//! - [`knowledge`]: answers, opening hours, connectors to business systems.
//! - [`understanding`]: intent (rules, then a classifier, helped by an `embedding`), slots, stress,
//!   danger, card numbers.
//! - [`policy`]: rules, and the dialogue that walks them: answer, ask, or a person.
//! - [`call`]: one call, sans-IO. `session/speech` and `caller` are the machine's part, `card`
//!   keeps card numbers out of everything, `transfer/` is the warm transfer: `offer`, `brief`,
//!   `talk`, `consult` (a colleague), `steer` (what the desk's page presses), `lost` (a caller
//!   whose line broke is called back).
//! - [`sip`]: messages, dialogs, trunks, phones that register. [`webrtc`]: browsers' legs.
//! - [`media`]: RTP, codecs, mixer, keys, recorder: a frame of 20 ms a tick for each leg.
//! - [`speech`]: `hear` (voice, ends of turns by text and by a second voice, whisper with its guard
//!   and its grammar of digits), `voice` (text to sound).
//! - [`desk`]: who takes calls, who waits; `board` is one agent's call as the page shows it.
//! - [`store`]: SQLite: calls as they happen, users, offers, wishes to be called back.
//! - [`web`]: pages, API, health; `changes` tells lists to renew themselves, `assets/` are the
//!   scripts of the desk and of callers' pages. [`publish`]: metrics, exported calls.
//! - [`models`]: speech models: found, fetched, verified.
//! - [`runtime`]: sockets, clocks, threads; joins the rooms. [`cli`]: one file a command.
//! - [`manual`]: decisions, invariants, threats, operations.

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
