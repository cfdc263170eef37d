//! The caller's leg: arriving, being heard, keys, hold, leaving.

use crate::base::card::{NOT_KEPT, Speaker};
use crate::base::disposition::Disposition;
use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::call::command::{Command, HangUpCause, Route};

use super::*;

/// How long the recogniser may still bring the last words after the caller left.
const LAST_WORDS: Duration = Duration::from_millis(2_500);
/// Digits of words so far that may be shown: an order's number, no card's.
const DIGITS_SHOWN_MAX: usize = 8;
/// How long a leg may take to end after we hung it up.
pub(super) const HANG_UP_MAX: Duration = Duration::from_secs(5);

impl Session {
    pub(super) fn arrived(&mut self, now: Moment, caller: CallerInfo) {
        if self.caller.is_some() {
            return;
        }
        let words = {
            let tables = self.setup.understander.tables().clone();
            let language = caller.language.clone();
            Arc::new(move |intent: &crate::base::ids::IntentId| {
                tables.intent(&language, intent).map(|row| row.words.clone())
            })
        };
        let setup = self.dialogue_setup(&caller);
        let (policy, knowledge) = (self.setup.policy.clone(), self.setup.knowledge.clone());
        self.dialogue = Some(Dialogue::new(policy, knowledge, setup, words));
        self.caller = Some(caller);
        self.caller_alive = true;
        self.timers.set(Timer::CallMax, now, self.setup.call_max);
        self.command(Command::AnswerCaller);
    }

    pub(super) fn connected(&mut self, now: Moment) {
        if self.phase != Phase::Arriving || !self.caller_alive {
            return;
        }
        self.phase = Phase::Dialogue;
        self.command(Command::Route { routes: vec![(LegId::CALLER, Route::Quiet)] });
        self.with_dialogue(now, |dialogue| dialogue.open(now));
    }

    /// The language that is spoken with the caller now.
    pub fn language(&self) -> Language {
        match (&self.dialogue, &self.caller) {
            (Some(dialogue), _) => dialogue.language().clone(),
            (None, Some(caller)) => caller.language.clone(),
            (None, None) => Language::english(),
        }
    }

    pub(super) fn caller_key(&mut self, now: Moment, key: Key) {
        if matches!(self.phase, Phase::Ending(_)) {
            return;
        }
        self.timers.stop(Timer::NoInput);
        self.note(Fact::Key { leg: LegId::CALLER, key: key.symbol() });
        match self.phase {
            Phase::Dialogue => {
                self.stop_playing(LegId::CALLER);
                self.with_dialogue(now, |dialogue| dialogue.on_key(now, key));
            }
            // While waiting: # goes back to the machine.
            Phase::Person if key == Key::POUND => self.back_to_the_machine(now),
            Phase::Person => self.with_dialogue(now, |dialogue| dialogue.on_key(now, key)),
            Phase::Arriving | Phase::Ending(_) | Phase::Over => {}
        }
    }

    /// The peer put us on hold, or took us back.
    pub(super) fn held(&mut self, leg: LegId, held: bool) {
        if leg == LegId::CALLER && held {
            // On hold the caller hears their own music: silence is no answer.
            self.timers.stop(Timer::NoInput);
        }
        self.hold_in_talk(leg, held);
    }

    pub(super) fn media_seen(&mut self, now: Moment, leg: LegId, seen: bool) {
        if leg == LegId::CALLER {
            self.caller_seen = seen;
        } else {
            self.agent_media(now, leg, seen);
        }
        if seen {
            self.bridge_proved();
        }
    }

    /// The caller is gone, however it came.
    pub(super) fn caller_ended(&mut self, now: Moment, end: LegEnd) {
        if !self.caller_alive {
            return;
        }
        self.caller_alive = false;
        self.forget_plays(LegId::CALLER);
        self.pending = None;
        let broke = matches!(end, LegEnd::MediaLost | LegEnd::SignallingLost);
        if broke && self.phase == Phase::Person && self.caller_lost(now) {
            return;
        }
        let disposition = match self.phase {
            Phase::Ending(known) => known,
            _ => self.disposition_of(end),
        };
        self.end_of_caller(now, disposition);
    }

