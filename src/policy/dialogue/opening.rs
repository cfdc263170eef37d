//! The greeting, consent, and how the caller wants to be served.

use crate::base::caller::Handling;
use crate::base::card::Priority;
use crate::base::consent::{ConsentMode, ConsentState};
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::base::utterance::Utterance;
use crate::policy::step::Step;
use crate::understanding::outcome::{CallerCommand, Understanding};

use super::{Dialogue, State};

impl Dialogue {
    /// The first steps of the call.
    pub fn open(&mut self, _now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        let company = self.setup.company.clone();
        let values = [("company", company.as_str())];
        match self.setup.consent {
            ConsentMode::Off => {
                self.say("greeting", &values, &mut steps);
                self.invite("greeting_open", &mut steps);
                self.consent(ConsentState::Off, &mut steps);
            }
            ConsentMode::Notice => {
                // The notice is heard to its end; over what follows the caller may speak.
                self.say("greeting_recorded", &values, &mut steps);
                if let Some(Step::Say(notice)) = steps.last_mut() {
                    notice.barge_in = false;
                }
                self.invite("greeting_open", &mut steps);
                self.consent(ConsentState::Notified, &mut steps);
            }
            ConsentMode::Ask => {
                self.say("greeting_ask", &values, &mut steps);
                self.state = State::AskingConsent;
            }
        }
        // The notice must be heard to its end before anything is kept, but a person may still be
        // asked for over it.
        if let Some(hand_over) = self.at_once() {
            self.decide("profile", "person: by profile", &hand_over, &mut steps);
            self.hand_over(hand_over, &mut steps);
            return steps;
        }
        self.await_caller(&mut steps);
        steps
    }

    /// Asks for the wish. Where more callers speak than are understood in time, a person and keys
    /// come first.
    fn invite(&mut self, usual: &str, steps: &mut Vec<Step>) {
        let prompt = if self.setup.speech_pressed { "greeting_busy" } else { usual };
        self.say(prompt, &[], steps);
    }

    /// Callers whose record says that a person takes their calls.
    fn at_once(&self) -> Option<crate::policy::step::HandOver> {
        let vip = self.setup.vip && self.tables.rules.vip.on;
        if vip {
            return Some(self.plain_hand_over(Priority::P1, vec![Reason::new("VIP caller")]));
        }
        (self.setup.handling == Handling::Person).then(|| {
            let reason = Reason::new("the customer's record asks for a person");
            self.plain_hand_over(Priority::P2, vec![reason])
        })
    }

    pub(super) fn consent_turn(
        &mut self,
        now: Moment,
        _said: &Utterance,
        heard: &Understanding,
        steps: &mut Vec<Step>,
    ) {
        match heard.command {
            Some(CallerCommand::Yes) => self.agree(true, steps),
            Some(CallerCommand::No) => self.agree(false, steps),
            // A request instead of an answer is no yes: it is served, and nothing is recorded.
            _ if heard.intent.is_some() => {
                self.consent(ConsentState::Refused, steps);
                self.enter(State::Listening);
                self.request(now, heard, steps);
            }
            _ => {
                self.unrecognised += 1;
                if self.unrecognised > 1 {
                    self.agree(false, steps);
                } else {
                    self.ask_again(steps);
                }
            }
        }
    }

    pub(super) fn agree(&mut self, yes: bool, steps: &mut Vec<Step>) {
        self.unrecognised = 0;
        self.enter(State::Listening);
        if yes {
            self.consent(ConsentState::Granted, steps);
            self.say("recording_yes", &[], steps);
        } else {
            self.consent(ConsentState::Refused, steps);
            self.say("recording_no", &[], steps);
        }
        self.invite("how_can_i_help", steps);
        self.await_caller(steps);
    }
}
