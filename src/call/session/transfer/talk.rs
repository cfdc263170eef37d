//! Joined: proof of sound both ways, hold, the agent lost and found again, the wrap-up.

use super::*;

/// How long an agent's phone that was asked anew for sound may take to send some.
const MEDIA_BACK_MAX: Duration = Duration::from_secs(3);
/// How long the bridge may lack sound from either side.
const PROOF: Duration = Duration::from_secs(1);

impl Session {
    /// Joins caller and agent in one tick; the caller is told to whom.
    pub(super) fn bridge(&mut self, now: Moment) {
        let Some(transfer) = &mut self.transfer else { return };
        transfer.state = State::Proving;
        let (Some(leg), Some((_, name))) = (transfer.leg, transfer.agent.clone()) else { return };
        self.stop_playing(leg);
        self.stop_playing(LegId::CALLER);
        self.prompt(now, LegId::CALLER, "connected", &[("agent", &name)]);
        self.route_talk();
        self.command(Command::Listen { leg: LegId::CALLER, mode: ListenMode::Conversation });
        self.timers.set(Timer::BridgeProof, now, PROOF);
        self.bridge_proved();
    }

    /// Success means that sound is seen from both sides.
    pub(in super::super) fn bridge_proved(&mut self) {
        let caller_seen = self.caller_seen;
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.state == State::Proving && transfer.agent_seen && caller_seen {
            transfer.state = State::Talking;
            self.timers.stop(Timer::BridgeProof);
            self.bridged_ever = true;
            self.step_of_agent(|agent| TransferStep::Bridged { agent });
        }
    }

    /// No sound from one side: without the agent's the next one is asked; a caller who is silent
    /// on the line is still a caller.
    pub(in super::super) fn bridge_unproved(&mut self, now: Moment) {
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.state != State::Proving {
            return;
        }
        if transfer.agent_seen {
            transfer.state = State::Talking;
            self.bridged_ever = true;
            self.step_of_agent(|agent| TransferStep::Bridged { agent });
        } else {
            self.step_of_agent(|agent| TransferStep::AgentLeft { agent });
            self.command(Command::Listen { leg: LegId::CALLER, mode: ListenMode::Waiting });
            self.next_agent(now, AgentOutcome::Failed);
        }
    }

    pub(in super::super) fn agent_media(&mut self, now: Moment, leg: LegId, seen: bool) {
        if self.is_colleague(leg) {
            self.colleague_media(seen);
            return;
        }
        let Some(transfer) = self.transfer.as_mut().filter(|t| t.leg == Some(leg)) else { return };
        transfer.agent_seen = seen;
        if seen {
            self.timers.stop(Timer::MediaBack);
        } else if transfer.state == State::Briefing {
            // A briefing that nobody hears: the session is offered anew, once.
            if std::mem::replace(&mut transfer.refreshed, true) {
                self.media_not_back(now);
            } else {
                self.command(Command::Refresh { leg });
                self.timers.set(Timer::MediaBack, now, MEDIA_BACK_MAX);
            }
        }
    }

    /// One party holds: the other hears music until it is back.
    pub(in super::super) fn hold_in_talk(&mut self, leg: LegId, held: bool) {
        let Some(transfer) = &self.transfer else { return };
        let Some(agent_leg) = transfer.leg.filter(|_| transfer.state == State::Talking) else {
            return;
        };
        let other = if leg == LegId::CALLER { agent_leg } else { LegId::CALLER };
        if leg != LegId::CALLER && leg != agent_leg {
            return;
        }
        let offer = Some(transfer.offer);
        if held {
            self.note(Fact::Transfer { offer, step: TransferStep::Held { leg } });
            self.command(Command::Route { routes: vec![(other, Route::Music)] });
        } else {
            self.note(Fact::Transfer { offer, step: TransferStep::Resumed { leg } });
            self.route_talk();
        }
    }

    /// Still no sound from the agent's phone.
    pub(in super::super) fn media_not_back(&mut self, now: Moment) {
        if self.transfer.as_ref().is_some_and(|transfer| transfer.state == State::Briefing) {
            self.step_of_agent(|agent| TransferStep::AgentLeft { agent });
            self.next_agent(now, AgentOutcome::Failed);
        }
    }

