//! One pacing thread: owns the calls of its shard, reads their sockets and ticks them. Calls are
//! spread over four phases of 5 ms, so that packets do not leave in one burst. A panic in one
//! call ends that call's media and no other's.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use crate::base::ids::{LegId, PlayId};
use crate::base::key::Key;
use crate::base::moment::Moment;
use crate::base::session::MediaPlan;
use crate::call::command::{GiveWay, Route};

use super::engine::{Common, SharedStats};
use super::event::MediaEvent;
use super::limits::{CATCH_UP_MAX, DATAGRAM_BYTES_MAX, READS_PER_TICK_MAX};
use super::metrics::Metrics;
use super::mixer::{Mixer, Port, Wire};
use super::outbound::Seeds;
use super::player::Sound;
use super::ports::Sockets;
use super::recorder::Message;
use super::stats::LegStats;
use super::tap::TapWriter;
use super::tape::Tape;

const TICK: Duration = Duration::from_millis(20);
/// Phases of a tick.
const PHASES: usize = 4;
const PHASE: Duration = Duration::from_millis(TICK.as_millis() as u64 / PHASES as u64);
/// RTCP ports are read every so many ticks.
const RTCP_TICKS: u32 = 5;
/// Figures are brought up to date every so many ticks.
const STATS_TICKS: u32 = 50;

/// What a handle asks of the thread that owns its call.
pub enum Command {
    OpenCall { key: u64, mixer: Box<Mixer>, events: Sender<MediaEvent> },
    CloseCall { key: u64 },
    Change { key: u64, change: Change },
    Stop,
}

/// A change of one call, made between two ticks.
pub enum Change {
    OpenLeg { leg: LegId, sockets: Sockets, seeds: Seeds, stats: SharedStats },
    CloseLeg { leg: LegId },
    Plan { leg: LegId, plan: Box<MediaPlan> },
    SignallingHost { leg: LegId, host: IpAddr },
    Watch { leg: LegId, on: bool },
    Play { leg: LegId, play: PlayId, sound: Sound },
    StopPlaying { leg: LegId },
    GiveWay { leg: LegId, how: GiveWay },
    SendDigit { leg: LegId, key: Key },
    TapHeard { leg: LegId, tap: TapWriter },
    TapPlayed { leg: LegId, tap: TapWriter },
    Routes(Vec<(LegId, Route)>),
    Hearing(Vec<(LegId, Vec<LegId>)>),
    StartTape { id: u64, rate_hz: u32, recorder: std::sync::mpsc::SyncSender<Message> },
    PauseTape(bool),
    Erase { from: Moment, to: Moment },
    StopTape,
}

/// The thread's state.
pub struct Pacer {
    common: Arc<Common>,
    commands: Receiver<Command>,
    phases: [BTreeMap<u64, Box<Slot>>; PHASES],
}

struct Slot {
    mixer: Mixer,
    sockets: Vec<LegSockets>,
    events: Sender<MediaEvent>,
    ticks: u32,
}

struct LegSockets {
    id: LegId,
    sockets: Sockets,
    stats: SharedStats,
    /// Already added to the engine's figures.
    counted: LegStats,
}

impl Pacer {
    pub(super) fn new(common: Arc<Common>, commands: Receiver<Command>) -> Self {
        Self { common, commands, phases: Default::default() }
    }

