//! An agent asks a colleague in: the caller stays with the agent until the colleague answers,
//! hears music while the two talk, and is handed over, taken back, or joined by both.

use crate::call::event::DialFailure;

use super::*;

/// What holds of the colleague.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Asking,
    Ringing,
    Talking(Voice),
}

/// With whom the agent speaks once the colleague is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// The agents with each other; the caller hears music.
    Apart,
    /// The agent with the caller; the colleague hears music.
    Parked,
    Joined,
}

/// The colleague.
#[derive(Clone, Debug)]
pub(super) struct Second {
    stage: Stage,
    agent: AgentId,
    name: String,
    leg: Option<LegId>,
    offer: OfferId,
    /// Sound from the colleague was seen lately.
    seen: bool,
}

impl Second {
    pub fn is_live(&self) -> bool {
        self.leg.is_some()
    }

    /// The colleague's leg and how it is joined, once it is answered.
    pub fn voice(&self) -> Option<(LegId, Voice)> {
        match (self.stage, self.leg) {
            (Stage::Talking(voice), Some(leg)) => Some((leg, voice)),
            (_, _) => None,
        }
    }
}

impl Session {
    fn second(&self) -> Option<&Second> {
        self.transfer.as_ref().and_then(|transfer| transfer.second.as_ref())
    }

    pub(super) fn is_colleague(&self, leg: LegId) -> bool {
        self.second().is_some_and(|second| second.leg == Some(leg))
    }

    pub(super) fn colleague_media(&mut self, seen: bool) {
        if let Some(second) = self.transfer.as_mut().and_then(|t| t.second.as_mut()) {
            second.seen = seen;
        }
    }

    pub(super) fn asks_for(&self, agent: &AgentId) -> bool {
        self.second().is_some_and(|second| second.stage == Stage::Asking && second.agent == *agent)
    }

    pub(super) fn asking_colleague(&self) -> bool {
        self.second().is_some_and(|second| second.stage == Stage::Asking)
    }

    /// Notes a step that names the colleague.
    pub(super) fn step_of_colleague(&mut self, step: impl FnOnce(AgentId) -> TransferStep) {
        let found = self.second().map(|second| (second.agent.clone(), second.offer));
        if let Some((agent, offer)) = found {
            self.note(Fact::Transfer { offer: Some(offer), step: step(agent) });
        }
    }

    pub(super) fn ask_colleague(&mut self, agent: AgentId) {
        let language = self.language();
        let offer = OfferId(self.next_offer + 1);
        let Some(transfer) = &mut self.transfer else { return };
        let own = transfer.agent.as_ref().is_some_and(|(own, _)| *own == agent);
        if transfer.state != State::Talking || transfer.second.is_some() || own {
            return;
        }
        self.next_offer += 1;
        transfer.held = false;
        transfer.second = Some(Second {
            stage: Stage::Asking,
            agent: agent.clone(),
            name: String::new(),
            leg: None,
            offer,
            seen: false,
        });
        let request = ReservationRequest {
            skills: Vec::new(),
            language,
            priority: transfer.hand_over.priority,
            except: Vec::new(),
            only: Some(agent.clone()),
            queue: false,
        };
        self.note_steered(crate::call::steer::Steer::Consult { agent });
        self.command(Command::Reserve { request: Box::new(request) });
    }

    pub(super) fn colleague_busy(&mut self) {
        let failure = DialFailure::Busy;
        self.step_of_colleague(|agent| TransferStep::Failed { agent, failure });
        self.colleague_gone();
    }

    pub(super) fn offer_to_colleague(&mut self, now: Moment, agent: AgentId, name: String) {
        let leg = self.new_leg();
        let Some(transfer) = &mut self.transfer else { return };
        let hand_over = transfer.hand_over.clone();
        let Some(second) = &mut transfer.second else { return };
        second.stage = Stage::Ringing;
        second.name = name;
        second.leg = Some(leg);
        let offer = second.offer;
        let card = Box::new(self.offer_card(offer, &agent, &hand_over));
        let ring = self.setup.transfer.ring;
        self.timers.set(Timer::Consult, now, ring);
        self.step_of_colleague(|agent| TransferStep::Offered { agent });
        self.command(Command::DialAgent { leg, card, ring_ms_max: ring.as_millis() as u64 });
    }

    /// The colleague is there: the agents talk, the caller hears music.
    pub(super) fn colleague_answered(&mut self) {
        self.timers.stop(Timer::Consult);
        let Some(transfer) = &mut self.transfer else { return };
        let Some(second) = &mut transfer.second else { return };
        second.stage = Stage::Talking(Voice::Apart);
        self.step_of_colleague(|agent| TransferStep::Consulting { agent });
        self.route_talk();
    }

    pub(super) fn colleague_failed(&mut self, failure: DialFailure) {
        self.step_of_colleague(|agent| TransferStep::Failed { agent, failure });
        if let Some(second) = self.transfer.as_mut().and_then(|t| t.second.as_mut()) {
            second.leg = None;
        }
        self.drop_colleague(HangUpCause::NoAnswer, super::offer::outcome_of(failure));
        self.route_talk();
    }

