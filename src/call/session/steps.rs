//! Obeys the dialogue's steps: says, notes, asks, waits, hands over, ends.

use std::time::Duration;

use crate::base::card::{NOT_KEPT, Speaker};
use crate::base::consent::ConsentState;
use crate::base::disposition::Disposition;
use crate::base::listen::ListenMode;
use crate::call::command::Command;
use crate::knowledge::lookup::{LookupFailure, LookupReply};
use crate::policy::step::{Finish, Step};

use super::*;

/// A connector's own time-out comes first; this is for a runtime that lost it.
const LOOKUP_MAX: Duration = Duration::from_secs(15);

/// A caller whose question a business system has is told so, that often.
const STILL_LOOKING_EVERY: Duration = Duration::from_millis(3_500);

/// What follows when all that was said has been heard.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pending {
    /// Wait for the caller this long.
    NoInput(Duration),
    HangUp(Disposition),
}

impl Session {
    /// Lets the dialogue act and obeys. Nothing once the call is ending.
    pub(super) fn with_dialogue(
        &mut self,
        now: Moment,
        act: impl FnOnce(&mut Dialogue) -> Vec<Step>,
    ) {
        if matches!(self.phase, Phase::Ending(_) | Phase::Over) {
            return;
        }
        let Some(dialogue) = &mut self.dialogue else { return };
        let steps = act(dialogue);
        for step in steps {
            self.obey(now, step);
        }
    }

    fn obey(&mut self, now: Moment, step: Step) {
        match step {
            Step::Say(spoken) => {
                self.play(now, LegId::CALLER, spoken);
            }
            Step::Decided(decision) => self.note(Fact::Decided {
                rule: decision.rule,
                decision: decision.what,
                priority: decision.priority,
                reasons: decision.reasons,
            }),
            Step::Consent(state) => self.consent(state),
            Step::PauseKeeping { from } => self.card_heard(from),
            Step::ResumeKeeping => self.resume_after_card(),
            Step::Satisfied(yes) => self.note(Fact::Satisfied { yes }),
            Step::Tried(what) => self.history.tried.push(what),
            Step::AwaitLookup { request, connector, fields } => {
                self.looking = Some((request, connector.clone()));
                self.timers.set(Timer::Lookup, now, LOOKUP_MAX);
                self.timers.set(Timer::StillLooking, now, STILL_LOOKING_EVERY);
                self.command(Command::Lookup { request, connector, fields });
            }
            Step::Await { listen, expecting, no_input_ms } => {
                let no_input = Duration::from_millis(no_input_ms);
                self.await_caller(now, listen, expecting, no_input);
            }
            Step::HandOver(hand_over) => self.want_person(now, hand_over),
            Step::Finish(how) => self.finish(now, how),
        }
    }

    fn await_caller(
        &mut self,
        now: Moment,
        listen: ListenMode,
        expecting: Expecting,
        no_input: Duration,
    ) {
        if self.is_talking() {
            // Both are heard, and nobody is asked anything.
            return;
        }
        if matches!(self.pending, Some(Pending::HangUp(_))) {
            // Words that come while we say goodbye do not keep the line open.
            return;
        }
        let waits = self.phase == Phase::Person;
        let mode = if waits { ListenMode::Waiting } else { listen };
        self.listen_for(LegId::CALLER, mode, expecting);
        self.pending = Some(Pending::NoInput(no_input));
        if !self.plays.on(LegId::CALLER) {
            self.all_heard(now);
        }
    }

    fn finish(&mut self, now: Moment, how: Finish) {
        let disposition = match how {
            Finish::Answered => Disposition::Answered,
            Finish::Unanswered => Disposition::AbandonedInDialogue,
            Finish::NobodyAvailable => Disposition::NobodyAvailable,
            Finish::Emergency => Disposition::SentToEmergency,
        };
        self.listen(LegId::CALLER, ListenMode::KeysOnly);
        self.pending = Some(Pending::HangUp(disposition));
        if !self.plays.on(LegId::CALLER) {
            self.all_heard(now);
        }
    }

