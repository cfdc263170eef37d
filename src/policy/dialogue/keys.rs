//! Keys: 0 is a person (while digits are collected * is), *7 stops the recording, *8 wants a
//! person to decide, *9 the machine, and every spoken choice has one.

use crate::base::caller::Handling;
use crate::base::card::Priority;
use crate::base::consent::ConsentState;
use crate::base::key::Key;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::policy::step::Step;
use crate::understanding::outcome::Understanding;

use super::{Dialogue, KEYS_MAX, Matter, State};

/// How long a star may be the beginning of `*7` before it calls a person, milliseconds.
const STAR_MS_MAX: u64 = 1_500;

impl Dialogue {
    /// The caller pressed a key. While more keys are awaited the batch is a bare `Await`.
    pub fn on_key(&mut self, _now: Moment, key: Key) -> Vec<Step> {
        let mut steps = Vec::new();
        self.silences = 0;
        match self.state.clone() {
            State::Collecting { matter } if matter.digits.is_some() => {
                self.key_of_number(key, matter, &mut steps);
            }
            State::Proving { matter } => self.key_of_proof(key, matter, &mut steps),
            State::Away => self.key_while_away(key, &mut steps),
            state => self.key_of_choice(key, state, &mut steps),
        }
        steps
    }

    fn key_of_choice(&mut self, key: Key, state: State, steps: &mut Vec<Step>) {
        let star_before = self.keyed == "*";
        self.keyed.clear();
        match (key, state) {
            (Key::ZERO, _) => self.person_by_key("key 0", steps),
            (Key::STAR, _) => {
                self.keyed.push('*');
                self.await_again(steps);
            }
            (key, _) if star_before && key.symbol() == '7' => self.stop_recording(steps),
            (key, _) if star_before && key.symbol() == '8' => {
                self.handle_as(Handling::Assisted, steps);
            }
            (key, _) if star_before && key.symbol() == '9' => {
                self.handle_as(Handling::Automatic, steps);
            }
            (Key::ONE, State::AskingConsent) => self.agree(true, steps),
            (Key::TWO, State::AskingConsent) => self.agree(false, steps),
            (Key::ONE, State::Choosing { first, .. }) => self.serve_by_key(&first, steps),
            (Key::TWO, State::Choosing { second, .. }) => self.serve_by_key(&second, steps),
            (Key::ONE, State::Confirming { matter }) => self.look_up(matter, steps),
            (Key::TWO, State::Confirming { matter }) => self.not_right(matter, steps),
            (Key::ONE, State::Closing) => {
                steps.push(Step::Satisfied(true));
                self.say("goodbye", &[], steps);
                self.finish(steps);
            }
            (Key::TWO, State::Closing) => {
                steps.push(Step::Satisfied(false));
                self.enter(State::Listening);
                self.say("sorry_more", &[], steps);
                self.await_caller(steps);
            }
            (key, _) => {
                if !self.language_key(key, steps) {
                    self.ask_again(steps);
                }
            }
        }
    }

    fn serve_by_key(&mut self, intent: &crate::base::ids::IntentId, steps: &mut Vec<Step>) {
        self.enter(State::Listening);
        self.unrecognised = 0;
        let reason = Reason::new("chosen by key");
        self.serve(intent, &Understanding::default(), vec![reason], steps);
    }

    /// While digits are collected `*` is a person and `*7` stops the recording: the star waits a
    /// moment for what follows. `true` if the key is dealt with.
    fn star(&mut self, key: Key, steps: &mut Vec<Step>) -> bool {
        match (self.keyed.as_str(), key) {
            ("*", key) if key.symbol() == '7' => {
                self.keyed.clear();
                self.stop_recording(steps);
            }
            ("*", _) => self.person_by_key("key *", steps),
            (_, Key::STAR) => {
                self.keyed.clear();
                self.keyed.push('*');
                self.await_again(steps);
                if let Some(Step::Await { no_input_ms, .. }) = steps.last_mut() {
                    *no_input_ms = STAR_MS_MAX;
                }
            }
            _ => return false,
        }
        true
    }

    /// `true` while a star that calls a person waits for a 7.
    pub(super) fn star_waits(&self) -> bool {
        self.collects_digits() && self.keyed == "*"
    }

    /// With a person, or waiting for one: only the recording can be stopped.
    fn key_while_away(&mut self, key: Key, steps: &mut Vec<Step>) {
        let star_before = std::mem::take(&mut self.keyed) == "*";
        if key == Key::STAR {
            self.keyed.push('*');
        } else if star_before && key.symbol() == '7' {
            self.consent(ConsentState::Refused, steps);
            self.say("recording_stopped", &[], steps);
        }
        self.await_again(steps);
    }

    fn key_of_number(&mut self, key: Key, matter: Matter, steps: &mut Vec<Step>) {
        if self.star(key, steps) {
            return;
        }
        let (min, max) = matter.digits.unwrap_or((1, KEYS_MAX as u8));
        match key {
            Key::POUND => {
                let keyed = std::mem::take(&mut self.keyed);
                if keyed.len() < usize::from(min) {
                    self.ask_for(&matter, true, steps);
                    self.await_caller(steps);
                } else {
                    self.got(matter, keyed, steps);
                }
            }
            key if key.digit().is_some() => {
                self.keyed.push(key.symbol());
                if self.keyed.len() >= usize::from(max).min(KEYS_MAX) {
                    let keyed = std::mem::take(&mut self.keyed);
                    self.got(matter, keyed, steps);
                } else {
                    self.await_again(steps);
                }
            }
            _ => self.await_again(steps),
        }
    }

    fn key_of_proof(&mut self, key: Key, matter: Matter, steps: &mut Vec<Step>) {
        if self.star(key, steps) {
            return;
        }
        match key {
            key if key.digit().is_some() => {
                self.keyed.push(key.symbol());
                let proof = matter.proof.clone().unwrap_or_default();
                let wanted = matter
                    .fields
                    .iter()
                    .find(|(name, _)| *name == proof)
                    .map_or(0, |(_, value)| value.len());
                if self.keyed.len() >= wanted.clamp(1, KEYS_MAX) {
                    let keyed = std::mem::take(&mut self.keyed);
                    self.judge_proof(&[keyed], matter, steps);
                } else {
                    self.await_again(steps);
                }
            }
            Key::POUND => {
                let keyed = std::mem::take(&mut self.keyed);
                self.judge_proof(&[keyed], matter, steps);
            }
            _ => self.await_again(steps),
        }
    }

    pub(super) fn person_by_key(&mut self, key: &str, steps: &mut Vec<Step>) {
        let reason = Reason::new(format!("the caller asked for a person ({key})"));
        let hand_over = self.plain_hand_over(Priority::P2, vec![reason]);
        self.decide("key", "person: by key", &hand_over, steps);
        self.hand_over(hand_over, steps);
    }
}
