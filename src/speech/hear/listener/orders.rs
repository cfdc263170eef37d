//! What is asked of the recognisers: texts so far, texts on the chance that a turn is over, finals.

use std::time::Duration;

use super::super::end_of_turn;
use super::super::order::{DecodeClass, DecodeFailure, DecodeOrder, JobId};
use super::super::transcript::{Hint, Transcript};
use super::turn::SecondVoice;
use super::{Decoding, ListenMode, Listener, Listening, Output, Turn};
use crate::base::moment::Moment;

impl Listener {
    /// While somebody speaks, the text so far is asked for now and then: the pool does it only
    /// where nothing else is to be done. Over a prompt it decides whether the prompt goes on, and
    /// somebody waits for it.
    pub(super) fn order_partial(&mut self, now: Moment) {
        if !self.is_dialogue() {
            return;
        }
        let Some(mut turn) = self.turn.take() else { return };
        let doubtful = turn.over_prompt && self.prompt_playing && !turn.has_words;
        let (wanted, every_ms, class) = match doubtful {
            true => {
                let every_ms = self.settings.look_every(turn.looks());
                (turn.announced || turn.needs_words, every_ms, DecodeClass::CallerSpeculative)
            }
            false => (turn.announced, self.settings.partial_every_ms, DecodeClass::Partial),
        };
        if wanted && every_ms > 0 && turn.wants_partial(now, every_ms) {
            let (job, _) = self.submit(now, &turn, class);
            turn.begin_partial(now, job);
        }
        self.turn = Some(turn);
    }

    pub(super) fn order(&mut self, now: Moment, turn: &mut Turn, class: DecodeClass) {
        self.outputs.extend(turn.end_partial().map(|job| Output::Cancel { job }));
        let (job, give_up) = self.submit(now, turn, class);
        turn.decoding = Decoding::Running { job, class, give_up };
    }

    /// Asks the second voice, once a pause, where the text is open: while a recogniser is free,
    /// and for nothing else.
    pub(super) fn ask_second_voice(&mut self, now: Moment, turn: &mut Turn) {
        let due = turn.silence_ms(now) >= self.settings.second_voice_after_ms;
        let asks = self.settings.second_voice && self.listening.mode == ListenMode::Turn;
        if !due || !asks || turn.second != SecondVoice::Unasked {
            return;
        }
        let job = JobId(self.next_job);
        self.next_job += 1;
        let last = turn.samples.len().saturating_sub(end_of_turn::WINDOW);
        self.outputs.push_back(Output::StartDecode(DecodeOrder {
            job,
            samples: turn.samples.get(last..).unwrap_or_default().into(),
            hint: Hint { end_of_turn: true, ..Hint::default() },
            class: DecodeClass::Partial,
            deadline: now + Duration::from_millis(self.settings.end_open_ms),
        }));
        turn.second = SecondVoice::Asked(job);
    }

    /// The second voice's answer, if `job` was the question.
    pub(super) fn take_second_voice(
        &mut self,
        job: JobId,
        result: &Result<Transcript, DecodeFailure>,
    ) -> bool {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.second == SecondVoice::Asked(job))
        else {
            return false;
        };
        let finished = result.as_ref().ok().and_then(|answer| answer.finished);
        turn.second = finished.map_or(SecondVoice::Silent, |probability| SecondVoice::Says {
            finished: probability > 0.5,
        });
        true
    }

    /// The text before the turn: the language's own, then the words of the domain. Digits are heard
    /// better without; and of a murmur or a noise it makes words, of which there must be none.
    fn prompt(&self, turn: &Turn) -> Option<String> {
        let Listening { mode, language, prompt, .. } = &self.listening;
        let doubtful = turn.over_prompt && self.prompt_playing;
        let short = turn.voiced_ms < self.settings.text_before_voiced_ms_min;
        let before = match *mode == ListenMode::Digits || doubtful || short {
            true => "",
            false => self.judge.text_before(language),
        };
        let both = [before, prompt.as_deref().unwrap_or_default()];
        let parts: Vec<&str> = both.into_iter().filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// Asks for the text of all that the turn has; gives the job and when it is too late.
    pub(super) fn submit(
        &mut self,
        now: Moment,
        turn: &Turn,
        class: DecodeClass,
    ) -> (JobId, Moment) {
        let (since, wait_ms) = match class {
            DecodeClass::CallerFinal | DecodeClass::CallerSpeculative => {
                (turn.last_voice, self.settings.decode_wait_ms_max)
            }
            DecodeClass::Conversation => (now, self.settings.conversation_wait_ms_max),
            DecodeClass::Partial => (now, self.settings.partial_every_ms),
        };
        let deadline = since + Duration::from_millis(wait_ms);
        let job = JobId(self.next_job);
        self.next_job += 1;
        self.outputs.push_back(Output::StartDecode(DecodeOrder {
            job,
            samples: turn.samples.as_slice().into(),
            hint: Hint {
                language: self.listening.language.clone(),
                digits: self.listening.mode == ListenMode::Digits,
                closer: turn.closer && class != DecodeClass::Partial,
                prompt: self.prompt(turn),
                end_of_turn: false,
                two_cores: false,
            },
            class,
            deadline,
        }));
        (job, deadline)
    }
}
