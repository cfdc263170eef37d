//! The agent steers from the page: every button, in every state. What does not fit is ignored,
//! for the page may show what was true a moment ago.

use crate::base::spoken::Spoken;
use crate::call::steer::Steer;

use super::*;

/// Characters of an answer that an agent may have read to the caller.
const SAY_CHARS_MAX: usize = 600;

/// What an agent can say to an offer before the bridge.
enum Answer {
    Accept { three_way: bool },
    Decline,
    Summary,
}

/// The answer in a wish; none in what belongs to a conversation.
fn answer_in(by: &Steer) -> Option<Answer> {
    match by {
        Steer::Accept { three_way } => Some(Answer::Accept { three_way: *three_way }),
        Steer::Decline { .. } => Some(Answer::Decline),
        Steer::HearSummary => Some(Answer::Summary),
        Steer::Hold
        | Steer::Resume
        | Steer::Mute { .. }
        | Steer::Key { .. }
        | Steer::Record { .. }
        | Steer::Say { .. }
        | Steer::Consult { .. }
        | Steer::Complete
        | Steer::Abort
        | Steer::Swap
        | Steer::ThreeWay
        | Steer::ToMachine
        | Steer::HangUp => None,
    }
}

impl Session {
    pub(in super::super) fn steered(&mut self, now: Moment, offer: OfferId, by: Steer) {
        let Some(transfer) = self.transfer.as_ref().filter(|t| t.offer == offer) else { return };
        let (state, leg) = (transfer.state, transfer.leg);
        let Some(leg) = leg else { return };
        match state {
            State::Offering => self.steer_offer(now, by),
            State::Briefing => self.steer_briefing(now, leg, by),
            State::Proving | State::Talking => self.steer_talk(now, leg, by),
            State::WrappingUp if by == Steer::HangUp => self.wrap_up_over(now),
            State::CallerLost | State::CallingBack => match by {
                Steer::Key { key } if state == State::CallerLost => self.caller_lost_key(key),
                Steer::HangUp => self.caller_not_back(now),
                _ => {}
            },
            State::Reserving
            | State::Queued
            | State::AwaitingBack
            | State::WrappingUp
            | State::Closing => {}
        }
    }

    fn steer_offer(&mut self, now: Moment, by: Steer) {
        match answer_in(&by) {
            Some(Answer::Accept { three_way }) => {
                if let Some(transfer) = &mut self.transfer {
                    transfer.accepted = Some(three_way);
                    transfer.by_page = true;
                }
                self.note_steered(by);
            }
            Some(Answer::Decline) => self.decline(now, by),
            Some(Answer::Summary) | None => {}
        }
    }

    fn steer_briefing(&mut self, now: Moment, leg: LegId, by: Steer) {
        match answer_in(&by) {
            Some(Answer::Accept { three_way }) => {
                if let Some(transfer) = &mut self.transfer {
                    transfer.by_page = true;
                }
                self.note_steered(by);
                self.accept_as(now, leg, three_way);
            }
            Some(Answer::Decline) => self.decline(now, by),
            Some(Answer::Summary) => self.briefing_key(now, leg, Key::THREE),
            None => {}
        }
    }

    pub(super) fn accept_as(&mut self, now: Moment, leg: LegId, three_way: bool) {
        if three_way {
            self.accept_three_way(now, leg);
        } else {
            self.accept(now);
        }
    }

    fn decline(&mut self, now: Moment, by: Steer) {
        if matches!(&by, Steer::Decline { reason } if !reason.is_empty()) {
            self.note_steered(by);
        }
        self.declined(now);
    }

    fn steer_talk(&mut self, now: Moment, leg: LegId, by: Steer) {
        match &by {
            Steer::Accept { .. } | Steer::Decline { .. } => {}
            Steer::HearSummary => self.sum_up_to(now, leg),
            Steer::Hold => self.hold_by_page(true),
            Steer::Resume => self.hold_by_page(false),
            Steer::Mute { on } => {
                if let Some(transfer) = &mut self.transfer {
                    transfer.muted = *on;
                }
                self.route_talk();
                self.note_steered(by);
            }
            Steer::Key { key } => {
                self.command(Command::SendKey { leg: LegId::CALLER, key: *key });
                self.note_steered(by);
            }
            Steer::Record { on } => {
                self.pause_keeping(!on);
                self.note_steered(by);
            }
            Steer::Say { text } => self.read_to_both(now, leg, text),
            Steer::Consult { agent } => self.ask_colleague(agent.clone()),
            Steer::Complete => {
                self.hand_to_colleague(now, true);
            }
            Steer::Abort => self.take_back(),
            Steer::Swap => self.swap(),
            Steer::ThreeWay => self.join_all(),
            Steer::ToMachine => self.return_to_machine(now),
            Steer::HangUp if !self.hand_to_colleague(now, true) => {
                self.command(Command::HangUp { leg, cause: HangUpCause::Normal });
            }
            Steer::HangUp => {}
        }
    }

    pub(super) fn note_steered(&mut self, by: Steer) {
        let agent = self.transfer.as_ref().and_then(|transfer| transfer.agent.clone());
        if let Some((agent, _)) = agent {
            self.note(Fact::Steered { agent, by });
        }
    }

