//! A sound played to a listener on a virtual clock, and the simplest end-pointer beside it.

use std::sync::Arc;

use warmline::base::audio::level_dbfs;
use warmline::base::language::Language;
use warmline::base::listen::ListenMode;
use warmline::speech::hear::listener::{
    CompletenessJudge, Listener, ListenerSettings, Listening, Output,
};
use warmline::speech::hear::order::DecodeOrder;
use warmline::speech::hear::whisper::Whisper;
use warmline::understanding::outcome::Expecting;

use crate::clock::{FRAME, decoded, play};

/// The baseline: a turn ends after so much silence, whatever was said.
pub const FIXED_SILENCE_MS: u64 = 700;
/// The baseline: louder than this is a voice, dBFS…
pub const ENERGY_DBFS: f32 = -40.0;
/// …and so much of it stops a prompt.
pub const ENERGY_STOPS_MS: u64 = 200;

/// What a listener did with a sound, with the times on its clock.
#[derive(Default)]
pub struct Course {
    pub suspected: Option<u64>,
    pub began: Option<u64>,
    /// End of the last voice and time of the text, of each utterance.
    pub heard: Vec<(u64, u64)>,
    /// What was said, in all utterances.
    pub text: String,
    /// How long the prompt was silent for a voice that had no words, each time.
    pub silent_for_nothing: Vec<u64>,
}

/// Plays `sound` (16 kHz) to a listener; a decode takes the processor time that it really took.
pub fn listen(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    sound: &[i16],
    mode: ListenMode,
    over_prompt: bool,
) -> Course {
    let expecting = match mode {
        ListenMode::Digits => Expecting::Digits { min: 3, max: 12 },
        ListenMode::KeysOnly
        | ListenMode::Turn
        | ListenMode::Waiting
        | ListenMode::Conversation => Expecting::Anything,
    };
    let how = Listening { expecting, ..Listening::to(mode, Language::english()) };
    listen_for(whisper, judge, sound, how, over_prompt)
}

/// The same for a certain answer.
pub fn listen_for(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    sound: &[i16],
    how: Listening,
    over_prompt: bool,
) -> Course {
    let settings = ListenerSettings { partial_every_ms: 0, ..ListenerSettings::default() };
    let mut listener = Listener::new(settings, judge.clone());
    listener.set_mode(how);
    listener.set_prompt_playing(over_prompt);
    let mut course = Course::default();
    let mut silent_since = None;
    let decode = |order: &DecodeOrder| decoded(whisper, order);
    play(&mut listener, sound, decode, |now, output| match output {
        Output::Heard(one) => {
            course.heard.push((one.ended.0, now.0));
            course.text += &format!("{} ", one.text);
            silent_since = None;
        }
        Output::SpeechSuspected => {
            course.suspected.get_or_insert(now.0);
        }
        Output::SpeechBegan => {
            course.began.get_or_insert(now.0);
            silent_since = Some(now.0);
        }
        Output::HeardNothing => {
            let since = silent_since.take().unwrap_or(now.0);
            course.silent_for_nothing.push(now.0 - since);
        }
        Output::SpeechDismissed
        | Output::SoFar { .. }
        | Output::WordsLate
        | Output::StartDecode(_)
        | Output::Raise { .. }
        | Output::Cancel { .. }
        | Output::SpeechUnavailable => {}
    });
    course
}

/// The turns of the baseline: an energy threshold, and a fixed silence; end of the last voice and
/// end of the turn, each. A decode would come on top.
pub fn fixed_turns(sound: &[i16]) -> Vec<(u64, u64)> {
    let (mut turns, mut last, mut voiced) = (Vec::new(), 0, 0);
    for (frame, level) in sound.chunks(FRAME).map(level_dbfs).enumerate() {
        let now = 20 * (frame as u64 + 1);
        if level > ENERGY_DBFS {
            (last, voiced) = (now, voiced + 20);
        } else if voiced >= 60 && now - last >= FIXED_SILENCE_MS {
            turns.push((last, now));
            voiced = 0;
        } else if now - last >= FIXED_SILENCE_MS {
            voiced = 0;
        }
    }
    turns
}

/// When the baseline stops a prompt.
pub fn energy_stops(sound: &[i16]) -> Option<u64> {
    let mut loud_ms = 0;
    sound.chunks(FRAME).map(level_dbfs).enumerate().find_map(|(frame, level)| {
        loud_ms = if level > ENERGY_DBFS { loud_ms + 20 } else { 0 };
        (loud_ms >= ENERGY_STOPS_MS).then_some(20 * (frame as u64 + 1))
    })
}

/// Level of each frame and of the loudest one, 16 kHz, dBFS.
pub fn loudness(sound: &[i16]) -> (Vec<f32>, f32) {
    let levels: Vec<f32> = sound.chunks(FRAME).map(level_dbfs).collect();
    let loudest = levels.iter().copied().fold(-96.0, f32::max);
    (levels, loudest)
}

/// Level of the loudest 20 ms, 8 kHz, dBFS.
pub fn loudest_dbfs(line: &[i16]) -> f32 {
    line.chunks(160).map(level_dbfs).fold(-96.0, f32::max)
}
