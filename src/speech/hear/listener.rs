//! Listens to one leg: frames in, turns out. Sans-IO: time is an argument, decodes are orders.
//!
//! In: frames with their time, prompts that begin and end, decodes that come back. Out: a voice
//! began, decodes to start, raise or cancel, and what was heard. A decode starts speculatively
//! after about 100 ms of silence; when its text is there, the understanding's judgement on it
//! decides how much silence ends the turn. If the speaker goes on, the text is thrown away.
//!
//! Each `SpeechBegan` is followed by exactly one of `Heard`, `HeardNothing`, `SpeechUnavailable`,
//! unless `set_mode(KeysOnly)` makes the listener forget what it heard. Over a prompt a voice is
//! suspected first; its length or its words then say whether it began a turn or is dismissed.
//! One that began a turn by its length is looked at while it lasts: without words it was noise.

mod late;
mod orders;
mod settings;
mod speaking;
mod suspicion;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::base::audio::{FRAME_MS, TELEPHONE_RATE_HZ};
use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;
use crate::base::upsample::Upsampler;
use crate::base::utterance::Utterance;
use crate::understanding::outcome::Expecting;

use super::echo::EchoGuard;
use super::order::{DecodeClass, DecodeFailure, DecodeOrder, JobId};
use super::transcript::Transcript;
use super::vad::{NeuralDetector, VadSettings, VoiceDetector};
use super::words;

pub use settings::{Completeness, CompletenessJudge, ListenerSettings};
use suspicion::Noise;
use turn::{Decoding, PreRoll, Turn};

/// Turns that are over and whose text is still being decoded; further ones are lost.
const CLOSING_MAX: usize = 8;
/// After so much silence a click is forgotten.
const CLICK_SILENCE_MS: u64 = 240;
/// Frames are missing when none came for so long; time alone then ends turns.
const FRAMES_MISSING_MS: u64 = 60;

/// What a listener wants done or known.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Something like a voice over a prompt: the prompt is ducked until it is known what it is.
    /// Followed by exactly one of `SpeechBegan` and `SpeechDismissed`.
    SpeechSuspected,
    /// It was a cough, an "uh-huh", or nothing: the prompt goes on as before.
    SpeechDismissed,
    /// A voice, for certain. The prompt is silent, if it may be interrupted.
    SpeechBegan,
    StartDecode(DecodeOrder),
    /// A speculative decode turned out to be the final one.
    Raise {
        job: JobId,
        deadline: Moment,
    },
    /// Nobody wants this decode any more.
    Cancel {
        job: JobId,
    },
    /// The words so far of a speaker who goes on; they may still change.
    SoFar {
        text: String,
    },
    /// A turn was over long ago, and its text is not there yet. At most once a turn, after its
    /// `SpeechBegan`.
    WordsLate,
    Heard(Box<Utterance>),
    /// A turn without usable words. Over a prompt, what was taken for a voice and is none may
    /// still go on: the prompt goes on where it was, and words that follow begin a turn.
    HeardNothing,
    /// The recogniser failed or was too late: the turn is lost.
    SpeechUnavailable,
}

/// How a leg is to be listened to.
#[derive(Clone, Debug, PartialEq)]
pub struct Listening {
    pub mode: ListenMode,
    pub language: Language,
    /// Words of the domain, given to the recogniser as earlier text.
    pub prompt: Option<String>,
    /// What the dialogue waits for.
    pub expecting: Expecting,
}

impl Listening {
    /// Without words of the domain, and without an expectation.
    pub fn to(mode: ListenMode, language: Language) -> Self {
        Self { mode, language, prompt: None, expecting: Expecting::Anything }
    }
}

/// A turn that is over, waiting for its text.
struct Closing {
    turn: Turn,
    ready: Option<Result<Box<Transcript>, DecodeFailure>>,
    /// `WordsLate` was said for it.
    told_late: bool,
}

