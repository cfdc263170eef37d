//! The dialogue of one call: a pure state machine from what was heard to the next steps.
//!
//! Every batch of steps ends with exactly one of `Await`, `AwaitLookup`, `HandOver`, `Finish`.

mod answers;
mod collect;
mod commands;
mod escalation;
mod keys;
mod language;
mod lookups;
mod opening;

use std::sync::Arc;

use crate::base::caller::Handling;
use crate::base::card::Priority;
use crate::base::consent::{ConsentMode, ConsentState};
use crate::base::ids::{ConnectorId, IntentId, RequestId, RuleId};
use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::base::spoken::Spoken;
use crate::base::utterance::Utterance;
use crate::knowledge::Knowledge;
use crate::understanding::outcome::{
    CallerCommand, Expecting, StressLevel, Understanding, WordHit,
};

use super::step::{Decision, Finish, HandOver, Step};
use super::tables::Tables;

/// What is known when the dialogue begins.
#[derive(Clone, Debug)]
pub struct Setup {
    pub language: Language,
    pub company: String,
    /// ISO 3166, for the emergency number.
    pub country: String,
    pub handling: Handling,
    pub vip: bool,
    pub consent: ConsentMode,
    /// Somebody is there to take calls now.
    pub open_now: bool,
    /// More callers speak now than the recognisers understand in time.
    pub speech_pressed: bool,
}

/// How an intent reads in an agent's words; the call gives the understanding's table.
pub type IntentWords = Arc<dyn Fn(&IntentId) -> Option<String> + Send + Sync>;

/// Why the call is back from the hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackReason {
    /// All offers failed.
    AllFailed,
    /// Nobody with the skills is logged in, or the queue is full.
    NobodyThere,
    Closed,
    /// The agent gave the caller back.
    AgentReturned,
}

/// A request on its way to being answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matter {
    pub intent: IntentId,
    pub connector: ConnectorId,
    pub task: bool,
    pub slot: Option<String>,
    pub digits: Option<(u8, u8)>,
    pub proof: Option<String>,
    /// Where the second fact of a task is looked up before it is done.
    pub proof_connector: Option<ConnectorId>,
    /// The second fact was given.
    pub proved: bool,
    pub value: Option<String>,
    /// The reply's fields, once it is there.
    pub fields: Vec<(String, String)>,
    pub tries: u32,
}

/// Where the dialogue stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// "May we record?"
    AskingConsent,
    /// Waiting for a request.
    Listening,
    /// "Is it about A, or B?"
    Choosing { first: IntentId, second: IntentId },
    /// Getting a number or a date.
    Collecting { matter: Matter },
    /// Read back, waiting for yes or no.
    Confirming { matter: Matter },
    /// Asked a business system.
    Looking { matter: Matter, request: RequestId },
    /// The reply is there; the second fact is not.
    Proving { matter: Matter },
    /// "Did that answer it?"
    Closing,
    /// With a person, or over.
    Away,
}

/// One call's dialogue.
pub struct Dialogue {
    pub(super) tables: Arc<Tables>,
    pub(super) knowledge: Arc<Knowledge>,
    pub(super) setup: Setup,
    pub(super) intent_words: IntentWords,
    pub(super) state: State,
    /// The state before, for "go back".
    pub(super) before: Option<State>,
    pub(super) keyed: String,
    pub(super) unrecognised: u32,
    pub(super) silences: u32,
    pub(super) clarified: u32,
    pub(super) high_stress_turns: u32,
    pub(super) negative: Vec<WordHit>,
    pub(super) stressed: bool,
    pub(super) slow: bool,
    pub(super) answered: bool,
    pub(super) keeping: bool,
    /// The emergency number was told: once is enough for one call.
    danger_told: bool,
    pub(super) last_said: Vec<Spoken>,
    pub(super) last_intent: Option<IntentId>,
    pub(super) requests: u32,
}

/// Negative words remembered; more than any window holds.
const NEGATIVE_KEPT_MAX: usize = 32;
/// Keys collected before they are cut off.
const KEYED_MAX: usize = 24;

impl Dialogue {
    pub fn new(
        tables: Arc<Tables>,
        knowledge: Arc<Knowledge>,
        setup: Setup,
        intent_words: IntentWords,
    ) -> Self {
        Self {
            tables,
            knowledge,
            setup,
            intent_words,
            state: State::Listening,
            before: None,
            keyed: String::new(),
            unrecognised: 0,
            silences: 0,
            clarified: 0,
            high_stress_turns: 0,
            negative: Vec::new(),
            stressed: false,
            slow: false,
            answered: false,
            keeping: true,
            danger_told: false,
            last_said: Vec::new(),
            last_intent: None,
            requests: 0,
        }
    }

