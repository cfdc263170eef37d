//! What an operator can set, with the defaults that a fresh installation runs on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::base::caller::Handling;
use crate::base::consent::ConsentMode;
use crate::base::ids::{AgentId, Skill, TrunkId};
use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::base::session::Codec;

use super::secret::Secret;

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of `warmline.toml`; relative paths start here.
    pub folder: PathBuf,
    pub company: Company,
    pub sip: Sip,
    pub trunks: Vec<Trunk>,
    pub numbers: Vec<Number>,
    pub agents: Vec<Agent>,
    pub customers: Vec<Customer>,
    pub media: Media,
    pub speech: Speech,
    pub understanding: Understanding,
    pub voice: Voice,
    pub recording: Recording,
    pub transfer: Transfer,
    pub desk: Desk,
    pub store: Store,
    pub web: Web,
    pub browser: Browser,
    /// Folder with the operator's copies of tables and prompts; the embedded ones if `None`.
    pub tables: Option<PathBuf>,
}

impl Config {
    /// What is set for a dialled number, or for all (`*`).
    pub fn number(&self, dialled: &str) -> Option<&Number> {
        let named = |name: &str| self.numbers.iter().find(|number| number.dialled == name);
        named(dialled).or_else(|| named("*"))
    }

    /// The language in which a call begins: the dialled number's, else the trunk's, else the
    /// company's.
    pub fn language(&self, trunk: &TrunkId, dialled: &str) -> &Language {
        let of_number = self.number(dialled).and_then(|number| number.language.as_ref());
        let trunk = self.trunks.iter().find(|one| one.id == *trunk);
        let of_trunk = trunk.and_then(|trunk| trunk.language.as_ref());
        of_number.or(of_trunk).unwrap_or(&self.company.language)
    }

    /// Every language in which a call may begin, the company's first.
    pub fn languages(&self) -> Vec<&Language> {
        let mut all = vec![&self.company.language];
        let of_trunks = self.trunks.iter().filter_map(|trunk| trunk.language.as_ref());
        let of_numbers = self.numbers.iter().filter_map(|number| number.language.as_ref());
        for language in of_trunks.chain(of_numbers) {
            if !all.contains(&language) {
                all.push(language);
            }
        }
        all
    }
}

#[derive(Clone, Debug)]
pub struct Company {
    pub name: String,
    /// ISO 3166 code, for ringing tones and the emergency number.
    pub country: String,
    /// IANA time zone, for opening hours and "tomorrow".
    pub time_zone: String,
    pub language: Language,
}

#[derive(Clone, Debug)]
pub struct Sip {
    pub udp: Option<SocketAddr>,
    pub tcp: Option<SocketAddr>,
    /// The address that peers outside see, for SDP and Contact.
    pub public_address: Option<IpAddr>,
    pub calls_max: usize,
    pub session_expires_s: u32,
    /// How long it rings before we answer.
    pub answer_after: Duration,
    /// Our own ringing tone meanwhile (183), instead of the trunk's (180).
    pub early_media: bool,
    /// Take the next free port if the configured one is in use (the demo does).
    pub next_free_port: bool,
}

/// A carrier or PBX.
#[derive(Clone, Debug)]
pub struct Trunk {
    pub id: TrunkId,
    /// Source addresses or networks (`192.0.2.0/24`) that this trunk calls from.
    pub addresses: Vec<String>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub public_address: Option<IpAddr>,
    pub codecs: Vec<Codec>,
    pub language: Option<Language>,
    pub register: Option<TrunkRegistration>,
}

/// How a trunk registers with its provider.
#[derive(Clone, Debug)]
pub struct TrunkRegistration {
    /// `sip:provider.example`.
    pub registrar: String,
    pub expires_s: u32,
}

/// What holds for one dialled number; the entry `*` holds for all others.
#[derive(Clone, Debug)]
pub struct Number {
    pub dialled: String,
    pub language: Option<Language>,
    pub consent: Option<ConsentMode>,
}

#[derive(Clone, Debug)]
pub struct Agent {
    pub id: AgentId,
    pub name: String,
    pub skills: Vec<Skill>,
    pub languages: Vec<Language>,
    /// A fixed contact, `sip:anna@192.0.2.9`; otherwise the agent's phone registers with us.
    pub contact: Option<String>,
    /// The password of the agent's registered phone; its user is the agent's id.
    pub password: Option<Secret>,
    /// The phone can show a `multipart/mixed` body.
    pub attach_transcript: bool,
    /// The agent works in a browser and needs no phone.
    pub browser: bool,
}

/// A known number.
#[derive(Clone, Debug)]
pub struct Customer {
    pub number: String,
    pub name: Option<String>,
    pub vip: bool,
    pub handling: Handling,
}

