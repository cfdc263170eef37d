//! A request: answered, begun, drafted, or handed over, by its line.

use crate::base::caller::Handling;
use crate::base::ids::IntentId;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::base::spoken::Spoken;
use crate::knowledge::connector::{fill, placeholders};
use crate::policy::step::Step;
use crate::policy::tables::{IntentRow, LineColour};
use crate::understanding::outcome::{CallerCommand, Understanding};

use super::{Dialogue, Matter, State};

impl Dialogue {
    /// A turn in which a request is expected.
    pub(super) fn request(&mut self, _now: Moment, heard: &Understanding, steps: &mut Vec<Step>) {
        let Some(intent) = heard.intent.clone() else {
            self.misunderstood(heard, steps);
            return;
        };
        self.unrecognised = 0;
        self.clarified = 0;
        let reasons = intent.reasons.clone();
        self.serve(&intent.intent, heard, reasons, steps);
    }

    /// Does what the intent's line says.
    pub(super) fn serve(
        &mut self,
        intent: &IntentId,
        heard: &Understanding,
        reasons: Vec<Reason>,
        steps: &mut Vec<Step>,
    ) {
        self.last_intent = Some(intent.clone());
        let row = self.tables.intent(intent.as_str());
        let assisted = self.setup.handling == Handling::Assisted;
        match row.line {
            LineColour::Green if !assisted => match row.connector.clone() {
                Some(connector) => {
                    let matter = Matter {
                        intent: intent.clone(),
                        connector,
                        task: row.task,
                        slot: row.slot.clone(),
                        digits: row.digits,
                        proof: row.proof.clone(),
                        proof_connector: row.proof_connector.clone(),
                        proved: false,
                        value: None,
                        fields: Vec::new(),
                        tries: 0,
                    };
                    self.begin(matter, heard, reasons, steps);
                }
                None => self.answer(intent, reasons, steps),
            },
            LineColour::Green | LineColour::Yellow => {
                self.pass_on(intent, &row, "judgement", reasons, steps);
            }
            LineColour::Red => self.pass_on(intent, &row, "a person at once", reasons, steps),
        }
    }

    fn pass_on(
        &mut self,
        intent: &IntentId,
        row: &IntentRow,
        why: &str,
        mut reasons: Vec<Reason>,
        steps: &mut Vec<Step>,
    ) {
        reasons.insert(0, Reason::new(format!("{intent} is for a person: {why}")));
        let mut hand_over = self.plain_hand_over(row.priority, reasons);
        hand_over.draft = row.draft.clone().or_else(|| {
            let answer = self.knowledge.answer(&self.setup.language, intent.as_str())?;
            placeholders(answer).is_empty().then(|| answer.to_owned())
        });
        let rule = match row.line {
            LineColour::Red => "red",
            LineColour::Yellow => "yellow",
            LineColour::Green => "assisted",
        };
        self.decide(rule, &format!("person: {intent}"), &hand_over, steps);
        self.hand_over(hand_over, steps);
    }

    /// A fixed answer, then one short question.
    fn answer(&mut self, intent: &IntentId, reasons: Vec<Reason>, steps: &mut Vec<Step>) {
        let Some(template) = self.knowledge.answer(&self.setup.language, intent.as_str()) else {
            let row = self.tables.intent(intent.as_str());
            self.pass_on(intent, &row, "there is no answer for it", reasons, steps);
            return;
        };
        let template = template.to_owned();
        let values = vec![("company".to_owned(), self.setup.company.clone())];
        self.decided("green", format!("answer {intent}"), reasons, steps);
        self.speak_answer(intent, &template, &values, steps);
    }

    pub(super) fn speak_answer(
        &mut self,
        intent: &IntentId,
        template: &str,
        values: &[(String, String)],
        steps: &mut Vec<Step>,
    ) {
        self.answered = true;
        steps.push(Step::Tried(format!("answered {}", intent.as_str().replace('_', " "))));
        let spoken = Spoken {
            prompt: Some(format!("answer_{intent}")),
            text: fill(template, values, str::to_owned),
            language: self.setup.language.clone(),
            fixed: placeholders(template).is_empty(),
            slow: self.slow,
            barge_in: true,
        };
        self.speak(spoken, steps);
        self.enter(State::Closing);
        self.say("anything_else", &[], steps);
        self.await_caller(steps);
    }

    /// After "did that answer it?".
    pub(super) fn closing(&mut self, now: Moment, heard: &Understanding, steps: &mut Vec<Step>) {
        let new_request =
            heard.intent.as_ref().is_some_and(|intent| intent.intent.as_str() != "thanks");
        match heard.command {
            _ if new_request => {
                self.enter(State::Listening);
                self.request(now, heard, steps);
            }
            Some(CallerCommand::No) => {
                steps.push(Step::Satisfied(false));
                self.enter(State::Listening);
                self.say("sorry_more", &[], steps);
                self.await_caller(steps);
            }
            Some(CallerCommand::Yes) => {
                steps.push(Step::Satisfied(true));
                self.say("goodbye", &[], steps);
                self.finish(steps);
            }
            _ if heard.intent.is_some() => {
                steps.push(Step::Satisfied(true));
                self.say("goodbye", &[], steps);
                self.finish(steps);
            }
            _ => self.misunderstood(heard, steps),
        }
    }

    /// "Did you mean…", with a key for each choice.
    pub(super) fn offer_choice(
        &mut self,
        first: IntentId,
        second: IntentId,
        steps: &mut Vec<Step>,
    ) {
        self.decided("clarify", format!("ask: {first} or {second}"), Vec::new(), steps);
        self.say_choice(&first, &second, steps);
        self.enter(State::Choosing { first, second });
        self.await_caller(steps);
    }

    pub(super) fn say_choice(
        &mut self,
        first: &IntentId,
        second: &IntentId,
        steps: &mut Vec<Step>,
    ) {
        let words = |intent: &IntentId| intent.as_str().replace('_', " ");
        let (first, second) = (words(first), words(second));
        self.say("did_you_mean", &[("first", &first), ("second", &second)], steps);
    }

    pub(super) fn chosen(
        &mut self,
        now: Moment,
        heard: &Understanding,
        choice: (IntentId, IntentId),
        steps: &mut Vec<Step>,
    ) {
        self.enter(State::Listening);
        let (first, _) = choice;
        if heard.command == Some(CallerCommand::Yes) {
            let reason = Reason::new("the caller agreed to the first");
            self.serve(&first, heard, vec![reason], steps);
        } else {
            self.request(now, heard, steps);
        }
    }
}
