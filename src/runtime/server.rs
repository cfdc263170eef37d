//! Starts the whole, says when it is ready, and stops it politely.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{broadcast, oneshot};

use crate::call::event::Event;
use crate::config::{Config, Problems};
use crate::desk::{Agent, Desk};
use crate::media;
use crate::publish::Metrics;
use crate::sip::{self, AcceptAnyone, StartError};
use crate::speech::hear::listener::ListenerSettings;
use crate::speech::hear::pool::Figures;
use crate::store::{Store, StoreSettings};
use crate::web::{self, WebSettings, WebState};

use super::ahead;
use super::browser::{Browsers, Door};
use super::clips::Clips;
use super::desk;
use super::desk::pages::Pages;
use super::dispatch;
use super::ears::Ears;
use super::live::{LiveFact, LivePages};
use super::shared::{Inbound, Shared, locked};
use super::speech;
use super::tables::{LiveTables, Snapshot, Tables, WATCH_EVERY};

/// Ports that are tried after one that is taken.
const PORTS_TRIED: u16 = 50;
/// How long running calls go on after a request to stop.
pub const DRAIN: Duration = Duration::from_secs(30);
/// Facts that a slow watcher may be behind.
const LIVE_MAX: usize = 4_096;
const RETENTION_EVERY: Duration = Duration::from_secs(3_600);
const FIGURES_EVERY: Duration = Duration::from_secs(1);
/// Providers that are told that we go answer within this time, or never know.
const LINES_LEFT_MAX: Duration = Duration::from_secs(2);

/// Why nothing was started, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartFault(pub String);

impl From<std::io::Error> for StartFault {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// What a start may add to the configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub accept_anyone: AcceptAnyone,
    /// Draw a progress bar while prompts are rendered.
    pub visible: bool,
}

/// The running server.
pub struct Server {
    shared: Arc<Shared>,
    pub web: SocketAddr,
    /// Shown once, at the first start.
    pub admin_password: Option<String>,
    stop_web: Option<oneshot::Sender<()>>,
}

impl Server {
    /// Starts everything; when it returns a call can come.
    pub async fn start(config: Config, options: Options) -> Result<Server, StartFault> {
        super::handles::raise(config.sip.calls_max);
        // What changes from here on is read again.
        let seen = config.tables.as_deref().map(Snapshot::of);
        let tables = Tables::load(&config)?.with_embedding(&config).map_err(fault)?;
        let store = open_store(&config)?;
        let folder = config.speech.models_folder.clone();
        let whisper = speech::whisper(&config.speech.model, folder.as_deref()).map_err(fault)?;
        let second = speech::end_of_turn(&config.speech.end_of_turn, folder.as_deref());
        let second = second.map_err(fault)?;
        let listening =
            ListenerSettings { second_voice: second.is_some(), ..ListenerSettings::default() };
        let pool = Arc::new(speech::pool(whisper, config.speech.workers, second).map_err(fault)?);
        let prompts = config.tables.as_ref().map(|tables| tables.join("prompts"));
        let studio = speech::studio(&config.voice, folder.as_deref(), prompts)?;
        ahead::render_at_start(&studio, &config, &tables, options.visible).await;
        if config.recording.on {
            let mended = media::wav::repair(&config.recording.folder).unwrap_or_default();
            for file in mended {
                tracing::info!(file = %file.display(), "a recording was mended");
            }
        }
        let media = media::Engine::start(media_settings(&config))?;
        let tables = Arc::new(LiveTables::new(tables));
        let ears = Ears::start(media.bell(), pool.clone(), tables.clone(), listening)?;
        let (sip, events) = start_sip(&config, options)?;
        let certificate = certificate(&config)?;
        let listener = bind_web(&config).await?;
        // Nothing can fail any more: a password that is made is shown.
        let admin_password = crate::store::users::ensure_admin(&store).await.map_err(fault)?;
        let web = listener.local_addr()?;
        let public_url = match config.web.listen == web {
            true => config.web.public_url.clone(),
            false => {
                config.web.public_url.replace(&config.web.listen.to_string(), &web.to_string())
            }
        };
        let (live, _) = broadcast::channel(LIVE_MAX);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap_or_default();
        let knowledge = tables.get().knowledge.clone();
        let pages = Pages::new(
            config.company.name.clone(),
            config.desk.clone(),
            config.agents.iter().map(|agent| agent.id.clone()),
            knowledge.clone(),
            store.clone(),
            http.clone(),
        );
        let browsers = Browsers::new(&config, web);
        let shared = Arc::new_cyclic(|weak: &std::sync::Weak<Shared>| {
            let weak = weak.clone();
            let desk = desk::start(desk_of(&config), pages.clone(), move |call, event| {
                let told = weak.upgrade().is_some_and(|shared| shared.tell(call, event.clone()));
                if !told
                    && let Event::Reserved { agent, .. } = event
                    && let Some(shared) = weak.upgrade()
                {
                    // The call is gone: the agent is free at once.
                    let outcome = crate::call::command::AgentOutcome::Withdrawn;
                    let message = desk::DeskMessage::Release(call.clone(), agent, outcome);
                    shared.desk.send(message);
                }
            });
            Shared {
                config,
                sip,
                media,
                studio,
                ears,
                desk,
                store,
                metrics: Arc::new(Metrics::default()),
                http,
                pages,
                tables,
                browsers,
                public_url,
                calls: Mutex::new(HashMap::new()),
                by_leg: Mutex::new(HashMap::new()),
                active: Mutex::new(HashMap::new()),
                clips: Clips::default(),
                live,
                draining: AtomicBool::new(false),
                broken_phones: Mutex::default(),
            }
        });
        let reached = Arc::downgrade(&shared);
        shared.pages.reach_calls(move |call, event| {
            reached.upgrade().is_some_and(|shared| shared.tell(call, event))
        });
        shared.pages.restored(shared.store.recovered()).await;
        let stop_web = serve_web(&shared, (listener, certificate), web);
        tokio::spawn(dispatch::run(shared.clone(), events));
        tokio::spawn(crate::store::retention::keep_sweeping(shared.store.clone(), RETENTION_EVERY));
        tokio::spawn(figures(shared.clone(), pool));
        tokio::spawn(keep_reloading(shared.clone(), seen));
        Ok(Server { shared, web, admin_password, stop_web: Some(stop_web) })
    }

