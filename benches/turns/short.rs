//! Answers of one short word: said by many voices, in quiet and in noise, to a prompt that has
//! ended, and where on the way to the understanding each of them is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use warmline::base::audio::Pcm;
use warmline::base::language::Language;
use warmline::base::listen::ListenMode;
use warmline::base::upsample::to_speech_rate;
use warmline::base::utterance::Utterance;
use warmline::media::g711::{ulaw_decode, ulaw_encode};
use warmline::speech::hear::listener::{
    CompletenessJudge, Listener, ListenerSettings, Listening, Output,
};
use warmline::speech::hear::order::DecodeOrder;
use warmline::speech::hear::transcript::{StopFlag, Transcriber, Transcript};
use warmline::speech::hear::vad::{NeuralDetector, VadSettings, VoiceDetector};
use warmline::speech::hear::whisper::Whisper;
use warmline::speech::voice::caller::{CallerVoice, Noise, with_noise};
use warmline::speech::voice::piper::Piper;
use warmline::understanding::outcome::{CallerCommand, Expecting};
use warmline::understanding::{Memory, Tables, Understander};

use crate::clock::{FRAME, play};

const ANSWERS: [(&str, CallerCommand); 8] = [
    ("Yep.", CallerCommand::Yes),
    ("Yup.", CallerCommand::Yes),
    ("Yes.", CallerCommand::Yes),
    ("Yeah.", CallerCommand::Yes),
    ("Correct.", CallerCommand::Yes),
    ("No.", CallerCommand::No),
    ("Nope.", CallerCommand::No),
    ("Nah.", CallerCommand::No),
];
const PITCHES_CENTS: [f32; 5] = [-250.0, -100.0, 0.0, 200.0, 400.0];
const LENGTHS: [f32; 3] = [0.75, 1.0, 1.25];
const NOISES: [Noise; 4] = [Noise::Car, Noise::Hiss, Noise::Hum, Noise::Babble];
const NOISY_DB: f32 = 15.0;
/// Line before and after the word, samples at 8 kHz.
const BEFORE: usize = 8_000;
const AFTER: usize = 16_000;

/// What one listener made of one answer.
struct Course {
    voiced_ms: u64,
    texts: Vec<Transcript>,
    heard: Option<Box<Utterance>>,
}

/// The word on its line, 16 kHz, the noise all the time.
fn on_the_line(word: &Pcm, noise: Option<(Noise, f32)>) -> Vec<i16> {
    let samples = [&vec![0; BEFORE][..], &word.samples, &vec![0; AFTER]].concat();
    let share = samples.len() as f32 / word.samples.len().max(1) as f32;
    let line = Pcm::new(word.rate_hz, samples);
    let line = match noise {
        Some((kind, snr_db)) => with_noise(&line, kind, snr_db - 10.0 * share.log10()),
        None => line,
    };
    let coded: Vec<i16> = line.samples.iter().map(|s| ulaw_decode(ulaw_encode(*s))).collect();
    to_speech_rate(&coded, word.rate_hz)
}

fn voiced_ms(sound: &[i16]) -> u64 {
    let mut detector = NeuralDetector::new(VadSettings::default());
    sound.chunks(FRAME).filter(|frame| detector.push(frame).voiced).count() as u64 * 20
}

fn listen(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, sound: &[i16]) -> Course {
    let settings = ListenerSettings { partial_every_ms: 0, ..ListenerSettings::default() };
    let mut listener = Listener::new(settings, judge.clone());
    let language = Language::english();
    listener.set_mode(Listening::to(ListenMode::Turn, language));
    let mut course = Course { voiced_ms: voiced_ms(sound), texts: Vec::new(), heard: None };
    let decode = |order: &DecodeOrder| {
        let text = whisper.transcribe(&order.samples, &order.hint, &StopFlag::default()).ok()?;
        course.texts.push(text.clone());
        Some((text, Duration::ZERO))
    };
    let mut heard = None;
    play(&mut listener, sound, decode, |_, output| {
        if let Output::Heard(utterance) = output {
            heard = Some(utterance);
        }
    });
    Course { heard, ..course }
}

/// Where the answer was lost; `None` where it was understood.
fn lost_at(
    course: &Course,
    understander: &Understander,
    wanted: CallerCommand,
) -> Option<&'static str> {
    let Some(heard) = &course.heard else {
        return Some(match course.texts.last() {
            None => "no voice found",
            Some(text) if text.text.is_empty() => "no words decoded",
            Some(_) => "words not believed",
        });
    };
    let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
    let found = understander.understand(heard, &mut memory, &Expecting::YesNo).command;
    (found != Some(wanted)).then_some("other words")
}

/// Counts how many short answers are understood, and says where the others are lost.
pub fn answers(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, voice: &mut Piper) {
    let understander = Understander::new(Tables::embedded());
    for (text, wanted) in ANSWERS {
        let mut lost: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut all, mut understood) = ([0; 2], [0; 2]);
        for (number, pitch_cents) in PITCHES_CENTS.into_iter().enumerate() {
            for (place, length) in LENGTHS.into_iter().enumerate() {
                let caller = CallerVoice { pitch_cents, length, ..CallerVoice::default() };
                let Ok(word) = caller.speak(voice, text) else { continue };
                let noise = NOISES[(number * LENGTHS.len() + place) % NOISES.len()];
                for (noisy, noise) in [None, Some((noise, NOISY_DB))].into_iter().enumerate() {
                    let sound = on_the_line(&word, noise);
                    let course = listen(whisper, judge, &sound);
                    all[noisy] += 1;
                    match lost_at(&course, &understander, wanted) {
                        None => understood[noisy] += 1,
                        Some(stage) => {
                            *lost.entry(stage).or_default() += 1;
                            let texts = course.texts.iter().map(told).collect::<Vec<_>>();
                            println!(
                                "turns: {text:?} at {pitch_cents} cents, {length}, {noise:?}: \
                                 {stage}; {} ms voiced; {}",
                                course.voiced_ms,
                                texts.join(", ")
                            );
                        }
                    }
                }
            }
        }
        println!(
            "turns: {text:?} understood {} of {} in quiet, {} of {} at {NOISY_DB} dB; lost {lost:?}",
            understood[0], all[0], understood[1], all[1]
        );
    }
}

fn told(text: &Transcript) -> String {
    format!(
        "{:?} ({:.2}, {:.2}, no speech {:.2})",
        text.text,
        text.confidence,
        text.mean_logprob,
        text.no_speech.unwrap_or(-1.0)
    )
}
