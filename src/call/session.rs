//! One call: every leg, prompt, timer and decision of one caller's visit.
//!
//! Sans-IO: [`Session::handle_event`], [`Session::handle_timeout`], then [`Session::poll_output`]
//! until it answers with the next time-out. The runtime obeys the commands in order.

mod caller;
mod card;
mod early;
mod ending;
mod plays;
mod speech;
mod steps;
mod transfer;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use crate::base::caller::CallerInfo;
use crate::base::card::{Line, SlotValue, Speaker, StressPoint};
use crate::base::consent::ConsentMode;
use crate::base::disposition::Disposition;
use crate::base::ids::{CallId, ConnectorId, LegId, OfferId, PlayId, RequestId};
use crate::base::key::Key;
use crate::base::limits;
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::knowledge::Knowledge;
use crate::policy::{Dialogue, Setup, Tables};
use crate::understanding::outcome::{Expecting, StressLevel, Understanding};
use crate::understanding::{Memory, Understander};

use super::command::{Command, Fact, GiveWay, Recording};
use super::event::{Event, LegEnd};
use super::steer::Steer;
use super::timer::{Timer, Timers};

use plays::Plays;
use transfer::Transfer;

/// What the operator set, and what the runtime knows when a call arrives.
#[derive(Clone)]
pub struct SessionSetup {
    pub call: CallId,
    pub understander: Understander,
    pub policy: Arc<Tables>,
    pub knowledge: Arc<Knowledge>,
    pub company: String,
    /// ISO 3166.
    pub country: String,
    /// Civil time of the company's zone at the call's beginning.
    pub civil_now: DateTime,
    pub consent: ConsentMode,
    /// More callers speak, as the call begins, than the recognisers understand in time.
    pub speech_pressed: bool,
    pub transfer: TransferSetup,
    pub call_max: Duration,
}

/// The transfer's patience.
#[derive(Clone, Copy, Debug)]
pub struct TransferSetup {
    pub ring: Duration,
    pub briefing: Duration,
    pub tries_max: u32,
    pub queue_wait_max: Duration,
    /// How long an agent's phone waits for the result by key.
    pub wrap_up_key: Duration,
    /// How long the caller is held for an agent who was lost.
    pub agent_back: Duration,
}

impl Default for TransferSetup {
    fn default() -> Self {
        Self {
            ring: Duration::from_secs(15),
            briefing: Duration::from_secs(15),
            tries_max: 5,
            queue_wait_max: Duration::from_secs(300),
            wrap_up_key: Duration::from_secs(12),
            agent_back: Duration::from_secs(20),
        }
    }
}

/// What [`Session::poll_output`] gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Command(Command),
    /// Nothing more now; call [`Session::handle_timeout`] then.
    Timeout(Option<Moment>),
}

/// Where the call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Admitted, not yet connected.
    Arriving,
    /// With the machine.
    Dialogue,
    /// A person is wanted, rung, briefed, or talking.
    Person,
    /// The disposition is known; legs are ending.
    Ending(Disposition),
    /// `End` was sent. Everything is ignored from here on.
    Over,
}

/// Recording, as agreed and as it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Keeping {
    started: bool,
    stopped: bool,
    paused: bool,
    /// Paused on the agent's page: resumed there only.
    by_agent: bool,
}

/// What was learned of the call so far, for the agent's card.
#[derive(Clone, Debug, Default)]
struct History {
    lines: Vec<Line>,
    slots: Vec<SlotValue>,
    tried: Vec<String>,
    reasons: Vec<Reason>,
    stress: f32,
    stress_line: Vec<StressPoint>,
    level: StressLevel,
    heard_any: bool,
}

/// One call.
pub struct Session {
    setup: SessionSetup,
    phase: Phase,
    caller: Option<CallerInfo>,
    caller_alive: bool,
    /// Sound from the caller was seen lately.
    caller_seen: bool,
    dialogue: Option<Dialogue>,
    memory: Memory,
    plays: Plays,
    transfer: Option<Transfer>,
    timers: Timers,
    keeping: Keeping,
    early: early::Early,
    history: History,
    pending: Option<steps::Pending>,
    looking: Option<(RequestId, ConnectorId)>,
    next_leg: u32,
    next_offer: u32,
    bridged_ever: bool,
    danger: bool,
    out: VecDeque<Command>,
}

