//! The warm transfer: reserve, offer, brief in private, bridge, talk, wrap up. Every branch leads
//! on: to the next agent, back to the machine, or to a polite end; never to silence.

mod brief;
mod consult;
mod lost;
mod offer;
mod steer;
mod talk;

use std::time::Duration;

use crate::base::card::Priority;
use crate::base::ids::{AgentId, Skill};
use crate::base::listen::ListenMode;
use crate::call::command::{AgentOutcome, Command, HangUpCause, Route, TransferStep};
use crate::call::event::{NotReserved, ReservationRequest};
use crate::policy::BackReason;
use crate::policy::step::HandOver;
use crate::understanding::outcome::CallerCommand;

use super::*;

/// Announcements of the queue are at least this far apart.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(15);
/// In danger nobody is given up on: asked again after this.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The desk was asked.
    Reserving,
    /// The caller waits in the queue.
    Queued,
    /// An agent's phone rings.
    Offering,
    /// The agent is alone with the router.
    Briefing,
    /// Joined; sound is not yet seen from both.
    Proving,
    Talking,
    /// The agent was lost; the caller is held for them.
    AwaitingBack,
    /// The caller's line broke; the agent may have them called back.
    CallerLost,
    /// The caller's phone rings for the agent.
    CallingBack,
    /// The caller is gone; the agent says how it went.
    WrappingUp,
    /// The agent's leg was hung up and has not ended yet.
    Closing,
}

/// One transfer, from the wish to the wrap-up.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    state: State,
    hand_over: HandOver,
    agent: Option<(AgentId, String)>,
    leg: Option<LegId>,
    leg_alive: bool,
    /// Legs that were hung up and have not ended: a late answer of theirs is hung up again.
    offer: OfferId,
    asked: Vec<AgentId>,
    tries: u32,
    announced: Option<Moment>,
    agent_seen: bool,
    /// The agent has accepted on the page before the phone was answered; `true` for three-way.
    accepted: Option<bool>,
    /// The agent works on the page: nothing is asked by voice that the page asks.
    by_page: bool,
    held: bool,
    muted: bool,
    /// A re-INVITE was tried for a leg without sound.
    refreshed: bool,
    /// A colleague who was asked in.
    second: Option<consult::Second>,
    /// The caller was with an agent before: ahead of others of the same priority.
    returning: bool,
}

impl Transfer {
    /// `true` while a leg of an agent lives.
    pub fn is_live(&self) -> bool {
        self.leg_alive || self.second.as_ref().is_some_and(consult::Second::is_live)
    }
}