/// The listener of one leg.
pub struct Listener {
    settings: ListenerSettings,
    detector: Box<dyn VoiceDetector>,
    judge: Arc<dyn CompletenessJudge>,
    listening: Listening,
    prompt_playing: bool,
    pressed: bool,
    upsampler: Upsampler,
    frame_16k: Vec<i16>,
    echo: EchoGuard,
    /// What is played was told for the frame that comes next.
    played: bool,
    pre_roll: PreRoll,
    turn: Option<Turn>,
    noise: Noise,
    /// The last voice of the last turn that had words.
    words_until: Option<Moment>,
    closing: VecDeque<Closing>,
    last_frame: Moment,
    next_job: u64,
    outputs: VecDeque<Output>,
}

impl Listener {
    /// A listener that hears nothing until [`Listener::set_mode`].
    pub fn new(settings: ListenerSettings, judge: Arc<dyn CompletenessJudge>) -> Self {
        let detector = Box::new(NeuralDetector::new(VadSettings::default()));
        Self::with_detector(settings, judge, detector)
    }

    /// The same with another voice detector.
    pub fn with_detector(
        settings: ListenerSettings,
        judge: Arc<dyn CompletenessJudge>,
        detector: Box<dyn VoiceDetector>,
    ) -> Self {
        Self {
            settings,
            detector,
            judge,
            listening: Listening::to(ListenMode::KeysOnly, Language::default()),
            prompt_playing: false,
            pressed: false,
            upsampler: Upsampler::default(),
            frame_16k: Vec::with_capacity(320),
            echo: EchoGuard::default(),
            played: false,
            pre_roll: PreRoll::default(),
            turn: None,
            noise: Noise::default(),
            words_until: None,
            closing: VecDeque::new(),
            last_frame: Moment::ZERO,
            next_job: 1,
            outputs: VecDeque::new(),
        }
    }

    /// How to listen from now on. A turn that is being said goes on under the new mode; with
    /// `KeysOnly` all that was heard and not yet given out is forgotten.
    pub fn set_mode(&mut self, listening: Listening) {
        if listening.mode == ListenMode::KeysOnly {
            self.forget();
        }
        self.listening = listening;
        if let Some(turn) = &mut self.turn {
            turn.judged = None;
        }
    }

    pub fn mode(&self) -> ListenMode {
        self.listening.mode
    }

    /// Whether more speech waits for the recognisers than they can do: long utterances are cut
    /// then, so that nobody's turn holds them for long.
    pub fn set_pressed(&mut self, pressed: bool) {
        self.pressed = pressed;
    }

    /// Whether a prompt is playing to this leg.
    pub fn set_prompt_playing(&mut self, playing: bool) {
        self.prompt_playing = playing;
    }

    /// The frame that is played to the leg in the tick of the next [`Listener::push_frame`], of
    /// any rate. Optional: it keeps our own echo from interrupting.
    pub fn push_played(&mut self, frame: &[i16]) {
        self.echo.plays(frame);
        self.played = true;
    }

    /// The next 20 ms from the leg, 8 or 16 kHz, ended at `now`.
    pub fn push_frame(&mut self, now: Moment, frame: &[i16], rate_hz: u32) {
        self.last_frame = now;
        if !std::mem::take(&mut self.played) {
            self.echo.plays(&[]);
        }
        if self.listening.mode == ListenMode::KeysOnly {
            return;
        }
        let mut frame_16k = std::mem::take(&mut self.frame_16k);
        frame_16k.clear();
        if rate_hz == TELEPHONE_RATE_HZ {
            self.upsampler.push(frame, &mut frame_16k);
        } else {
            frame_16k.extend_from_slice(frame);
        }
        self.hear(now, &frame_16k);
        self.frame_16k = frame_16k;
        self.tell_if_late(now);
    }

    /// A decode that was ordered has ended. Answers to jobs that were cancelled are ignored.
    pub fn handle_decoded(
        &mut self,
        now: Moment,
        job: JobId,
        result: Result<Transcript, DecodeFailure>,
    ) {
        if self.take_second_voice(job, &result) {
            return self.endpoint(now);
        }
        let mut result = Some(result.map(Box::new));
        for closing in &mut self.closing {
            if closing.turn.decoding.is_job(job) {
                closing.ready = result.take();
            }
        }
        if let Some(mut turn) = self.turn.take_if(|turn| turn.take_partial(job)) {
            if let Some(Ok(transcript)) = result {
                self.heard_so_far(now, &mut turn, *transcript);
            }
            self.turn = Some(turn);
            return;
        }
        if let (Some(turn), Some(result)) = (&mut self.turn, result)
            && let Decoding::Running { job: running, class, .. } = turn.decoding
            && running == job
        {
            turn.judged = None;
            turn.decoding = match result {
                Ok(transcript) => Decoding::Done { transcript, at: now },
                Err(failure) => Decoding::Failed { class, failure },
            };
            self.endpoint(now);
        }
        self.give_out_closed(now);
    }

