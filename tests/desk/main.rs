//! The agent's desk in a real Chromium, on a real server. `page` plays the call's facts; `whole`
//! has the real binary with a real caller and a real agent's phone.

mod browser;
mod page;
mod play;

// The web tests' server and example calls; not all of them are used here.
#[allow(dead_code)]
#[path = "../web/example.rs"]
mod example;
#[allow(dead_code)]
#[path = "../web/server.rs"]
mod server;
