//! A voice over a prompt: suspected, then confirmed by its words or dismissed.

use super::super::words::Evidence;
use super::{Decoding, Listener, Output, Transcript, Turn, words};
use crate::base::moment::Moment;

impl Listener {
    /// What the text of a voice over a prompt says about it, as soon as it is there.
    pub(super) fn settle_suspicion(&mut self, turn: &mut Turn) {
        let Decoding::Done { transcript, .. } = &turn.decoding else { return };
        if !turn.is_suspected() {
            return;
        }
        if self.believes(transcript, turn.evidence()) && !self.is_murmur(turn, &transcript.text) {
            turn.announce();
            self.outputs.push_back(Output::SpeechBegan);
        } else {
            turn.take_suspicion();
            self.outputs.push_back(Output::SpeechDismissed);
        }
    }

    /// A suspicion that nothing confirmed in time is given up; the words may still come.
    pub(super) fn outlive_suspicion(&mut self, now: Moment, turn: &mut Turn) {
        if turn.age_ms(now) >= self.settings.suspect_ms_max && turn.take_suspicion() {
            self.outputs.push_back(Output::SpeechDismissed);
        }
    }

    /// "Uh-huh" said to a prompt that still plays, and goes on playing.
    pub(super) fn is_murmur(&self, turn: &Turn, text: &str) -> bool {
        turn.over_prompt && self.prompt_playing && self.is_backchannel(text)
    }

    pub(super) fn drop_suspicion(&mut self, turn: &mut Turn) {
        if turn.take_suspicion() {
            self.outputs.push_back(Output::SpeechDismissed);
        }
    }

    pub(super) fn is_backchannel(&self, text: &str) -> bool {
        self.judge.is_backchannel(text, &self.listening.language)
    }

    /// Whether such a text was said, as far as its sound and its language's tables can tell.
    pub(super) fn believes(&self, transcript: &Transcript, evidence: Evidence) -> bool {
        let standing = self.judge.standing(&transcript.text, &self.listening.language);
        words::credible(transcript, standing, evidence)
    }
}