    /// Runs until told to stop. Without calls it sleeps and costs nothing.
    pub fn run(mut self) {
        let mut due = Instant::now();
        let mut phase = 0;
        loop {
            if self.phases.iter().all(BTreeMap::is_empty) {
                match self.commands.recv() {
                    Ok(Command::Stop) | Err(_) => return,
                    Ok(command) => self.take(command),
                }
                due = Instant::now();
            }
            due += PHASE;
            phase = (phase + 1) % PHASES;
            if self.phases.get(phase).is_none_or(BTreeMap::is_empty) {
                continue;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            while let Ok(command) = self.commands.try_recv() {
                match command {
                    Command::Stop => return,
                    command => self.take(command),
                }
            }
            due += self.skip_lost_ticks(due);
            self.tick(phase, due);
        }
    }

    /// After a stall, ticks that lie too far back are given up rather than sent in a burst.
    fn skip_lost_ticks(&mut self, due: Instant) -> Duration {
        let late = Instant::now().saturating_duration_since(due);
        if late < CATCH_UP_MAX {
            return Duration::ZERO;
        }
        let lost = (late.as_millis() / TICK.as_millis()) as u32;
        for slot in self.phases.iter_mut().flat_map(BTreeMap::values_mut) {
            slot.mixer.skip_ticks(lost);
        }
        self.common.metrics.ticks_skipped.fetch_add(u64::from(lost), Ordering::Relaxed);
        TICK * lost
    }

    fn tick(&mut self, phase: usize, due: Instant) {
        let Some(slots) = self.phases.get_mut(phase) else { return };
        let unix_us = unix_us();
        let (mut tapped, mut broken) = (false, Vec::new());
        for (key, slot) in slots.iter_mut() {
            let ticking = AssertUnwindSafe(|| slot.tick(due, unix_us, &self.common.metrics));
            match catch_unwind(ticking) {
                Ok(pushed) => tapped |= pushed,
                Err(_) => broken.push(*key),
            }
        }
        self.common.metrics.ticks.fetch_add(1, Ordering::Relaxed);
        for key in broken {
            self.common.metrics.faults.fetch_add(1, Ordering::Relaxed);
            self.forget_broken(phase, key);
        }
        if tapped {
            self.common.bell.ring();
        }
    }

    /// A call whose tick panicked: its state is not trusted any more.
    fn forget_broken(&mut self, phase: usize, key: u64) {
        let Some(slot) = self.phases.get_mut(phase).and_then(|slots| slots.remove(&key)) else {
            return;
        };
        tracing::error!("media of one call ended by a fault");
        let _ = slot.events.try_send(MediaEvent::Failed);
        slot.sockets.iter().for_each(|leg| self.release(leg));
        self.common.metrics.calls.fetch_sub(1, Ordering::Relaxed);
    }

    fn release(&self, leg: &LegSockets) {
        self.common.ports.release(Instant::now(), leg.sockets.port);
        self.common.metrics.legs.fetch_sub(1, Ordering::Relaxed);
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::OpenCall { key, mixer, events } => {
                let slot = Slot { mixer: *mixer, sockets: Vec::new(), events, ticks: 0 };
                if let Some(slots) = self.phases.iter_mut().min_by_key(|slots| slots.len()) {
                    slots.insert(key, Box::new(slot));
                    self.common.metrics.calls.fetch_add(1, Ordering::Relaxed);
                }
            }
            Command::CloseCall { key } => self.close_call(key),
            Command::Change { key, change } => self.change(key, change),
            Command::Stop => {}
        }
    }

    fn close_call(&mut self, key: u64) {
        let slot = self.phases.iter_mut().find_map(|slots| slots.remove(&key));
        let Some(mut slot) = slot else { return };
        for leg in slot.mixer.leg_ids() {
            if let Some(closed) = slot.close_leg(leg, &self.common.metrics) {
                self.release(&closed);
            }
        }
        slot.deliver(&self.common.metrics);
        self.common.metrics.calls.fetch_sub(1, Ordering::Relaxed);
    }

    fn change(&mut self, key: u64, change: Change) {
        let Some(slot) = self.phases.iter_mut().find_map(|slots| slots.get_mut(&key)) else {
            return;
        };
        match change {
            Change::OpenLeg { leg, sockets, seeds, stats } => {
                slot.mixer.add_leg(Instant::now(), leg, seeds);
                let counted = LegStats::default();
                slot.sockets.push(LegSockets { id: leg, sockets, stats, counted });
                self.common.metrics.legs.fetch_add(1, Ordering::Relaxed);
            }
            Change::CloseLeg { leg } => {
                if let Some(closed) = slot.close_leg(leg, &self.common.metrics) {
                    self.release(&closed);
                }
            }
            other => slot.change(other),
        }
    }
}

impl Slot {
    /// Reads, mixes, sends; says whether a tap got a frame.
    fn tick(&mut self, due: Instant, unix_us: u64, metrics: &Metrics) -> bool {
        let now = Instant::now();
        self.ticks = self.ticks.wrapping_add(1);
        for leg in &self.sockets {
            let Some(target) = self.mixer.leg_mut(leg.id) else { continue };
            read_all(&leg.sockets.rtp, |from, bytes| target.inbound.on_rtp(now, from, bytes));
            if self.ticks.is_multiple_of(RTCP_TICKS) {
                let ours = target.outbound.ssrc();
                read_all(&leg.sockets.rtcp, |from, bytes| {
                    target.inbound.on_rtcp(now, from, bytes, ours);
                });
            }
        }
        let mut wire = SocketWire { legs: &self.sockets, due, metrics };
        let ticked = self.mixer.tick(now, unix_us, &mut wire);
        metrics.packets_out.fetch_add(ticked.sent, Ordering::Relaxed);
        if self.ticks.is_multiple_of(STATS_TICKS) {
            self.share_stats(metrics);
        }
        self.deliver(metrics);
        ticked.tapped
    }

    fn share_stats(&mut self, metrics: &Metrics) {
        for leg in &mut self.sockets {
            if let Some(target) = self.mixer.leg_mut(leg.id) {
                leg.share(target.stats(), metrics);
            }
        }
    }