impl Session {
    pub fn new(setup: SessionSetup) -> Self {
        let memory = Memory::new(setup.civil_now.date());
        Self {
            setup,
            phase: Phase::Arriving,
            caller: None,
            caller_alive: false,
            caller_seen: false,
            dialogue: None,
            memory,
            plays: Plays::default(),
            transfer: None,
            timers: Timers::default(),
            keeping: Keeping::default(),
            early: early::Early::default(),
            history: History::default(),
            pending: None,
            looking: None,
            next_leg: 1,
            next_offer: 0,
            bridged_ever: false,
            danger: false,
            out: VecDeque::new(),
        }
    }

    /// `true` once `End` was given out.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Something happened at `now`.
    pub fn handle_event(&mut self, now: Moment, event: Event) {
        if self.phase == Phase::Over {
            return;
        }
        match event {
            Event::Arrived { caller } => self.arrived(now, *caller),
            Event::CallerConnected => self.connected(now),
            Event::LegRinging { leg } => self.agent_rings(leg),
            Event::LegAnswered { leg: LegId::CALLER } => self.caller_answered(now),
            Event::LegAnswered { leg } => self.agent_answered(now, leg),
            Event::LegFailed { leg: LegId::CALLER, .. } => self.caller_not_back(now),
            Event::LegFailed { leg, failure } => self.agent_failed(now, leg, failure),
            Event::LegEnded { leg: LegId::CALLER, end } => self.caller_ended(now, end),
            Event::LegEnded { leg, end } => self.agent_ended(now, leg, end),
            Event::LegHeld { leg } => self.held(leg, true),
            Event::LegResumed { leg } => self.held(leg, false),
            Event::MediaSeen { leg } => self.media_seen(now, leg, true),
            Event::MediaSilent { leg } => self.media_seen(now, leg, false),
            Event::KeyPressed { leg: LegId::CALLER, key } => self.caller_key(now, key),
            Event::KeyPressed { leg, key } => self.agent_key(now, leg, key),
            Event::SpeechSuspected { leg } => self.give_way(now, leg, GiveWay::Duck),
            Event::SpeechDismissed { leg } => self.give_way(now, leg, GiveWay::No),
            Event::SpeechBegan { leg } => self.speech_began(now, leg),
            Event::WordsSoFar { leg, text } => self.words_so_far(now, leg, &text),
            Event::WordsLate { leg } => self.words_late(now, leg),
            Event::Heard { leg, utterance } => self.heard(now, leg, *utterance),
            Event::HeardNothing { leg } => self.heard_nothing(now, leg, false),
            Event::SpeechUnavailable { leg } => self.heard_nothing(now, leg, true),
            Event::PlayEnded { play, heard } => self.play_ended(now, play, Some(heard)),
            Event::PlayFailed { play } => self.play_ended(now, play, None),
            Event::Reserved { agent, name } => self.reserved(now, agent, name),
            Event::NotReserved { why } => self.not_reserved(now, why),
            Event::QueuePosition { position } => self.queue_position(now, position),
            Event::LookupEnded { request, result } => self.looked_up(now, request, result),
            Event::AgentAccepted { offer } => {
                self.steered(now, offer, Steer::Accept { three_way: false });
            }
            Event::AgentDeclined { offer } => {
                self.steered(now, offer, Steer::Decline { reason: String::new() });
            }
            Event::Steered { offer, by } => self.steered(now, offer, by),
            Event::RecordingFailed => self.keeping.stopped = true,
            Event::Draining => self.drain(now),
        }
    }

    /// The time given by [`Output::Timeout`] has come.
    pub fn handle_timeout(&mut self, now: Moment) {
        while let Some(timer) = self.timers.take_due(now) {
            if self.phase == Phase::Over {
                return;
            }
            self.timed_out(now, timer);
        }
    }

    /// The next thing to do, or when to look again.
    pub fn poll_output(&mut self) -> Output {
        match self.out.pop_front() {
            Some(command) => Output::Command(command),
            None => Output::Timeout(self.timers.next()),
        }
    }