    /// Makes sure that the agent `agent` can log in; answers with a new password.
    pub async fn agent_login(&self, agent: &str) -> Result<String, StartFault> {
        let store = &self.shared.store;
        let password = crate::store::tokens::draw();
        let role = crate::store::users::Role::Agent;
        match crate::store::users::add(store, agent, &password, role, None).await {
            Ok(()) => {}
            Err(crate::store::StoreFault::Refused(_)) => {
                crate::store::users::set_password(store, agent, &password).await.map_err(fault)?;
            }
            Err(error) => return Err(fault(error)),
        }
        Ok(password)
    }

    pub fn sip_udp(&self) -> Option<SocketAddr> {
        self.shared.sip.udp_address()
    }

    pub fn sip_tcp(&self) -> Option<SocketAddr> {
        self.shared.sip.tcp_address()
    }

    /// Every fact of every call from now on.
    pub fn watch(&self) -> broadcast::Receiver<LiveFact> {
        self.shared.live.subscribe()
    }

    /// Takes nothing new, lets calls end, then stops.
    pub async fn stop(mut self, patience: Duration) {
        let shared = self.shared.clone();
        shared.draining.store(true, Ordering::Relaxed);
        shared.sip.drain();
        wait_for_calls(&shared, patience).await;
        let inboxes: Vec<_> =
            locked(&shared.calls).values().map(|entry| entry.inbox.clone()).collect();
        for inbox in &inboxes {
            let _ = inbox.try_send(Inbound::Event(Event::Draining));
        }
        wait_for_calls(&shared, Duration::from_secs(8)).await;
        for inbox in &inboxes {
            let _ = inbox.try_send(Inbound::Abort);
        }
        wait_for_calls(&shared, Duration::from_secs(3)).await;
        if let Some(stop) = self.stop_web.take() {
            let _ = stop.send(());
        }
        shared.sip.lines_left(LINES_LEFT_MAX).await;
        shared.sip.stop();
        if let Err(error) = shared.store.close().await {
            tracing::error!(%error, "the store did not close well");
        }
    }
}

