//! One turn in the making: its sound, what was measured on it, and where its decode stands.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::audio::{FRAME_MS, SPEECH_RATE_HZ};
use crate::base::moment::Moment;
use crate::base::utterance::{Utterance, Word};

use super::super::order::{DecodeClass, DecodeFailure, JobId};
use super::super::transcript::Transcript;
use super::super::words::Evidence;
use super::Completeness;
use super::speaking::speaking_ms;

pub const SAMPLES_PER_MS: u64 = SPEECH_RATE_HZ as u64 / 1_000;

/// The sound before a voice, at most `ms_max` of it.
#[derive(Debug, Default)]
pub struct PreRoll {
    samples: VecDeque<i16>,
    /// It holds a voice that was dismissed.
    dismissed: Option<Dismissed>,
}

/// A short voice over a prompt of which no words were believed. It may have been the first word of
/// what follows: "Yes, … it is."
#[derive(Clone, Copy, Debug)]
struct Dismissed {
    began: Moment,
    /// A voice that begins by then is heard together with it.
    until: Moment,
}

impl PreRoll {
    pub fn push(&mut self, frame_16k: &[i16], ms_max: u64) {
        self.samples.extend(frame_16k);
        let surplus = self.samples.len().saturating_sub((ms_max * SAMPLES_PER_MS) as usize);
        self.samples.drain(..surplus);
    }

    pub fn clear(&mut self) {
        self.samples.clear();
        self.dismissed = None;
    }

    /// Holds all of `turn`, which was dismissed, for a voice that begins within `ms` of its last.
    pub fn keep(&mut self, turn: &Turn, ms: u64) {
        self.samples = turn.samples.iter().copied().collect();
        let until = turn.last_voice + Duration::from_millis(ms);
        self.dismissed = Some(Dismissed { began: turn.words_since, until });
    }

    /// Whether it holds a dismissed voice that what begins `now` is heard with.
    pub fn holds_voice(&self, now: Moment) -> bool {
        self.dismissed.is_some_and(|voice| now <= voice.until)
    }

    fn take(&mut self) -> Vec<i16> {
        self.dismissed = None;
        self.samples.drain(..).collect()
    }
}

/// Where the text of a turn stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoding {
    /// Not asked for, or thrown away because the speaker went on.
    Idle,
    Running {
        job: JobId,
        class: DecodeClass,
        give_up: Moment,
    },
    Done {
        transcript: Box<Transcript>,
        at: Moment,
    },
    Failed {
        class: DecodeClass,
        failure: DecodeFailure,
    },
}

/// What a second voice says of the pause after an open text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondVoice {
    #[default]
    Unasked,
    Asked(JobId),
    /// It did not answer: the text alone decides.
    Silent,
    Says {
        finished: bool,
    },
}

/// Speech since its first voiced frame.
#[derive(Debug)]
pub struct Turn {
    /// Mono, 16 kHz, from the pre-roll on.
    pub samples: Vec<i16>,
    /// The moment of the first sample.
    starts: Moment,
    pub began: Moment,
    /// Its words may have begun before its voice: with one that was dismissed.
    words_since: Moment,
    /// End of the last voiced frame.
    pub last_voice: Moment,
    pub voiced_ms: u64,
    /// Voice since the last pause that is not yet believed to be more than a click.
    resuming_ms: u64,
    power_sum: f64,
    power_frames: u32,
    pub over_prompt: bool,
    /// `SpeechBegan` was said for it.
    pub announced: bool,
    /// Voice alone interrupts nothing: it is noise so far, or there is noise about.
    pub needs_words: bool,
    /// `SpeechSuspected` was said for it, and not yet what it is.
    suspected: bool,
    /// Voice that was dismissed already: only more of it is suspected again.
    dismissed_ms: u64,
    pub decoding: Decoding,
    /// How finished the decoded text is; judged once, for each frame of silence asks.
    pub judged: Option<Completeness>,
    pub second: SecondVoice,
    /// The decode is the second one of the same sound, with more context.
    pub closer: bool,
    /// A decode of the text so far, and when the next one may be asked for.
    partial: Option<JobId>,
    next_partial: Moment,
    /// Texts so far that were asked for.
    looks: u32,
    /// One of them had words.
    pub has_words: bool,
}

impl Turn {
    /// A turn whose first voiced frame has just been pushed to `pre_roll` and ended at `now`.
    pub fn begin(now: Moment, pre_roll: &mut PreRoll, over_prompt: bool) -> Self {
        let earlier = pre_roll.dismissed.filter(|_| pre_roll.holds_voice(now));
        let samples = pre_roll.take();
        let starts = now - Duration::from_millis(samples.len() as u64 / SAMPLES_PER_MS);
        let began = now - Duration::from_millis(FRAME_MS);
        Self {
            starts,
            samples,
            began,
            words_since: earlier.map_or(began, |voice| voice.began.max(starts)),
            last_voice: began,
            voiced_ms: 0,
            resuming_ms: 0,
            power_sum: 0.0,
            power_frames: 0,
            over_prompt,
            announced: false,
            needs_words: false,
            suspected: false,
            dismissed_ms: 0,
            decoding: Decoding::Idle,
            judged: None,
            second: SecondVoice::Unasked,
            closer: false,
            partial: None,
            next_partial: began,
            looks: 0,
            has_words: false,
        }
    }

    /// How often a text so far was asked for.
    pub fn looks(&self) -> u32 {
        self.looks
    }

