//! The call: a sans-IO session. `handle_event(now, Event)`, `handle_timeout(now)`,
//! `poll_output() -> Output`; no clock, socket, file, thread or random source in here.

pub mod command;
pub mod event;
pub mod session;
pub mod steer;
pub mod timer;

pub use session::{Output, Session, SessionSetup, TransferSetup};
