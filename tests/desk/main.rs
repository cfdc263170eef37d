//! The agent's desk in a real Chromium, on a real server. `page` plays the call's facts; `whole`
//! has the real binary with a real caller and a real agent's phone.

mod browser;
mod colleague;
mod page;
mod play;
mod whole;

// The web tests' server and example calls; not all of them are used here.
#[allow(dead_code)]
#[path = "../web/example.rs"]
mod example;
#[allow(dead_code)]
#[path = "../web/server.rs"]
mod server;

// Phones and the real binary, as the live tests have them.
#[allow(dead_code)]
#[path = "../live/baresip.rs"]
mod baresip;
#[allow(dead_code)]
#[path = "../live/server.rs"]
mod phones;
#[allow(dead_code)]
#[path = "../live/tone.rs"]
mod tone;

use phones::ports;
