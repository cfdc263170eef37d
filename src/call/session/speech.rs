//! What was heard: understood, noted, and given to the dialogue.

use crate::base::card::Speaker;
use crate::base::utterance::Utterance;
use crate::call::command::{GiveWay, UnderstandingNote};
use crate::understanding::outcome::Expecting;

use super::*;

/// From the beginning of a voice to its words: the longest utterance and a slow decode.
const TURN_MAX: Duration = Duration::from_secs(35);

impl Session {
    /// A voice, for certain. What plays is silent until it is known whether words came of it.
    pub(super) fn speech_began(&mut self, now: Moment, leg: LegId) {
        self.give_way(now, leg, GiveWay::Pause);
        if leg != LegId::CALLER || matches!(self.phase, Phase::Ending(_)) {
            return;
        }
        self.timers.stop(Timer::NoInput);
        if self.phase == Phase::Dialogue {
            self.timers.set(Timer::Turn, now, TURN_MAX);
        }
    }

    /// Nobody waits longer than four seconds without a sound, however busy the recognisers are.
    pub(super) fn words_late(&mut self, now: Moment, leg: LegId) {
        let leaves = matches!(self.pending, Some(steps::Pending::HangUp(_)));
        // Who waits for a person hears music, and for a business system what `still_looking` says.
        let ours = self.phase == Phase::Dialogue && self.looking.is_none() && !leaves;
        if leg == LegId::CALLER && ours {
            self.hold_on(now);
        }
    }

    pub(super) fn heard(&mut self, now: Moment, leg: LegId, utterance: Utterance) {
        self.interrupted(leg);
        if leg != LegId::CALLER {
            self.note_said(Speaker::Agent, utterance, None);
            return;
        }
        self.timers.stop(Timer::Turn);
        self.plays.take_cut_off();
        let expecting = match (&self.dialogue, self.phase) {
            (Some(dialogue), Phase::Dialogue) => dialogue.expecting(),
            (_, _) => Expecting::Anything,
        };
        let understood =
            self.setup.understander.understand(&utterance, &mut self.memory, &expecting);
        remember(&mut self.history, utterance.began, &understood);
        self.note_caller_line(&utterance, &understood);
        match self.phase {
            Phase::Dialogue => {
                self.with_dialogue(now, |dialogue| dialogue.on_turn(now, &utterance, &understood));
            }
            Phase::Person => self.heard_by_person(now, &understood),
            Phase::Arriving | Phase::Ending(_) | Phase::Over => {}
        }
        self.settle_early();
    }

    fn note_caller_line(&mut self, utterance: &Utterance, understood: &Understanding) {
        let paused = self.keeping.paused;
        // The very utterance that holds the card is not kept either.
        self.keeping.paused |= understood.card_number;
        let mut reasons: Vec<Reason> = Vec::new();
        reasons.extend(understood.intent.iter().flat_map(|intent| intent.reasons.clone()));
        let stress_reasons: Vec<Reason> =
            understood.stress.parts.iter().map(|part| part.reason.clone()).collect();
        reasons.extend(stress_reasons.iter().cloned());
        let note = UnderstandingNote {
            intent: understood.intent.as_ref().map(|intent| intent.intent.clone()),
            confidence: understood.intent.as_ref().map_or(0.0, |intent| intent.confidence),
            stress: understood.stress.score,
            stress_reasons,
            reasons,
            slots: understood.slots.clone(),
        };
        self.note_said(Speaker::Caller, utterance.clone(), Some(note));
        self.keeping.paused = paused;
    }

    /// A turn without words, or one that the recogniser lost.
    pub(super) fn heard_nothing(&mut self, now: Moment, leg: LegId, lost: bool) {
        match lost {
            // The caller wanted something that we could not hear.
            true if self.plays.given_way(leg) == GiveWay::Pause => self.stop_playing(leg),
            _ => self.go_on_playing(leg),
        }
        if leg == LegId::CALLER {
            self.settle_early();
        }
        if leg != LegId::CALLER || self.phase != Phase::Dialogue {
            return;
        }
        self.timers.stop(Timer::Turn);
        let cut_off = self.plays.take_cut_off();
        if lost {
            self.with_dialogue(now, |dialogue| dialogue.on_speech_unavailable(now));
        } else if cut_off {
            self.with_dialogue(now, |dialogue| dialogue.on_cut_off_for_nothing(now));
        } else if !self.plays.tells(LegId::CALLER) && self.looking.is_none() {
            self.with_dialogue(now, |dialogue| dialogue.on_nothing_heard(now));
        }
    }
}
