//! What is no turn, over a prompt: backchannels, coughs, and voices without words that go on.

use std::sync::Arc;

use warmline::base::listen::ListenMode;
use warmline::base::upsample::to_speech_rate;
use warmline::speech::hear::listener::CompletenessJudge;
use warmline::speech::hear::vad::{NeuralDetector, VadSettings, VoiceDetector};
use warmline::speech::hear::whisper::Whisper;
use warmline::speech::voice::caller::CallerVoice;
use warmline::speech::voice::piper::Piper;

use crate::clock::FRAME;
use crate::course::{Course, energy_stops, listen};
use crate::digits::{Draw, SEED};
use crate::sound::{Clip, percentile, read};

/// What people say to a prompt without wanting to interrupt it.
const MURMURS: [&str; 8] =
    ["Uh-huh.", "Mm-hmm.", "Okay.", "Right.", "Hmm.", "I see.", "Oh.", "Sure."];
const VOICES: [(f32, f32); 5] =
    [(0.0, 1.0), (250.0, 0.8), (-200.0, 1.2), (400.0, 0.9), (-100.0, 1.0)];
/// Pitches and lengths of a full run: each with each.
const PITCHES_CENTS: [f32; 5] = [-250.0, -120.0, 0.0, 180.0, 380.0];
const LENGTHS: [f32; 5] = [0.75, 0.9, 1.0, 1.15, 1.3];

/// Backchannels over a prompt, of several voices: they begin no turn.
pub fn murmurs(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    voice: &mut Piper,
    full: bool,
) {
    let each = PITCHES_CENTS.into_iter().flat_map(|cents| LENGTHS.map(|length| (cents, length)));
    let voices: Vec<(f32, f32)> = if full { each.collect() } else { VOICES.to_vec() };
    let (mut ignored, mut by_energy, mut all) = (0, 0, 0);
    for text in MURMURS {
        for &(pitch_cents, length) in &voices {
            let caller = CallerVoice { pitch_cents, length, ..CallerVoice::default() };
            let Ok(pcm) = caller.speak(voice, text) else { continue };
            let murmur = to_speech_rate(&pcm.samples, pcm.rate_hz);
            let sound = [&[0; 16_000], &murmur[..], &[0; 48_000]].concat();
            let course = listen(whisper, judge, &sound, ListenMode::Turn, true);
            all += 1;
            ignored += usize::from(course.heard.is_empty());
            by_energy += usize::from(energy_stops(&sound).is_none());
            if !course.heard.is_empty() {
                println!(
                    "turns: {text:?} at {pitch_cents} cents, {length}: began a turn with {:?}",
                    course.text
                );
            }
        }
    }
    println!(
        "turns: {ignored} of {all} backchannels over a prompt began no turn; 200 ms of energy \
         leave {by_energy} alone"
    );
}

/// Coughs: one to three bursts of shaped noise. They are made, for want of recorded ones.
pub fn coughs(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, count: usize) {
    let mut draw = Draw(SEED);
    let (mut ignored, mut by_energy) = (0, 0);
    for number in 0..count {
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
        by_energy += usize::from(energy_stops(&sound).is_none());
    }
    println!(
        "turns: {ignored} of {count} coughs over a prompt began no turn, seed {SEED}; 200 ms of \
         energy leave {by_energy} alone"
    );
}

/// Voices without words that go on: clips played backwards, alone and six at once, 8 s each.
pub fn lasting(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, clips: &[Clip]) {
    for (name, together) in [("a voice backwards", 1), ("six voices backwards", 6)] {
        let (mut silent, mut turns, mut stopped) = (Vec::new(), 0, 0);
        let groups: Vec<&[Clip]> = clips.chunks(together).filter(|g| g.len() == together).collect();
        for group in groups.iter().take(12) {
            let mut sound = vec![0i16; 8 * 16_000];
            for clip in *group {
                let backwards = clip.sound.iter().rev().cycle();
                for (sample, more) in sound.iter_mut().zip(backwards) {
                    *sample = sample.saturating_add(*more / 2);
                }
            }
            let sound = [&[0; 16_000], &sound[..], &[0; 48_000]].concat();
            let course = listen(whisper, judge, &sound, ListenMode::Turn, true);
            stopped += usize::from(course.began.is_some());
            turns += usize::from(!course.heard.is_empty());
            silent.extend(course.silent_for_nothing);
        }
        println!(
            "turns: {name} for 8 s over a prompt: silenced {stopped} of {}, for p50 {} ms, most \
             {} ms ({} times); taken for words {turns} times",
            groups.len().min(12),
            percentile(&mut silent.clone(), 50),
            percentile(&mut silent, 100),
            silent.len(),
        );
    }
}

/// What the listener makes of files over a prompt.
pub fn files(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, files: &[String]) {
    for file in files {
        let Some(clip) = read(std::path::Path::new(file)) else {
            println!("turns: {file} is no WAV");
            continue;
        };
        let mut detector = NeuralDetector::new(VadSettings::default());
        let frames = clip.chunks(FRAME).filter(|frame| detector.push(frame).voiced).count();
        let sound = [&clip[..], &[0; 48_000]].concat();
        let course: Course = listen(whisper, judge, &sound, ListenMode::Turn, true);
        println!(
            "turns: {file}: {} ms voiced; ducked at {:?}, silent at {:?}, for nothing {:?} ms, \
             heard {:?}",
            frames * 20,
            course.suspected,
            course.began,
            course.silent_for_nothing,
            course.text
        );
    }
}