    /// To be called when [`Listener::poll_timeout`] has passed.
    pub fn handle_timeout(&mut self, now: Moment) {
        if now.since(self.last_frame) >= Duration::from_millis(FRAMES_MISSING_MS) {
            self.endpoint(now);
        }
        self.give_out_closed(now);
        self.tell_if_late(now);
    }

    /// When to call [`Listener::handle_timeout`], if frames do not come.
    pub fn poll_timeout(&self) -> Option<Moment> {
        let waiting = self.turn.is_some() || !self.closing.is_empty();
        waiting.then(|| self.last_frame + Duration::from_millis(FRAMES_MISSING_MS))
    }

    /// What is to be done or known next; `None` when there is nothing more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Ends what is being said, as at the end of a recording or a leg.
    pub fn finish(&mut self, now: Moment) {
        if let Some(turn) = self.turn.take() {
            self.close(now, turn);
        }
    }

    fn forget(&mut self) {
        if let Some(turn) = &mut self.turn
            && turn.take_suspicion()
        {
            self.outputs.push_back(Output::SpeechDismissed);
        }
        let turns = self.turn.take().into_iter();
        for mut turn in turns.chain(self.closing.drain(..).map(|closing| closing.turn)) {
            let others = turn.end_partial().into_iter().chain(turn.end_second());
            self.outputs.extend(others.map(|job| Output::Cancel { job }));
            if let Decoding::Running { job, .. } = turn.decoding {
                self.outputs.push_back(Output::Cancel { job });
            }
        }
        self.pre_roll.clear();
        self.detector.reset();
    }

    fn hear(&mut self, now: Moment, frame_16k: &[i16]) {
        let found = self.detector.push(frame_16k);
        let ours = self.echo.returns(found.level_dbfs) && self.is_dialogue();
        let too_quiet =
            self.prompt_playing && found.level_dbfs < self.settings.barge_in_level_min_dbfs;
        let voiced = found.voiced && !ours && !too_quiet;
        match &mut self.turn {
            Some(turn) => turn.samples.extend_from_slice(frame_16k),
            None => {
                let kept_ms = match self.pre_roll.holds_voice(now) {
                    true => self.settings.noise_kept_ms,
                    false => self.settings.pre_roll_ms,
                };
                self.pre_roll.push(frame_16k, kept_ms + FRAME_MS);
                if !voiced {
                    return;
                }
                let mut turn = Turn::begin(now, &mut self.pre_roll, self.prompt_playing);
                turn.needs_words = self.prompt_playing && self.noise.is_about(now, &self.settings);
                self.turn = Some(turn);
            }
        }
        if voiced {
            self.go_on(now, found.level_dbfs);
            self.order_partial(now);
        } else if let Some(turn) = &mut self.turn {
            turn.silence();
            self.endpoint(now);
        }
        self.cut_if_long(now);
    }

    /// A voiced frame within a turn.
    fn go_on(&mut self, now: Moment, level_dbfs: f32) {
        let Some(mut turn) = self.turn.take() else { return };
        let pause_ms = self.settings.speculate_after_ms;
        if !turn.voice(now, level_dbfs, pause_ms, self.settings.resume_ms) {
            self.turn = Some(turn);
            return;
        }
        turn.closer = false;
        self.outputs.extend(turn.end_second().map(|job| Output::Cancel { job }));
        match std::mem::replace(&mut turn.decoding, Decoding::Idle) {
            Decoding::Running { job, .. } => self.outputs.push_back(Output::Cancel { job }),
            Decoding::Done { transcript, .. } => self.doubt(now, &mut turn, &transcript),
            Decoding::Idle | Decoding::Failed { .. } => {}
        }
        let certain = match self.prompt_playing {
            false => turn.voiced_ms >= self.settings.began_ms,
            true if turn.needs_words => false,
            true => self.settings.interrupts(turn.voiced_ms, turn.age_ms(now)),
        };
        if !turn.announced && certain {
            turn.announce();
            self.outputs.push_back(Output::SpeechBegan);
        }
        let suspicious = self.prompt_playing && !turn.needs_words;
        if suspicious && turn.suspect(self.settings.suspect_ms) {
            self.outputs.push_back(Output::SpeechSuspected);
        }
        self.turn = Some(turn);
    }

