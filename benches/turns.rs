//! Turn-taking with the real recogniser and the real understanding, on a virtual clock on which a
//! decode takes the processor time that it really took: how soon a turn ends after the last word,
//! how often a pause within a sentence or a string of digits cuts it off, and how soon a voice
//! over a prompt is ducked and stops it, and whether backchannels and coughs leave it alone.
//!
//! `cargo bench --bench turns -- [CLIPS | short | smart]`: 24 clips and 12 strings unless told
//! otherwise; `short` hears only answers of one word, `smart` tries Smart Turn on human clips.
//! Needs `models/` and `../shared/data/speech`; says so where absent.

#[path = "whisper/digits.rs"]
#[allow(dead_code)]
mod digits;
#[path = "turns/short.rs"]
mod short;
#[path = "turns/smart.rs"]
mod smart;
#[path = "whisper/sound.rs"]
#[allow(dead_code)]
mod sound;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use digits::{Draw, SEED};
use sound::{callers, percentile, processor_us};
use warmline::base::audio::level_dbfs;
use warmline::base::language::Language;
use warmline::base::listen::ListenMode;
use warmline::base::moment::Moment;
use warmline::base::upsample::to_speech_rate;
use warmline::speech::hear::judge;
use warmline::speech::hear::listener::{
    CompletenessJudge, Listener, ListenerSettings, Listening, Output,
};
use warmline::speech::hear::transcript::{StopFlag, Transcriber};
use warmline::speech::hear::whisper::{Whisper, WhisperModel, WhisperSettings};
use warmline::speech::voice::caller::CallerVoice;
use warmline::speech::voice::piper::Piper;
use warmline::understanding::outcome::Expecting;
use warmline::understanding::{Tables, Understander};

const CLIPS_DEFAULT: usize = 24;
const FRAME: usize = 320;
/// Pauses put into sentences, milliseconds.
const PAUSES_MS: [usize; 6] = [200, 400, 600, 800, 1_000, 1_200];

/// What a listener did with a sound, with the times on its clock.
#[derive(Default)]
struct Course {
    suspected: Option<u64>,
    began: Option<u64>,
    /// End of the last voice and time of the text, of each utterance.
    heard: Vec<(u64, u64)>,
}

fn judge() -> Arc<dyn CompletenessJudge> {
    judge::by(Understander::new(Tables::embedded()))
}

/// Plays `sound` to a listener.
fn listen(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    sound: &[i16],
    mode: ListenMode,
    over_prompt: bool,
) -> Course {
    let settings = ListenerSettings { partial_every_ms: 0, ..ListenerSettings::default() };
    let mut listener = Listener::new(settings, judge.clone());
    let expecting = match mode {
        ListenMode::Digits => Expecting::Digits { min: 3, max: 12 },
        ListenMode::KeysOnly
        | ListenMode::Turn
        | ListenMode::Waiting
        | ListenMode::Conversation => Expecting::Anything,
    };
    listener.set_mode(Listening { expecting, ..Listening::to(mode, Language::english()) });
    listener.set_prompt_playing(over_prompt);
    let mut course = Course::default();
    let mut pending = Vec::new();
    for (number, frame) in sound.chunks(FRAME).enumerate() {
        let now = Moment(20 * (number as u64 + 1));
        for (at, job, transcript) in std::mem::take(&mut pending) {
            if at <= now {
                listener.handle_decoded(at, job, Ok(transcript));
            } else {
                pending.push((at, job, transcript));
            }
        }
        listener.push_frame(now, frame, 16_000);
        while let Some(output) = listener.poll_output() {
            match output {
                Output::StartDecode(order) => {
                    let begun = processor_us();
                    let stop = StopFlag::default();
                    let Ok(text) = whisper.transcribe(&order.samples, &order.hint, &stop) else {
                        continue;
                    };
                    let took = Duration::from_micros(processor_us() - begun);
                    pending.push((now + took, order.job, text));
                }
                Output::Cancel { job } => pending.retain(|(_, waiting, _)| *waiting != job),
                Output::Heard(one) => course.heard.push((one.ended.0, now.0)),
                Output::SpeechSuspected => {
                    course.suspected.get_or_insert(now.0);
                }
                Output::SpeechBegan => {
                    course.began.get_or_insert(now.0);
                }
                Output::SpeechDismissed
                | Output::SoFar { .. }
                | Output::Raise { .. }
                | Output::HeardNothing
                | Output::SpeechUnavailable => {}
            }
        }
    }
    course
}

