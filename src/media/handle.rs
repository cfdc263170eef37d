//! Handles: what the runtime holds of a call's media and of its legs. Every method returns at
//! once; the change happens at the call's next tick, at most 20 ms later. Dropping a handle
//! closes what it stands for.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rand::Rng;
use thiserror::Error;
use tokio::sync::mpsc::Sender;

use crate::base::ids::{LegId, PlayId};
use crate::base::key::Key;
use crate::base::moment::Moment;
use crate::base::session::{Codec, MediaPlan};
use crate::call::command::{GiveWay, Recording, Route};

use super::clip::Clip;
use super::codec::is_supported;
use super::engine::{Inner, SharedStats};
use super::event::{MediaEvent, RecordingFailure};
use super::limits::LEGS_PER_CALL_MAX;
use super::outbound::Seeds;
use super::pacer::{Change, Command, Line};
use super::pipe::{PipeIn, PipeOut, pipe};
use super::player::{PlayStream, Sound};
use super::ports::PortError;
use super::recorder::Message;
use super::stats::LegStats;
use super::tap::{Tap, tap};

/// Why a leg could not be opened.
#[derive(Debug, Error)]
pub enum OpenLegError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error("a call has at most 8 legs")]
    TooManyLegs,
}

/// Why a plan was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    #[error("the codec {0:?} is not built in")]
    UnsupportedCodec(Codec),
}

/// The pacing thread of a call, and how many calls it has.
type Commands = (SyncSender<Command>, Arc<AtomicUsize>);

/// What the handles of one call share; the last of them closes the call.
#[derive(Debug)]
pub(super) struct CallShared {
    /// Keeps the engine's threads alive.
    engine: Arc<Inner>,
    key: u64,
    name: String,
    commands: Option<Commands>,
    events: Sender<MediaEvent>,
    legs: AtomicUsize,
    caller_codec: Mutex<Option<Codec>>,
    recording: Mutex<RecordingState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RecordingState {
    NotBegun,
    On,
    Over,
}

impl CallShared {
    pub fn new(
        engine: Arc<Inner>,
        key: u64,
        name: &str,
        commands: Option<Commands>,
        events: Sender<MediaEvent>,
    ) -> Self {
        Self {
            engine,
            key,
            name: name.to_owned(),
            commands,
            events,
            legs: AtomicUsize::new(0),
            caller_codec: Mutex::new(None),
            recording: Mutex::new(RecordingState::NotBegun),
        }
    }

    pub fn send(&self, command: Command) {
        if let Some((commands, _)) = &self.commands {
            // Full only if 4,096 changes came within a tick: then this waits for that tick.
            let _ = commands.send(command);
        }
    }