    /// Looks whether the silence at `now` calls for something.
    fn endpoint(&mut self, now: Moment) {
        let Some(mut turn) = self.turn.take() else { return };
        self.settle_suspicion(&mut turn);
        self.outlive_suspicion(now, &mut turn);
        let silence_ms = turn.silence_ms(now);
        if turn.voiced_ms < self.settings.voice_ms_min {
            if silence_ms >= CLICK_SILENCE_MS {
                self.drop_suspicion(&mut turn);
                self.pre_roll.push(&turn.samples, self.settings.pre_roll_ms);
            } else {
                self.turn = Some(turn);
            }
            return;
        }
        if self.listening.mode == ListenMode::Conversation {
            return if silence_ms >= self.settings.conversation_end_ms {
                self.close(now, turn);
            } else {
                self.turn = Some(turn);
            };
        }
        self.endpoint_dialogue(now, turn, silence_ms);
    }

    /// The same for a turn of dialogue, where somebody waits.
    fn endpoint_dialogue(&mut self, now: Moment, mut turn: Turn, silence_ms: u64) {
        let mode = self.listening.mode;
        let speculate_after_ms = self.settings.speculate_after(mode, turn.length_ms());
        let final_after_ms = self.settings.final_after(mode);
        let evidence = turn.evidence();
        match &mut turn.decoding {
            Decoding::Idle if silence_ms >= speculate_after_ms => {
                self.order(now, &mut turn, DecodeClass::CallerSpeculative);
            }
            Decoding::Idle => {}
            Decoding::Running { class, job, give_up } => {
                if *class == DecodeClass::CallerSpeculative && silence_ms >= final_after_ms {
                    *class = DecodeClass::CallerFinal;
                    self.outputs.push_back(Output::Raise { job: *job, deadline: *give_up });
                }
                if silence_ms >= self.settings.wait_ms_max(mode) {
                    return self.close(now, turn);
                }
            }
            Decoding::Failed { class: DecodeClass::CallerSpeculative, .. } => {
                if silence_ms >= final_after_ms {
                    self.order(now, &mut turn, DecodeClass::CallerFinal);
                }
            }
            Decoding::Failed { .. } => return self.close(now, turn),
            Decoding::Done { transcript, .. } => {
                let believed = self.believes(transcript, evidence);
                let short = turn.voiced_ms <= self.settings.closer_voiced_ms_max;
                let words = !believed && !transcript.text.is_empty();
                if words && short && !turn.closer && !self.prompt_playing {
                    turn.closer = true;
                    self.order(now, &mut turn, DecodeClass::CallerSpeculative);
                    self.turn = Some(turn);
                    return;
                }
                let wait_ms = match believed {
                    true => {
                        let judged = *turn.judged.get_or_insert_with(|| {
                            self.judge.judge(&transcript.text, &self.listening)
                        });
                        if judged == Completeness::Open {
                            self.ask_second_voice(now, &mut turn);
                        }
                        self.settings.wait_heard_ms(mode, judged, turn.second)
                    }
                    // The prompt is silent for nothing.
                    false if turn.over_prompt && self.prompt_playing => {
                        self.settings.end_complete_ms
                    }
                    false => self.settings.wait_ms(mode, Completeness::Open),
                };
                if silence_ms >= wait_ms {
                    return self.close(now, turn);
                }
            }
        }
        self.turn = Some(turn);
    }

    /// Whether we speak with this leg: our prompts may return, and its words so far are wanted.
    fn is_dialogue(&self) -> bool {
        match self.listening.mode {
            ListenMode::Turn | ListenMode::Digits | ListenMode::Waiting => true,
            ListenMode::KeysOnly | ListenMode::Conversation => false,
        }
    }