    /// Hands events over; what finds no room waits for the next tick.
    fn deliver(&mut self, metrics: &Metrics) {
        while let Some(event) = self.mixer.poll_event() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.mixer.hold_event(event);
                    return;
                }
                Err(TrySendError::Closed(_)) => {
                    metrics.events_dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn close_leg(&mut self, id: LegId, metrics: &Metrics) -> Option<LegSockets> {
        if let Some(target) = self.mixer.leg_mut(id) {
            let stats = target.stats();
            if let Some(leg) = self.sockets.iter_mut().find(|leg| leg.id == id) {
                leg.share(stats, metrics);
            }
        }
        let now = Instant::now();
        let mut wire = SocketWire { legs: &self.sockets, due: now, metrics };
        self.mixer.remove_leg(now, unix_us(), id, &mut wire);
        let index = self.sockets.iter().position(|leg| leg.id == id)?;
        Some(self.sockets.remove(index))
    }

    fn change(&mut self, change: Change) {
        let now = Instant::now();
        let mixer = &mut self.mixer;
        match change {
            Change::Routes(routes) => mixer.set_routes(&routes),
            Change::Hearing(hearing) => mixer.set_hearing(&hearing),
            Change::StartTape { id, rate_hz, recorder } => {
                mixer.tape = Some(Tape::new(id, rate_hz, mixer.moment(now), recorder));
            }
            Change::PauseTape(paused) => {
                if let Some(tape) = &mut mixer.tape {
                    tape.set_paused(paused);
                }
            }
            Change::Erase { from, to } => {
                if let Some(tape) = &mut mixer.tape {
                    tape.erase(from, to);
                }
            }
            Change::StopTape => mixer.tape = None,
            other => change_leg(mixer, now, other),
        }
    }
}

fn change_leg(mixer: &mut Mixer, now: Instant, change: Change) {
    let mut with = |id: LegId, action: &mut dyn FnMut(&mut super::mixer::Leg)| {
        if let Some(leg) = mixer.leg_mut(id) {
            action(leg);
        }
    };
    match change {
        Change::Plan { leg, plan } => with(leg, &mut |leg| leg.set_plan(now, (*plan).clone())),
        Change::SignallingHost { leg, host } => {
            with(leg, &mut |leg| leg.inbound.set_signalling_host(host));
        }
        Change::Watch { leg, on } => with(leg, &mut |leg| leg.inbound.set_watched(now, on)),
        Change::Play { leg, play, sound } => mixer.play(leg, play, sound),
        Change::StopPlaying { leg } => with(leg, &mut |leg| {
            leg.player.stop();
            leg.give_way(GiveWay::No);
        }),
        Change::GiveWay { leg, how } => with(leg, &mut |leg| leg.give_way(how)),
        Change::SendDigit { leg, key } => with(leg, &mut |leg| leg.outbound.send_key(key)),
        Change::TapHeard { leg, tap } => {
            if let Some(leg) = mixer.leg_mut(leg) {
                leg.heard_tap = Some(tap);
            }
        }
        Change::TapPlayed { leg, tap } => {
            if let Some(leg) = mixer.leg_mut(leg) {
                leg.played_tap = Some(tap);
            }
        }
        // Taken care of by the callers.
        Change::OpenLeg { .. }
        | Change::CloseLeg { .. }
        | Change::Routes(_)
        | Change::Hearing(_)
        | Change::StartTape { .. }
        | Change::PauseTape(_)
        | Change::Erase { .. }
        | Change::StopTape => {}
    }
}

impl LegSockets {
    /// Publishes the leg's figures and adds what is new to the engine's.
    fn share(&mut self, stats: LegStats, metrics: &Metrics) {
        let dropped = |stats: &LegStats| {
            stats.strangers + stats.malformed + stats.excess + stats.late + stats.duplicates
        };
        let add = |counter: &std::sync::atomic::AtomicU64, now: u64, before: u64| {
            counter.fetch_add(now.saturating_sub(before), Ordering::Relaxed);
        };
        add(&metrics.packets_in, stats.packets_in, self.counted.packets_in);
        add(&metrics.concealed, stats.concealed, self.counted.concealed);
        add(&metrics.dropped, dropped(&stats), dropped(&self.counted));
        self.counted = stats;
        if let Ok(mut shared) = self.stats.try_lock() {
            *shared = stats;
        }
    }
}

/// The sockets of one call as the mixer's wire.
struct SocketWire<'a> {
    legs: &'a [LegSockets],
    due: Instant,
    metrics: &'a Metrics,
}

impl Wire for SocketWire<'_> {
    fn send(&mut self, leg: LegId, port: Port, to: SocketAddr, bytes: &[u8]) -> bool {
        let Some(leg) = self.legs.iter().find(|one| one.id == leg) else { return false };
        match port {
            Port::Rtp => {
                let sent = leg.sockets.rtp.send_to(bytes, to).is_ok();
                self.metrics.count_late(Instant::now().saturating_duration_since(self.due));
                sent
            }
            Port::Rtcp => leg.sockets.rtcp.send_to(bytes, to).is_ok(),
        }
    }
}

fn read_all(socket: &std::net::UdpSocket, mut take: impl FnMut(SocketAddr, &[u8])) {
    let mut buffer = [0u8; DATAGRAM_BYTES_MAX];
    for _ in 0..READS_PER_TICK_MAX {
        // An error other than "nothing there" is an ICMP reply to what we sent: not ours to mind.
        let Ok((count, from)) = socket.recv_from(&mut buffer) else { return };
        take(from, buffer.get(..count).unwrap_or_default());
    }
}

fn unix_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