#[derive(Clone, Debug)]
pub struct Media {
    pub rtp_ports: (u16, u16),
    pub jitter_ms_min: u32,
    pub jitter_ms_max: u32,
}

#[derive(Clone, Debug)]
pub struct Speech {
    /// A model of `models/manifest.toml`, or `auto`: what `warmline bench models` found best.
    pub model: String,
    /// Recognisers at work, one thread each; 0 is one a core.
    pub workers: usize,
    pub models_folder: Option<PathBuf>,
    /// Names and terms of the operator's domain, given to the recogniser after the earlier text of
    /// the language's tables; none by default, for every one costs time (`./dev bench whisper`).
    pub domain_words: Vec<String>,
    /// Who says whether a caller has finished where their words leave it open: a model's id,
    /// `auto` (one that is installed) or `text` (nobody).
    pub end_of_turn: String,
}

impl Speech {
    /// Most domain words, and characters of all together: the recogniser's earlier text is short,
    /// and every token of it costs time.
    pub const DOMAIN_WORDS_MAX: usize = 40;
    pub const DOMAIN_CHARS_MAX: usize = 300;

    /// The domain words as the recogniser takes them; digits are heard better without.
    pub fn prompt(&self, mode: ListenMode) -> Option<String> {
        let digits = mode == ListenMode::Digits;
        (!digits && !self.domain_words.is_empty()).then(|| self.domain_words.join(", ") + ".")
    }
}

#[derive(Clone, Debug)]
pub struct Understanding {
    /// A model of `models/manifest.toml`; `auto`: one that is installed; `off`: none.
    pub embedding: String,
}

#[derive(Clone, Debug)]
pub struct Voice {
    pub engine: VoiceEngine,
    pub model: String,
    /// An OpenAI-style speech server, where the engine is `http`.
    pub url: Option<String>,
    /// Rendered prompts are kept here.
    pub cache: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoiceEngine {
    Piper,
    Espeak,
    Http,
}

#[derive(Clone, Debug)]
pub struct Recording {
    pub on: bool,
    pub consent: ConsentMode,
    pub folder: PathBuf,
    /// Space that recordings may take, mebibytes.
    pub quota_mib: u64,
}

#[derive(Clone, Debug)]
pub struct Transfer {
    pub ring: Duration,
    pub briefing: Duration,
    pub tries_max: u32,
    pub queue_wait_max: Duration,
    pub queue_max: usize,
    pub wrap_up: Duration,
}

/// What agents choose from on their page.
#[derive(Clone, Debug)]
pub struct Desk {
    pub breaks: Vec<String>,
    /// Why an offer is declined.
    pub declines: Vec<String>,
    /// How a call went.
    pub codes: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Store {
    pub file: PathBuf,
    pub retention_days: u32,
}

#[derive(Clone, Debug)]
pub struct Web {
    pub listen: SocketAddr,
    /// How agents' browsers reach us, for links in offers.
    pub public_url: String,
    pub next_free_port: bool,
    /// Folder with the operator's copies of the pages' style sheet and scripts.
    pub pages: Option<PathBuf>,
    /// PEM files for HTTPS: the certificate with its chain, and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

impl Web {
    /// Where the web listens: on this machine alone, unless what it says is protected by our own
    /// certificate or by a proxy's.
    pub fn listen_at(&self) -> SocketAddr {
        let protected = self.certificate.is_some() || self.public_url.starts_with("https://");
        if protected || self.listen.ip().is_loopback() {
            return self.listen;
        }
        let loopback: IpAddr = match self.listen {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        SocketAddr::new(loopback, self.listen.port())
    }
}

/// Calls from web pages, and agents' browsers.
#[derive(Clone, Debug)]
pub struct Browser {
    pub on: bool,
    /// Addresses of the UDP sockets for browsers' sound; chosen by where the web listens if empty.
    pub listen: Vec<IpAddr>,
    pub udp_ports: Option<(u16, u16)>,
    /// Our address as browsers outside see it, behind a 1:1 NAT.
    pub public_address: Option<IpAddr>,
    /// Further sites whose pages may call, `https://shop.example`.
    pub allowed_origins: Vec<String>,
    pub calls_max: usize,
    /// At the same time, from one address.
    pub calls_per_address_max: usize,
    /// Begun within a minute, from one address.
    pub calls_per_minute_max: usize,
    /// `turn:` and `turns:` addresses of a coturn that shares our secret.
    pub turn_urls: Vec<String>,
    pub turn_secret: Option<Secret>,
    /// What [[numbers]] calls this entrance.
    pub dialled: String,
    /// The number that a page shows where the microphone is refused.
    pub phone: Option<String>,
}