    /// The caller has heard all that was said.
    pub(super) fn all_heard(&mut self, now: Moment) {
        match self.pending.take() {
            Some(Pending::NoInput(length))
                if self.phase == Phase::Dialogue && self.looking.is_none() =>
            {
                self.timers.set(Timer::NoInput, now, length);
            }
            Some(Pending::NoInput(_)) | None => {}
            Some(Pending::HangUp(disposition)) => self.hang_up_caller(now, disposition),
        }
    }

    fn consent(&mut self, state: ConsentState) {
        match state {
            // Nothing is kept before the notice has been heard to its end.
            ConsentState::Notified => {
                self.mark_notice();
                return;
            }
            ConsentState::Granted => self.start_recording(),
            ConsentState::Refused | ConsentState::Off => self.stop_recording(),
        }
        self.note(Fact::Consent { recording: state });
    }

    pub(super) fn notice_heard(&mut self) {
        if !self.keeping.stopped {
            self.start_recording();
            self.note(Fact::Consent { recording: ConsentState::Notified });
        }
    }

    fn start_recording(&mut self) {
        if !self.keeping.started && !self.keeping.stopped {
            self.keeping.started = true;
            self.record(Recording::Start);
        }
    }

    fn stop_recording(&mut self) {
        if self.keeping.started && !self.keeping.stopped {
            self.record(Recording::Stop);
        }
        self.keeping.stopped = true;
    }

    /// The agent's button.
    pub(super) fn pause_keeping(&mut self, pause: bool) {
        self.keeping.by_agent = pause;
        self.set_paused(pause, None);
    }

    /// A card number is whole: whatever holds a part of it goes.
    fn card_heard(&mut self, from: Option<Moment>) {
        self.set_paused(true, from);
        if let Some(from) = from {
            self.forget_card(from);
            self.note(Fact::NotKept { from });
        }
    }

    /// What the agent paused, the agent resumes.
    fn resume_after_card(&mut self) {
        if !self.keeping.by_agent {
            self.set_paused(false, None);
        }
    }

    fn set_paused(&mut self, pause: bool, from: Option<Moment>) {
        self.keeping.paused = pause;
        if self.keeping.started && !self.keeping.stopped {
            self.record(if pause { Recording::Pause { from } } else { Recording::Resume });
        }
    }

    /// The card and the next offer tell nothing of what was said since `from`.
    fn forget_card(&mut self, from: Moment) {
        let history = &mut self.history;
        for line in &mut history.lines {
            if line.speaker == Speaker::Caller && line.at >= from {
                let text = line.text.reveal();
                history.slots.retain(|slot| !text.contains(slot.source.reveal().as_str()));
                line.text = NOT_KEPT.to_owned().into();
            }
        }
    }

    pub(super) fn looked_up(
        &mut self,
        now: Moment,
        request: RequestId,
        result: Result<LookupReply, LookupFailure>,
    ) {
        let Some((_, connector)) = self.looking.take_if(|(waited, _)| *waited == request) else {
            return;
        };
        self.timers.stop(Timer::Lookup);
        self.timers.stop(Timer::StillLooking);
        let outcome = match &result {
            Ok(_) => "replied",
            Err(LookupFailure::Timeout) => "no reply in time",
            Err(LookupFailure::NotFound) => "knows no such thing",
            Err(LookupFailure::Unavailable) => "unavailable",
        };
        self.note(Fact::Looked { connector, outcome: outcome.to_owned() });
        self.with_dialogue(now, |dialogue| dialogue.on_lookup(now, request, result));
    }

    /// Nobody waits longer than four seconds without a sound.
    pub(super) fn still_looking(&mut self, now: Moment) {
        if self.looking.is_none() || self.phase != Phase::Dialogue {
            return;
        }
        if !self.plays.on(LegId::CALLER) {
            self.prompt(now, LegId::CALLER, "still_looking", &[]);
        }
        self.timers.set(Timer::StillLooking, now, STILL_LOOKING_EVERY);
    }

    pub(super) fn lookup_lost(&mut self, now: Moment) {
        if let Some(request) = self.looking.as_ref().map(|(request, _)| *request) {
            self.looked_up(now, request, Err(LookupFailure::Timeout));
        }
    }
}
