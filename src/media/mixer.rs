//! One call's media, sans-IO: the legs, what each of them hears, the recorder's tape. A tick
//! takes one frame from every leg and gives one to every leg; all of a call's changes happen
//! between two ticks, so that a bridge closes or opens for both sides at once.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::base::audio::frame_samples;
use crate::base::ids::{LegId, PlayId};
use crate::base::moment::Moment;
use crate::base::session::MediaPlan;
use crate::call::command::{GiveWay, Route};

use super::clip::Clip;
use super::codec::Encoder;
use super::event::MediaEvent;
use super::heard::Heard;
use super::inbound::{Inbound, InboundSettings, Noticed};
use super::level::scale;
use super::limits::{EVENTS_HELD_MAX, FRAME_BYTES, FRAME_SAMPLES_MAX, LEGS_PER_CALL_MAX};
use super::outbound::{Outbound, Seeds};
use super::player::{Edge, Player, Sound};
use super::stats::LegStats;
use super::tap::{Frame, FrameKind, TapWriter};
use super::tape::Tape;

/// A prompt under the caller's voice, while it is not clear yet whether that is a barge-in.
/// 15 dB down.
const DUCK_GAIN: f32 = 0.178;
/// The other party under a prompt.
const UNDER_PROMPT_GAIN: f32 = 0.25;
/// Frames over which music and ringing come in.
const FADE_IN_FRAMES: u32 = 10;

/// Which port of a leg a datagram belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    Rtp,
    Rtcp,
}

/// Where the mixer's datagrams go.
pub trait Wire {
    /// Sends at once; `false` if it could not.
    fn send(&mut self, leg: LegId, port: Port, to: SocketAddr, bytes: &[u8]) -> bool;
}

/// The sounds that fill a silence, shared by all calls.
#[derive(Clone, Debug)]
pub struct Beds {
    pub noise: Arc<Clip>,
    /// Computed in the background at start; noise until it is there.
    pub music: Arc<OnceLock<Arc<Clip>>>,
    pub ringing: Arc<Clip>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bed {
    Noise,
    Music,
    Ringing,
}

/// One leg of the call.
#[derive(Debug)]
pub struct Leg {
    pub id: LegId,
    pub inbound: Inbound,
    pub outbound: Outbound,
    pub player: Player,
    pub plan: Option<MediaPlan>,
    pub heard_tap: Option<TapWriter>,
    pub played_tap: Option<TapWriter>,
    ducked: bool,
    /// Gain at which the last frame of a play ended: changes are ramps, so that nothing clicks.
    play_gain: f32,
    encoder: Option<Encoder>,
    bed: Bed,
    bed_index: usize,
    bed_age: u32,
    hears: Vec<LegId>,
    unsent: u64,
}

/// What one tick did, for the metrics.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ticked {
    pub sent: u64,
    pub tapped: bool,
}

/// One call's media.
#[derive(Debug)]
pub struct Mixer {
    began: Instant,
    settings: InboundSettings,
    beds: Beds,
    legs: Vec<Leg>,
    heard: Vec<Heard>,
    /// Which leg lies where in the two lists.
    places: Vec<(LegId, usize)>,
    pub tape: Option<Tape>,
    events: VecDeque<MediaEvent>,
    random: u32,
}

impl Mixer {
    /// A call without legs; `began` is the zero of its clock.
    pub fn new(began: Instant, settings: InboundSettings, beds: Beds, seed: u32) -> Self {
        Self {
            began,
            settings,
            beds,
            legs: Vec::new(),
            heard: Vec::new(),
            places: Vec::new(),
            tape: None,
            events: VecDeque::new(),
            random: seed | 1,
        }
    }

