//! Browsers in the running server: callers' pages and agents' seats, and the legs that they are
//! of calls.
//!
//! Reading order: [`leg`] (a browser's side of one call), [`caller`] (an offer becomes a call),
//! [`captions`] (what the caller's page is shown), [`seat`] (an agent's connection of the shift),
//! [`door`] (what the routes ask), [`gate`] (how many, and from where).

pub mod caller;
pub mod captions;
pub mod door;
pub mod gate;
pub mod leg;
pub mod seat;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::base::session::{Direction, MediaPlan};
use crate::config::Config;
use crate::media;
use crate::webrtc::{self, Agreed};

pub use door::Door;
pub use leg::{BrowserLeg, BrowserNews};

/// A caller's browser may be away for so long: a reload, a tunnel.
pub const CALLER_GRACE: Duration = Duration::from_secs(10);
/// An agent's connection is interrupted, which ICE tells after five seconds: so long it may find
/// another way before the caller hears "one moment". A page that was left is not waited for.
pub const AGENT_REPAIR: Duration = Duration::from_secs(3);
/// An offer that never connects is given up.
pub const CONNECT_MAX: Duration = Duration::from_secs(20);

/// What of browsers the server keeps.
pub struct Browsers {
    pub settings: webrtc::Settings,
    /// Callers' pages by their token.
    callers: Mutex<HashMap<String, Arc<caller::Page>>>,
    gate: gate::Gate,
    pub seats: seat::Seats,
}

impl Browsers {
    /// From the configuration; `web` is where the web really listens.
    pub fn new(config: &Config, web: SocketAddr) -> Self {
        Self {
            settings: settings_of(config, web),
            callers: Mutex::new(HashMap::new()),
            gate: gate::Gate::new(&config.browser),
            seats: seat::Seats::default(),
        }
    }
}

fn settings_of(config: &Config, web: SocketAddr) -> webrtc::Settings {
    let browser = &config.browser;
    let listen = match (browser.listen.is_empty(), web.ip().is_loopback()) {
        (false, _) => browser.listen.clone(),
        // Pages of this machine, and of whoever comes through a proxy on it.
        (true, true) => vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0])],
        (true, false) => vec![IpAddr::from([0, 0, 0, 0])],
    };
    webrtc::Settings {
        listen,
        ports: browser.udp_ports.map(|(first, last)| first..=last),
        public_address: browser.public_address.or(config.sip.public_address),
    }
}

/// The media plan of a browser's leg. Browsers do nothing with keys of ours, but send theirs.
pub fn plan_of(agreed: Agreed) -> MediaPlan {
    MediaPlan {
        remote: media::pipe::ADDRESS,
        rtcp_remote: None,
        codec: agreed.codec,
        payload_type: webrtc::VOICE,
        dtmf_payload_type: agreed.keys.map(|_| webrtc::KEYS),
        comfort_noise_payload_type: None,
        ptime_ms: 20,
        direction: Direction::SendRecv,
    }
}

/// A piped leg of a call and the line that carries it.
pub fn line_of(inward: media::pipe::PipeIn, outward: media::pipe::PipeOut) -> webrtc::Line {
    let heard = move |packet| {
        inward.push(packet);
    };
    webrtc::Line::new(heard, outward)
}