    /// The caller is gone for good.
    pub(super) fn end_of_caller(&mut self, now: Moment, disposition: Disposition) {
        if self.keeping.started && !self.keeping.stopped {
            // The recorder is closed by `End`; nothing of the agent's wrap-up belongs in it.
            self.record(Recording::Stop);
            self.keeping.stopped = true;
        }
        self.phase = Phase::Ending(disposition);
        self.timers.stop_all();
        self.timers.set(Timer::LastWords, now, LAST_WORDS);
        self.caller_left_transfer(now);
        self.end_if_done();
    }

    fn disposition_of(&self, end: LegEnd) -> Disposition {
        match (end, self.phase) {
            (LegEnd::Cancelled, _) => Disposition::Cancelled,
            (_, _) if self.bridged_ever => Disposition::Transferred,
            (_, Phase::Person) if self.danger => Disposition::SentToEmergency,
            (LegEnd::MediaLost | LegEnd::SignallingLost, _) => Disposition::CallerLost,
            (_, Phase::Person) => Disposition::AbandonedInQueue,
            (_, _) if self.dialogue.as_ref().is_some_and(Dialogue::has_answered) => {
                Disposition::Answered
            }
            (_, _) if self.history.heard_any => Disposition::AbandonedInDialogue,
            (_, _) => Disposition::AbandonedEarly,
        }
    }

    pub(super) fn hang_up_caller(&mut self, now: Moment, disposition: Disposition) {
        self.phase = Phase::Ending(disposition);
        self.timers.stop(Timer::NoInput);
        self.timers.set(Timer::HangUp, now, HANG_UP_MAX);
        self.command(Command::HangUp { leg: LegId::CALLER, cause: HangUpCause::Normal });
    }

    /// Asked to end: what runs is finished politely.
    pub(super) fn drain(&mut self, now: Moment) {
        match self.phase {
            Phase::Dialogue | Phase::Arriving => {
                self.stop_playing(LegId::CALLER);
                self.pending = Some(steps::Pending::HangUp(Disposition::SystemFailure));
                self.prompt(now, LegId::CALLER, "goodbye", &[]);
            }
            Phase::Person | Phase::Ending(_) | Phase::Over => {}
        }
    }

    pub(super) fn too_long(&mut self, now: Moment) {
        if matches!(self.phase, Phase::Ending(_)) {
            return;
        }
        self.leave_transfer(now, HangUpCause::TooLong);
        self.phase = Phase::Dialogue;
        self.stop_playing(LegId::CALLER);
        let mode = ListenMode::KeysOnly;
        self.listen(LegId::CALLER, mode);
        self.prompt(now, LegId::CALLER, "too_long", &[]);
        self.pending = Some(steps::Pending::HangUp(Disposition::TooLong));
    }

    /// What the caller said after "don't record" is not in the recording, but the transcript goes
    /// on live: nothing of it may hold card data.
    pub(super) fn kept_text(&self, text: &str) -> String {
        if self.keeping.paused {
            return NOT_KEPT.to_owned();
        }
        crate::understanding::redact(text)
    }

    /// The words so far as they may be shown: a number that is still being said may become a
    /// card's.
    pub fn shown_so_far(&self, text: &str) -> String {
        let kept = self.kept_text(text);
        let digits = kept.chars().filter(char::is_ascii_digit).count();
        if digits <= DIGITS_SHOWN_MAX {
            return kept;
        }
        kept.chars().map(|c| if c.is_ascii_digit() { '•' } else { c }).collect()
    }

    pub(super) fn note_said(
        &mut self,
        speaker: Speaker,
        utterance: crate::base::utterance::Utterance,
        understanding: Option<crate::call::command::UnderstandingNote>,
    ) {
        let text = self.kept_text(&utterance.text);
        let line = self.line(utterance.began, speaker, text.clone());
        self.add_line(line.clone());
        let mut utterance = utterance;
        // The words carry times and the same text: redacted with it.
        if text != utterance.text {
            utterance.words.clear();
        }
        utterance.text = text;
        self.note(Fact::Said { line, utterance: Some(utterance), understanding });
    }
}
