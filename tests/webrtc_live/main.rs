//! Browsers' legs against the real binary, with the `webrtc` crate as the browser: no page, the
//! same wire. Everything stays on loopback.

#[allow(dead_code)] // shared with the other live tests, which use more of it
#[path = "../live/server.rs"]
mod server;
#[allow(dead_code)]
#[path = "../live/tone.rs"]
mod tone;

#[allow(dead_code)] // shared with the live tests
#[path = "../live/baresip.rs"]
mod baresip;
#[allow(dead_code)] // shared with the desk's tests
#[path = "../desk/browser.rs"]
mod chromium;

mod agents;
mod browser;
mod call_backs;
mod callers;
mod cycles;
mod ear;
mod endings;
mod foreign;
mod network;
mod page;
mod repair;
mod rules;
mod so_far;
mod summary;
mod tabs;
mod whole;
mod wiring;

use server::ports;
