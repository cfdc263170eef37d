//! The agent's desk in a real Chromium, on a real server. Most tests play the call's facts
//! (`play`); `whole` and `colleague` have the real binary, real callers and real agents' phones.

mod alerts;
mod browser;
mod colleague;
mod keys;
mod lists;
mod page;
mod play;
mod shape;
mod shop;
mod sound;
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