    /// What the next utterance is expected to be.
    pub fn expecting(&self) -> Expecting {
        match &self.state {
            State::AskingConsent | State::Confirming { .. } => Expecting::YesNo,
            State::Collecting { matter } => match (matter.digits, &matter.slot) {
                (Some((min, max)), _) => Expecting::Digits { min, max },
                (None, Some(slot)) => Expecting::Slot(slot.clone()),
                (None, None) => Expecting::Anything,
            },
            State::Proving { matter } => lookups::expected_proof(matter),
            State::Listening
            | State::Choosing { .. }
            | State::Looking { .. }
            | State::Closing
            | State::Away => Expecting::Anything,
        }
    }

    pub fn language(&self) -> &Language {
        &self.setup.language
    }

    /// `true` once something was answered or done.
    pub fn has_answered(&self) -> bool {
        self.answered
    }

    /// The caller said something.
    pub fn on_turn(&mut self, now: Moment, said: &Utterance, heard: &Understanding) -> Vec<Step> {
        let mut steps = Vec::new();
        self.silences = 0;
        if let State::Away = self.state {
            return self.observe(now, heard);
        }
        if self.star_waits() {
            self.person_by_key("key *", &mut steps);
            return steps;
        }
        self.keyed.clear();
        if self.mind_card_numbers(heard, &mut steps) {
            self.await_caller(&mut steps);
            return steps;
        }
        self.note_mood(heard);
        if let Some(hand_over) = self.escalation(now, heard) {
            self.hand_over(hand_over, &mut steps);
            return steps;
        }
        if self.obey(heard, &mut steps) {
            return steps;
        }
        if self.language_asked(&said.text, &mut steps) {
            return steps;
        }
        match self.state.clone() {
            State::AskingConsent => self.consent_turn(now, said, heard, &mut steps),
            State::Listening => self.request(now, heard, &mut steps),
            State::Choosing { first, second } => {
                self.chosen(now, heard, (first, second), &mut steps);
            }
            State::Collecting { matter } => self.collected(now, heard, matter, &mut steps),
            State::Confirming { matter } => self.confirmed(now, heard, matter, &mut steps),
            State::Looking { .. } => self.await_again(&mut steps),
            State::Proving { matter } => self.proved(heard, matter, &mut steps),
            State::Closing => self.closing(now, heard, &mut steps),
            State::Away => {}
        }
        steps
    }

    /// A turn without usable words.
    pub fn on_nothing_heard(&mut self, _now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        self.misunderstood(&Understanding::default(), &mut steps);
        steps
    }

    /// What was said last was cut off for a voice of which no words came: it is said again.
    pub fn on_cut_off_for_nothing(&mut self, _now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        self.repeat(&mut steps);
        steps
    }

    /// The recogniser lost a turn: offer keys, then a person.
    pub fn on_speech_unavailable(&mut self, now: Moment) -> Vec<Step> {
        self.on_nothing_heard(now)
    }

    /// Silence for as long as the last `Await` allowed.
    pub fn on_no_input(&mut self, _now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        self.resume_keeping(&mut steps);
        if self.star_waits() {
            self.person_by_key("key *", &mut steps);
            return steps;
        }
        if let State::Closing = self.state {
            self.say("goodbye", &[], &mut steps);
            self.finish(&mut steps);
            return steps;
        }
        self.silences += 1;
        let rule = self.tables.rules.no_input;
        if rule.on && self.silences >= rule.threshold {
            let reason = Reason::new(format!("{} silences in a row", self.silences));
            let hand_over = self.plain_hand_over(Priority::P2, vec![reason]);
            self.decide("no_input", "person: no answer", &hand_over, &mut steps);
            self.hand_over(hand_over, &mut steps);
            return steps;
        }
        match self.state {
            State::Listening => {
                let name = if self.silences > 1 { "no_input_again" } else { "no_input" };
                self.say(name, &[], &mut steps);
                self.await_caller(&mut steps);
            }
            _ => self.ask_again(&mut steps),
        }
        steps
    }

    /// Something that was to be said could not be rendered: go on without it.
    pub fn on_play_failed(&mut self, _now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        self.await_again(&mut steps);
        steps
    }