    fn change(&self, change: Change) {
        self.send(Command::Change { key: self.key, change });
    }
}

impl Drop for CallShared {
    fn drop(&mut self) {
        self.send(Command::CloseCall { key: self.key });
        if let Some((_, calls)) = &self.commands {
            calls.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// One call's media: its legs are all ticked together.
#[derive(Clone, Debug)]
pub struct CallMedia {
    shared: Arc<CallShared>,
}

impl CallMedia {
    pub(super) fn new(shared: Arc<CallShared>) -> Self {
        Self { shared }
    }

    /// Opens a leg on a random even port. It sends and receives nothing before its plan.
    ///
    /// # Errors
    /// [`OpenLegError`] if no port is free, or the call has 8 legs.
    pub fn open_leg(&self, leg: LegId) -> Result<LegHandle, OpenLegError> {
        self.take_place()?;
        let sockets = self.shared.engine.common.ports.open(Instant::now()).inspect_err(|_| {
            self.shared.legs.fetch_sub(1, Ordering::Relaxed);
        })?;
        let port = sockets.port;
        Ok(self.open_line(leg, Line::Sockets(sockets), port))
    }

    /// Opens a leg whose packets come and go in memory; its plan names
    /// [`super::pipe::ADDRESS`] as the peer. Whether the peer is there, its connection knows:
    /// silence of a piped leg is not watched.
    ///
    /// # Errors
    /// [`OpenLegError`] if the call has 8 legs.
    pub fn open_piped_leg(&self, leg: LegId) -> Result<(LegHandle, PipeIn, PipeOut), OpenLegError> {
        self.take_place()?;
        let (line, inward, outward) = pipe();
        let handle = self.open_line(leg, Line::Pipe(line), 0);
        handle.set_watched(false);
        Ok((handle, inward, outward))
    }

    fn take_place(&self) -> Result<(), OpenLegError> {
        if self.shared.legs.fetch_add(1, Ordering::Relaxed) >= LEGS_PER_CALL_MAX {
            self.shared.legs.fetch_sub(1, Ordering::Relaxed);
            return Err(OpenLegError::TooManyLegs);
        }
        Ok(())
    }

    fn open_line(&self, leg: LegId, line: Line, port: u16) -> LegHandle {
        let mut random = rand::rng();
        let seeds =
            Seeds { ssrc: random.random(), sequence: random.random(), timestamp: random.random() };
        let stats = SharedStats::default();
        self.shared.change(Change::OpenLeg { leg, line, seeds, stats: stats.clone() });
        LegHandle { shared: self.shared.clone(), id: leg, port, codec: Mutex::new(None), stats }
    }

    /// What each leg hears besides its prompts, all in one tick.
    pub fn set_routes(&self, routes: &[(LegId, Route)]) {
        self.shared.change(Change::Routes(routes.to_vec()));
    }

    /// Who hears whom, for more than two parties, all in one tick: three-way, whisper, listener.
    /// A leg that is not named keeps what it had.
    pub fn set_hearing(&self, hearing: &[(LegId, Vec<LegId>)]) {
        self.shared.change(Change::Hearing(hearing.to_vec()));
    }

    /// Starts, pauses, resumes or ends the recording. Starting twice, or after the end, does
    /// nothing. Paused time is silence in the file, so that its times stay those of the call.
    pub fn record(&self, how: Recording) {
        let mut state = self.shared.recording.lock().unwrap_or_else(PoisonError::into_inner);
        match (how, *state) {
            (Recording::Start, RecordingState::NotBegun) => {
                *state = if self.start_tape() { RecordingState::On } else { RecordingState::Over };
            }
            (Recording::Pause { .. }, RecordingState::On) => {
                self.shared.change(Change::PauseTape(true))
            }
            (Recording::Resume, RecordingState::On) => self.shared.change(Change::PauseTape(false)),
            (Recording::Stop, _) => {
                *state = RecordingState::Over;
                self.shared.change(Change::StopTape);
            }
            (Recording::Start | Recording::Pause { .. } | Recording::Resume, _) => {}
        }
    }

    /// Silences what was recorded from `from` to `to`, on both sides: card data that was
    /// noticed only after it was said.
    pub fn erase_recording(&self, from: Moment, to: Moment) {
        self.shared.change(Change::Erase { from, to });
    }

    fn start_tape(&self) -> bool {
        let shared = &self.shared;
        let Some(recorder) = &shared.engine.recorder else {
            let why = RecordingFailure::NoRecorder;
            let _ = shared.events.try_send(MediaEvent::RecordingFailed { why });
            return false;
        };
        let codec = *shared.caller_codec.lock().unwrap_or_else(PoisonError::into_inner);
        let rate_hz = codec.map_or(8_000, Codec::sample_rate_hz);
        let (id, name, events) = (shared.key, shared.name.clone(), shared.events.clone());
        let recorder = recorder.sender();
        let _ = recorder.send(Message::Open { id, name, rate_hz, events });
        shared.change(Change::StartTape { id, rate_hz, recorder });
        true
    }
}

/// One leg's media.
#[derive(Debug)]
pub struct LegHandle {
    shared: Arc<CallShared>,
    id: LegId,
    port: u16,
    codec: Mutex<Option<Codec>>,
    stats: SharedStats,
}

impl LegHandle {
    pub fn id(&self) -> LegId {
        self.id
    }

    /// The RTP port for our SDP; RTCP is one above. 0 for a piped leg.
    pub fn local_port(&self) -> u16 {
        self.port
    }

    /// The agreed media, also after a re-INVITE: a new address, another codec, hold.
    ///
    /// # Errors
    /// [`PlanError`] if the codec is not built in; the leg stays as it was.
    pub fn set_plan(&self, plan: MediaPlan) -> Result<(), PlanError> {
        if !is_supported(plan.codec) {
            return Err(PlanError::UnsupportedCodec(plan.codec));
        }
        *self.codec.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan.codec);
        if self.id == LegId::CALLER {
            let mut caller =
                self.shared.caller_codec.lock().unwrap_or_else(PoisonError::into_inner);
            *caller = Some(plan.codec);
        }
        self.shared.change(Change::Plan { leg: self.id, plan: Box::new(plan) });
        Ok(())
    }

    /// The codec of the last plan.
    pub fn codec(&self) -> Option<Codec> {
        *self.codec.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host that the peer's signalling came from: a peer behind a NAT may send from there
    /// although its SDP says otherwise. Call it before the plan.
    pub fn set_signalling_host(&self, host: IpAddr) {
        self.shared.change(Change::SignallingHost { leg: self.id, host });
    }

    /// Whether silence of the peer is noticed (it is, from the plan on); off while it only rings.
    pub fn set_watched(&self, on: bool) {
        self.shared.change(Change::Watch { leg: self.id, on });
    }

    /// Plays after what plays now; `PlayEnded` follows, once.
    pub fn play(&self, play: PlayId, clip: Arc<Clip>) {
        if let Some(codec) = self.codec() {
            clip.prepare(codec);
        }
        self.shared.change(Change::Play { leg: self.id, play, sound: Sound::Clip(clip) });
    }

    /// Plays sentences as they are rendered, after what plays now.
    pub fn play_stream(&self, play: PlayId, stream: PlayStream) {
        self.shared.change(Change::Play { leg: self.id, play, sound: Sound::Stream(stream) });
    }

    /// Stops all that plays or waits, within a frame.
    pub fn stop_playing(&self) {
        self.shared.change(Change::StopPlaying { leg: self.id });
    }

    /// Lowers what plays by 15 dB, or keeps it silent where it is, while somebody may be speaking
    /// over it; or lets it go on.
    pub fn give_way(&self, how: GiveWay) {
        self.shared.change(Change::GiveWay { leg: self.id, how });
    }

    /// Sends a key by RFC 4733, where the plan has telephone-event; otherwise nothing.
    pub fn send_digit(&self, key: Key) {
        self.shared.change(Change::SendDigit { leg: self.id, key });
    }

    /// The frames that come from this leg, losses concealed. A new tap replaces the old one.
    pub fn tap_heard(&self) -> Tap {
        let (writer, reader) = tap();
        self.shared.change(Change::TapHeard { leg: self.id, tap: writer });
        reader
    }

    /// The frames that are sent to this leg: the echo's reference.
    pub fn tap_played(&self) -> Tap {
        let (writer, reader) = tap();
        self.shared.change(Change::TapPlayed { leg: self.id, tap: writer });
        reader
    }

    /// Figures, at most a second old.
    pub fn stats(&self) -> LegStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the leg: RTCP BYE, `PlayEnded` for what waited, `LegClosed`. The same as dropping.
    pub fn close(self) {}
}

impl Drop for LegHandle {
    fn drop(&mut self) {
        self.shared.change(Change::CloseLeg { leg: self.id });
        self.shared.legs.fetch_sub(1, Ordering::Relaxed);
    }
}
