//! Whole calls against the real binary with real peers: baresip, SIPp, and Warmline itself.
//! Everything stays on loopback, on ports found free at run time.

mod baresip;
mod likeness;
mod phone;
mod server;
mod sipp;
mod tone;

mod answers;
mod demo;
mod endings;
mod load;
mod over_prompts;
mod signalling;
mod tables;
mod tools;
mod transfers;

use server::ports;
