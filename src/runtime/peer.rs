//! A phone of our own: a simulated caller or agent for the tools, the demo and the benchmarks.
//! It speaks real SIP and RTP with whoever it calls.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng;
use tokio::sync::mpsc;

use crate::base::audio::{Pcm, level_dbfs};
use crate::base::ids::{LegId, PlayId};
use crate::base::key::Key;
use crate::call::command::{HangUpCause, Route};
use crate::media::{self, CallMedia, Clip, Frame, MediaEvent, Tap};
use crate::sip::sdp::{self, LocalMedia};
use crate::sip::{self, AcceptAnyone, Dial, LegEvent, SipEvent};

/// Louder than this is a voice or a tone, quieter is the line; dBFS.
const VOICE_DBFS: f32 = -50.0;
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// RTP ports of simulated phones, away from the server's.
const PORTS: std::ops::RangeInclusive<u16> = 40_000..=49_998;

/// Both sides of a call at 8 kHz, sample for sample on one clock: what latency is measured on.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    pub said: Vec<i16>,
    pub heard: Vec<i16>,
}

/// Puts a frame where its time is; what is missing stays silent.
fn place(side: &mut Vec<i16>, frame: &Frame) {
    const SAMPLES_A_MS: usize = 8;
    let (Ok(at), true) = (usize::try_from(frame.at.0), frame.at.0 < CAPTURE_MS_MAX) else { return };
    let from = at * SAMPLES_A_MS;
    let step = (frame.rate_hz as usize / 8_000).max(1);
    let samples: Vec<i16> = frame.samples().iter().step_by(step).copied().collect();
    if side.len() < from + samples.len() {
        side.resize(from + samples.len(), 0);
    }
    if let Some(room) = side.get_mut(from..from + samples.len()) {
        room.copy_from_slice(&samples);
    }
}

/// Longest call that is captured.
const CAPTURE_MS_MAX: u64 = 30 * 60 * 1_000;

/// Why a simulated phone could not do what it should.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PeerFault(pub String);

fn fault(error: impl std::fmt::Display) -> PeerFault {
    PeerFault(error.to_string())
}

/// A phone: one SIP endpoint on a free port of loopback, or of `host`.
pub struct Peer {
    sip: sip::EndpointHandle,
    events: mpsc::Receiver<SipEvent>,
    media: media::Engine,
}

/// A call of the phone, which has no other meanwhile.
pub struct PeerCall {
    phone: Peer,
    sip: sip::LegHandle,
    _call: CallMedia,
    leg: media::LegHandle,
    media_events: mpsc::Receiver<MediaEvent>,
    tap: Tap,
    sent_tap: Tap,
    capture: Capture,
    /// Everything heard so far.
    pub heard: Vec<i16>,
    pub heard_rate_hz: u32,
    began: Instant,
    plays: u32,
    last_voice: Option<Instant>,
    /// When a voice was first heard after [`PeerCall::listen_afresh`].
    first_voice: Option<Instant>,
    ended: bool,
}

impl Peer {
    /// A phone that dials, and accepts calls from this machine.
    pub fn start() -> Result<Peer, PeerFault> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    pub fn start_at(address: SocketAddr) -> Result<Peer, PeerFault> {
        let settings = sip::Settings {
            udp: Some(address),
            tcp: Some(address),
            accept_anyone: AcceptAnyone::Loopback,
            bans: false,
            ..sip::Settings::default()
        };
        let runtime = tokio::runtime::Handle::current();
        let (sip, events) = sip::Endpoint::start(settings, &runtime).map_err(fault)?;
        let settings =
            media::Settings { bind: address.ip(), ports: PORTS, ..media::Settings::default() };
        let media = media::Engine::start(settings).map_err(fault)?;
        Ok(Peer { sip, events, media })
    }

    /// Where this phone can be called.
    pub fn contact(&self, user: &str) -> String {
        let at = self.sip.udp_address();
        at.map_or_else(String::new, |at| format!("sip:{user}@{at}"))
    }