    pub(in super::super) fn colleague_not_there(&mut self, _now: Moment) {
        if self.second().is_some_and(|second| second.stage == Stage::Ringing) {
            let failure = DialFailure::NoAnswer;
            self.step_of_colleague(|agent| TransferStep::Failed { agent, failure });
            self.drop_colleague(HangUpCause::NoAnswer, AgentOutcome::NoAnswer);
            self.route_talk();
        }
    }

    /// The colleague hung up: the agent has the caller.
    pub(super) fn colleague_left(&mut self) {
        self.step_of_colleague(|agent| TransferStep::ConsultEnded { agent });
        if let Some(second) = self.transfer.as_mut().and_then(|t| t.second.as_mut()) {
            second.leg = None;
        }
        let joined =
            self.second().is_some_and(|second| second.stage == Stage::Talking(Voice::Joined));
        let outcome = if joined { AgentOutcome::Served } else { AgentOutcome::Withdrawn };
        self.drop_colleague(HangUpCause::Normal, outcome);
        self.route_talk();
        self.end_if_done();
    }

    /// Ends what runs with the colleague, if anything does; the routes are the caller's matter.
    pub(super) fn drop_colleague(&mut self, cause: HangUpCause, outcome: AgentOutcome) {
        let second = self.transfer.as_mut().and_then(|transfer| transfer.second.take());
        let Some(second) = second else { return };
        self.timers.stop(Timer::Consult);
        if let Some(leg) = second.leg {
            self.forget_plays(leg);
            self.command(Command::HangUp { leg, cause });
        }
        if second.stage != Stage::Asking {
            self.command(Command::ReleaseAgent { agent: second.agent, outcome });
        }
    }

    fn colleague_gone(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            transfer.second = None;
        }
    }

    /// The agent takes the caller back.
    pub(super) fn take_back(&mut self) {
        if self.second().is_some() {
            self.step_of_colleague(|agent| TransferStep::ConsultEnded { agent });
            self.drop_colleague(HangUpCause::OfferWithdrawn, AgentOutcome::Withdrawn);
            self.route_talk();
        }
    }

    pub(super) fn swap(&mut self) {
        let second = self.transfer.as_mut().and_then(|transfer| transfer.second.as_mut());
        if let Some(Second { stage: Stage::Talking(voice), .. }) = second {
            *voice = match voice {
                Voice::Apart => Voice::Parked,
                Voice::Parked | Voice::Joined => Voice::Apart,
            };
            self.note_steered(crate::call::steer::Steer::Swap);
            self.route_talk();
        }
    }

    pub(super) fn join_all(&mut self) {
        let second = self.transfer.as_mut().and_then(|transfer| transfer.second.as_mut());
        if let Some(Second { stage: Stage::Talking(voice), .. }) = second {
            *voice = Voice::Joined;
            self.step_of_colleague(|agent| TransferStep::Joined { agent });
            self.route_talk();
        }
    }

    /// The agent's leg is gone while a colleague is there: the colleague has the caller.
    pub(super) fn colleague_takes_over(&mut self, now: Moment) -> bool {
        self.hand_to_colleague(now, false)
    }

    /// The agent steps out. A colleague who still rings is the call's next offer: what fails then
    /// leads to the next agent as ever. `false` if there is no colleague to hand to.
    pub(super) fn hand_to_colleague(&mut self, now: Moment, hang_up: bool) -> bool {
        if !self.second().is_some_and(Second::is_live) {
            return false;
        }
        let Some(transfer) = &mut self.transfer else { return false };
        let Some(second) = transfer.second.take() else { return false };
        let (old_leg, old_offer) = (transfer.leg, transfer.offer);
        let old_agent = transfer.agent.replace((second.agent.clone(), second.name.clone()));
        let old_alive = transfer.leg_alive;
        transfer.leg = second.leg;
        transfer.leg_alive = true;
        transfer.agent_seen = second.seen;
        transfer.offer = second.offer;
        transfer.asked.push(second.agent.clone());
        (transfer.held, transfer.muted, transfer.by_page) = (false, false, false);
        transfer.accepted = None;
        self.timers.stop(Timer::Consult);
        if let Some((agent, _)) = old_agent {
            let step = TransferStep::HandedOver { agent: agent.clone() };
            self.note(Fact::Transfer { offer: Some(old_offer), step });
            self.command(Command::ReleaseAgent { agent, outcome: AgentOutcome::Served });
        }
        if let Some(leg) = old_leg.filter(|_| hang_up && old_alive) {
            self.forget_plays(leg);
            self.command(Command::HangUp { leg, cause: HangUpCause::Normal });
        }
        match second.stage {
            Stage::Asking | Stage::Ringing => self.ring_on(now),
            Stage::Talking(_) => {
                self.step_of_agent(|agent| TransferStep::Accepted { agent });
                self.bridge(now);
            }
        }
        true
    }

    /// The colleague still rings: from here on it is an offer like any other.
    fn ring_on(&mut self, now: Moment) {
        if let Some(transfer) = &mut self.transfer {
            transfer.state = State::Offering;
        }
        self.timers.set(Timer::Ring, now, self.setup.transfer.ring);
        self.command(Command::Listen { leg: LegId::CALLER, mode: ListenMode::Waiting });
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Ringback)] });
    }
}
