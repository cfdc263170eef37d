//! The caller's line broke in the middle of the conversation: for a while the agent may have them
//! called back by one key, and goes on where both were.

use crate::base::disposition::Disposition;

use super::*;

/// How long the agent may have the caller called back, the ringing included.
const CALL_BACK_MAX: Duration = Duration::from_secs(30);

impl Session {
    /// `true` if the caller may be called back: the call goes on without them for a while.
    pub(in super::super) fn caller_lost(&mut self, now: Moment) -> bool {
        let reachable = self
            .caller
            .as_ref()
            .is_some_and(|caller| caller.number.is_some() && caller.peer.is_some());
        let talking = self.transfer.as_ref().is_some_and(|transfer| {
            transfer.state == State::Talking && transfer.leg_alive && transfer.second.is_none()
        });
        if !reachable || !talking {
            return false;
        }
        self.note_of_offer(TransferStep::CallerLost);
        let Some(transfer) = &mut self.transfer else { return false };
        transfer.state = State::CallerLost;
        let Some(leg) = transfer.leg else { return false };
        self.command(Command::Route { routes: vec![(leg, Route::Quiet)] });
        self.prompt(now, leg, "caller_lost_to_agent", &[]);
        self.timers.set(Timer::CallerBack, now, CALL_BACK_MAX);
        true
    }

    /// 5 calls the caller back, once.
    pub(super) fn caller_lost_key(&mut self, key: Key) {
        let Some(transfer) = &mut self.transfer else { return };
        let (Some(leg), true) = (transfer.leg, key.symbol() == '5') else { return };
        transfer.state = State::CallingBack;
        self.note_of_offer(TransferStep::CallingBack);
        self.stop_playing(leg);
        self.command(Command::Route { routes: vec![(leg, Route::Ringback)] });
        self.command(Command::CallBack);
    }

    /// The caller's line answered: joined again, if somebody is there still.
    pub(in super::super) fn caller_answered(&mut self, now: Moment) {
        let waited = self
            .transfer
            .as_ref()
            .is_some_and(|transfer| transfer.state == State::CallingBack && transfer.leg_alive);
        if !waited {
            self.command(Command::HangUp {
                leg: LegId::CALLER,
                cause: HangUpCause::OfferWithdrawn,
            });
            return;
        }
        self.timers.stop(Timer::CallerBack);
        self.caller_alive = true;
        self.caller_seen = false;
        self.bridge(now);
    }

    /// Not reached, or the agent let the time pass: the call is over.
    pub(in super::super) fn caller_not_back(&mut self, now: Moment) {
        let state = self.transfer.as_ref().map(|transfer| transfer.state);
        match state {
            Some(State::CallingBack) => {
                self.command(Command::HangUp { leg: LegId::CALLER, cause: HangUpCause::NoAnswer });
                self.over_without_caller(now);
            }
            Some(State::CallerLost) => self.over_without_caller(now),
            _ => {}
        }
    }

    /// The agent asks no more for the caller: the wrap-up begins, or the agent is gone, too.
    pub(super) fn over_without_caller(&mut self, now: Moment) {
        self.timers.stop(Timer::CallerBack);
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.leg_alive {
            transfer.state = State::Talking;
        } else {
            transfer.state = State::Closing;
            self.note_of_offer(TransferStep::Ended);
            self.release_agent(AgentOutcome::Served);
        }
        self.end_of_caller(now, Disposition::Transferred);
    }

    /// Notes a step of the running offer that names nobody.
    fn note_of_offer(&mut self, step: TransferStep) {
        let offer = self.transfer.as_ref().map(|transfer| transfer.offer);
        self.note(Fact::Transfer { offer, step });
    }
}
