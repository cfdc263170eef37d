//! One call's task: what happened in, the session's commands out and obeyed. Nothing else
//! touches the session.

mod browsers;
mod commands;
mod filler;
mod legs;
mod plays;
pub mod signal;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::caller::CallerInfo;
use crate::base::ids::{AgentId, CallId, LegId, PlayId};
use crate::base::limits::COMMANDS_PER_EVENT_MAX;
use crate::base::moment::Moment;
use crate::call::event::Event;
use crate::call::steer::Steer;
use crate::call::{Output, Session, SessionSetup, TransferSetup};
use crate::desk::wire::RecordingNow;
use crate::media::{self, CallMedia, MediaEvent};
use crate::sip;
use crate::sip::sdp::LocalMedia;
use crate::store::LegRow;
use crate::web::ActiveCall;

use super::ears::NewEar;
use super::shared::{Inbound, Inbox, Shared, locked};
use super::tables::Tables;

use super::browser::captions::Captions;
use plays::Playing;
use signal::Signal;

/// One party's side, as the runtime holds it.
pub struct Leg {
    signal: Signal,
    media: media::LegHandle,
    /// What we offer; of a SIP leg alone.
    local: Option<LocalMedia>,
    /// Our answer, for the caller's leg, until it is sent.
    answer: Option<String>,
    agent: Option<AgentId>,
    held: bool,
    /// Of an agent's browser: the agent has taken the call.
    taken: bool,
    /// Of an agent's phone: it rang, or was answered.
    rang: bool,
}

impl Leg {
    pub fn caller(
        sip: sip::LegHandle,
        media: media::LegHandle,
        local: LocalMedia,
        answer: String,
    ) -> Self {
        let (signal, local, answer) = (Signal::Sip(sip), Some(local), Some(answer));
        let (agent, held, taken, rang) = (None, false, true, true);
        Self { signal, media, local, answer, agent, held, taken, rang }
    }

    /// A caller in a browser: its offer is answered already.
    pub fn browser_caller(signal: Signal, media: media::LegHandle) -> Self {
        let (local, answer, agent) = (None, None, None);
        Self { signal, media, local, answer, agent, held: false, taken: true, rang: true }
    }
}

/// The task's state.
pub struct CallTask {
    shared: Arc<Shared>,
    /// As they were when the call began.
    tables: Arc<Tables>,
    id: CallId,
    began: Instant,
    wall: Timestamp,
    inbox: Inbox,
    session: Session,
    media: CallMedia,
    legs: HashMap<LegId, Leg>,
    plays: HashMap<PlayId, Playing>,
    caller: CallerInfo,
    /// When the caller's last words ended, until our first sound answers them.
    awaiting_sound: Option<Moment>,
    /// When the last utterance of the caller began: card data is erased from there.
    last_words: Moment,
    person_wanted: Option<Moment>,
    /// What the caller's page is shown.
    captions: Option<Arc<Captions>>,
    /// Agents who had this call in their browser: they need not accept it a second time.
    had_it: Vec<AgentId>,
    over: bool,
}

impl CallTask {
    #[allow(clippy::too_many_arguments)] // made in one place, from as many parts
    pub fn new(
        shared: Arc<Shared>,
        id: CallId,
        began: Instant,
        wall: Timestamp,
        inbox: Inbox,
        media: CallMedia,
        leg: Leg,
        caller: CallerInfo,
    ) -> Self {
        let tables = shared.tables.get();
        let session = Session::new(session_setup(&shared, &tables, &id, wall, &caller));
        let legs = HashMap::from([(LegId::CALLER, leg)]);
        Self {
            shared,
            tables,
            id,
            began,
            wall,
            inbox,
            session,
            media,
            legs,
            plays: HashMap::new(),
            caller,
            awaiting_sound: None,
            last_words: Moment::ZERO,
            person_wanted: None,
            captions: None,
            had_it: Vec::new(),
            over: false,
        }
    }

    /// The caller's page follows the call.
    pub fn with_captions(mut self, captions: Arc<Captions>) -> Self {
        self.captions = Some(captions);
        self
    }

    fn now(&self) -> Moment {
        Moment(self.began.elapsed().as_millis() as u64)
    }

    fn wall_at(&self, at: Moment) -> Timestamp {
        self.wall.checked_add(Duration::from_millis(at.0)).unwrap_or(self.wall)
    }