    fn timed_out(&mut self, now: Moment, timer: Timer) {
        match timer {
            Timer::NoInput => self.with_dialogue(now, |dialogue| dialogue.on_no_input(now)),
            Timer::Turn => self.heard_nothing(now, LegId::CALLER, true),
            Timer::Lookup => self.lookup_lost(now),
            Timer::StillLooking => self.still_looking(now),
            Timer::Plays => self.plays_lost(now),
            Timer::GivenWay => self.give_way(now, LegId::CALLER, GiveWay::No),
            Timer::Ring => self.ring_over(now),
            Timer::Briefing => self.briefing_over(now),
            Timer::BridgeProof => self.bridge_unproved(now),
            Timer::AgentBack => self.agent_not_back(now),
            Timer::MediaBack => self.media_not_back(now),
            Timer::CallerBack => self.caller_not_back(now),
            Timer::Consult => self.colleague_not_there(now),
            Timer::QueueMax => self.waited_too_long(now),
            Timer::Retry => self.retry(now),
            Timer::WrapUp => self.wrap_up_over(now),
            Timer::LastWords => self.end_if_done(),
            Timer::HangUp => self.legs_lost(),
            Timer::CallMax => self.too_long(now),
        }
    }

    fn command(&mut self, command: Command) {
        debug_assert!(self.phase != Phase::Over, "nothing follows End");
        if let Command::Listen { leg, mode: ListenMode::KeysOnly, .. } = command {
            // Nobody tells any more what a voice was.
            self.go_on_playing(leg);
        }
        self.out.push_back(command);
    }

    /// Listens to a leg of whom nothing is asked.
    fn listen(&mut self, leg: LegId, mode: ListenMode) {
        self.listen_for(leg, mode, Expecting::Anything);
    }

    /// Listens in the language that is spoken with the caller now.
    fn listen_for(&mut self, leg: LegId, mode: ListenMode, expecting: Expecting) {
        let language = self.language();
        self.command(Command::Listen { leg, mode, language, expecting });
    }

    fn note(&mut self, fact: Fact) {
        self.command(Command::Note { fact: Box::new(fact) });
    }

    fn record(&mut self, how: Recording) {
        self.command(Command::Record { how });
    }

    /// Adds a line to the transcript, bounded.
    fn add_line(&mut self, line: Line) {
        if self.history.lines.len() < limits::TURNS_MAX {
            self.history.lines.push(line);
        }
    }

    fn line(&self, at: Moment, speaker: Speaker, text: String) -> Line {
        Line { at, speaker, text: text.into() }
    }

    fn stressed(&self) -> bool {
        self.history.level > StressLevel::Calm
    }

    fn new_offer(&mut self) -> OfferId {
        self.next_offer += 1;
        OfferId(self.next_offer)
    }

    fn new_leg(&mut self) -> LegId {
        let leg = LegId(self.next_leg);
        self.next_leg += 1;
        leg
    }

    fn dialogue_setup(&self, caller: &CallerInfo) -> Setup {
        Setup {
            language: caller.language.clone(),
            company: self.setup.company.clone(),
            country: self.setup.country.clone(),
            handling: caller.profile.handling,
            vip: caller.profile.vip,
            consent: self.setup.consent,
            open_now: self.setup.knowledge.hours.is_open(self.setup.civil_now),
            speech_pressed: self.setup.speech_pressed,
        }
    }
}

/// What an understanding adds to the history.
fn remember(history: &mut History, at: Moment, understood: &Understanding) {
    history.heard_any = true;
    if history.stress_line.len() < limits::TURNS_MAX {
        let reasons = understood.stress.parts.iter().map(|part| part.reason.clone()).collect();
        let score = understood.stress.score;
        history.stress_line.push(StressPoint { at, score, reasons });
    }
    history.stress = understood.stress.score;
    history.level = understood.stress.level;
    for slot in &understood.slots {
        history.slots.retain(|known| known.name != slot.name);
        history.slots.push(slot.clone());
    }
}

#[cfg(test)]
mod tests;