    /// The hand-over came to nothing.
    pub fn on_back_from_handover(&mut self, _now: Moment, why: BackReason) -> Vec<Step> {
        let mut steps = Vec::new();
        self.unrecognised = 0;
        self.silences = 0;
        self.negative.clear();
        self.high_stress_turns = 0;
        match why {
            BackReason::AllFailed | BackReason::AgentReturned => {
                self.enter(State::Listening);
                let failed = why == BackReason::AllFailed;
                self.say(if failed { "all_failed" } else { "agent_returned" }, &[], &mut steps);
                self.await_caller(&mut steps);
            }
            BackReason::NobodyThere | BackReason::Closed => {
                let closed = why == BackReason::Closed;
                self.say(if closed { "closed" } else { "nobody_available" }, &[], &mut steps);
                self.state = State::Away;
                steps.push(Step::Finish(Finish::NobodyAvailable));
            }
        }
        steps
    }

    /// Watches the caller while they wait for a person: stress and danger raise the priority,
    /// and the words that work everywhere go on working.
    pub fn observe(&mut self, now: Moment, heard: &Understanding) -> Vec<Step> {
        let mut steps = self.mind_keeping(heard);
        self.note_mood(heard);
        match self.escalation(now, heard) {
            Some(hand_over) => {
                self.decide("while_waiting", "raise the priority", &hand_over, &mut steps);
                if hand_over.danger && !self.danger_told {
                    self.say_danger(&mut steps);
                }
                if heard.command == Some(CallerCommand::DontRecord) {
                    self.say("recording_stopped", &[], &mut steps);
                }
                steps.push(Step::HandOver(hand_over));
            }
            None => {
                self.obey_waiting(heard, &mut steps);
                self.await_again(&mut steps);
            }
        }
        steps
    }

    /// What holds whoever the caller talks with: card data and refused recording. No terminal
    /// step.
    pub fn mind_keeping(&mut self, heard: &Understanding) -> Vec<Step> {
        let mut steps = Vec::new();
        self.mind_card_numbers(heard, &mut steps);
        if heard.command == Some(CallerCommand::DontRecord) {
            self.consent(ConsentState::Refused, &mut steps);
        }
        steps
    }

    fn note_mood(&mut self, heard: &Understanding) {
        self.stressed = heard.stress.level > StressLevel::Calm;
        if heard.stress.level == StressLevel::High {
            self.high_stress_turns += 1;
        } else {
            self.high_stress_turns = 0;
        }
        self.negative.extend(heard.negative.iter().cloned());
        let surplus = self.negative.len().saturating_sub(NEGATIVE_KEPT_MAX);
        self.negative.drain(..surplus);
    }

    /// Nothing was understood: clarify, and after a few times in a row call a person.
    pub(super) fn misunderstood(&mut self, heard: &Understanding, steps: &mut Vec<Step>) {
        if let State::Away = self.state {
            self.await_again(steps);
            return;
        }
        self.unrecognised += 1;
        let rule = self.tables.rules.unrecognised;
        if rule.on && self.unrecognised >= rule.threshold {
            let reason = Reason::new(format!("{} unrecognised turns in a row", self.unrecognised));
            let hand_over = self.plain_hand_over(Priority::P2, vec![reason]);
            self.decide("unrecognised", "person: not understood", &hand_over, steps);
            self.hand_over(hand_over, steps);
            return;
        }
        if !matches!(self.state, State::Listening | State::Closing) {
            self.ask_again(steps);
            return;
        }
        self.enter(State::Listening);
        self.clarified += 1;
        match (&heard.intent, &heard.runner_up) {
            (Some(first), Some(second)) => {
                let (first, second) = (first.intent.clone(), second.intent.clone());
                self.offer_choice(first, second, steps);
            }
            (_, _) => {
                let name = if self.clarified > 1 { "clarify_again" } else { "clarify" };
                self.decided("clarify", name, Vec::new(), steps);
                self.say(name, &[], steps);
                self.await_caller(steps);
            }
        }
    }

    pub(super) fn enter(&mut self, state: State) {
        let before = std::mem::replace(&mut self.state, state);
        if before != self.state {
            self.before = Some(before);
        }
    }

    /// Says the prompt, in the caller's language, pace and mood.
    pub(super) fn say(&mut self, name: &str, values: &[(&str, &str)], steps: &mut Vec<Step>) {
        let mut spoken = self.tables.prompt(name, &self.setup.language, values, self.stressed);
        spoken.slow = self.slow;
        self.speak(spoken, steps);
    }

    pub(super) fn speak(&mut self, spoken: Spoken, steps: &mut Vec<Step>) {
        // What was said before the last question is a turn ago: "repeat" is about this batch.
        if !steps.iter().any(|step| matches!(step, Step::Say(_))) {
            self.last_said.clear();
        }
        self.last_said.push(spoken.clone());
        steps.push(Step::Say(spoken));
    }

