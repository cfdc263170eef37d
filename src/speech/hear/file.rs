//! A whole recording to utterances, faster than real time, through the same listener as a call.
//!
//! In: mono PCM of any rate and a transcriber. Out: the utterances, as a call would have had them.

use std::sync::Arc;
use std::time::Duration;

use crate::base::audio::{FRAME_MS, SPEECH_RATE_HZ, frame_samples};
use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;
use crate::base::upsample::to_speech_rate;
use crate::base::utterance::Utterance;

use super::listener::{Completeness, Listener, ListenerSettings, Listening, Output};
use super::order::DecodeFailure;
use super::transcript::{StopFlag, TranscribeError, Transcriber};

/// How a recording is to be heard.
#[derive(Clone, Debug, PartialEq)]
pub struct FileHearing {
    pub language: Language,
    /// `Turn`, `Digits` or `Conversation`.
    pub mode: ListenMode,
    pub settings: ListenerSettings,
}

impl Default for FileHearing {
    fn default() -> Self {
        // Nobody waits for a file: one decode an utterance, after the pause that ends it.
        Self {
            language: Language::default(),
            mode: ListenMode::Conversation,
            settings: ListenerSettings::default(),
        }
    }
}

/// Utterances of `samples` (mono, `rate_hz`). Times count from the begin of the recording.
///
/// An empty recording has none. Fails with the first decode that fails.
pub fn transcribe(
    samples: &[i16],
    rate_hz: u32,
    hearing: FileHearing,
    transcriber: &mut dyn Transcriber,
) -> Result<Vec<Utterance>, TranscribeError> {
    let sound = to_speech_rate(samples, rate_hz);
    let judge = Arc::new(|_: &str, _: &Listening| Completeness::Open);
    // Nobody watches a file being heard.
    let settings = ListenerSettings { partial_every_ms: 0, ..hearing.settings };
    let mut listener = Listener::new(settings, judge);
    listener.set_mode(Listening::to(hearing.mode, hearing.language));
    let mut utterances = Vec::new();
    let mut now = Moment::ZERO;
    for frame in sound.chunks(frame_samples(SPEECH_RATE_HZ)) {
        now = now + Duration::from_millis(FRAME_MS);
        listener.push_frame(now, frame, SPEECH_RATE_HZ);
        obey(&mut listener, now, transcriber, &mut utterances)?;
    }
    listener.finish(now);
    obey(&mut listener, now, transcriber, &mut utterances)?;
    Ok(utterances)
}

/// Does what the listener orders, at once.
fn obey(
    listener: &mut Listener,
    now: Moment,
    transcriber: &mut dyn Transcriber,
    utterances: &mut Vec<Utterance>,
) -> Result<(), TranscribeError> {
    while let Some(output) = listener.poll_output() {
        match output {
            Output::StartDecode(order) => {
                let stop = StopFlag::default();
                let transcript = transcriber.transcribe(&order.samples, &order.hint, &stop)?;
                listener.handle_decoded(now, order.job, Ok::<_, DecodeFailure>(transcript));
            }
            Output::Heard(utterance) => utterances.push(*utterance),
            Output::SpeechSuspected
            | Output::SpeechDismissed
            | Output::SoFar { .. }
            | Output::SpeechBegan
            | Output::WordsLate
            | Output::Raise { .. }
            | Output::Cancel { .. }
            | Output::HeardNothing
            | Output::SpeechUnavailable => {}
        }
    }
    Ok(())
}
