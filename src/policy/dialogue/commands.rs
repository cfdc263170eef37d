//! Words that work in every state.

use crate::base::caller::Handling;
use crate::base::consent::ConsentState;
use crate::policy::step::Step;
use crate::understanding::outcome::{CallerCommand, Understanding};

use super::{Dialogue, State};

impl Dialogue {
    /// Obeys a word that works everywhere. `true` if it was one, and the batch is whole.
    pub(super) fn obey(&mut self, heard: &Understanding, steps: &mut Vec<Step>) -> bool {
        let Some(command) = heard.command else { return false };
        match command {
            CallerCommand::Repeat => self.repeat(steps),
            CallerCommand::Slower => {
                self.slow = true;
                self.repeat(steps);
            }
            CallerCommand::Wait => {
                self.say("waiting", &[], steps);
                self.await_caller(steps);
                if let Some(Step::Await { no_input_ms, .. }) = steps.last_mut() {
                    *no_input_ms = self.tables.rules.wait_ms;
                }
            }
            CallerCommand::GoBack => self.go_back(steps),
            CallerCommand::Goodbye => {
                self.say("goodbye", &[], steps);
                self.finish(steps);
            }
            CallerCommand::DontRecord => self.stop_recording(steps),
            CallerCommand::Automatic => self.handle_as(Handling::Automatic, steps),
            CallerCommand::Assisted => self.handle_as(Handling::Assisted, steps),
            // Heard by the state, or by the rules before it.
            CallerCommand::Yes | CallerCommand::No | CallerCommand::Person => return false,
        }
        true
    }

    /// The same for a caller who waits for a person. `#` or "go back" is the call's own matter.
    pub(super) fn obey_waiting(&mut self, heard: &Understanding, steps: &mut Vec<Step>) {
        match heard.command {
            Some(CallerCommand::Repeat) => self.repeat_waiting(steps),
            Some(CallerCommand::Slower) => {
                self.slow = true;
                self.repeat_waiting(steps);
            }
            Some(CallerCommand::DontRecord) => self.say("recording_stopped", &[], steps),
            // A recogniser hears "bye" in music: nobody who waits is hung up for it.
            Some(CallerCommand::Goodbye) => self.say("goodbye_waiting", &[], steps),
            Some(
                CallerCommand::Wait
                | CallerCommand::GoBack
                | CallerCommand::Automatic
                | CallerCommand::Assisted
                | CallerCommand::Yes
                | CallerCommand::No
                | CallerCommand::Person,
            )
            | None => {}
        }
    }

    fn repeat_waiting(&mut self, steps: &mut Vec<Step>) {
        for mut spoken in std::mem::take(&mut self.last_said) {
            spoken.slow = self.slow;
            self.speak(spoken, steps);
        }
    }

    pub(super) fn repeat(&mut self, steps: &mut Vec<Step>) {
        let said = std::mem::take(&mut self.last_said);
        if said.is_empty() {
            self.say("nothing_to_repeat", &[], steps);
        }
        for mut spoken in said {
            spoken.slow = self.slow;
            self.speak(spoken, steps);
        }
        self.await_again(steps);
    }

    pub(super) fn stop_recording(&mut self, steps: &mut Vec<Step>) {
        self.consent(ConsentState::Refused, steps);
        if let State::AskingConsent = self.state {
            self.enter(State::Listening);
        }
        self.say("recording_stopped", &[], steps);
        self.await_again(steps);
    }

    /// The caller chose how to be served.
    pub(super) fn handle_as(&mut self, handling: Handling, steps: &mut Vec<Step>) {
        self.setup.handling = handling;
        if handling == Handling::Assisted {
            self.say("more", &[], steps);
            self.enter(State::Listening);
            self.await_caller(steps);
        } else {
            self.say("handling_automatic", &[], steps);
            self.ask_again(steps);
        }
    }

    fn go_back(&mut self, steps: &mut Vec<Step>) {
        self.state = match self.before.take() {
            Some(State::Collecting { matter }) => State::Collecting { matter },
            Some(_) | None => State::Listening,
        };
        self.ask_again(steps);
    }

    /// Asks the question of the state once more.
    pub(super) fn ask_again(&mut self, steps: &mut Vec<Step>) {
        match self.state.clone() {
            State::AskingConsent => {
                let company = self.setup.company.clone();
                self.say("greeting_ask", &[("company", &company)], steps);
            }
            State::Choosing { first, second } => {
                self.say_choice(&first, &second, steps);
            }
            State::Collecting { matter } => self.ask_for(&matter, true, steps),
            State::Confirming { matter } => self.read_back(&matter, steps),
            State::Proving { matter } => {
                let proof = matter.proof.unwrap_or_default();
                self.say(&format!("ask_proof_{proof}"), &[], steps);
            }
            State::Closing => self.say("anything_else", &[], steps),
            State::Listening => self.say("how_can_i_help", &[], steps),
            State::Looking { .. } | State::Away => {}
        }
        self.await_caller(steps);
    }
}
