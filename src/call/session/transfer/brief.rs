//! The agent has answered and is alone with the router: who, why, how they feel, what was tried.
//! 1 accepts, 2 declines, 3 says more, 4 joins at once with the machine's summary in the caller's
//! hearing; no key in time declines. Before that the caller hears none of it.

use super::*;

/// A briefing that never ends by itself is over after this.
const BRIEFING_SPOKEN_MAX: Duration = Duration::from_secs(20);

impl Session {
    pub(in super::super) fn agent_answered(&mut self, now: Moment, leg: LegId) {
        if self.is_colleague(leg) {
            self.colleague_answered();
            return;
        }
        let ours = self
            .transfer
            .as_ref()
            .is_some_and(|transfer| transfer.leg == Some(leg) && transfer.leg_alive);
        if !ours {
            // Two agents answered, or the answer crossed our CANCEL.
            self.command(Command::HangUp { leg, cause: HangUpCause::OfferWithdrawn });
            return;
        }
        let state = self.transfer.as_ref().map(|transfer| transfer.state);
        let accepted = self.transfer.as_ref().and_then(|transfer| transfer.accepted);
        match (state, accepted) {
            (Some(State::Offering), Some(three_way)) => {
                self.timers.stop(Timer::Ring);
                self.command(Command::Route { routes: vec![(leg, Route::Quiet)] });
                self.accept_as(now, leg, three_way);
            }
            (Some(State::Offering), None) => self.brief(now, leg),
            (Some(State::AwaitingBack), _) => self.agent_back(now, leg),
            _ => {}
        }
    }

    fn brief(&mut self, now: Moment, leg: LegId) {
        self.timers.stop(Timer::Ring);
        let language = self.language();
        let Some(transfer) = &mut self.transfer else { return };
        transfer.state = State::Briefing;
        let (offer, agent) = (transfer.offer, transfer.agent.clone());
        let hand_over = transfer.hand_over.clone();
        let Some((agent, _)) = agent else { return };
        let card = self.offer_card(offer, &agent, &hand_over);
        let step = TransferStep::Briefing { agent };
        self.note(Fact::Transfer { offer: Some(offer), step });
        self.listen(leg, ListenMode::KeysOnly);
        self.command(Command::Route {
            routes: vec![(LegId::CALLER, Route::Music), (leg, Route::Quiet)],
        });
        let briefing = self.setup.policy.briefing(&card, &language);
        self.play(now, leg, briefing);
        self.prompt(now, leg, "agent_menu", &[]);
        let longest = self.setup.transfer.briefing + BRIEFING_SPOKEN_MAX;
        self.timers.set(Timer::Briefing, now, longest);
    }

    /// The agent has heard all: from now on the keys are awaited.
    pub(in super::super) fn agent_heard_all(&mut self, now: Moment, leg: LegId) {
        let state = self.transfer.as_ref().filter(|t| t.leg == Some(leg)).map(|t| t.state);
        match state {
            Some(State::Briefing) => {
                self.timers.set(Timer::Briefing, now, self.setup.transfer.briefing);
            }
            Some(State::Closing) => self.hang_up_agent(now, HangUpCause::Normal),
            _ => {}
        }
    }

    pub(in super::super) fn agent_key(&mut self, now: Moment, leg: LegId, key: Key) {
        let state = self.transfer.as_ref().filter(|t| t.leg == Some(leg)).map(|t| t.state);
        match state {
            Some(State::Briefing) => self.briefing_key(now, leg, key),
            Some(State::WrappingUp) => self.wrap_up_key(now, key),
            Some(State::CallerLost) => self.caller_lost_key(key),
            _ => {}
        }
    }

    pub(super) fn briefing_key(&mut self, now: Moment, leg: LegId, key: Key) {
        match key {
            Key::ONE => self.accept(now),
            Key::FOUR => self.accept_three_way(now, leg),
            Key::TWO => self.declined(now),
            Key::THREE => {
                self.stop_playing(leg);
                self.timers.stop(Timer::Briefing);
                let lines = self.last_lines();
                if !lines.is_empty() {
                    let what = crate::base::spoken::Spoken {
                        prompt: None,
                        text: lines,
                        language: self.language(),
                        fixed: false,
                        slow: false,
                        barge_in: true,
                    };
                    self.play(now, leg, what);
                }
                self.prompt(now, leg, "agent_menu", &[]);
                let longest = self.setup.transfer.briefing + BRIEFING_SPOKEN_MAX * 2;
                self.timers.set(Timer::Briefing, now, longest);
            }
            _ => {}
        }
    }

    pub(super) fn declined(&mut self, now: Moment) {
        self.step_of_agent(|agent| TransferStep::Declined { agent });
        self.next_agent(now, AgentOutcome::Declined);
    }

    pub(in super::super) fn briefing_over(&mut self, now: Moment) {
        let briefing = self.transfer.as_ref().is_some_and(|t| t.state == State::Briefing);
        if briefing {
            self.step_of_agent(|agent| TransferStep::Unconfirmed { agent });
            self.next_agent(now, AgentOutcome::NoAnswer);
        }
    }

    /// Notes a step that names the agent of the running offer.
    pub(super) fn step_of_agent(&mut self, step: impl FnOnce(AgentId) -> TransferStep) {
        let Some(transfer) = &self.transfer else { return };
        let Some((agent, _)) = transfer.agent.clone() else { return };
        let offer = Some(transfer.offer);
        self.note(Fact::Transfer { offer, step: step(agent) });
    }

    pub(super) fn accept(&mut self, now: Moment) {
        self.timers.stop(Timer::Briefing);
        self.timers.stop(Timer::QueueMax);
        self.step_of_agent(|agent| TransferStep::Accepted { agent });
        self.bridge(now);
    }

    /// All three on the line: the machine sums up for both, so that the caller can put it right,
    /// and falls silent.
    pub(super) fn accept_three_way(&mut self, now: Moment, leg: LegId) {
        let language = self.language();
        let Some(transfer) = &self.transfer else { return };
        let Some((agent, _)) = transfer.agent.clone() else { return };
        let (offer, hand_over) = (transfer.offer, transfer.hand_over.clone());
        let card = self.offer_card(offer, &agent, &hand_over);
        self.accept(now);
        let summary = self.setup.policy.three_way(&card, &language);
        for party in [LegId::CALLER, leg] {
            self.play(now, party, summary.clone());
        }
    }
}
