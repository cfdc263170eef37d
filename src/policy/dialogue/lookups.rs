//! Asking a business system, proving who the caller is, and speaking the reply.

use crate::base::card::Priority;
use crate::base::ids::RequestId;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::knowledge::lookup::{LookupFailure, LookupReply};
use crate::policy::step::Step;
use crate::understanding::outcome::{Expecting, Understanding};

use super::{Dialogue, Matter, State};

impl Dialogue {
    pub(super) fn look_up(&mut self, matter: Matter, steps: &mut Vec<Step>) {
        self.requests += 1;
        let request = RequestId(self.requests);
        let slot = matter.slot.clone().unwrap_or_default();
        let fields = vec![(slot, matter.value.clone().unwrap_or_default())];
        // Nothing is done for somebody who has not shown who they are.
        let first = matter.proof_connector.clone().filter(|_| !matter.proved);
        let connector = first.unwrap_or_else(|| matter.connector.clone());
        self.say("one_second", &[], steps);
        self.enter(State::Looking { matter, request });
        steps.push(Step::AwaitLookup { request, connector, fields });
    }

    /// A business system replied, or did not. A reply to an older question is ignored.
    pub fn on_lookup(
        &mut self,
        _now: Moment,
        request: RequestId,
        result: Result<LookupReply, LookupFailure>,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        let matter = match self.state.clone() {
            State::Looking { matter, request: waited } if waited == request => matter,
            _ => {
                self.await_again(&mut steps);
                return steps;
            }
        };
        match result {
            Ok(reply) => self.replied(matter, reply, &mut steps),
            Err(LookupFailure::NotFound) => self.not_found(matter, &mut steps),
            Err(LookupFailure::Timeout | LookupFailure::Unavailable) => {
                self.no_reply(&matter, &mut steps);
            }
        }
        steps
    }

    fn replied(&mut self, mut matter: Matter, reply: LookupReply, steps: &mut Vec<Step>) {
        matter.fields = reply.fields.into_iter().collect();
        let slot = matter.slot.clone().unwrap_or_default();
        if let Some(value) = &matter.value
            && !matter.fields.iter().any(|(name, _)| *name == slot)
        {
            matter.fields.push((slot, value.clone()));
        }
        match matter.proof.clone().filter(|_| !matter.proved) {
            None => self.speak_reply(&matter, steps),
            Some(proof) if field(&matter, &proof).is_some() => {
                matter.tries = 0;
                self.say(&format!("ask_proof_{proof}"), &[], steps);
                self.enter(State::Proving { matter });
                self.await_caller(steps);
            }
            // Without the second fact nothing personal is spoken.
            Some(_) => self.no_reply(&matter, steps),
        }
    }

    fn speak_reply(&mut self, matter: &Matter, steps: &mut Vec<Step>) {
        let language = self.setup.language.clone();
        let template = self.knowledge.answer(&language, matter.intent.as_str());
        match template.map(str::to_owned) {
            Some(template) => {
                self.decided("green", format!("answer {}", matter.intent), Vec::new(), steps);
                let fields = matter.fields.clone();
                self.speak_answer(&matter.intent.clone(), &template, &fields, steps);
            }
            None => self.no_reply(matter, steps),
        }
    }

    fn not_found(&mut self, mut matter: Matter, steps: &mut Vec<Step>) {
        let tried = format!("looked up {}: not found", matter.value.clone().unwrap_or_default());
        steps.push(Step::Tried(tried));
        self.say("not_found", &[], steps);
        matter.tries += 1;
        matter.value = None;
        if matter.tries >= self.tables.rules.collect_max {
            let reason = Reason::new("the number is in no business system");
            let hand_over = self.plain_hand_over(Priority::P2, vec![reason]);
            self.decide("not_found", "person: nothing found", &hand_over, steps);
            self.hand_over(hand_over, steps);
            return;
        }
        self.ask_for(&matter, true, steps);
        self.enter(State::Collecting { matter });
        self.await_caller(steps);
    }

    fn no_reply(&mut self, matter: &Matter, steps: &mut Vec<Step>) {
        steps.push(Step::Tried(format!("asked {}: no reply", matter.connector)));
        self.say("lookup_failed", &[], steps);
        let reason = Reason::new(format!("{} does not reply", matter.connector));
        let hand_over = self.plain_hand_over(Priority::P2, vec![reason]);
        self.decide("lookup_failed", "person: no reply", &hand_over, steps);
        self.state = State::Away;
        steps.push(Step::HandOver(hand_over));
    }

    /// The second fact, said or keyed.
    pub(super) fn proved(&mut self, heard: &Understanding, matter: Matter, steps: &mut Vec<Step>) {
        let said: Vec<String> = heard.slots.iter().map(|slot| plain(slot.value.reveal())).collect();
        self.judge_proof(&said, matter, steps);
    }

    pub(super) fn judge_proof(
        &mut self,
        said: &[String],
        mut matter: Matter,
        steps: &mut Vec<Step>,
    ) {
        let proof = matter.proof.clone().unwrap_or_default();
        let known = field(&matter, &proof).map(plain).unwrap_or_default();
        if !known.is_empty() && said.contains(&known) {
            self.unrecognised = 0;
            matter.proved = true;
            match matter.proof_connector {
                Some(_) => self.look_up(matter, steps),
                None => self.speak_reply(&matter, steps),
            }
            return;
        }
        matter.tries += 1;
        if matter.tries >= self.tables.rules.proof_max {
            let reason = Reason::new(format!("the {proof} did not match {} times", matter.tries));
            let hand_over = self.plain_hand_over(Priority::P2, vec![reason]);
            self.decide("proof", "person: identity not shown", &hand_over, steps);
            self.hand_over(hand_over, steps);
            return;
        }
        self.say("wrong_proof", &[], steps);
        self.state = State::Proving { matter };
        self.await_caller(steps);
    }
}

/// The proof that is asked for, with its length: the business's system told the right one.
pub(super) fn expected_proof(matter: &Matter) -> Expecting {
    let slot = matter.proof.clone().unwrap_or_default();
    let signs = field(matter, &slot).map_or(0, |known| plain(known).chars().count());
    match u8::try_from(signs) {
        Ok(signs @ 1..) => Expecting::Code { slot, signs },
        Ok(0) | Err(_) => Expecting::Slot(slot),
    }
}

fn field<'m>(matter: &'m Matter, name: &str) -> Option<&'m str> {
    matter.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Letters and digits only, in lower case: `SW1A 1AA` and `sw1a1aa` are one postcode.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
