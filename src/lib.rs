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
//! media, speech, models, desk, store, publish, web) import call and what stands left of it, never
//! each other, but that web and publish read the store and web shows what publish writes; runtime
//! and cli import all. `tests/tidy.rs` checks it.
//!
//! Where to look:
//!
//! - [`base`]: nouns: moments, ids, keys, cards, personal data that is not printed.
//! - [`config`]: the operator's TOML, with every fault named at once.
//! - [`knowledge`]: answers, opening hours, connectors to business systems.
//! - [`understanding`]: intent (rules and a classifier, helped by an `embedding`), slots, stress,
//!   danger, card numbers, whether a text is finished.
//! - [`policy`]: rules and prompts, the dialogue that walks them (answer, ask, or a person), and
//!   old calls under new rules (`replay`).
//! - [`call`]: one call, sans-IO. In `session`: `caller` and `speech` (the caller's leg and what is
//!   heard), `early` (words so far), `steps` and `plays` (what is done and said), `card` (what an
//!   agent is offered), `ending`; `transfer/` is the warm transfer: `offer`, `brief`, `talk`,
//!   `consult` (a colleague), `steer` (what the desk's page presses), `lost` (a caller whose line
//!   broke is called back).
//! - [`sip`]: messages, dialogs, trunks, phones that register. [`webrtc`]: browsers' legs.
//! - [`media`]: RTP, codecs, mixer, keys, recorder: a frame of 20 ms a tick for each leg.
//! - [`speech`]: `hear` (voice, ends of turns by text and by a second voice, whisper with its guard
//!   and its grammar of digits), `voice` (text to sound).
//! - [`desk`]: who takes calls, who waits; `board` is one agent's call as the page shows it.
//! - [`store`]: SQLite: calls as they happen, users, offers, wishes to be called back, the audit.
//! - [`web`]: pages, API, health; `changes` tells lists to renew themselves, `assets/` are the
//!   scripts of the desk and of callers' pages. [`publish`]: metrics, exported calls.
//! - [`models`]: speech models: found, fetched, verified.
//! - [`runtime`]: sockets, clocks, threads; joins the rooms, keeps and reloads the operator's
//!   `tables`. [`cli`]: one file a command. The sample configuration lies in `cli/init`, the
//!   shipped tables in the folder `tables` of their room.
//! - [`manual`]: decisions, invariants, threats, operations.
//!
//! Beside `src`: `tests/` has one folder or file for each thing that is shown on the real binary,
//! `benches/` one for each figure, `models/manifest.toml` the models that are known.

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