    /// Runs to the call's end.
    pub async fn run(
        mut self,
        mut inbound: mpsc::Receiver<Inbound>,
        mut media_events: mpsc::Receiver<MediaEvent>,
    ) {
        tracing::info!(call = %self.id, trunk = %self.caller.trunk, "a call arrived");
        drop(self.shared.store.arrived(&self.id, self.wall, &self.caller).await);
        self.begin_leg_row(LegId::CALLER, "caller").await;
        self.show("greeting", None);
        let caller = Box::new(self.caller.clone());
        self.happen(Event::Arrived { caller }).await;
        while !self.over {
            let wait = match self.session.poll_output() {
                // Drained by `happen`: only the time is left.
                Output::Timeout(at) => at,
                Output::Command(command) => {
                    self.obey(command).await;
                    continue;
                }
            };
            let now = self.now();
            let sleep = wait.map_or(Duration::from_secs(60), |at| at.since(now));
            tokio::select! {
                inbound = inbound.recv() => match inbound {
                    Some(inbound) => self.take(inbound).await,
                    None => break,
                },
                event = media_events.recv() => match event {
                    Some(event) => self.take_media(event).await,
                    None => break,
                },
                () = tokio::time::sleep(sleep) => {
                    let now = self.now();
                    self.session.handle_timeout(now);
                    self.drain().await;
                }
            }
        }
        self.close().await;
    }

    async fn happen(&mut self, event: Event) {
        let now = self.now();
        self.session.handle_event(now, event);
        self.drain().await;
    }

    async fn drain(&mut self) {
        for _ in 0..COMMANDS_PER_EVENT_MAX {
            match self.session.poll_output() {
                Output::Command(command) => self.obey(command).await,
                Output::Timeout(_) => return,
            }
        }
        tracing::error!(call = %self.id, "a session gives commands without end");
    }