    /// An agent's leg ended after it was answered.
    pub(in super::super) fn agent_ended(&mut self, now: Moment, leg: LegId, end: LegEnd) {
        if self.is_colleague(leg) {
            self.colleague_left();
            return;
        }
        let Some(transfer) = self.transfer.as_mut().filter(|t| t.leg == Some(leg)) else { return };
        transfer.leg_alive = false;
        let state = transfer.state;
        if state == State::Talking && self.colleague_takes_over(now) {
            return;
        }
        match state {
            State::Briefing | State::Proving => {
                self.step_of_agent(|agent| TransferStep::AgentLeft { agent });
                self.command(Command::Listen { leg: LegId::CALLER, mode: ListenMode::Waiting });
                self.next_agent(now, AgentOutcome::Declined);
            }
            State::Talking => match end {
                LegEnd::HungUp | LegEnd::ByUs | LegEnd::Cancelled => self.agent_hung_up(now),
                LegEnd::MediaLost | LegEnd::SignallingLost => self.agent_lost(now),
            },
            State::Reserving
            | State::Queued
            | State::Offering
            | State::AwaitingBack
            | State::WrappingUp
            | State::Closing => self.leg_is_gone(now),
            State::CallerLost | State::CallingBack => {
                self.command(Command::HangUp {
                    leg: LegId::CALLER,
                    cause: HangUpCause::OfferWithdrawn,
                });
                self.over_without_caller(now);
            }
        }
    }