    fn open(&self) -> Result<(CallMedia, media::LegHandle, mpsc::Receiver<MediaEvent>), PeerFault> {
        let name = format!("peer-{}", rand::rng().random::<u32>());
        let (call, events) = self.media.open_call(&name, Instant::now());
        let leg = call.open_leg(LegId::CALLER).map_err(fault)?;
        Ok((call, leg, events))
    }

    /// Dials and waits for the answer.
    pub async fn dial(mut self, uri: &str, user: &str, name: &str) -> Result<PeerCall, PeerFault> {
        let (call, leg, media_events) = self.open()?;
        let target = sip::DialTarget::Uri(uri.to_owned());
        let address = self.sip.media_address(&target, None).await;
        let local = LocalMedia::new(address, leg.local_port());
        let mut dial = Dial::to_uri(uri, sdp::offer(&local));
        dial.from_user = user.to_owned();
        dial.from_name = Some(name.to_owned());
        let sip = self.sip.dial(dial).map_err(fault)?;
        let answer = tokio::time::timeout(ANSWER_WITHIN, async {
            while let Some(event) = self.events.recv().await {
                match event {
                    SipEvent::Leg { event: LegEvent::Answered { answer }, .. } => {
                        return Ok(answer);
                    }
                    SipEvent::Leg { event: LegEvent::Failed { failure, status }, .. } => {
                        let status = status.map(|s| format!(" ({s})")).unwrap_or_default();
                        return Err(PeerFault(format!("not answered: {failure:?}{status}")));
                    }
                    _ => {}
                }
            }
            Err(PeerFault("the endpoint ended".into()))
        });
        let answer = answer.await.map_err(|_| PeerFault("not answered in time".into()))??;
        let plan = sdp::accept_answer(&local, &answer).map_err(fault)?;
        leg.set_plan(plan).map_err(fault)?;
        Ok(PeerCall::new(self, sip, call, leg, media_events))
    }

    /// Waits for a call that can be taken, and answers it after `rings_for`.
    ///
    /// # Errors
    /// When the endpoint has ended.
    pub async fn answer(mut self, rings_for: Duration) -> Result<PeerCall, PeerFault> {
        loop {
            let incoming = match self.events.recv().await {
                Some(SipEvent::Incoming(incoming)) => incoming,
                Some(_) => continue,
                None => return Err(PeerFault("the endpoint ended".into())),
            };
            match self.take(*incoming, rings_for).await {
                Ok((sip, call, leg, media_events)) => {
                    return Ok(PeerCall::new(self, sip, call, leg, media_events));
                }
                Err(error) => tracing::debug!(%error, "a call was not taken"),
            }
        }
    }

    async fn take(&self, incoming: sip::Incoming, rings_for: Duration) -> Result<Taken, PeerFault> {
        let (call, leg, media_events) = self.open()?;
        let offer = incoming.offer.as_ref().ok_or_else(|| fault("no offer"))?;
        let local = LocalMedia::new(incoming.media_address, leg.local_port());
        let (answer, plan) = sdp::negotiate(offer, &local).map_err(fault)?;
        let _ = incoming.leg.ring();
        tokio::time::sleep(rings_for).await;
        leg.set_plan(plan).map_err(fault)?;
        incoming.leg.answer(answer).map_err(fault)?;
        Ok((incoming.leg, call, leg, media_events))
    }
}

/// What a call of the phone is made of.
type Taken = (sip::LegHandle, CallMedia, media::LegHandle, mpsc::Receiver<MediaEvent>);