async fn wait_for_calls(shared: &Shared, longest: Duration) {
    let until = Instant::now() + longest;
    while Instant::now() < until && !locked(&shared.calls).is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn fault(error: impl std::fmt::Display) -> StartFault {
    StartFault(error.to_string())
}

impl From<Problems> for StartFault {
    fn from(problems: Problems) -> Self {
        Self(problems.to_string())
    }
}

/// Trains the classifier beside the calls, then reads the tables again whenever a file of theirs
/// changes or SIGHUP asks for it.
async fn keep_reloading(shared: Arc<Shared>, seen: Option<Snapshot>) {
    use tokio::signal::unix::{SignalKind, signal};
    // First of all, for an unheard SIGHUP ends the process.
    let asked = signal(SignalKind::hangup());
    ahead::keep_fillers(&shared).await;
    train(&shared).await;
    let (Some(folder), Ok(mut asked)) = (shared.config.tables.clone(), asked) else { return };
    let mut watch = tokio::time::interval(WATCH_EVERY);
    let mut seen = seen.unwrap_or_default();
    loop {
        let by_hand = tokio::select! {
            _ = asked.recv() => true,
            _ = watch.tick() => false,
        };
        let now = Snapshot::of(&folder);
        if !by_hand && now == seen {
            continue;
        }
        seen = now;
        let reader = shared.clone();
        let work = move || reader.tables.reload(&reader.config);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(took)) => {
                tracing::info!(ms = took.as_millis() as u64, "the tables were read again");
                let tables = shared.tables.get();
                train(&shared).await;
                let spoken = ahead::languages(&shared.config, &tables);
                let texts = ahead::texts(&shared.config, &tables, &spoken);
                ahead::render(&shared.studio, texts, false).await;
                ahead::keep_fillers(&shared).await;
            }
            Ok(Err(problems)) => {
                tracing::error!(faults = problems.len(), "the old tables stay:\n{problems}");
            }
            Err(error) => tracing::error!(%error, "reading the tables broke off"),
        }
    }
}

async fn train(shared: &Arc<Shared>) {
    let trainer = shared.clone();
    let began = std::time::Instant::now();
    if let Ok(true) = tokio::task::spawn_blocking(move || trainer.tables.train()).await {
        tracing::info!(ms = began.elapsed().as_millis() as u64, "the intents were learned");
    }
}

/// Where the store of a configuration lies.
pub fn store_settings(config: &Config) -> StoreSettings {
    StoreSettings {
        file: config.store.file.clone(),
        recordings: config.recording.folder.clone(),
        retention_days: config.store.retention_days,
        wrap_up: config.transfer.wrap_up,
    }
}

fn open_store(config: &Config) -> Result<Store, StartFault> {
    let store = Store::open(store_settings(config)).map_err(fault)?;
    for call in store.recovered() {
        tracing::warn!(%call, "was running when the process ended: closed as system_failure");
    }
    Ok(store)
}

fn media_settings(config: &Config) -> media::Settings {
    let bind = config.sip.udp.or(config.sip.tcp).map(|address| address.ip());
    let (from, to) = config.media.rtp_ports;
    media::Settings {
        bind: bind.unwrap_or(IpAddr::from([0, 0, 0, 0])),
        ports: from..=to,
        inbound: media::InboundSettings {
            jitter_min_ms: config.media.jitter_ms_min,
            jitter_max_ms: config.media.jitter_ms_max,
            ..media::InboundSettings::default()
        },
        country: config.company.country.clone(),
        recordings: config.recording.on.then(|| config.recording.folder.clone()),
        recordings_quota_bytes: Some(config.recording.quota_mib << 20),
        ..media::Settings::default()
    }
}

type SipStarted = (sip::EndpointHandle, tokio::sync::mpsc::Receiver<sip::SipEvent>);

fn start_sip(config: &Config, options: Options) -> Result<SipStarted, StartFault> {
    let mut settings = sip_settings(config, options);
    for _ in 0..PORTS_TRIED {
        match sip::Endpoint::start(settings.clone(), &tokio::runtime::Handle::current()) {
            Err(StartError::PortInUse { transport, address }) if config.sip.next_free_port => {
                let port = address.port() + 2;
                tracing::warn!("{transport} {address} is in use by another program: trying {port}");
                for address in [&mut settings.udp, &mut settings.tcp].into_iter().flatten() {
                    address.set_port(port);
                }
            }
            started => return started.map_err(fault),
        }
    }
    Err(StartFault("no free SIP port was found".into()))
}

fn sip_settings(config: &Config, options: Options) -> sip::Settings {
    let secret = |secret: &crate::config::Secret| sip::Secret::new(secret.reveal());
    let trunks = config.trunks.iter().map(|trunk| {
        let mut settings = sip::TrunkSettings::new(trunk.id.as_str());
        settings.addresses =
            trunk.addresses.iter().filter_map(|text| sip::Cidr::parse(text)).collect();
        settings.public_address = trunk.public_address;
        settings.codecs = trunk.codecs.clone();
        if let (Some(user), Some(password)) = (&trunk.user, &trunk.password) {
            let (user, password) = (user.clone(), secret(password));
            settings.register = trunk.register.as_ref().map(|register| sip::RegisterSettings {
                registrar: register.registrar.clone(),
                user: user.clone(),
                password: password.clone(),
                expires_s: register.expires_s,
            });
            settings.credentials = Some(sip::Credentials { user, password });
        }
        settings
    });
    let phones = config.agents.iter().filter_map(|agent| {
        Some(sip::PhoneSettings {
            user: agent.id.to_string(),
            password: secret(agent.password.as_ref()?),
            agent: agent.id.clone(),
        })
    });
    sip::Settings {
        udp: config.sip.udp,
        tcp: config.sip.tcp,
        public_address: config.sip.public_address,
        trunks: trunks.collect(),
        phones: phones.collect(),
        accept_anyone: options.accept_anyone,
        calls_max: config.sip.calls_max,
        session_expires_s: config.sip.session_expires_s,
        ..sip::Settings::default()
    }
}

