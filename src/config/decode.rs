//! `warmline.toml` → [`Config`]. Every fault is gathered; none stops the reading.

mod browser;
mod speech;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::caller::Handling;
use crate::base::consent::ConsentMode;
use crate::base::ids::{AgentId, Skill, TrunkId};
use crate::base::language::Language;
use crate::base::limits;
use crate::base::session::Codec;

use super::problem::{Problem, Problems};
use super::reader::Table;
use super::secret::Secret;
use super::settings::*;

const CONSENT: [(&str, ConsentMode); 3] =
    [("notice", ConsentMode::Notice), ("ask", ConsentMode::Ask), ("off", ConsentMode::Off)];
const HANDLING: [(&str, Handling); 3] = [
    ("automatic", Handling::Automatic),
    ("assisted", Handling::Assisted),
    ("person", Handling::Person),
];
const ENGINES: [(&str, VoiceEngine); 3] =
    [("piper", VoiceEngine::Piper), ("espeak", VoiceEngine::Espeak), ("http", VoiceEngine::Http)];
const CODECS: [(&str, Codec); 3] =
    [("PCMU", Codec::Pcmu), ("PCMA", Codec::Pcma), ("G722", Codec::G722)];

impl Config {
    /// Reads `file`. Every fault of it comes in one [`Problems`].
    pub fn load(file: &Path) -> Result<Config, Problems> {
        good(Self::load_anyway(file))
    }

    /// The same for who looks on: what could be read of `file`, with its faults.
    pub fn load_anyway(file: &Path) -> (Option<Config>, Problems) {
        let name = file.display().to_string();
        match std::fs::read_to_string(file) {
            Ok(text) => {
                let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
                Self::read_anyway(&name, &text, &folder)
            }
            Err(error) => {
                let mut problems = Problems::new();
                problems.add(Problem {
                    file: name,
                    line: 0,
                    field: String::new(),
                    found: error.to_string(),
                    expected: "a readable file (warmline init writes one)".into(),
                });
                (None, problems)
            }
        }
    }

    /// Reads `text`, known as `name`; relative paths start at `folder`.
    pub fn read(name: &str, text: &str, folder: &Path) -> Result<Config, Problems> {
        good(Self::read_anyway(name, text, folder))
    }

    fn read_anyway(name: &str, text: &str, folder: &Path) -> (Option<Config>, Problems) {
        let mut problems = Problems::new();
        let config =
            Table::parse(name, text, &mut problems).map(|root| whole(&root, folder, &mut problems));
        (config, problems)
    }
}

fn good((config, problems): (Option<Config>, Problems)) -> Result<Config, Problems> {
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        Some(_) | None => Err(problems),
    }
}

fn whole(root: &Table, folder: &Path, problems: &mut Problems) -> Config {
    let mut read = Sections { folder, problems };
    let config = Config {
        folder: folder.to_owned(),
        company: read.section(root, "company", Sections::company),
        sip: read.section(root, "sip", Sections::sip),
        trunks: read.list(root, "trunks", Sections::trunk),
        numbers: read.list(root, "numbers", Sections::number),
        agents: read.list(root, "agents", Sections::agent),
        customers: read.list(root, "customers", Sections::customer),
        media: read.section(root, "media", Sections::media),
        speech: read.section(root, "speech", Sections::speech),
        understanding: read.section(root, "understanding", Sections::understanding),
        voice: read.section(root, "voice", Sections::voice),
        recording: read.section(root, "recording", Sections::recording),
        transfer: read.section(root, "transfer", Sections::transfer),
        desk: read.section(root, "desk", Sections::desk),
        store: read.section(root, "store", Sections::store),
        web: read.section(root, "web", Sections::web),
        browser: read.section(root, "browser", Sections::browser),
        tables: root.string("tables", read.problems).map(|path| folder.join(path)),
    };
    root.finish(problems);
    twice(root, "agents", "id", problems);
    twice(root, "trunks", "id", problems);
    twice(root, "numbers", "dialled", problems);
    speech::english_alone(root, &config, problems);
    config
}

/// Two entries of one list must not share a name.
fn twice(root: &Table, list: &str, key: &str, problems: &mut Problems) {
    let mut seen = std::collections::BTreeSet::new();
    let mut ignored = Problems::new();
    for table in root.tables(list, &mut ignored) {
        if let Some(name) = table.string(key, &mut ignored)
            && !seen.insert(name.clone())
        {
            table.fault(key, format!("{name:?} a second time"), "a name of its own", problems);
        }
    }
}

/// Reads sections, each from its table (an empty one where the section is absent).
struct Sections<'a> {
    folder: &'a Path,
    problems: &'a mut Problems,
}