    /// The agent ended the conversation: so does the call.
    fn agent_hung_up(&mut self, now: Moment) {
        let offer = self.transfer.as_ref().map(|transfer| transfer.offer);
        self.note(Fact::Transfer { offer, step: TransferStep::Ended });
        if let Some(mut transfer) = self.transfer.take() {
            self.release(&mut transfer, AgentOutcome::Served);
        }
        self.command(Command::Listen { leg: LegId::CALLER, mode: ListenMode::KeysOnly });
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Quiet)] });
        self.phase = Phase::Dialogue;
        self.prompt(now, LegId::CALLER, "goodbye", &[]);
        self.pending = Some(super::super::steps::Pending::HangUp(Disposition::Transferred));
    }

    /// The agent's line broke: hold the caller and ring the same agent again.
    fn agent_lost(&mut self, now: Moment) {
        self.step_of_agent(|agent| TransferStep::AgentLost { agent });
        self.prompt(now, LegId::CALLER, "one_moment", &[]);
        self.command(Command::Listen { leg: LegId::CALLER, mode: ListenMode::Waiting });
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Music)] });
        self.timers.set(Timer::AgentBack, now, self.setup.transfer.agent_back);
        self.ring_again(now);
    }

    /// Rings the agent who was lost, within the time that the caller is held for them.
    fn ring_again(&mut self, now: Moment) {
        let left = self.timers.left(Timer::AgentBack, now);
        let (offer, leg) = (self.new_offer(), self.new_leg());
        let Some(transfer) = &mut self.transfer else { return };
        transfer.state = State::AwaitingBack;
        transfer.held = false;
        transfer.muted = false;
        transfer.offer = offer;
        transfer.leg = Some(leg);
        transfer.leg_alive = true;
        transfer.agent_seen = false;
        let (hand_over, agent) = (transfer.hand_over.clone(), transfer.agent.clone());
        let Some((agent, _)) = agent else { return };
        let card = Box::new(self.offer_card(offer, &agent, &hand_over));
        self.command(Command::DialAgent { leg, card, ring_ms_max: left.as_millis() as u64 });
    }

    /// Time to ask again: the desk, or the agent who was lost.
    pub(in super::super) fn retry(&mut self, now: Moment) {
        match self.transfer.as_ref().map(|transfer| transfer.state) {
            Some(State::AwaitingBack) => self.ring_again(now),
            _ => self.reserve(now),
        }
    }

    /// The same agent answered again: joined at once, no second briefing.
    pub(super) fn agent_back(&mut self, now: Moment, leg: LegId) {
        self.timers.stop(Timer::AgentBack);
        self.timers.stop(Timer::Retry);
        self.prompt(now, leg, "agent_back", &[]);
        self.step_of_agent(|agent| TransferStep::Accepted { agent });
        self.bridge(now);
    }

    pub(in super::super) fn agent_not_back(&mut self, now: Moment) {
        let Some(mut transfer) = self.transfer.take() else { return };
        if transfer.state != State::AwaitingBack {
            self.transfer = Some(transfer);
            return;
        }
        self.timers.stop(Timer::AgentBack);
        self.timers.stop(Timer::Retry);
        self.close_leg(now, &mut transfer, HangUpCause::NoAnswer);
        self.release(&mut transfer, AgentOutcome::Failed);
        transfer.leg = None;
        transfer.leg_alive = false;
        transfer.tries = 0;
        // To the front: ahead of those who never spoke with anybody.
        transfer.returning = true;
        transfer.state = State::Reserving;
        self.transfer = Some(transfer);
        self.timers.set(Timer::QueueMax, now, self.setup.transfer.queue_wait_max);
        self.reserve(now);
    }

    /// The caller hung up: the agent says how it went, by key.
    pub(super) fn begin_wrap_up(&mut self, now: Moment) {
        let Some(transfer) = &mut self.transfer else { return };
        transfer.state = State::WrappingUp;
        let (leg, offer) = (transfer.leg, Some(transfer.offer));
        self.note(Fact::Transfer { offer, step: TransferStep::Ended });
        let Some(leg) = leg else { return };
        if self.transfer.as_ref().is_some_and(|transfer| transfer.by_page) {
            // The page asks how it went.
            self.wrap_up_over(now);
            return;
        }
        // The ear stays open: the agent's last words are still being written down.
        self.command(Command::Route { routes: vec![(leg, Route::Quiet)] });
        self.prompt(now, leg, "wrap_up_menu", &[]);
        self.timers.set(Timer::WrapUp, now, self.setup.transfer.wrap_up_key);
    }

    pub(super) fn wrap_up_key(&mut self, now: Moment, key: Key) {
        let result = match key {
            Key::ONE => "solved",
            Key::TWO => "follow-up",
            Key::THREE => "not solved",
            _ => return,
        };
        let agent = self.transfer.as_ref().and_then(|transfer| transfer.agent.clone());
        if let Some((agent, _)) = agent {
            self.note(Fact::WrapUp { agent, result: result.to_owned() });
        }
        self.timers.stop(Timer::WrapUp);
        self.tell_agent_and_close(now, "wrap_up_thanks", AgentOutcome::Served);
    }

    pub(in super::super) fn wrap_up_over(&mut self, now: Moment) {
        if let Some(transfer) = &mut self.transfer {
            transfer.state = State::Closing;
        }
        self.release_agent(AgentOutcome::Served);
        self.hang_up_agent(now, HangUpCause::Normal);
    }

    /// Says one last thing to the agent, then hangs up.
    pub(super) fn tell_agent_and_close(
        &mut self,
        now: Moment,
        prompt: &str,
        outcome: AgentOutcome,
    ) {
        for timer in [Timer::Briefing, Timer::BridgeProof] {
            self.timers.stop(timer);
        }
        let leg = self.transfer.as_ref().and_then(|transfer| transfer.leg);
        if let Some(transfer) = &mut self.transfer {
            transfer.state = State::Closing;
        }
        self.release_agent(outcome);
        if let Some(leg) = leg {
            self.stop_playing(leg);
            self.forget_plays(leg);
            self.command(Command::Route { routes: vec![(leg, Route::Quiet)] });
            self.prompt(now, leg, prompt, &[]);
        }
        // A farewell that never ends is cut off.
        self.timers.set(Timer::HangUp, now, FAREWELL_MAX);
    }

    pub(super) fn hang_up_agent(&mut self, now: Moment, cause: HangUpCause) {
        let leg = self.transfer.as_ref().filter(|t| t.leg_alive).and_then(|t| t.leg);
        if let Some(leg) = leg {
            self.forget_plays(leg);
            self.command(Command::HangUp { leg, cause });
            self.timers.set(Timer::HangUp, now, super::super::caller::HANG_UP_MAX);
        }
    }

    pub(super) fn release_agent(&mut self, outcome: AgentOutcome) {
        let agent = self.transfer.as_mut().and_then(|transfer| transfer.agent.take());
        if let Some((agent, _)) = agent {
            self.command(Command::ReleaseAgent { agent, outcome });
        }
    }

    /// A leg of ours is gone in a state that expected it.
    pub(super) fn leg_is_gone(&mut self, now: Moment) {
        let state = self.transfer.as_ref().map(|transfer| transfer.state);
        match state {
            // Rung again in vain, perhaps into the line that broke: once more, until the time is
            // out.
            Some(State::AwaitingBack) => self.timers.set(Timer::Retry, now, RING_AGAIN_AFTER),
            Some(State::WrappingUp) => {
                self.timers.stop(Timer::WrapUp);
                self.release_agent(AgentOutcome::Served);
            }
            _ => {}
        }
        self.end_if_done();
    }
}

/// A lost agent's phone is rung anew this long after it failed.
const RING_AGAIN_AFTER: Duration = Duration::from_secs(3);
/// Time for one last sentence.
const FAREWELL_MAX: Duration = Duration::from_secs(8);