fn loudness(sound: &[i16]) -> Vec<f32> {
    sound.chunks(FRAME).map(level_dbfs).collect()
}

/// First frame that is within 20 dB of the loudest.
fn onset_ms(sound: &[i16]) -> u64 {
    let levels = loudness(sound);
    let loudest = levels.iter().copied().fold(-96.0, f32::max);
    levels.iter().position(|level| *level > loudest - 20.0).unwrap_or(0) as u64 * 20
}

/// `sound` with silence put in at its quietest place near the middle.
fn with_pause(sound: &[i16], pause_ms: usize) -> (Vec<i16>, u64) {
    let levels = loudness(sound);
    let (from, to) = (levels.len() * 35 / 100, levels.len() * 65 / 100);
    let quietest = (from..to.max(from + 1))
        .min_by(|a, b| {
            let level = |n: &usize| levels.get(*n).copied().unwrap_or(0.0);
            level(a).total_cmp(&level(b))
        })
        .unwrap_or(from);
    let (first, second) = sound.split_at((quietest * FRAME).min(sound.len()));
    let pause = vec![0; pause_ms * 16];
    let second_begins = (first.len() + pause.len()) as u64 / 16;
    ([first, &pause, second, &[0; 48_000]].concat(), second_begins)
}

fn main() {
    let count = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let count: usize = count.unwrap_or(CLIPS_DEFAULT);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let speech = root.join("../shared/data/speech");
    if !speech.is_dir() {
        return println!("turns: skipped, ../shared/data/speech is not there");
    }
    let whisper = WhisperModel::load(&root.join("models/ggml-base-q8_0.bin"))
        .map_err(|error| error.to_string())
        .and_then(|model| {
            model.transcriber(WhisperSettings::default()).map_err(|error| error.to_string())
        });
    let mut whisper = match whisper {
        Ok(whisper) => whisper,
        Err(error) => return println!("turns: skipped, {error}"),
    };
    let judge = judge();
    let smart_turn = root.join("models/smart-turn-v3.2-cpu.onnx");
    if std::env::args().any(|word| word == "smart") {
        return smart::second_voice(&mut whisper, &judge, &speech, &smart_turn);
    }
    let voice = Piper::load(&root.join("models/en_US-joe-medium.onnx"));
    let mut voice = match voice {
        Ok(voice) => voice,
        Err(error) => return println!("turns: skipped, {error}"),
    };
    if std::env::args().any(|word| word == "short") {
        return short::answers(&mut whisper, &judge, &mut voice);
    }
    let clips = callers(&speech.join("callers"), count, true);
    sentences(&mut whisper, &judge, &clips);
    over_prompts(&mut whisper, &judge, &clips);
    strings(&mut whisper, &judge, &speech, count / 2);
    murmurs(&mut whisper, &judge, &mut voice);
    coughs(&mut whisper, &judge);
    short::answers(&mut whisper, &judge, &mut voice);
    smart::second_voice(&mut whisper, &judge, &speech, &smart_turn);
}

/// What people say to a prompt without wanting to interrupt it.
const MURMURS: [&str; 8] =
    ["Uh-huh.", "Mm-hmm.", "Okay.", "Right.", "Hmm.", "I see.", "Oh.", "Sure."];
const VOICES: [(f32, f32); 5] =
    [(0.0, 1.0), (250.0, 0.8), (-200.0, 1.2), (400.0, 0.9), (-100.0, 1.0)];

/// Backchannels over a prompt, of several voices: they begin no turn.
fn murmurs(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, voice: &mut Piper) {
    let (mut ignored, mut all) = (0, 0);
    for text in MURMURS {
        for (pitch_cents, length) in VOICES {
            let caller = CallerVoice { pitch_cents, length, ..CallerVoice::default() };
            let Ok(pcm) = caller.speak(voice, text) else { continue };
            let murmur = to_speech_rate(&pcm.samples, pcm.rate_hz);
            let sound = [&[0; 16_000], &murmur[..], &[0; 48_000]].concat();
            let course = listen(whisper, judge, &sound, ListenMode::Turn, true);
            all += 1;
            ignored += usize::from(course.heard.is_empty());
            if !course.heard.is_empty() {
                println!("turns: {text:?} at {pitch_cents} cents, {length}: began a turn");
            }
        }
    }
    println!("turns: {ignored} of {all} backchannels over a prompt began no turn");
}