impl PeerCall {
    fn new(
        phone: Peer,
        sip: sip::LegHandle,
        call: CallMedia,
        leg: media::LegHandle,
        media_events: mpsc::Receiver<MediaEvent>,
    ) -> Self {
        call.set_routes(&[(LegId::CALLER, Route::Quiet)]);
        let (tap, sent_tap) = (leg.tap_heard(), leg.tap_played());
        Self {
            phone,
            sip,
            _call: call,
            leg,
            media_events,
            tap,
            sent_tap,
            capture: Capture::default(),
            heard: Vec::new(),
            heard_rate_hz: 8_000,
            began: Instant::now(),
            plays: 0,
            last_voice: None,
            first_voice: None,
            ended: false,
        }
    }

    /// `true` once the other side has hung up.
    pub fn is_over(&self) -> bool {
        self.ended
    }

    /// The phone, free for the next call; what is left of this one is dropped.
    pub fn into_phone(self) -> Peer {
        self.phone
    }

    /// Says something and waits until it was sent.
    pub async fn say(&mut self, sound: &Pcm) {
        let play = PlayId(self.plays);
        self.plays += 1;
        let length = sound.duration_ms();
        self.leg.play(play, Clip::new(sound));
        let until = Instant::now() + Duration::from_millis(length + 2_000);
        while Instant::now() < until && !self.ended {
            self.listen(Duration::from_millis(10)).await;
            while let Ok(event) = self.media_events.try_recv() {
                if matches!(event, MediaEvent::PlayEnded { play: ended, .. } if ended == play) {
                    return;
                }
            }
        }
    }

    pub fn press(&self, key: Key) {
        self.leg.send_digit(key);
    }

    pub fn hang_up(&self) {
        let _ = self.sip.hang_up(HangUpCause::Normal);
    }

    /// Listens for `length`, or until the other side hangs up.
    pub async fn listen(&mut self, length: Duration) {
        let until = Instant::now() + length;
        loop {
            self.hear();
            if Instant::now() >= until || self.ended {
                return;
            }
            let step = Duration::from_millis(5).min(length);
            tokio::time::sleep(step).await;
        }
    }

    /// From now on [`PeerCall::first_voice_after`] looks for a new voice.
    pub fn listen_afresh(&mut self) {
        self.hear();
        self.first_voice = None;
        self.last_voice = None;
    }

    /// When a voice was first heard since [`PeerCall::listen_afresh`].
    pub fn first_voice_after(&self, since: Instant) -> Option<Duration> {
        self.first_voice.map(|at| at.saturating_duration_since(since))
    }

    /// Waits for a voice, then for `quiet` after it; `false` if none came within `longest`.
    pub async fn wait_for_turn(&mut self, quiet: Duration, longest: Duration) -> bool {
        let until = Instant::now() + longest;
        while Instant::now() < until && !self.ended {
            self.listen(Duration::from_millis(20)).await;
            if self.last_voice.is_some_and(|at| at.elapsed() >= quiet) {
                return true;
            }
        }
        self.last_voice.is_some()
    }

    fn hear(&mut self) {
        let mut frames: Vec<Frame> = Vec::new();
        self.tap.drain(&mut frames);
        let mut sent: Vec<Frame> = Vec::new();
        self.sent_tap.drain(&mut sent);
        sent.iter().for_each(|frame| place(&mut self.capture.said, frame));
        for frame in &frames {
            place(&mut self.capture.heard, frame);
            self.heard_rate_hz = frame.rate_hz;
            self.heard.extend_from_slice(frame.samples());
            if level_dbfs(frame.samples()) > VOICE_DBFS {
                let now = Instant::now();
                self.last_voice = Some(now);
                self.first_voice.get_or_insert(now);
            }
        }
        while let Ok(event) = self.phone.events.try_recv() {
            if let SipEvent::Leg { event: LegEvent::Ended { .. }, .. } = event {
                self.ended = true;
            }
        }
    }

    /// What was said and heard, both on the call's clock.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Since the answer.
    pub fn length(&self) -> Duration {
        self.began.elapsed()
    }

    /// All that was heard, as one sound.
    pub fn sound(&self) -> Pcm {
        Pcm::new(self.heard_rate_hz, Arc::<[i16]>::from(self.heard.as_slice()))
    }
}