    /// Adds a leg; `false` if the call has 8 already, or this one.
    pub fn add_leg(&mut self, now: Instant, id: LegId, seeds: Seeds) -> bool {
        if self.legs.len() >= LEGS_PER_CALL_MAX || self.legs.iter().any(|leg| leg.id == id) {
            return false;
        }
        self.legs.push(Leg {
            id,
            inbound: Inbound::new(self.settings, now),
            outbound: Outbound::new(seeds),
            player: Player::default(),
            plan: None,
            heard_tap: None,
            played_tap: None,
            ducked: false,
            play_gain: 1.0,
            encoder: None,
            bed: Bed::Noise,
            bed_index: (seeds.ssrc % 200) as usize,
            bed_age: 0,
            hears: Vec::new(),
            unsent: 0,
        });
        self.heard.push(Heard::default());
        self.set_places();
        true
    }

    /// Removes a leg: its plays end, it says goodbye by RTCP, nobody hears it any more.
    pub fn remove_leg(&mut self, now: Instant, unix_us: u64, id: LegId, wire: &mut dyn Wire) {
        let Some(index) = self.legs.iter().position(|leg| leg.id == id) else { return };
        let mut leg = self.legs.remove(index);
        self.heard.remove(index);
        self.set_places();
        for other in &mut self.legs {
            other.hears.retain(|heard| *heard != id);
        }
        leg.player.stop();
        self.report_plays(&mut leg);
        if let Some(to) = leg.rtcp_destination() {
            let block = leg.inbound.report(now);
            wire.send(id, Port::Rtcp, to, leg.outbound.goodbye(unix_us, block));
        }
        self.emit(MediaEvent::LegClosed { leg: id, stats: leg.stats() });
    }

