//! Words that are late: whoever has finished and hears nothing for long is told that we are there.

use super::{ListenMode, Listener, Output};
use crate::base::moment::Moment;

/// Less voice than this may be a cough: nobody waits for the answer to it.
const VOICED_MS_MIN: u64 = 160;

impl Listener {
    /// Tells once a turn that its speaker is silent for long and its text is not there.
    pub(super) fn tell_if_late(&mut self, now: Moment) {
        // Who waits for a person hears music, and a conversation is not ours.
        let ours = matches!(self.listening.mode, ListenMode::Turn | ListenMode::Digits);
        let speaks = self.turn.as_ref().is_some_and(|turn| turn.announced);
        let Some(last) = self.closing.back_mut().filter(|_| ours && !speaks) else { return };
        let due = last.turn.silence_ms(now) >= self.settings.late_after_ms;
        if last.told_late || !due {
            return;
        }
        if !last.turn.announced {
            // A prompt that a short voice did not stop is sound enough.
            if self.prompt_playing || last.turn.voiced_ms < VOICED_MS_MIN {
                return;
            }
            last.turn.announce();
            self.outputs.push_back(Output::SpeechBegan);
        }
        last.told_late = true;
        self.outputs.push_back(Output::WordsLate);
    }
}
