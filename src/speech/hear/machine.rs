//! How fast a recogniser is on this machine, and how many callers may speak at once with it.
//!
//! In: a loaded model and the number of workers. Out: times of a usual turn, alone and with all
//! workers busy, and what follows from them for callers. The turn is a simulated caller of 3 s.

use std::io::Cursor;
use std::sync::Barrier;
use std::time::Instant;

use crate::base::upsample::to_speech_rate;

use super::listener::ListenerSettings;
use super::transcript::{Hint, StopFlag, TranscribeError, Transcriber};
use super::whisper::{Whisper, WhisperModel, WhisperSettings};

const TURN_WAV: &[u8] = include_bytes!("machine/turn.wav");
/// Decodes of which the median is taken; the first one warms the memory and is not counted.
const ROUNDS: usize = 5;
/// From the text to the first sound at the caller's ear: decision, mixer's tick, network.
const TO_EAR_MS: u64 = 60;
/// A frame passes before the silence is seen.
const FRAME_LATE_MS: u64 = 20;
/// First sound after the last word, with one caller speaking and with several.
pub const ALONE_GOAL_MS: u64 = 400;
pub const TOGETHER_GOAL_MS: u64 = 1_200;

/// Times of one model on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// A decode of 3 s with the machine to itself, on two cores where there are two, milliseconds.
    pub alone_ms: u64,
    /// The same with every worker decoding.
    pub together_ms: u64,
    pub workers: usize,
}

impl Speed {
    /// From a caller's last word to our first sound of a known answer, nobody else speaking.
    pub fn first_audio_ms(&self) -> u64 {
        let settings = ListenerSettings::default();
        let text_ms = settings.speculate_after_ms + FRAME_LATE_MS + self.alone_ms;
        text_ms.max(settings.end_complete_ms) + TO_EAR_MS
    }

    /// Callers who may end their turns in the same moment, so that the last of them hears us
    /// within the goal.
    pub fn callers_max(&self) -> usize {
        let settings = ListenerSettings::default();
        let wait_ms = TOGETHER_GOAL_MS
            .saturating_sub(settings.speculate_after_ms + FRAME_LATE_MS + TO_EAR_MS);
        let rounds = wait_ms / self.together_ms.max(1);
        usize::try_from(rounds).unwrap_or(usize::MAX).saturating_mul(self.workers)
    }

    pub fn is_quick_enough(&self) -> bool {
        self.first_audio_ms() <= ALONE_GOAL_MS && self.callers_max() >= self.workers.max(1)
    }
}

/// The best of `models`, which are sorted from the least to the most capable: the most capable one
/// that is quick enough, or else the quickest. `None` without any.
pub fn advise(models: &[(String, Speed)]) -> Option<&str> {
    let quick = models.iter().rev().find(|(_, speed)| speed.is_quick_enough());
    let best = quick.or_else(|| models.iter().min_by_key(|(_, speed)| speed.alone_ms));
    best.map(|(id, _)| id.as_str())
}

/// Decodes the turn alone and then on `workers` threads at once.
pub fn measure(model: &WhisperModel, workers: usize) -> Result<Speed, TranscribeError> {
    let workers = workers.max(1);
    let sound = turn()?;
    let mut whispers = (0..workers)
        .map(|_| model.transcriber(WhisperSettings::default()))
        .collect::<Result<Vec<_>, _>>()?;
    let alone_ms = match whispers.first_mut() {
        Some(first) => median_ms(first, &sound, workers > 1)?,
        None => 0,
    };
    let barrier = Barrier::new(workers);
    let together: Vec<Result<u64, TranscribeError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = whispers
            .iter_mut()
            .map(|whisper| {
                scope.spawn(|| {
                    barrier.wait();
                    median_ms(whisper, &sound, false)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                let crashed = TranscribeError::Engine("a measurement broke off".to_owned());
                thread.join().unwrap_or(Err(crashed))
            })
            .collect()
    });
    let mut together_ms = 0;
    for one in together {
        together_ms = together_ms.max(one?);
    }
    Ok(Speed { alone_ms, together_ms, workers })
}

fn median_ms(
    whisper: &mut Whisper,
    sound: &[i16],
    two_cores: bool,
) -> Result<u64, TranscribeError> {
    let hint = Hint { two_cores, ..Hint::default() };
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        whisper.transcribe(sound, &hint, &StopFlag::default())?;
        if round > 0 {
            times.push(begun.elapsed().as_millis() as u64);
        }
    }
    times.sort_unstable();
    Ok(times.get(ROUNDS / 2).copied().unwrap_or(0))
}

/// The turn that is measured with, 16 kHz.
fn turn() -> Result<Vec<i16>, TranscribeError> {
    let broken = |error: hound::Error| TranscribeError::Engine(error.to_string());
    let mut reader = hound::WavReader::new(Cursor::new(TURN_WAV)).map_err(broken)?;
    let rate_hz = reader.spec().sample_rate;
    let samples = reader.samples::<i16>().collect::<Result<Vec<_>, _>>().map_err(broken)?;
    Ok(to_speech_rate(&samples, rate_hz))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(alone_ms: u64, together_ms: u64) -> Speed {
        Speed { alone_ms, together_ms, workers: 2 }
    }

    #[test]
    fn what_a_caller_waits_follows_from_the_decode() {
        assert_eq!(speed(50, 60).first_audio_ms(), 260, "never before 200 ms of silence");
        assert_eq!(speed(130, 150).first_audio_ms(), 290);
        assert_eq!(speed(130, 150).callers_max(), 12);
        assert_eq!(speed(900, 1_100).callers_max(), 0);
        assert_eq!(speed(0, 0).callers_max(), 2_080);
    }

    #[test]
    fn the_most_capable_model_that_is_quick_enough_is_advised() {
        let named = |list: &[(&str, u64)]| -> Vec<(String, Speed)> {
            list.iter().map(|(id, ms)| ((*id).to_owned(), speed(*ms, ms * 2))).collect()
        };
        assert_eq!(advise(&named(&[("tiny", 50), ("base", 130), ("small", 600)])), Some("base"));
        assert_eq!(advise(&named(&[("tiny", 500), ("base", 1_300)])), Some("tiny"));
        assert_eq!(advise(&[]), None);
    }

    #[test]
    fn the_turn_is_whole() {
        assert!((45_000..60_000).contains(&turn().unwrap().len()));
    }
}
