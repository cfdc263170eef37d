//! Answers that begin with a short word and a pause ("Yes, … it is.") and are said into a prompt:
//! whether the first word is still there in what was heard, beside the same answers to a prompt
//! that has ended.

use std::sync::Arc;

use warmline::base::language::Language;
use warmline::base::listen::ListenMode;
use warmline::base::upsample::to_speech_rate;
use warmline::speech::hear::listener::{CompletenessJudge, Listening};
use warmline::speech::hear::whisper::Whisper;
use warmline::speech::voice::caller::CallerVoice;
use warmline::speech::voice::piper::Piper;
use warmline::understanding::outcome::Expecting;

use crate::course::listen_for;

const ANSWERS: [(&str, &str); 6] = [
    ("Yes,", "it is."),
    ("No,", "it is not."),
    ("Yes,", "that's right."),
    ("No,", "that's the wrong number."),
    ("Help,", "I can smell gas."),
    ("Agent,", "I want a person."),
];
const PITCHES_CENTS: [f32; 4] = [-200.0, 0.0, 200.0, 400.0];
const PAUSES_MS: [usize; 4] = [200, 300, 400, 600];

pub fn answers(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, voice: &mut Piper) {
    let (mut all, mut kept, mut in_silence) = (0, 0, 0);
    for (first, rest) in ANSWERS {
        for pitch_cents in PITCHES_CENTS {
            let caller = CallerVoice { pitch_cents, ..CallerVoice::default() };
            let mut say = |text: &str| {
                let pcm = caller.speak(voice, text).ok()?;
                Some(trimmed(&to_speech_rate(&pcm.samples, pcm.rate_hz)))
            };
            let (Some(begin), Some(end)) = (say(first), say(rest)) else { continue };
            for pause_ms in PAUSES_MS {
                let pause = vec![0; pause_ms * 16];
                let sound = [&[0; 16_000], &begin[..], &pause, &end, &[0; 48_000]].concat();
                let mut has_first = |over_prompt| {
                    let how = Listening {
                        expecting: Expecting::YesNo,
                        ..Listening::to(ListenMode::Turn, Language::english())
                    };
                    let course = listen_for(whisper, judge, &sound, how, over_prompt);
                    // Whatever word it was taken for: whether it was heard at all is asked.
                    let words = |text: &str| text.split_whitespace().count();
                    (words(&course.text) > words(rest), course.text)
                };
                let (heard, text) = has_first(true);
                all += 1;
                kept += usize::from(heard);
                in_silence += usize::from(has_first(false).0);
                if !heard {
                    println!(
                        "turns: {first:?} … {pause_ms} ms … {rest:?} at {pitch_cents} cents over \
                         a prompt: heard {text:?}"
                    );
                }
            }
        }
    }
    println!(
        "turns: answers that pause after their first word, over a prompt: something was heard of it \
         in {kept} of {all}; in silence in {in_silence}"
    );
}

/// Without the quiet at both ends.
fn trimmed(sound: &[i16]) -> Vec<i16> {
    let loud = |sample: &i16| sample.unsigned_abs() > 300;
    let from = sound.iter().position(loud).unwrap_or(0);
    let until = sound.iter().rposition(loud).map_or(0, |last| last + 1);
    sound.get(from..until).unwrap_or_default().to_vec()
}