    fn cut_if_long(&mut self, now: Moment) {
        let longest_ms = match self.pressed {
            true => self.settings.utterance_ms_max_pressed,
            false => self.settings.utterance_ms_max,
        };
        let too_long = |turn: &mut Turn| turn.length_ms() >= longest_ms;
        if let Some(turn) = self.turn.take_if(too_long) {
            self.close(now, turn);
        }
    }

    /// The turn is over; its text is there, on its way, or ordered now.
    fn close(&mut self, now: Moment, mut turn: Turn) {
        self.outputs.extend(turn.end_second().map(|job| Output::Cancel { job }));
        self.pre_roll.clear();
        self.pre_roll.push(turn.sound_after_voice(), self.settings.pre_roll_ms);
        if turn.voiced_ms < self.settings.voice_ms_min {
            self.drop_suspicion(&mut turn);
            return;
        }
        let ready = match std::mem::replace(&mut turn.decoding, Decoding::Idle) {
            Decoding::Done { transcript, at } => {
                turn.decoding = Decoding::Done { transcript: Box::default(), at };
                Some(Ok(transcript))
            }
            Decoding::Failed { class: DecodeClass::CallerSpeculative, .. } | Decoding::Idle => {
                let class = match self.listening.mode {
                    ListenMode::Conversation => DecodeClass::Conversation,
                    ListenMode::Turn
                    | ListenMode::Digits
                    | ListenMode::Waiting
                    | ListenMode::KeysOnly => DecodeClass::CallerFinal,
                };
                self.order(now, &mut turn, class);
                None
            }
            Decoding::Failed { failure, .. } => Some(Err(failure)),
            running @ Decoding::Running { .. } => {
                turn.decoding = running;
                None
            }
        };
        self.closing.push_back(Closing { turn, ready, told_late: false });
        if self.closing.len() > CLOSING_MAX
            && let Some(oldest) = self.closing.front_mut()
        {
            oldest.ready.get_or_insert(Err(DecodeFailure::TooLate));
        }
        self.give_out_closed(now);
    }

    /// Gives out turns that are over, in the order in which they were said.
    fn give_out_closed(&mut self, now: Moment) {
        while let Some(mut first) = self.closing.pop_front() {
            if first.ready.is_none()
                && let Decoding::Running { job, give_up, .. } = first.turn.decoding
                && now >= give_up
            {
                self.outputs.push_back(Output::Cancel { job });
                first.ready = Some(Err(DecodeFailure::TooLate));
            }
            match first.ready {
                Some(result) => self.give_out(now, first.turn, result),
                None => return self.closing.push_front(first),
            }
        }
    }

    fn give_out(
        &mut self,
        now: Moment,
        mut turn: Turn,
        result: Result<Box<Transcript>, DecodeFailure>,
    ) {
        let ready = match turn.decoding {
            Decoding::Done { at, .. } => at,
            Decoding::Idle | Decoding::Running { .. } | Decoding::Failed { .. } => now,
        };
        let end = match result {
            Err(_) if turn.announced => Output::SpeechUnavailable,
            Err(_) => return self.drop_suspicion(&mut turn),
            Ok(transcript) => {
                let credible = self.believes(&transcript, turn.evidence());
                let believed = credible && !self.is_murmur(&turn, &transcript.text);
                match (believed, turn.announced) {
                    (true, announced) => {
                        if !announced {
                            turn.announce();
                            self.outputs.push_back(Output::SpeechBegan);
                        }
                        self.noise.words_came();
                        self.words_until = Some(turn.last_voice);
                        Output::Heard(Box::new(turn.utterance(*transcript, ready)))
                    }
                    (false, true) => {
                        if !credible && turn.over_prompt && self.prompt_playing {
                            self.noise.stopped_a_prompt(now, &self.settings);
                        }
                        Output::HeardNothing
                    }
                    (false, false) => {
                        self.keep_dismissed(now, &turn);
                        return self.drop_suspicion(&mut turn);
                    }
                }
            }
        };
        self.outputs.push_back(end);
    }
}

impl Decoding {
    fn is_job(&self, wanted: JobId) -> bool {
        matches!(self, Decoding::Running { job, .. } if *job == wanted)
    }
}