    pub fn leg_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id == id)
    }

    pub fn leg_ids(&self) -> Vec<LegId> {
        self.legs.iter().map(|leg| leg.id).collect()
    }

    /// What the legs hear besides their prompts, all at once.
    pub fn set_routes(&mut self, routes: &[(LegId, Route)]) {
        for (id, route) in routes {
            let Some(leg) = self.leg_mut(*id) else { continue };
            let (bed, hears) = match route {
                Route::Quiet => (Bed::Noise, Vec::new()),
                Route::Music => (Bed::Music, Vec::new()),
                Route::Ringback => (Bed::Ringing, Vec::new()),
                Route::Bridge { with } => (Bed::Noise, vec![*with]),
            };
            leg.set_hearing(bed, hears);
        }
    }

    /// Who hears whom, for more than two: a conference, a whisper, a listener.
    pub fn set_hearing(&mut self, hearing: &[(LegId, Vec<LegId>)]) {
        for (id, others) in hearing {
            let others = others.iter().copied().filter(|other| other != id);
            let others: Vec<LegId> = others.take(LEGS_PER_CALL_MAX).collect();
            if let Some(leg) = self.leg_mut(*id) {
                leg.set_hearing(Bed::Noise, others);
            }
        }
    }

    /// Queues a play; on a leg that is gone it ends at once.
    pub fn play(&mut self, id: LegId, play: PlayId, sound: Sound) {
        match self.leg_mut(id) {
            Some(leg) => leg.player.push(play, sound),
            None => {
                let (played_ms, complete) = (0, false);
                self.emit(MediaEvent::PlayEnded { leg: id, play, played_ms, complete });
            }
        }
    }

    /// One frame from every leg and one to every leg.
    pub fn tick(&mut self, now: Instant, unix_us: u64, wire: &mut dyn Wire) -> Ticked {
        let at = self.moment(now);
        for (leg, heard) in self.legs.iter_mut().zip(&mut self.heard) {
            leg.inbound.receive(now, heard);
        }
        self.convert_rates();
        let mut ticked = Ticked { sent: 0, tapped: self.push_heard(at) };
        for index in 0..self.legs.len() {
            self.send_one(index, at, wire, &mut ticked);
        }
        if let Some(tape) = &mut self.tape {
            tape.end_frame();
        }
        self.send_reports(now, unix_us, wire);
        self.report_all();
        ticked
    }

    /// Ticks that could not be kept: time passes on all legs.
    pub fn skip_ticks(&mut self, count: u32) {
        for _ in 0..count {
            self.legs.iter_mut().for_each(|leg| leg.outbound.skip());
            if let Some(tape) = &mut self.tape {
                tape.end_frame();
            }
        }
    }

    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// Puts an event back that the runtime had no room for.
    pub fn hold_event(&mut self, event: MediaEvent) {
        self.events.push_front(event);
    }

    /// The call's clock.
    pub fn moment(&self, now: Instant) -> Moment {
        Moment(now.saturating_duration_since(self.began).as_millis() as u64)
    }

    fn set_places(&mut self) {
        let ids = self.legs.iter().map(|leg| leg.id);
        self.places = ids.enumerate().map(|(index, id)| (id, index)).collect();
    }

    fn emit(&mut self, event: MediaEvent) {
        if self.events.len() < EVENTS_HELD_MAX {
            self.events.push_back(event);
        }
    }

    /// Makes the other rate of those legs that somebody hears at another rate.
    fn convert_rates(&mut self) {
        let tape = self.tape.as_ref().map(Tape::rate_hz);
        for index in 0..self.legs.len() {
            let (Some(leg), Some(heard)) = (self.legs.get(index), self.heard.get(index)) else {
                continue;
            };
            let (id, rate) = (leg.id, heard.rate_hz());
            let by_leg =
                self.legs.iter().any(|other| other.hears.contains(&id) && other.rate_hz() != rate);
            let by_tape = id == LegId::CALLER && tape.is_some_and(|tape| tape != rate);
            if (by_leg || by_tape)
                && let Some(heard) = self.heard.get_mut(index)
            {
                heard.convert();
            }
        }
    }

    /// Hands what was heard to the taps and the tape.
    fn push_heard(&mut self, at: Moment) -> bool {
        let mut tapped = false;
        for (leg, heard) in self.legs.iter_mut().zip(&self.heard) {
            if let Some(tap) = &mut leg.heard_tap {
                // The frame lies behind: it began 20 ms ago.
                let began = at - Duration::from_millis(20);
                tap.push(Frame::new(began, heard.rate_hz(), heard.kind, heard.samples()));
                tapped = true;
                if !tap.is_open() {
                    leg.heard_tap = None;
                }
            }
            if let (Some(tape), LegId::CALLER) = (&mut self.tape, leg.id) {
                tape.caller(heard.samples_at(tape.rate_hz()));
            }
        }
        tapped
    }

    fn send_one(&mut self, index: usize, at: Moment, wire: &mut dyn Wire, ticked: &mut Ticked) {
        let Some(leg) = self.legs.get_mut(index) else { return };
        let sends = leg.plan.as_ref().is_some_and(|plan| plan.direction.sends());
        let (Some(to), true) = (leg.inbound.destination(), sends) else {
            leg.outbound.skip();
            leg.advance();
            return;
        };
        let taped = leg.id == LegId::CALLER && self.tape.is_some();
        let wants_samples = leg.played_tap.is_some() || taped;
        let mut composed = Composed::default();
        leg.compose(&self.beds, &self.heard, &self.places, &mut composed, wants_samples);
        let id = leg.id;
        let mut unsent = 0;
        leg.outbound.send(&composed.payload, |bytes| {
            ticked.sent += 1;
            unsent += u64::from(!wire.send(id, Port::Rtp, to, bytes));
        });
        leg.unsent += unsent;
        let rate_hz = leg.rate_hz();
        let samples = composed.samples.get(..frame_samples(rate_hz)).unwrap_or_default();
        if let Some(tap) = &mut leg.played_tap {
            tap.push(Frame::new(at, rate_hz, composed.kind, samples));
            ticked.tapped = true;
            if !tap.is_open() {
                leg.played_tap = None;
            }
        }
        if let (Some(tape), true) = (&mut self.tape, taped) {
            tape.machine(samples, rate_hz);
        }
        leg.advance();
    }

    fn send_reports(&mut self, now: Instant, unix_us: u64, wire: &mut dyn Wire) {
        for leg in &mut self.legs {
            self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let Some(to) = leg.rtcp_destination() else { continue };
            let inbound = &mut leg.inbound;
            let report = leg.outbound.report(now, unix_us, self.random, || inbound.report(now));
            if let Some(bytes) = report {
                wire.send(leg.id, Port::Rtcp, to, bytes);
            }
        }
    }

    fn report_all(&mut self) {
        let mut legs = std::mem::take(&mut self.legs);
        for leg in &mut legs {
            self.report_plays(leg);
            while let Some(noticed) = leg.inbound.poll_noticed() {
                self.emit(match noticed {
                    Noticed::Key(key) => MediaEvent::Digit { leg: leg.id, key },
                    Noticed::Seen { from } => MediaEvent::MediaSeen { leg: leg.id, from },
                    Noticed::Silent { expected } => {
                        MediaEvent::MediaSilent { leg: leg.id, expected }
                    }
                    Noticed::Lost => MediaEvent::MediaLost { leg: leg.id },
                });
            }
        }
        self.legs = legs;
    }

    fn report_plays(&mut self, leg: &mut Leg) {
        while let Some(ended) = leg.player.poll_ended() {
            self.emit(MediaEvent::PlayEnded {
                leg: leg.id,
                play: ended.play,
                played_ms: ended.played_ms,
                complete: ended.complete,
            });
        }
    }
}