fn desk_of(config: &Config) -> Desk {
    let settings = crate::desk::Settings {
        queue_max: config.transfer.queue_max,
        wrap_up: config.transfer.wrap_up,
        ..crate::desk::Settings::default()
    };
    let agents = config.agents.iter().map(|agent| {
        let (id, name) = (agent.id.clone(), agent.name.clone());
        let mut one = Agent::new(id, name, agent.skills.clone(), agent.languages.clone());
        if agent.contact.is_none() {
            // Until the phone registers.
            one.phone = false;
        }
        one
    });
    Desk::new(settings, agents.collect())
}

async fn bind_web(config: &Config) -> Result<TcpListener, StartFault> {
    let mut address = config.web.listen_at();
    if address != config.web.listen {
        tracing::warn!(
            "web: only this machine is served, not {}: browsers give a microphone to HTTPS alone, \
             and passwords go by it. Set [web] certificate and key, or a proxy before us and \
             public_url = \"https://…\"",
            config.web.listen
        );
    }
    for _ in 0..PORTS_TRIED {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse && config.web.next_free_port =>
            {
                tracing::warn!("web {address} is in use by another program: trying the next");
                address.set_port(address.port() + 1);
            }
            Err(error) => return Err(StartFault(format!("web {address}: {error}"))),
        }
    }
    Err(StartFault("no free web port was found".into()))
}

/// The operator's certificate, if one is set.
fn certificate(config: &Config) -> Result<Option<Arc<web::Certificate>>, StartFault> {
    let Some((certificate, key)) = &config.web.certificate else { return Ok(None) };
    let read = web::Certificate::load(certificate, key);
    read.map(|one| Some(Arc::new(one))).map_err(|fault| StartFault(format!("web: {fault}")))
}

fn serve_web(
    shared: &Arc<Shared>,
    (listener, certificate): (TcpListener, Option<Arc<web::Certificate>>),
    at: SocketAddr,
) -> oneshot::Sender<()> {
    let zone = jiff::tz::TimeZone::get(&shared.config.company.time_zone);
    let mut settings = WebSettings::listening_on(at, &shared.public_url);
    settings.pages = shared.config.web.pages.clone();
    settings.company = shared.config.company.name.clone();
    settings.time_zone = zone.unwrap_or(jiff::tz::TimeZone::UTC);
    let router = web::router(WebState {
        store: shared.store.clone(),
        metrics: shared.metrics.clone(),
        live: Arc::new(LivePages(shared.clone())),
        browsers: Some(Arc::new(Door(shared.clone()))),
        settings,
    });
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(async move {
        let shutdown = async {
            let _ = stopped.await;
        };
        web::serve(listener, certificate, router, shutdown).await;
    });
    stop
}

/// Carries figures of the rooms into the metrics, once a second.
async fn figures(shared: Arc<Shared>, pool: Arc<crate::speech::hear::pool::Pool>) {
    let (mut late, mut sent) = (0, 0);
    let mut before = Figures::default();
    loop {
        tokio::time::sleep(FIGURES_EVERY).await;
        let media = shared.media.metrics();
        shared.metrics.frames_late.add(media.late_frames.saturating_sub(late));
        shared.metrics.frames_sent.add(media.packets_out.saturating_sub(sent));
        (late, sent) = (media.late_frames, media.packets_out);
        shared.metrics.frame_lateness_p99_us.set(media.late_p99.as_micros() as i64);
        shared.metrics.frame_lateness_max_us.set(media.late_max.as_micros() as i64);
        let decodes = pool.figures();
        shared.metrics.decode_queue.set(decodes.waiting_all() as i64);
        let metrics = &shared.metrics;
        metrics.decode_shed.add(decodes.shed.saturating_sub(before.shed));
        metrics.decode_overruns.add(decodes.overrun.saturating_sub(before.overrun));
        before = decodes;
        shared.metrics.queue_waiting.set(i64::from(shared.desk.view().waiting));
    }
}

/// The operator's folder of prompts, for tools.
pub fn prompts_folder(config: &Config) -> Option<PathBuf> {
    config.tables.as_ref().map(|tables| tables.join("prompts"))
}
