//! An agent is rung; every way in which that can fail leads to the next.

use crate::call::event::DialFailure;

use super::*;

/// The runtime's own ring time-out comes first; this is for one that was lost.
const RING_SLACK: Duration = Duration::from_secs(3);

impl Session {
    pub(super) fn offer_to(&mut self, now: Moment, agent: AgentId, name: String) {
        // A claim that crossed the asking again: one offer is enough.
        self.timers.stop(Timer::Retry);
        let (offer, leg) = (self.new_offer(), self.new_leg());
        let Some(transfer) = &mut self.transfer else { return };
        transfer.state = State::Offering;
        transfer.offer = offer;
        transfer.agent = Some((agent.clone(), name));
        transfer.leg = Some(leg);
        transfer.leg_alive = true;
        transfer.agent_seen = false;
        transfer.accepted = None;
        transfer.by_page = false;
        transfer.held = false;
        transfer.muted = false;
        transfer.refreshed = false;
        transfer.tries += 1;
        transfer.asked.push(agent.clone());
        let hand_over = transfer.hand_over.clone();
        let card = Box::new(self.offer_card(offer, &agent, &hand_over));
        let ring = self.setup.transfer.ring;
        self.timers.set(Timer::Ring, now, ring + RING_SLACK);
        self.note(Fact::Transfer { offer: Some(offer), step: TransferStep::Offered { agent } });
        self.command(Command::DialAgent { leg, card, ring_ms_max: ring.as_millis() as u64 });
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Ringback)] });
    }

    /// The transfer and its agent, if `leg` is the leg of the running offer.
    fn of_leg(&mut self, leg: LegId) -> Option<(&mut Transfer, AgentId)> {
        let transfer = self.transfer.as_mut().filter(|transfer| transfer.leg == Some(leg))?;
        let agent = transfer.agent.as_ref().map(|(agent, _)| agent.clone())?;
        Some((transfer, agent))
    }

    pub(in super::super) fn agent_rings(&mut self, leg: LegId) {
        if self.is_colleague(leg) {
            self.step_of_colleague(|agent| TransferStep::Ringing { agent });
            return;
        }
        let Some((transfer, agent)) = self.of_leg(leg) else { return };
        if transfer.state == State::Offering {
            let offer = Some(transfer.offer);
            self.note(Fact::Transfer { offer, step: TransferStep::Ringing { agent } });
        }
    }

    pub(in super::super) fn agent_failed(&mut self, now: Moment, leg: LegId, failure: DialFailure) {
        if self.is_colleague(leg) {
            self.colleague_failed(failure);
            return;
        }
        let Some(transfer) = self.transfer.as_mut().filter(|t| t.leg == Some(leg)) else { return };
        transfer.leg_alive = false;
        if transfer.state == State::AwaitingBack && failure == DialFailure::Declined {
            self.agent_not_back(now);
            return;
        }
        if transfer.state != State::Offering {
            self.leg_is_gone(now);
            return;
        }
        let offer = Some(transfer.offer);
        let outcome = outcome_of(failure);
        if let Some((agent, _)) = transfer.agent.clone() {
            let step = match failure {
                DialFailure::Declined => TransferStep::Declined { agent },
                _ => TransferStep::Failed { agent, failure },
            };
            self.note(Fact::Transfer { offer, step });
        }
        self.next_agent(now, outcome);
    }

    pub(in super::super) fn ring_over(&mut self, now: Moment) {
        let ringing = self.transfer.as_mut().filter(|t| t.state == State::Offering);
        let Some(transfer) = ringing else { return };
        let (offer, agent) = (Some(transfer.offer), transfer.agent.clone());
        if let Some((agent, _)) = agent {
            let step = TransferStep::Failed { agent, failure: DialFailure::NoAnswer };
            self.note(Fact::Transfer { offer, step });
        }
        self.next_agent(now, AgentOutcome::NoAnswer);
    }

    /// This agent will not have it: hang up what is left of the offer, and ask the next.
    pub(super) fn next_agent(&mut self, now: Moment, outcome: AgentOutcome) {
        for timer in [Timer::Ring, Timer::Briefing, Timer::BridgeProof, Timer::MediaBack] {
            self.timers.stop(timer);
        }
        let Some(mut transfer) = self.transfer.take() else { return };
        let cause = match outcome {
            AgentOutcome::NoAnswer => HangUpCause::NoAnswer,
            AgentOutcome::Declined => HangUpCause::Declined,
            AgentOutcome::Failed => HangUpCause::MediaLost,
            AgentOutcome::Served | AgentOutcome::Busy | AgentOutcome::Withdrawn => {
                HangUpCause::OfferWithdrawn
            }
        };
        self.close_leg(now, &mut transfer, cause);
        self.release(&mut transfer, outcome);
        // The old leg ends on its own; its late events carry a leg that is no longer ours.
        transfer.leg = None;
        transfer.leg_alive = false;
        transfer.state = State::Reserving;
        let tries = transfer.tries;
        self.transfer = Some(transfer);
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Music)] });
        if tries >= self.setup.transfer.tries_max {
            self.give_up(now);
        } else {
            self.reserve(now);
        }
    }
}

/// What a failure means for the agent's presence.
pub(super) fn outcome_of(failure: DialFailure) -> AgentOutcome {
    match failure {
        DialFailure::Busy => AgentOutcome::Busy,
        DialFailure::Declined => AgentOutcome::Declined,
        DialFailure::NoAnswer | DialFailure::Cancelled => AgentOutcome::NoAnswer,
        DialFailure::NotFound
        | DialFailure::Forbidden
        | DialFailure::NoCommonMedia
        | DialFailure::ServerError(_)
        | DialFailure::Unreachable
        | DialFailure::Other(_) => AgentOutcome::Failed,
    }
}