impl Sections<'_> {
    fn list<T>(
        &mut self,
        root: &Table,
        key: &str,
        read: impl Fn(&mut Self, &Table) -> Option<T>,
    ) -> Vec<T> {
        let tables = root.tables(key, self.problems);
        let mut out = Vec::with_capacity(tables.len());
        for table in tables {
            out.extend(read(self, &table));
            table.finish(self.problems);
        }
        out
    }

    /// The table `key`, or an empty one, so that a section left out is its defaults.
    fn section<T>(&mut self, root: &Table, key: &str, read: impl Fn(&mut Self, &Table) -> T) -> T {
        let table = root.table(key, self.problems).unwrap_or_else(|| root.empty(key));
        let out = read(self, &table);
        table.finish(self.problems);
        out
    }

    fn path(&mut self, table: &Table, key: &str, default: &str) -> PathBuf {
        self.folder.join(table.string_or(key, default, self.problems))
    }

    fn seconds(&mut self, table: &Table, key: &str, max: i64, default: i64) -> Duration {
        Duration::from_secs(table.integer_in(key, 1..=max, default, self.problems) as u64)
    }

    fn language(&mut self, table: &Table) -> Option<Language> {
        let code = table.string("language", self.problems)?;
        let language = Language::new(&code);
        if language.is_none() {
            table.fault("language", format!("{code:?}"), "a code such as \"en\"", self.problems);
        }
        language
    }

    fn address(&mut self, table: &Table, key: &str) -> Option<IpAddr> {
        table.parsed(key, "an IP address such as \"192.0.2.1\"", self.problems)
    }

    /// `key = "address:port"`, or `"off"` where that is allowed.
    fn socket(&mut self, table: &Table, key: &str, default: SocketAddr) -> Option<SocketAddr> {
        let Some(text) = table.string(key, self.problems) else {
            return Some(default);
        };
        if text == "off" {
            return None;
        }
        let parsed = text.parse().ok();
        if parsed.is_none() {
            let expected = "an address and port such as \"0.0.0.0:5060\", or \"off\"";
            table.fault(key, format!("{text:?}"), expected, self.problems);
        }
        parsed
    }

    fn company(&mut self, table: &Table) -> Company {
        let default = Company::default();
        let company = Company {
            name: table.string_or("name", &default.name, self.problems),
            country: table.string_or("country", &default.country, self.problems),
            time_zone: table.string_or("time_zone", &default.time_zone, self.problems),
            language: self.language(table).unwrap_or_default(),
        };
        if company.country.len() != 2 || !company.country.bytes().all(|b| b.is_ascii_uppercase()) {
            let found = format!("{:?}", company.country);
            table.fault("country", found, "two capitals such as \"US\"", self.problems);
        }
        if jiff::tz::TimeZone::get(&company.time_zone).is_err() {
            let found = format!("{:?}", company.time_zone);
            let expected = "an IANA time zone such as \"Europe/Berlin\"";
            table.fault("time_zone", found, expected, self.problems);
        }
        company
    }

    fn sip(&mut self, table: &Table) -> Sip {
        let default = Sip::default();
        if let Some(transport) = table.string("transport", self.problems)
            && transport != "udp+tcp"
        {
            let expected = "\"udp+tcp\" (SIP over TLS is not built yet)";
            table.fault("transport", format!("{transport:?}"), expected, self.problems);
        }
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060));
        let calls_max = limits::CALLS_MAX_DEFAULT as i64;
        let sip = Sip {
            udp: self.socket(table, "udp", default.udp.unwrap_or(any)),
            tcp: self.socket(table, "tcp", default.tcp.unwrap_or(any)),
            public_address: self.address(table, "public_address"),
            calls_max: table.integer_in("calls_max", 1..=10_000, calls_max, self.problems) as usize,
            session_expires_s: table.integer_in(
                "session_expires_s",
                90..=86_400,
                i64::from(default.session_expires_s),
                self.problems,
            ) as u32,
            answer_after: Duration::from_millis(table.integer_in(
                "answer_after_ms",
                0..=30_000,
                0,
                self.problems,
            ) as u64),
            early_media: table.bool_or("early_media", false, self.problems),
            next_free_port: table.bool_or("next_free_port", false, self.problems),
        };
        if sip.udp.is_none() && sip.tcp.is_none() {
            table.fault("udp", "both udp and tcp off", "at least one of them on", self.problems);
        }
        sip
    }

    fn trunk(&mut self, table: &Table) -> Option<Trunk> {
        let transport = table.string("transport", self.problems);
        if let Some(transport) = transport
            && transport != "udp"
            && transport != "tcp"
        {
            let expected = "\"udp\" or \"tcp\" (SIP over TLS is not built yet)";
            table.fault("transport", format!("{transport:?}"), expected, self.problems);
        }
        let addresses = table.strings("addresses", self.problems);
        for address in addresses.iter().filter(|address| !is_network(address)) {
            let expected = "IP addresses or networks such as \"192.0.2.0/24\"";
            table.fault("addresses", format!("{address:?}"), expected, self.problems);
        }
        let user = table.string("user", self.problems);
        let password = Secret::read(table, self.folder, self.problems);
        if addresses.is_empty() && (user.is_none() || password.is_none()) {
            let expected = "addresses, or user and password, or both";
            table.fault("addresses", "neither addresses nor a password", expected, self.problems);
        }
        let registration = table.table("register", self.problems);
        let register = registration.and_then(|register| self.registration(&register));
        Some(Trunk {
            id: TrunkId(table.required_string("id", self.problems)?),
            addresses,
            user,
            password,
            public_address: self.address(table, "public_address"),
            codecs: self.codecs(table),
            language: self.language(table),
            register,
        })
    }

    fn registration(&mut self, table: &Table) -> Option<TrunkRegistration> {
        let registrar = table.required_string("registrar", self.problems);
        let expires_s = table.integer_in("expires_s", 60..=86_400, 600, self.problems) as u32;
        table.finish(self.problems);
        let registrar = registrar?;
        if !registrar.starts_with("sip:") {
            let found = format!("{registrar:?}");
            table.fault("registrar", found, "an address such as \"sip:host\"", self.problems);
        }
        Some(TrunkRegistration { registrar, expires_s })
    }

    fn codecs(&mut self, table: &Table) -> Vec<Codec> {
        let names = table.strings("codecs", self.problems);
        let mut codecs = Vec::new();
        for name in &names {
            match CODECS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, codec)) => codecs.push(*codec),
                None => {
                    let expected = "PCMU, PCMA or G722";
                    table.fault("codecs", format!("{name:?}"), expected, self.problems);
                }
            }
        }
        if names.is_empty() { CODECS.iter().map(|(_, codec)| *codec).collect() } else { codecs }
    }

    fn number(&mut self, table: &Table) -> Option<Number> {
        let has_consent = table.has("consent");
        let consent = table.choice("consent", &CONSENT, ConsentMode::Notice, self.problems);
        Some(Number {
            dialled: table.required_string("dialled", self.problems)?,
            language: self.language(table),
            consent: has_consent.then_some(consent),
        })
    }

    fn agent(&mut self, table: &Table) -> Option<Agent> {
        let id = table.required_string("id", self.problems);
        let contact = table.string("contact", self.problems);
        let password = Secret::read(table, self.folder, self.problems);
        if let Some(contact) = &contact
            && !contact.starts_with("sip:")
        {
            let expected = "a SIP address such as \"sip:anna@192.0.2.9\"";
            table.fault("contact", format!("{contact:?}"), expected, self.problems);
        }
        let browser = table.bool_or("browser", false, self.problems);
        if contact.is_none() && password.is_none() && !browser {
            let expected = "a contact, a password for the agent's phone to register with, \
                            or browser = true";
            table.fault("contact", "neither contact nor password", expected, self.problems);
        }
        let languages = table.strings("languages", self.problems);
        let mut known = Vec::new();
        for code in &languages {
            match Language::new(code) {
                Some(language) => known.push(language),
                None => {
                    let expected = "codes such as \"en\"";
                    table.fault("languages", format!("{code:?}"), expected, self.problems);
                }
            }
        }
        let name = table.string("name", self.problems);
        let skills = table.strings("skills", self.problems).into_iter().map(Skill).collect();
        let attach_transcript = table.bool_or("attach_transcript", false, self.problems);
        let id = id?;
        Some(Agent {
            name: name.unwrap_or_else(|| id.clone()),
            id: AgentId(id),
            skills,
            languages: if languages.is_empty() { vec![Language::english()] } else { known },
            contact,
            password,
            attach_transcript,
            browser,
        })
    }

    fn customer(&mut self, table: &Table) -> Option<Customer> {
        Some(Customer {
            number: table.required_string("number", self.problems)?,
            name: table.string("name", self.problems),
            vip: table.bool_or("vip", false, self.problems),
            handling: table.choice("handling", &HANDLING, Handling::Automatic, self.problems),
        })
    }

    fn media(&mut self, table: &Table) -> Media {
        let default = Media::default();
        let mut port = |key, default: u16| {
            table.integer_in(key, 1_024..=65_534, i64::from(default), self.problems) as u16
        };
        let rtp_ports =
            (port("rtp_port_min", default.rtp_ports.0), port("rtp_port_max", default.rtp_ports.1));
        let mut ms = |key, default: u32| {
            table.integer_in(key, 20..=500, i64::from(default), self.problems) as u32
        };
        let jitter_ms_min = ms("jitter_ms_min", default.jitter_ms_min);
        let jitter_ms_max = ms("jitter_ms_max", default.jitter_ms_max);
        if rtp_ports.1.saturating_sub(rtp_ports.0) < 10 {
            let expected = "at least 10 more than rtp_port_min";
            table.fault("rtp_port_max", rtp_ports.1, expected, self.problems);
        }
        if jitter_ms_max < jitter_ms_min {
            let expected = "at least jitter_ms_min";
            table.fault("jitter_ms_max", jitter_ms_max, expected, self.problems);
        }
        Media { rtp_ports, jitter_ms_min, jitter_ms_max }
    }

    fn understanding(&mut self, table: &Table) -> Understanding {
        let default = Understanding::default().embedding;
        let others = ["auto", "off"];
        Understanding { embedding: self.model(table, "embedding", &default, "embedding", &others) }
    }

    fn voice(&mut self, table: &Table) -> Voice {
        let voice = Voice {
            engine: table.choice("engine", &ENGINES, VoiceEngine::Piper, self.problems),
            model: self.model(table, "model", &Voice::default().model, "voice", &[]),
            url: table.string("url", self.problems),
            cache: self.path(table, "cache", "data/voice-cache"),
        };
        if voice.engine == VoiceEngine::Http && voice.url.is_none() {
            let expected = "the address of the speech server, as the engine is \"http\"";
            table.fault("url", "nothing", expected, self.problems);
        }
        voice
    }

    fn recording(&mut self, table: &Table) -> Recording {
        Recording {
            on: table.bool_or("on", true, self.problems),
            consent: table.choice("consent", &CONSENT, ConsentMode::Notice, self.problems),
            folder: self.path(table, "folder", "data/recordings"),
            quota_mib: table.integer_in("quota_mib", 1..=100_000_000, 10_240, self.problems) as u64,
        }
    }

    fn transfer(&mut self, table: &Table) -> Transfer {
        Transfer {
            ring: self.seconds(table, "ring_s", 120, 15),
            briefing: self.seconds(table, "briefing_s", 120, 15),
            tries_max: table.integer_in("tries_max", 1..=50, 5, self.problems) as u32,
            queue_wait_max: self.seconds(table, "queue_wait_max_s", 7_200, 300),
            queue_max: table.integer_in("queue_max", 0..=10_000, 50, self.problems) as usize,
            wrap_up: self.seconds(table, "wrap_up_s", 3_600, 30),
        }
    }

    fn desk(&mut self, table: &Table) -> Desk {
        let default = Desk::default();
        let mut texts = |key: &str, default: Vec<String>| {
            let given = table.strings(key, self.problems);
            if given.is_empty() { default } else { given }
        };
        Desk {
            breaks: texts("breaks", default.breaks),
            declines: texts("declines", default.declines),
            codes: texts("codes", default.codes),
        }
    }

    fn store(&mut self, table: &Table) -> Store {
        Store {
            file: self.path(table, "file", "data/warmline.db"),
            retention_days: table.integer_in("retention_days", 1..=36_500, 30, self.problems)
                as u32,
        }
    }

    fn web(&mut self, table: &Table) -> Web {
        let default = Web::default();
        let listen = table.string("listen", self.problems).map(|text| (text.parse().ok(), text));
        let listen = match listen {
            None => default.listen,
            Some((Some(address), _)) => address,
            Some((None, text)) => {
                let expected = "an address and port such as \"127.0.0.1:8080\"";
                table.fault("listen", format!("{text:?}"), expected, self.problems);
                default.listen
            }
        };
        let public_url = table.string("public_url", self.problems);
        if let Some(url) = &public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            let expected = "an address such as \"https://calls.example.org\"";
            table.fault("public_url", format!("{url:?}"), expected, self.problems);
        }
        let next_free_port = table.bool_or("next_free_port", false, self.problems);
        let mut file = |name| table.string(name, self.problems).map(|path| self.folder.join(path));
        let (pages, certificate, key) = (file("pages"), file("certificate"), file("key"));
        let certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                table.fault("key", "nothing", "the certificate's key, a PEM file", self.problems);
                None
            }
            (None, Some(_)) => {
                let expected = "the key's certificate, a PEM file";
                table.fault("certificate", "nothing", expected, self.problems);
                None
            }
        };
        let scheme = if certificate.is_some() { "https" } else { "http" };
        Web {
            listen,
            public_url: public_url.unwrap_or_else(|| format!("{scheme}://{listen}")),
            next_free_port,
            pages,
            certificate,
        }
    }
}

/// An IP address, or one with a prefix length that fits it.
fn is_network(text: &str) -> bool {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|length| length <= bits))
}

#[cfg(test)]
mod tests;