/// Coughs: one to three bursts of shaped noise. They are made, for want of recorded ones.
fn coughs(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>) {
    const COUGHS: usize = 40;
    let mut draw = Draw(SEED);
    let mut ignored = 0;
    for number in 0..COUGHS {
        let mut sound = vec![0i16; 16_000];
        for _ in 0..1 + number % 3 {
            let length = 2_400 + draw.below(2_400);
            let (mut low, mut band) = (0f32, 0f32);
            sound.extend((0..length).map(|at| {
                let white = draw.below(2_000) as f32 / 1_000.0 - 1.0;
                // A two-pole resonance near 700 Hz, as a throat has.
                low += 0.28 * band;
                band += 0.28 * (white - low - 0.6 * band);
                let shape = (at as f32 / 160.0).min(1.0) * (-(at as f32) / 1_200.0).exp();
                (band * shape * 12_000.0) as i16
            }));
            sound.extend(vec![0; 1_600 + draw.below(3_200) as usize]);
        }
        sound.extend(vec![0; 48_000]);
        let course = listen(whisper, judge, &sound, ListenMode::Turn, true);
        ignored += usize::from(course.heard.is_empty());
    }
    println!("turns: {ignored} of {COUGHS} coughs over a prompt began no turn");
}

fn sentences(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, clips: &[sound::Clip]) {
    let (mut waits, mut cut, mut paused) = (Vec::new(), 0, 0);
    for (place, clip) in clips.iter().enumerate() {
        let whole = [&clip.sound[..], &[0; 48_000]].concat();
        let course = listen(whisper, judge, &whole, ListenMode::Turn, false);
        waits.extend(course.heard.last().map(|(ended, at)| at - ended));
        let pause_ms = PAUSES_MS[place % PAUSES_MS.len()];
        let (sound, second_begins) = with_pause(&clip.sound, pause_ms);
        let course = listen(whisper, judge, &sound, ListenMode::Turn, false);
        paused += 1;
        if course.heard.iter().any(|(_, at)| *at < second_begins + 100) {
            cut += 1;
            println!("turns: cut off in a pause of {pause_ms} ms: {}", clip.said);
        }
    }
    println!(
        "turns: last voice → end of the turn p50 {} ms, p95 {} ms ({} turns)",
        percentile(&mut waits, 50),
        percentile(&mut waits, 95),
        waits.len()
    );
    println!("turns: {cut} of {paused} sentences cut off in pauses of 0.2 to 1.2 s");
}

fn over_prompts(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, clips: &[sound::Clip]) {
    let (mut ducked, mut stopped) = (Vec::new(), Vec::new());
    for clip in clips {
        let sound = [&clip.sound[..], &[0; 32_000]].concat();
        let onset = onset_ms(&clip.sound);
        let course = listen(whisper, judge, &sound, ListenMode::Turn, true);
        ducked.extend(course.suspected.or(course.began).map(|at| at.saturating_sub(onset)));
        stopped.extend(course.began.map(|at| at.saturating_sub(onset)));
    }
    println!(
        "turns: voice over a prompt → ducked p50 {} ms, p95 {} ms; → silent p50 {} ms, p95 {} ms \
         ({} of {} stopped)",
        percentile(&mut ducked, 50),
        percentile(&mut ducked, 95),
        percentile(&mut stopped, 50),
        percentile(&mut stopped, 95),
        stopped.len(),
        clips.len()
    );
}

fn strings(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    speech: &std::path::Path,
    count: usize,
) {
    let mut draw = Draw(SEED);
    let (mut cut, mut strings) = (0, 0);
    for _ in 0..count {
        let Some((said, sound)) = digits::string(&speech.join("digits"), &mut draw) else {
            continue;
        };
        strings += 1;
        let course = listen(whisper, judge, &sound, ListenMode::Digits, false);
        if course.heard.len() > 1 {
            cut += 1;
            println!("turns: {said} was cut into {}", course.heard.len());
        }
    }
    println!("turns: {cut} of {strings} strings of digits cut off, pauses of 0.05 to 2 s");
}
