//! The engine: a few pacing threads tick all legs of all calls every 20 ms on absolute deadlines.
//! Handles send changes to the thread that owns the call; events come back on one channel a call.

use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::Rng;
use tokio::sync::mpsc;

use crate::base::audio::Pcm;
use crate::base::session::Codec;

use super::clip::Clip;
use super::event::MediaEvent;
use super::handle::{CallMedia, CallShared};
use super::inbound::InboundSettings;
use super::limits::{COMMANDS_MAX, EVENTS_MAX, PORT_REST};
use super::metrics::{Metrics, Snapshot};
use super::mixer::{Beds, Mixer};
use super::pacer::{Command, Pacer};
use super::ports::Ports;
use super::recorder::{Folder, Recorder, RecordingStore};
use super::tap::Bell;
use super::{music, priority, tone};

/// What the runtime sets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address that the RTP sockets are bound to.
    pub bind: IpAddr,
    /// RTP ports; each leg takes an even one and the next for RTCP.
    pub ports: RangeInclusive<u16>,
    /// A released port rests so long.
    pub port_rest: Duration,
    /// Pacing threads; one carries thousands of legs.
    pub threads: usize,
    /// Jitter buffer and silence limits.
    pub inbound: InboundSettings,
    /// ISO 3166 letters, for the ringing tone.
    pub country: String,
    /// Hold music of the operator; ours if `None`.
    pub music: Option<Pcm>,
    /// Folder of the recordings; nothing can be recorded if `None`.
    pub recordings: Option<PathBuf>,
    /// Bytes that the folder may hold altogether.
    pub recordings_quota_bytes: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bind: IpAddr::from([127, 0, 0, 1]),
            ports: 16_384..=32_767,
            port_rest: PORT_REST,
            threads: 1,
            inbound: InboundSettings::default(),
            country: "US".to_owned(),
            music: None,
            recordings: None,
            recordings_quota_bytes: None,
        }
    }
}

/// The media engine. Cheap to clone; the threads end when the last clone and the last call's
/// handle are gone.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What pacing threads and handles share.
#[derive(Debug)]
pub(super) struct Common {
    pub ports: Ports,
    pub metrics: Metrics,
    pub bell: Bell,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub common: Arc<Common>,
    settings: Settings,
    beds: Beds,
    pacers: Vec<PacerThread>,
    pub recorder: Option<Recorder>,
    next_key: AtomicU64,
}

#[derive(Debug)]
struct PacerThread {
    commands: SyncSender<Command>,
    calls: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the threads, and the recorder in its folder if there is one.
    ///
    /// # Errors
    /// If a thread or the folder could not be made.
    pub fn start(settings: Settings) -> io::Result<Engine> {
        let store = match &settings.recordings {
            Some(path) => Some(Box::new(Folder::open(path)?) as Box<dyn RecordingStore>),
            None => None,
        };
        Self::start_with_store(settings, store)
    }

    /// As [`Engine::start`], with recordings kept elsewhere than in a folder.
    ///
    /// # Errors
    /// If a thread could not be made.
    pub fn start_with_store(
        settings: Settings,
        store: Option<Box<dyn RecordingStore>>,
    ) -> io::Result<Engine> {
        let recorder = match store {
            Some(store) => Some(Recorder::start(store, settings.recordings_quota_bytes)?),
            None => None,
        };
        let ports = Ports::new(settings.bind, settings.ports.clone(), settings.port_rest);
        let common = Arc::new(Common { ports, metrics: Metrics::default(), bell: Bell::default() });
        let pacers = (0..settings.threads.clamp(1, 64))
            .map(|index| PacerThread::start(index, common.clone()))
            .collect::<io::Result<Vec<_>>>()?;
        let beds = make_beds(&settings)?;
        let next_key = AtomicU64::new(1);
        let inner = Inner { common, settings, beds, pacers, recorder, next_key };
        Ok(Engine { inner: Arc::new(inner) })
    }

    /// A new call without legs, and its events. `name` names its recording (a call's id: it must
    /// be safe in a path); `began` is the zero of the call's clock.
    pub fn open_call(&self, name: &str, began: Instant) -> (CallMedia, mpsc::Receiver<MediaEvent>) {
        let inner = &self.inner;
        let key = inner.next_key.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let seed = rand::rng().random();
        let mixer = Mixer::new(began, inner.settings.inbound, inner.beds.clone(), seed);
        let pacer = inner.pacers.iter().min_by_key(|one| one.calls.load(Ordering::Relaxed));
        let commands = pacer.map(|pacer| {
            pacer.calls.fetch_add(1, Ordering::Relaxed);
            (pacer.commands.clone(), pacer.calls.clone())
        });
        let shared = CallShared::new(inner.clone(), key, name, commands, sender.clone());
        shared.send(Command::OpenCall { key, mixer: Box::new(mixer), events: sender });
        (CallMedia::new(Arc::new(shared)), receiver)
    }

    /// The figures of all calls.
    pub fn metrics(&self) -> Snapshot {
        self.inner.common.metrics.snapshot()
    }

    /// Forgets the lateness so far.
    pub fn reset_lateness(&self) {
        self.inner.common.metrics.reset_lateness();
    }

    /// Rings after each tick in which a tap got a frame; for threads that read taps.
    pub fn bell(&self) -> Bell {
        self.inner.common.bell.clone()
    }
}

impl PacerThread {
    fn start(index: usize, common: Arc<Common>) -> io::Result<Self> {
        let (commands, receiver) = sync_channel(COMMANDS_MAX);
        let thread =
            std::thread::Builder::new().name(format!("media-{index}")).spawn(move || {
                priority::raise_for_media();
                Pacer::new(common, receiver).run();
            })?;
        Ok(Self { commands, calls: Arc::default(), thread: Some(thread) })
    }
}

impl Drop for PacerThread {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Noise and ringing at once; music from a thread of its own, computed once a process.
fn make_beds(settings: &Settings) -> io::Result<Beds> {
    static NOISE: OnceLock<Arc<Clip>> = OnceLock::new();
    let noise = NOISE.get_or_init(|| prepared(tone::comfort_noise())).clone();
    let ringing = prepared(tone::ringing(&settings.country));
    let music = Arc::new(OnceLock::new());
    let (own, place) = (settings.music.clone(), music.clone());
    std::thread::Builder::new().name("music".to_owned()).spawn(move || {
        static OURS: OnceLock<Arc<Clip>> = OnceLock::new();
        priority::lower_for_speech();
        let clip = match own {
            Some(pcm) => prepared(pcm),
            None => OURS.get_or_init(|| prepared(music::hold_music())).clone(),
        };
        let _ = place.set(clip);
    })?;
    Ok(Beds { noise, music, ringing })
}

fn prepared(pcm: Pcm) -> Arc<Clip> {
    let clip = Clip::looped(pcm);
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
        clip.prepare(codec);
    }
    clip
}

/// Figures of one leg, brought up to date every second.
pub(super) type SharedStats = Arc<Mutex<super::stats::LegStats>>;
