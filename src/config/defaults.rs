//! The settings of a section that the operator left out.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::base::consent::ConsentMode;
use crate::base::language::Language;
use crate::base::limits;

use super::settings::*;

impl Default for Company {
    fn default() -> Self {
        Self {
            name: "Warmline".into(),
            country: "US".into(),
            time_zone: "UTC".into(),
            language: Language::english(),
        }
    }
}

impl Default for Sip {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060));
        Self {
            udp: Some(any),
            tcp: Some(any),
            public_address: None,
            calls_max: limits::CALLS_MAX_DEFAULT,
            session_expires_s: 1_800,
            answer_after: Duration::ZERO,
            early_media: false,
            next_free_port: false,
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self { rtp_ports: (20_000, 29_998), jitter_ms_min: 40, jitter_ms_max: 120 }
    }
}

impl Default for Speech {
    fn default() -> Self {
        Self {
            model: "base-q8_0".into(),
            workers: 0,
            models_folder: None,
            domain_words: Vec::new(),
            end_of_turn: "auto".into(),
        }
    }
}

impl Default for Understanding {
    fn default() -> Self {
        Self { embedding: "auto".into() }
    }
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            engine: VoiceEngine::Piper,
            model: "en_US-joe-medium".into(),
            url: None,
            cache: PathBuf::from("data/voice-cache"),
        }
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            on: true,
            consent: ConsentMode::Notice,
            folder: PathBuf::from("data/recordings"),
            quota_mib: 10_240,
        }
    }
}

impl Default for Transfer {
    fn default() -> Self {
        Self {
            ring: Duration::from_secs(15),
            briefing: Duration::from_secs(15),
            tries_max: 5,
            queue_wait_max: Duration::from_secs(300),
            queue_max: 50,
            wrap_up: Duration::from_secs(30),
        }
    }
}

impl Default for Desk {
    fn default() -> Self {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Self {
            breaks: texts(&["Short break", "Lunch", "Meeting", "Other work"]),
            declines: texts(&["Busy with another matter", "Not my field", "Technical trouble"]),
            codes: texts(&["Solved", "Follow-up", "Not solved", "Wrong number"]),
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { file: PathBuf::from("data/warmline.db"), retention_days: 30 }
    }
}

impl Default for Web {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        Self {
            listen,
            public_url: format!("http://{listen}"),
            next_free_port: false,
            pages: None,
            certificate: None,
        }
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self {
            on: true,
            listen: Vec::new(),
            udp_ports: None,
            public_address: None,
            allowed_origins: Vec::new(),
            calls_max: 50,
            calls_per_address_max: 4,
            calls_per_minute_max: 12,
            turn_urls: Vec::new(),
            turn_secret: None,
            dialled: "web".into(),
            phone: None,
        }
    }
}