    async fn take(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Sip(leg, event) => self.take_sip(leg, event).await,
            Inbound::Event(event) => {
                self.note_event(&event);
                let picks_up = self.picks_up(&event);
                self.happen(event).await;
                if picks_up {
                    self.agent_picked_up().await;
                }
            }
            Inbound::Browser(leg, news) => self.take_browser(leg, news).await,
            Inbound::Lookup(request, result) => {
                self.happen(Event::LookupEnded { request, result }).await;
            }
            Inbound::PlayFailed(play) => {
                self.forget_play(play);
                self.happen(Event::PlayFailed { play }).await;
            }
            Inbound::SoFar(leg, text) => {
                self.show_so_far(leg, &text);
                self.happen(Event::WordsSoFar { leg, text }).await;
            }
            Inbound::AnswerNow => self.answer_now(),
            Inbound::Abort => {
                for leg in self.legs.values() {
                    leg.signal.hang_up(crate::call::command::HangUpCause::Failure);
                }
            }
        }
    }

    /// Whether a browser that rings answers by this: its agent takes the call, or wants to hear
    /// first what it is about, as a phone that is picked up does. In a talk that button is the
    /// talking agent's, and picks up nobody's.
    fn picks_up(&self, event: &Event) -> bool {
        match event {
            Event::AgentAccepted { .. } | Event::Steered { by: Steer::Accept { .. }, .. } => true,
            Event::Steered { by: Steer::HearSummary, .. } => {
                self.legs.values().all(|open| open.agent.is_none() || !open.taken)
            }
            _ => false,
        }
    }

    /// What the runtime itself wants to know of an event.
    fn note_event(&mut self, event: &Event) {
        match event {
            Event::Heard { leg: LegId::CALLER, utterance } => {
                self.awaiting_sound = Some(utterance.ended);
                self.last_words = utterance.began;
                self.shared.metrics.decode.observe_ms(utterance.decode_ms);
            }
            Event::SpeechUnavailable { leg: LegId::CALLER } => {
                self.shared.metrics.turns_lost.increment();
            }
            Event::SpeechBegan { leg } => {
                if *leg == LegId::CALLER {
                    // Nothing answered the words before: what comes now answers these.
                    self.awaiting_sound = None;
                }
                self.shared.pages.speaking(&self.id, *leg, None);
            }
            _ => {}
        }
    }

    async fn take_media(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Digit { leg, key } => self.happen(Event::KeyPressed { leg, key }).await,
            MediaEvent::PlayEnded { leg, play, played_ms, complete } => {
                if let Some(heard) = self.play_ended(leg, play, played_ms, complete) {
                    self.happen(Event::PlayEnded { play, heard }).await;
                }
            }
            MediaEvent::MediaSeen { leg, .. } => self.happen(Event::MediaSeen { leg }).await,
            MediaEvent::MediaSilent { leg, expected } => {
                tracing::warn!(
                    call = %self.id,
                    "no RTP from {expected} after 3 s (leg {leg}): check public_address"
                );
                self.happen(Event::MediaSilent { leg }).await;
            }
            MediaEvent::MediaLost { leg } => self.media_lost(leg).await,
            MediaEvent::LegClosed { .. } | MediaEvent::RecordingClosed { .. } => {}
            MediaEvent::RecordingFailed { why } => {
                tracing::error!(call = %self.id, ?why, "the recording cannot be written");
                self.shared.metrics.recordings_failed.increment();
                self.shared.pages.recording(&self.id, RecordingNow::Failed);
                self.happen(Event::RecordingFailed).await;
            }
            MediaEvent::Failed => {
                tracing::error!(call = %self.id, "the call's media broke off");
                let legs: Vec<LegId> = self.legs.keys().copied().collect();
                for leg in legs {
                    self.media_lost(leg).await;
                }
            }
        }
    }

    fn open_ear(&self, leg: LegId) {
        if let Some(open) = self.legs.get(&leg) {
            self.shared.ears.open(NewEar {
                key: (self.id.clone(), leg),
                heard: open.media.tap_heard(),
                played: open.media.tap_played(),
                inbox: self.inbox.clone(),
                began: self.began,
            });
        }
    }

    async fn begin_leg_row(&self, leg: LegId, role: &'static str) {
        let Some(open) = self.legs.get(&leg) else { return };
        let row = LegRow {
            leg,
            role,
            agent: open.agent.clone(),
            peer: self.caller.peer.filter(|_| leg == LegId::CALLER).map(|peer| peer.to_string()),
            codec: open.media.codec().map(|codec| codec.encoding_name().to_owned()),
            began: self.now(),
        };
        drop(self.shared.store.leg_began(&self.id, row).await);
    }

    /// What the pages show of this call now.
    fn show(&self, state: &str, agent: Option<String>) {
        let mut active = locked(&self.shared.active);
        let entry = active.entry(self.id.clone()).or_insert_with(|| ActiveCall {
            call: self.id.clone(),
            state: String::new(),
            agent: None,
            stress: 0.0,
        });
        entry.state = state.to_owned();
        entry.agent = agent.or(entry.agent.take());
        drop(active);
        self.shared.pages.something_changed();
    }

    /// Whatever is left of legs is hung up; ears close.
    async fn close(&mut self) {
        for (leg, open) in self.legs.drain() {
            open.signal.hang_up(crate::call::command::HangUpCause::Normal);
            self.shared.ears.close((self.id.clone(), leg));
            if let Some(sip) = open.signal.sip() {
                locked(&self.shared.by_leg).remove(&sip.id());
            }
        }
    }
}

fn session_setup(
    shared: &Shared,
    tables: &Tables,
    id: &CallId,
    wall: Timestamp,
    caller: &CallerInfo,
) -> SessionSetup {
    let config = &shared.config;
    let zone =
        jiff::tz::TimeZone::get(&config.company.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let consent = config
        .number(&caller.dialled)
        .and_then(|number| number.consent)
        .unwrap_or(config.recording.consent);
    let consent =
        if config.recording.on { consent } else { crate::base::consent::ConsentMode::Off };
    SessionSetup {
        call: id.clone(),
        understander: tables.understander.clone(),
        policy: tables.policy.clone(),
        knowledge: tables.knowledge.clone(),
        company: config.company.name.clone(),
        country: config.company.country.clone(),
        civil_now: wall.to_zoned(zone).datetime(),
        consent,
        speech_pressed: shared.ears.is_pressed(),
        transfer: TransferSetup {
            ring: config.transfer.ring,
            briefing: config.transfer.briefing,
            tries_max: config.transfer.tries_max,
            queue_wait_max: config.transfer.queue_wait_max,
            ..TransferSetup::default()
        },
        call_max: crate::base::limits::CALL_DURATION_MAX,
    }
}