    fn hold_by_page(&mut self, hold: bool) {
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.held == hold || transfer.second.is_some() {
            return;
        }
        transfer.held = hold;
        let (offer, leg) = (Some(transfer.offer), LegId::CALLER);
        let step = if hold { TransferStep::Held { leg } } else { TransferStep::Resumed { leg } };
        self.note(Fact::Transfer { offer, step });
        self.route_talk();
    }

    /// The briefing again, for the agent's ear only.
    fn sum_up_to(&mut self, now: Moment, leg: LegId) {
        let language = self.language();
        let Some(transfer) = &self.transfer else { return };
        let Some((agent, _)) = transfer.agent.clone() else { return };
        let (offer, hand_over) = (transfer.offer, transfer.hand_over.clone());
        let card = self.offer_card(offer, &agent, &hand_over);
        let what = self.setup.policy.briefing(&card, &language);
        self.play(now, leg, what);
    }

    fn read_to_both(&mut self, now: Moment, leg: LegId, text: &str) {
        let text: String = text.chars().take(SAY_CHARS_MAX).collect();
        let held = self.transfer.as_ref().is_some_and(|transfer| transfer.held);
        if text.trim().is_empty() || held {
            return;
        }
        let what = Spoken {
            prompt: None,
            text: text.clone(),
            language: self.language(),
            fixed: false,
            slow: false,
            // Two people talk over it: their voices do not cut it off.
            barge_in: false,
        };
        self.note_steered(Steer::Say { text });
        for party in [LegId::CALLER, leg] {
            self.play(now, party, what.clone());
        }
    }

    /// The machine takes the caller again, knowing what was said.
    fn return_to_machine(&mut self, now: Moment) {
        let agent = self.transfer.as_ref().and_then(|transfer| transfer.agent.clone());
        let Some((agent, name)) = agent else { return };
        self.note_steered(Steer::ToMachine);
        let offer = self.transfer.as_ref().map(|transfer| transfer.offer);
        self.note(Fact::Transfer { offer, step: TransferStep::ReturnedToMachine { agent } });
        self.history.tried.push(format!("{name} spoke with the caller and gave the call back"));
        self.drop_colleague(HangUpCause::Normal, AgentOutcome::Withdrawn);
        let Some(mut transfer) = self.transfer.take() else { return };
        self.timers.stop(Timer::BridgeProof);
        self.close_leg(now, &mut transfer, HangUpCause::Normal);
        self.release(&mut transfer, AgentOutcome::Served);
        self.phase = Phase::Dialogue;
        self.stop_playing(LegId::CALLER);
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Quiet)] });
        self.with_dialogue(now, |dialogue| {
            dialogue.on_back_from_handover(now, BackReason::AgentReturned)
        });
    }

    /// Who hears whom while an agent has the call, and who is written down: all of it follows
    /// from what is held, muted and asked in.
    pub(super) fn route_talk(&mut self) {
        let Some(transfer) = &self.transfer else { return };
        let Some(leg) = transfer.leg else { return };
        let (held, muted) = (transfer.held, transfer.muted);
        let second = transfer.second.as_ref().and_then(consult::Second::voice);
        let with_caller = |caller_hears| {
            vec![(LegId::CALLER, caller_hears), (leg, Route::Bridge { with: LegId::CALLER })]
        };
        let to_caller = if muted { Route::Quiet } else { Route::Bridge { with: leg } };
        let heard = match second {
            None if held => {
                let routes = vec![(LegId::CALLER, Route::Music), (leg, Route::Quiet)];
                self.command(Command::Route { routes });
                false
            }
            None => {
                self.command(Command::Route { routes: with_caller(to_caller) });
                !muted
            }
            Some((other, consult::Voice::Apart)) => {
                self.command(Command::Route {
                    routes: vec![
                        (LegId::CALLER, Route::Music),
                        (leg, Route::Bridge { with: other }),
                        (other, Route::Bridge { with: leg }),
                    ],
                });
                false
            }
            Some((other, consult::Voice::Parked)) => {
                let mut routes = with_caller(to_caller);
                routes.push((other, Route::Music));
                self.command(Command::Route { routes });
                !muted
            }
            Some((other, consult::Voice::Joined)) => {
                self.hear_all(leg, other, muted);
                !muted
            }
        };
        // What the agent says to a colleague, or muted, is not the caller's business.
        let mode = if heard { ListenMode::Conversation } else { ListenMode::KeysOnly };
        self.listen(leg, mode);
        if let Some((other, voice)) = second {
            let joined = voice == consult::Voice::Joined;
            let mode = if joined { ListenMode::Conversation } else { ListenMode::KeysOnly };
            self.listen(other, mode);
        }
    }

    fn hear_all(&mut self, leg: LegId, other: LegId, muted: bool) {
        let caller = LegId::CALLER;
        let without = |all: [LegId; 2]| -> Vec<LegId> {
            all.into_iter().filter(|one| !(muted && *one == leg)).collect()
        };
        let hearing = vec![
            (caller, without([leg, other])),
            (leg, vec![caller, other]),
            (other, without([caller, leg])),
        ];
        self.command(Command::Hear { hearing });
    }
}