    /// `true` while a number is being said or keyed.
    pub(super) fn collects_digits(&self) -> bool {
        match &self.state {
            State::Collecting { matter } => matter.digits.is_some(),
            State::Proving { .. } => true,
            State::AskingConsent
            | State::Listening
            | State::Choosing { .. }
            | State::Confirming { .. }
            | State::Looking { .. }
            | State::Closing
            | State::Away => false,
        }
    }

    /// The terminal step that fits the state.
    pub(super) fn await_caller(&mut self, steps: &mut Vec<Step>) {
        let rules = &self.tables.rules;
        let (listen, no_input_ms) = match self.collects_digits() {
            true => (ListenMode::Digits, rules.digits_no_input_ms),
            false => (ListenMode::Turn, rules.no_input_ms),
        };
        steps.push(Step::Await { listen, expecting: self.expecting(), no_input_ms });
    }

    /// Goes on waiting for what is being waited for, saying nothing.
    pub(super) fn await_again(&mut self, steps: &mut Vec<Step>) {
        self.await_caller(steps);
    }

    pub(super) fn decided(
        &self,
        rule: &str,
        what: impl Into<String>,
        reasons: Vec<Reason>,
        steps: &mut Vec<Step>,
    ) {
        steps.push(Step::Decided(Decision {
            rule: RuleId::from(rule),
            what: what.into(),
            priority: Priority::P3,
            reasons,
        }));
    }

    pub(super) fn finish(&mut self, steps: &mut Vec<Step>) {
        self.state = State::Away;
        let how = if self.answered { Finish::Answered } else { Finish::Unanswered };
        steps.push(Step::Finish(how));
    }

    /// `true` if the turn is card data, of which nothing is to be made.
    fn mind_card_numbers(&mut self, heard: &Understanding, steps: &mut Vec<Step>) -> bool {
        // The expiry date and the code follow the number, if nothing else was asked for.
        let asked = matches!(self.state, State::Collecting { .. } | State::Proving { .. });
        let more = !self.keeping && heard.mostly_digits && !asked;
        if heard.card_number {
            self.keeping = false;
            steps.push(Step::PauseKeeping { from: heard.card_began });
        } else if !more {
            self.resume_keeping(steps);
        }
        heard.card_number || more
    }

    pub(super) fn resume_keeping(&mut self, steps: &mut Vec<Step>) {
        if !self.keeping {
            self.keeping = true;
            steps.push(Step::ResumeKeeping);
        }
    }

    pub(super) fn plain_hand_over(&self, priority: Priority, reasons: Vec<Reason>) -> HandOver {
        let row = self.last_intent.as_ref().map(|intent| self.tables.intent(intent.as_str()));
        HandOver {
            skills: row.map(|row| row.skills).unwrap_or_default(),
            priority,
            reasons,
            intent_words: self.last_intent.as_ref().and_then(|intent| (self.intent_words)(intent)),
            draft: None,
            danger: false,
        }
    }

    pub(super) fn decide(
        &self,
        rule: &str,
        what: &str,
        hand_over: &HandOver,
        steps: &mut Vec<Step>,
    ) {
        steps.push(Step::Decided(Decision {
            rule: RuleId::from(rule),
            what: what.to_owned(),
            priority: hand_over.priority,
            reasons: hand_over.reasons.clone(),
        }));
    }

    /// Announces the person and hands over.
    pub(super) fn hand_over(&mut self, hand_over: HandOver, steps: &mut Vec<Step>) {
        self.resume_keeping(steps);
        if hand_over.danger {
            self.say_danger(steps);
        } else if self.setup.handling == Handling::Assisted {
            self.say("transfer_assisted", &[], steps);
        } else {
            self.say("transfer_start", &[], steps);
        }
        self.state = State::Away;
        steps.push(Step::HandOver(hand_over));
    }

    fn say_danger(&mut self, steps: &mut Vec<Step>) {
        self.danger_told = true;
        let number = self.tables.emergency_number(&self.setup.country).to_owned();
        // Digit by digit: "nine one one", not "nine hundred eleven".
        let number = format!("<digits>{number}</digits>");
        self.say("danger", &[("emergency", &number)], steps);
    }

    pub(super) fn consent(&self, state: ConsentState, steps: &mut Vec<Step>) {
        steps.push(Step::Consent(state));
    }
}

pub(super) const KEYS_MAX: usize = KEYED_MAX;

#[cfg(test)]
mod tests;