    /// All of it was noise, but for words that may have begun in its last `kept_ms`.
    pub fn was_noise(&mut self, now: Moment, kept_ms: u64) {
        let surplus = self.samples.len().saturating_sub((kept_ms * SAMPLES_PER_MS) as usize);
        self.samples.drain(..surplus);
        self.starts = now - Duration::from_millis(self.length_ms());
        self.began = self.began.max(self.starts);
        self.words_since = self.words_since.max(self.starts);
        let span_ms = self.last_voice.since(self.began).as_millis() as u64;
        self.voiced_ms = self.voiced_ms.min(span_ms);
        (self.power_sum, self.power_frames) = (0.0, 0);
        self.announced = false;
        self.needs_words = true;
        self.dismissed_ms = self.voiced_ms;
        self.next_partial = now;
    }

    /// Whether the text so far may be asked for: `every_ms` after the begin or the last time, and
    /// while no other decode is on.
    pub fn wants_partial(&self, now: Moment, every_ms: u64) -> bool {
        let due = now.since(self.next_partial) >= Duration::from_millis(every_ms);
        due && self.partial.is_none() && self.decoding == Decoding::Idle
    }

    pub fn begin_partial(&mut self, now: Moment, job: JobId) {
        self.partial = Some(job);
        self.next_partial = now;
        self.looks += 1;
    }

    /// The partial that is on, which is not wanted any more.
    pub fn end_partial(&mut self) -> Option<JobId> {
        self.partial.take()
    }

    /// Nobody asks the second voice any more; the job that is on.
    pub fn end_second(&mut self) -> Option<JobId> {
        match std::mem::take(&mut self.second) {
            SecondVoice::Asked(job) => Some(job),
            SecondVoice::Unasked | SecondVoice::Silent | SecondVoice::Says { .. } => None,
        }
    }

    /// Whether `job` is the partial that was on; it has ended.
    pub fn take_partial(&mut self, job: JobId) -> bool {
        self.partial.take_if(|partial| *partial == job).is_some()
    }

    /// Counts a voiced frame that ended at `now`. `true` if the speaker is going on for certain:
    /// within a running voice at once, after a pause when `resume_ms` of voice are together.
    pub fn voice(&mut self, now: Moment, level_dbfs: f32, pause_ms: u64, resume_ms: u64) -> bool {
        self.resuming_ms += FRAME_MS;
        self.power_sum += 10_f64.powf(f64::from(level_dbfs) / 10.0);
        self.power_frames += 1;
        if self.silence_ms(now) > pause_ms + FRAME_MS && self.resuming_ms < resume_ms {
            return false;
        }
        self.voiced_ms += self.resuming_ms;
        self.resuming_ms = 0;
        self.last_voice = now;
        true
    }

    /// Counts a frame without voice.
    pub fn silence(&mut self) {
        self.resuming_ms = 0;
    }

    /// Silence since the last voice, at `now`.
    pub fn silence_ms(&self, now: Moment) -> u64 {
        now.since(self.last_voice).as_millis() as u64
    }

    /// Time since the voice began, at `now`.
    pub fn age_ms(&self, now: Moment) -> u64 {
        now.since(self.began).as_millis() as u64
    }

    pub fn is_suspected(&self) -> bool {
        self.suspected
    }

    /// `true` once, when `needed_ms` of voice have come that were not dismissed before.
    pub fn suspect(&mut self, needed_ms: u64) -> bool {
        let fresh_ms = self.voiced_ms.saturating_sub(self.dismissed_ms);
        let now_suspected = !self.announced && !self.suspected && fresh_ms >= needed_ms;
        self.suspected |= now_suspected;
        now_suspected
    }

    /// Ends the suspicion; `true` if there was one.
    pub fn take_suspicion(&mut self) -> bool {
        self.dismissed_ms = self.voiced_ms;
        std::mem::take(&mut self.suspected)
    }

    /// It is a turn for certain.
    pub fn announce(&mut self) {
        self.announced = true;
        self.suspected = false;
        self.needs_words = false;
    }

    pub fn length_ms(&self) -> u64 {
        self.samples.len() as u64 / SAMPLES_PER_MS
    }

    /// The end of its sound.
    pub fn ends(&self) -> Moment {
        self.starts + Duration::from_millis(self.length_ms())
    }

    pub fn evidence(&self) -> Evidence {
        Evidence {
            voiced_ms: self.voiced_ms,
            span_ms: self.last_voice.since(self.began).as_millis() as u64,
            over_prompt: self.over_prompt,
            level_dbfs: self.level_dbfs(),
        }
    }

    /// Mean level of the voice.
    fn level_dbfs(&self) -> Option<f32> {
        let power = self.power_sum / f64::from(self.power_frames.max(1));
        (power > 0.0).then(|| (10.0 * power.log10()) as f32)
    }

    /// What came after the last voice: the pre-roll of the next turn.
    pub fn sound_after_voice(&self) -> &[i16] {
        let kept_ms = self.last_voice.since(self.starts).as_millis() as u64;
        self.samples.get((kept_ms * SAMPLES_PER_MS) as usize..).unwrap_or_default()
    }

    /// The utterance that this turn became, its text ready at `ready`.
    pub fn utterance(&self, transcript: Transcript, ready: Moment) -> Utterance {
        let span_ms = self.last_voice.since(self.words_since).as_millis() as u64;
        let at = |ms: u64| self.starts + Duration::from_millis(ms);
        let words = transcript.words.into_iter().map(|word| Word {
            began: at(word.began_ms),
            ended: at(word.ended_ms),
            text: word.text,
        });
        Utterance {
            text: transcript.text,
            language: transcript.language,
            began: self.words_since,
            ended: self.last_voice,
            voiced_ms: speaking_ms(&self.samples).min(span_ms),
            level_dbfs: self.level_dbfs().unwrap_or(-96.0),
            confidence: transcript.confidence,
            words: words.collect(),
            over_prompt: self.over_prompt,
            decode_ms: ready.since(self.last_voice).as_millis() as u64,
        }
    }
}