/// What is sent to a leg in this tick.
struct Composed {
    payload: [u8; FRAME_BYTES],
    /// Filled if somebody wants it.
    samples: [i16; FRAME_SAMPLES_MAX],
    kind: FrameKind,
}

impl Default for Composed {
    fn default() -> Self {
        Self { payload: [0; FRAME_BYTES], samples: [0; FRAME_SAMPLES_MAX], kind: FrameKind::Silent }
    }
}

impl Leg {
    /// Obeys a new plan.
    pub fn set_plan(&mut self, now: Instant, plan: MediaPlan) {
        self.inbound.set_plan(now, &plan);
        self.outbound.set_plan(&plan);
        if self.plan.as_ref().map(|old| old.codec) != Some(plan.codec) {
            self.encoder = Encoder::new(plan.codec);
        }
        self.plan = Some(plan);
    }

    /// What plays gives way to a voice, or goes on.
    pub fn give_way(&mut self, how: GiveWay) {
        self.ducked = how == GiveWay::Duck;
        self.player.set_paused(how == GiveWay::Pause);
    }

    /// The counters of both halves.
    pub fn stats(&mut self) -> LegStats {
        let stats = self.inbound.stats_now();
        stats.packets_out = self.outbound.packets;
        stats.octets_out = self.outbound.octets;
        stats.unsent = self.unsent;
        *stats
    }

    /// Rate of the sound that the leg is sent.
    fn rate_hz(&self) -> u32 {
        self.plan.as_ref().map_or(8_000, |plan| plan.codec.sample_rate_hz())
    }

    fn rtcp_destination(&self) -> Option<SocketAddr> {
        let plan = self.plan.as_ref()?;
        if let Some(explicit) = plan.rtcp_remote {
            return Some(explicit);
        }
        let rtp = self.inbound.destination()?;
        Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?))
    }

    fn set_hearing(&mut self, bed: Bed, hears: Vec<LegId>) {
        if self.bed != bed {
            self.bed = bed;
            self.bed_index = 0;
            self.bed_age = 0;
        }
        self.hears = hears;
    }

    fn advance(&mut self) {
        self.player.advance();
        self.bed_index = self.bed_index.wrapping_add(1);
        self.bed_age = self.bed_age.saturating_add(1);
    }
}

#[path = "compose.rs"]
mod compose;

#[cfg(test)]
#[path = "mixer/tests.rs"]
mod tests;