impl Session {
    /// A person is wanted, or wanted more urgently.
    pub(super) fn want_person(&mut self, now: Moment, hand_over: HandOver) {
        if matches!(self.phase, Phase::Ending(_) | Phase::Over) {
            return;
        }
        self.danger |= hand_over.danger;
        self.history.reasons.extend(hand_over.reasons.iter().cloned());
        self.history.reasons.truncate(MAX_REASONS);
        self.pending = None;
        self.timers.stop(Timer::NoInput);
        if let Some(transfer) = &mut self.transfer {
            let more_urgent = hand_over.priority < transfer.hand_over.priority;
            transfer.hand_over.danger |= hand_over.danger;
            if more_urgent {
                transfer.hand_over.priority = hand_over.priority;
                transfer.hand_over.reasons.extend(hand_over.reasons);
                if transfer.state == State::Queued {
                    self.reserve(now);
                }
            }
            return;
        }
        let reasons = hand_over.reasons.clone();
        self.note(Fact::Transfer { offer: None, step: TransferStep::Wanted { reasons } });
        self.phase = Phase::Person;
        self.transfer = Some(Transfer {
            state: State::Reserving,
            hand_over,
            agent: None,
            leg: None,
            leg_alive: false,
            offer: OfferId(0),
            asked: Vec::new(),
            tries: 0,
            announced: None,
            agent_seen: false,
            accepted: None,
            by_page: false,
            held: false,
            muted: false,
            refreshed: false,
            second: None,
            returning: false,
        });
        // Words and keys stay live while the caller waits.
        self.listen(LegId::CALLER, ListenMode::Waiting);
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Music)] });
        self.timers.set(Timer::QueueMax, now, self.setup.transfer.queue_wait_max);
        self.reserve(now);
    }

    /// Asks the desk for somebody who was not asked yet.
    pub(super) fn reserve(&mut self, _now: Moment) {
        let language = self.language();
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.state != State::Queued {
            transfer.state = State::Reserving;
        }
        let mut priority = transfer.hand_over.priority;
        if transfer.returning && priority > Priority::P1 {
            priority = Priority::P1;
        }
        let skills: Vec<Skill> = transfer.hand_over.skills.clone();
        let request = ReservationRequest {
            skills,
            language,
            priority,
            except: transfer.asked.clone(),
            only: None,
            queue: true,
        };
        self.command(Command::Reserve { request: Box::new(request) });
    }

    pub(super) fn reserved(&mut self, now: Moment, agent: AgentId, name: String) {
        if self.asks_for(&agent) {
            self.offer_to_colleague(now, agent, name);
            return;
        }
        let wanted = self.phase == Phase::Person
            && self
                .transfer
                .as_ref()
                .is_some_and(|transfer| matches!(transfer.state, State::Reserving | State::Queued));
        if !wanted {
            // The claim crossed the caller's leaving: free at once.
            self.command(Command::ReleaseAgent { agent, outcome: AgentOutcome::Withdrawn });
            return;
        }
        // An earlier claim may come while it is waited to ask again: one offer at a time.
        self.timers.stop(Timer::Retry);
        self.offer_to(now, agent, name);
    }

    pub(super) fn not_reserved(&mut self, now: Moment, why: NotReserved) {
        if self.asking_colleague() {
            self.colleague_busy();
            return;
        }
        let Some(transfer) = &mut self.transfer else { return };
        if self.phase != Phase::Person
            || !matches!(transfer.state, State::Reserving | State::Queued)
        {
            return;
        }
        let asked_somebody = transfer.tries > 0;
        match why {
            NotReserved::AllBusy => {
                transfer.state = State::Queued;
                transfer.announced = Some(now);
                self.prompt(now, LegId::CALLER, "queue_wait", &[]);
            }
            NotReserved::NobodyLoggedIn if asked_somebody => self.give_up(now),
            NotReserved::NobodyLoggedIn | NotReserved::QueueFull => {
                self.go_back(now, BackReason::NobodyThere);
            }
            NotReserved::Closed => self.go_back(now, BackReason::Closed),
        }
    }

    pub(super) fn queue_position(&mut self, now: Moment, position: u32) {
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.state != State::Queued || self.phase != Phase::Person {
            return;
        }
        let entered = transfer.announced == Some(now);
        let due = transfer.announced.is_none_or(|then| now.since(then) >= ANNOUNCE_EVERY);
        if due {
            transfer.announced = Some(now);
        }
        self.note(Fact::Transfer { offer: None, step: TransferStep::Queued { position } });
        if due || entered {
            let position = position.to_string();
            self.prompt(now, LegId::CALLER, "queue_position", &[("position", &position)]);
        }
    }

    /// The caller chose the machine instead of waiting.
    pub(super) fn back_to_the_machine(&mut self, now: Moment) {
        let waiting = self.transfer.as_ref().is_some_and(|transfer| {
            matches!(transfer.state, State::Reserving | State::Queued | State::Offering)
        });
        if waiting {
            self.leave_transfer(now, HangUpCause::OfferWithdrawn);
            self.phase = Phase::Dialogue;
            self.stop_playing(LegId::CALLER);
            self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Quiet)] });
            self.with_dialogue(now, |dialogue| {
                dialogue.on_back_from_handover(now, BackReason::AllFailed)
            });
        }
    }

    /// A caller who waits for a person comes before all others, without more being decided.
    pub(super) fn put_first(&mut self, now: Moment, reason: Reason) {
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.hand_over.priority > Priority::P0 {
            transfer.hand_over.priority = Priority::P0;
            transfer.hand_over.reasons.push(reason);
            if transfer.state == State::Queued {
                self.reserve(now);
            }
        }
    }

    /// `true` while the caller is joined with a person.
    pub(super) fn is_talking(&self) -> bool {
        let joined =
            |transfer: &Transfer| matches!(transfer.state, State::Proving | State::Talking);
        self.phase == Phase::Person && self.transfer.as_ref().is_some_and(joined)
    }

    /// Words while waiting for a person or talking with one. Card data and a refused recording
    /// hold always; before the bridge stress and danger raise the priority, and the caller may
    /// go back.
    pub(super) fn heard_by_person(&mut self, now: Moment, understood: &Understanding) {
        if self.is_talking() {
            self.with_dialogue(now, |dialogue| dialogue.mind_keeping(understood));
            return;
        }
        self.with_dialogue(now, |dialogue| dialogue.observe(now, understood));
        if matches!(understood.command, Some(CallerCommand::GoBack | CallerCommand::Automatic)) {
            self.back_to_the_machine(now);
        }
    }

    pub(super) fn waited_too_long(&mut self, now: Moment) {
        let waiting = self
            .transfer
            .as_ref()
            .is_some_and(|transfer| matches!(transfer.state, State::Reserving | State::Queued));
        if waiting && self.phase == Phase::Person {
            if self.danger {
                self.timers.set(Timer::QueueMax, now, self.setup.transfer.queue_wait_max);
                return;
            }
            self.give_up(now);
        }
    }

    /// Nobody could take the call.
    pub(super) fn give_up(&mut self, now: Moment) {
        self.note(Fact::Transfer { offer: None, step: TransferStep::GaveUp });
        if self.danger {
            // No machine after danger: the number once more, and everybody is asked again.
            let number = self.setup.policy.emergency_number(&self.setup.country).to_owned();
            let number = format!("<digits>{number}</digits>");
            self.prompt(now, LegId::CALLER, "emergency", &[("emergency", &number)]);
            if let Some(transfer) = &mut self.transfer {
                transfer.asked.clear();
                transfer.tries = 0;
                transfer.state = State::Reserving;
            }
            self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Music)] });
            self.timers.set(Timer::Retry, now, RETRY_AFTER);
            return;
        }
        self.go_back(now, BackReason::AllFailed);
    }

    fn go_back(&mut self, now: Moment, why: BackReason) {
        if self.danger && why != BackReason::AllFailed {
            let number = self.setup.policy.emergency_number(&self.setup.country).to_owned();
            let number = format!("<digits>{number}</digits>");
            self.prompt(now, LegId::CALLER, "emergency", &[("emergency", &number)]);
        }
        self.history.tried.push("looked for a person: nobody could take it".to_owned());
        self.leave_transfer(now, HangUpCause::OfferWithdrawn);
        self.phase = Phase::Dialogue;
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Quiet)] });
        self.with_dialogue(now, |dialogue| dialogue.on_back_from_handover(now, why));
    }

    /// Ends whatever of a transfer runs, without the caller's leg.
    pub(super) fn leave_transfer(&mut self, now: Moment, cause: HangUpCause) {
        for timer in [
            Timer::Ring,
            Timer::Briefing,
            Timer::BridgeProof,
            Timer::AgentBack,
            Timer::CallerBack,
            Timer::MediaBack,
            Timer::Consult,
            Timer::QueueMax,
            Timer::Retry,
        ] {
            self.timers.stop(timer);
        }
        self.drop_colleague(HangUpCause::OfferWithdrawn, AgentOutcome::Withdrawn);
        let Some(mut transfer) = self.transfer.take() else { return };
        match transfer.state {
            State::Reserving | State::Queued => self.command(Command::LeaveQueue),
            State::Offering | State::Briefing | State::Proving | State::Talking => {
                self.close_leg(now, &mut transfer, cause);
                self.release(&mut transfer, AgentOutcome::Withdrawn);
            }
            State::AwaitingBack
            | State::CallerLost
            | State::CallingBack
            | State::WrappingUp
            | State::Closing => {
                self.close_leg(now, &mut transfer, cause);
                self.release(&mut transfer, AgentOutcome::Served);
            }
        }
        if transfer.leg_alive && matches!(self.phase, Phase::Ending(_)) {
            transfer.state = State::Closing;
            self.transfer = Some(transfer);
        }
    }

    /// Hangs the agent's leg up, once.
    fn close_leg(&mut self, _now: Moment, transfer: &mut Transfer, cause: HangUpCause) {
        if let Some(leg) = transfer.leg
            && transfer.leg_alive
        {
            self.forget_plays(leg);
            self.command(Command::HangUp { leg, cause });
        }
    }

    fn release(&mut self, transfer: &mut Transfer, outcome: AgentOutcome) {
        if let Some((agent, _)) = transfer.agent.take() {
            self.command(Command::ReleaseAgent { agent, outcome });
        }
    }

    /// The caller's leg is gone: the offer is taken back, or the agent is told.
    pub(super) fn caller_left_transfer(&mut self, now: Moment) {
        self.drop_colleague(HangUpCause::OfferWithdrawn, AgentOutcome::Withdrawn);
        let Some(transfer) = &mut self.transfer else { return };
        let state = transfer.state;
        let offer = Some(transfer.offer);
        match state {
            State::Reserving | State::Queued | State::Offering | State::AwaitingBack => {
                self.note(Fact::Transfer { offer, step: TransferStep::CallerLeft });
                self.leave_transfer(now, HangUpCause::OfferWithdrawn);
                self.guard_agent_leg(now);
            }
            State::Briefing | State::Proving => {
                self.note(Fact::Transfer { offer, step: TransferStep::CallerLeft });
                self.tell_agent_and_close(now, "agent_caller_left", AgentOutcome::Withdrawn);
            }
            State::Talking => self.begin_wrap_up(now),
            State::CallerLost | State::CallingBack | State::WrappingUp | State::Closing => {}
        }
    }

    fn guard_agent_leg(&mut self, now: Moment) {
        if self.transfer.as_ref().is_some_and(Transfer::is_live) {
            self.timers.set(Timer::HangUp, now, super::caller::HANG_UP_MAX);
        }
    }

    /// The runtime gave no sign of the agent's leg: it is counted as gone.
    pub(super) fn transfer_lost(&mut self) {
        self.drop_colleague(HangUpCause::Failure, AgentOutcome::Withdrawn);
        if let Some(mut transfer) = self.transfer.take() {
            transfer.leg_alive = false;
            self.release(&mut transfer, AgentOutcome::Failed);
        }
    }
}

/// Reasons kept for the card.
const MAX_REASONS: usize = 24;
