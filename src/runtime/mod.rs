//! The I/O loop: alone holds sockets, clocks, threads and the random source, and joins the rooms.
//!
//! `server` starts and stops everything; `dispatch` turns SIP events into calls, `browser` holds
//! callers and agents in browsers; `call` drives one call's session; `ears` listens to all legs;
//! `desk` owns the agents; `tables` keeps and reloads the operator's tables, `embedding` gives
//! their sentences vectors; `speech` loads recogniser and voice, `ahead` renders what never varies
//! and `clips` keeps it; `lookups` asks business systems; `live` tells the pages; `shared` is what
//! all tasks share; `peer` is a phone of our own, for tools and demo.

mod ahead;
pub mod browser;
mod call;
mod clips;
pub mod desk;
mod dispatch;
mod ears;
pub mod embedding;
mod handles;
mod live;
mod lookups;
pub mod peer;
pub mod server;
mod shared;
pub mod speech;
pub mod tables;

pub use live::LiveFact;
pub use server::{Server, StartFault};
