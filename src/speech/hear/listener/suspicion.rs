//! A voice over a prompt: suspected, then confirmed by its words or dismissed. A voice that is
//! long enough to stop the prompt is looked at while it goes on: without words it was noise.

use super::super::words::Evidence;
use super::{Decoding, Listener, ListenerSettings, Output, Transcript, Turn, words};
use crate::base::limits::FOLLOWS_MS;
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;

/// Voices without words that stopped prompts lately.
#[derive(Debug, Default)]
pub(super) struct Noise {
    voices: u32,
    last: Moment,
}

impl Noise {
    /// A voice stopped a prompt, and no words came of it.
    pub fn stopped_a_prompt(&mut self, now: Moment, settings: &ListenerSettings) {
        self.voices = if self.is_recent(now, settings) { self.voices.saturating_add(1) } else { 1 };
        self.last = now;
    }

    pub fn words_came(&mut self) {
        self.voices = 0;
    }

    /// Whether a voice alone says nothing now: a television stands beside the caller.
    pub fn is_about(&self, now: Moment, settings: &ListenerSettings) -> bool {
        self.voices >= settings.noise_voices_max && self.is_recent(now, settings)
    }

    fn is_recent(&self, now: Moment, settings: &ListenerSettings) -> bool {
        self.voices > 0 && now.since(self.last).as_millis() <= u128::from(settings.noise_about_ms)
    }
}

impl Listener {
    /// What the text of a voice over a prompt says about it, as soon as it is there.
    pub(super) fn settle_suspicion(&mut self, turn: &mut Turn) {
        let Decoding::Done { transcript, .. } = &turn.decoding else { return };
        if !turn.is_suspected() && !turn.needs_words {
            return;
        }
        if self.believes(transcript, turn.evidence()) && !self.is_murmur(turn, &transcript.text) {
            turn.announce();
            turn.has_words = true;
            self.outputs.push_back(Output::SpeechBegan);
        } else {
            self.drop_suspicion(turn);
        }
    }

    /// The text of a turn that goes on: for whoever watches, and over a prompt for the prompt.
    pub(super) fn heard_so_far(&mut self, now: Moment, turn: &mut Turn, transcript: Transcript) {
        self.doubt(now, turn, &transcript);
        if !self.believes(&transcript, turn.evidence()) {
            return;
        }
        let words = !self.is_murmur(turn, &transcript.text);
        turn.has_words |= words;
        if turn.needs_words && !turn.announced && words {
            turn.announce();
            self.outputs.push_back(Output::SpeechBegan);
        }
        if turn.announced {
            self.outputs.push_back(Output::SoFar { text: transcript.text });
        }
    }

    /// A voice that stopped a prompt and goes on has no words so far: the prompt goes on where it
    /// was, and only words that follow interrupt it.
    pub(super) fn doubt(&mut self, now: Moment, turn: &mut Turn, transcript: &Transcript) {
        let doubtful = turn.over_prompt && self.prompt_playing && !turn.has_words;
        if !doubtful || self.believes(transcript, turn.evidence()) {
            return;
        }
        if turn.announced {
            self.noise.stopped_a_prompt(now, &self.settings);
            self.outputs.push_back(Output::HeardNothing);
        }
        if turn.announced || turn.needs_words {
            turn.was_noise(now, self.settings.noise_kept_ms);
        }
    }

    /// A suspicion that nothing confirmed in time is given up; the words may still come.
    pub(super) fn outlive_suspicion(&mut self, now: Moment, turn: &mut Turn) {
        if turn.age_ms(now) >= self.settings.suspect_ms_max && turn.take_suspicion() {
            self.outputs.push_back(Output::SpeechDismissed);
        }
    }

    /// "Uh-huh" said to a prompt that still plays, and goes on playing; or the "please" of a
    /// sentence that was answered before it.
    pub(super) fn is_murmur(&self, turn: &Turn, text: &str) -> bool {
        let heard = turn.over_prompt && self.prompt_playing;
        (heard || self.follows(turn)) && self.is_backchannel(text)
    }

    /// Whether a turn of dialogue began right after the words of the last one.
    fn follows(&self, turn: &Turn) -> bool {
        let soon = |until| turn.began.since(until).as_millis() <= u128::from(FOLLOWS_MS);
        self.listening.mode == ListenMode::Turn && self.words_until.is_some_and(soon)
    }

    /// A short voice over a prompt that was dismissed at the end of its silence may be the first
    /// word of what follows it.
    pub(super) fn keep_dismissed(&mut self, now: Moment, turn: &Turn) {
        let at_once = turn.ends() >= self.last_frame && self.turn.is_none();
        if turn.over_prompt && at_once && turn.silence_ms(now) <= FOLLOWS_MS {
            self.pre_roll.keep(turn, FOLLOWS_MS);
        }
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
