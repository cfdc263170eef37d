//! Turn-taking with the real recogniser and the real understanding, on a virtual clock on which a
//! decode takes the processor time that it really took: how soon a turn ends after the last word,
//! how often a pause within a sentence or a string of digits cuts it off, how soon a voice over a
//! prompt is ducked and stops it, and whether backchannels, coughs and noise leave it alone. Each
//! figure stands beside a baseline of the same run: a fixed silence, an energy threshold.
//!
//! `cargo bench --bench turns -- [CLIPS | full] [PART…] [wav FILE…]`: 24 clips and 12 strings
//! unless told otherwise, `full` for enough to resolve one percent. Parts: `sentences`, `prompts`,
//! `strings`, `murmurs`, `noise`, `activity`, `partials`, `short`, `split`, `smart`; `wav` plays
//! files over a prompt. Needs `models/` and `../shared/data/speech`; says so where absent.

#[path = "turns/activity.rs"]
mod activity;
#[path = "turns/clock.rs"]
mod clock;
#[path = "turns/course.rs"]
mod course;
#[path = "whisper/digits.rs"]
#[allow(dead_code)]
mod digits;
#[path = "turns/noise.rs"]
mod noise;
#[path = "plots/page.rs"]
#[allow(dead_code)]
mod page;
#[path = "turns/partials.rs"]
mod partials;
#[path = "turns/short.rs"]
mod short;
#[path = "turns/smart.rs"]
mod smart;
#[path = "whisper/sound.rs"]
#[allow(dead_code)]
mod sound;
#[path = "turns/split.rs"]
mod split;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clock::FRAME;
use course::{energy_stops, fixed_turns, listen, loudness};
use digits::{Draw, SEED};
use sound::{callers, percentile, voice_begins};
use warmline::base::listen::ListenMode;
use warmline::speech::hear::judge;
use warmline::speech::hear::listener::CompletenessJudge;
use warmline::speech::hear::whisper::{Whisper, WhisperModel, WhisperSettings};
use warmline::speech::voice::piper::Piper;
use warmline::understanding::{Tables, Understander};

const CLIPS_DEFAULT: usize = 24;
/// Clips, and twice the strings of digits, that `full` takes.
const CLIPS_FULL: usize = 150;
const STRINGS_FULL: usize = 300;
/// Pauses put into sentences, milliseconds.
const PAUSES_MS: [usize; 6] = [200, 400, 600, 800, 1_000, 1_200];

fn judge() -> Arc<dyn CompletenessJudge> {
    judge::by(Understander::new(Tables::embedded()))
}

/// `sound` with silence put in at its quietest place near the middle.
fn with_pause(sound: &[i16], pause_ms: usize) -> (Vec<i16>, u64) {
    let (levels, _) = loudness(sound);
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
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let full = words.iter().any(|word| word == "full");
    let count = words.iter().find_map(|word| word.parse().ok());
    let count: usize = count.unwrap_or(if full { CLIPS_FULL } else { CLIPS_DEFAULT });
    let named = words.iter().any(|word| word != "full" && word.parse::<usize>().is_err());
    let wanted = |part: &str| !named || words.iter().any(|word| word == part);
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
    if let Some(place) = words.iter().position(|word| word == "wav") {
        return noise::files(&mut whisper, &judge, &words[place + 1..]);
    }
    let clips = callers(&speech.join("callers"), count, true);
    if wanted("activity") {
        activity::measure(&speech);
    }
    if wanted("sentences") {
        sentences(&mut whisper, &judge, &clips);
    }
    if wanted("prompts") {
        over_prompts(&mut whisper, &judge, &clips);
    }
    if wanted("strings") {
        let strings_count = if full { STRINGS_FULL } else { count / 2 };
        strings(&mut whisper, &judge, &speech, strings_count);
    }
    if wanted("noise") {
        noise::coughs(&mut whisper, &judge, if full { 200 } else { 40 });
        noise::lasting(&mut whisper, &judge, &clips);
    }
    if wanted("partials") {
        partials::measure(&mut whisper, &clips);
    }
    let smart_turn = root.join("models/smart-turn-v3.2-cpu.onnx");
    if wanted("smart") {
        smart::second_voice(&mut whisper, &judge, &speech, &smart_turn);
    }
    if !["murmurs", "short", "split"].into_iter().any(wanted) {
        return;
    }
    let mut voice = match Piper::load(&root.join("models/en_US-joe-medium.onnx")) {
        Ok(voice) => voice,
        Err(error) => return println!("turns: murmurs and short answers skipped, {error}"),
    };
    if wanted("murmurs") {
        noise::murmurs(&mut whisper, &judge, &mut voice, full);
    }
    if wanted("short") {
        short::answers(&mut whisper, &judge, &mut voice);
    }
    if wanted("split") {
        split::answers(&mut whisper, &judge, &mut voice);
    }
}

fn sentences(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, clips: &[sound::Clip]) {
    let (mut waits, mut fixed_waits) = (Vec::new(), Vec::new());
    let (mut cut, mut fixed_cut, mut paused) = (0, 0, 0);
    for (place, clip) in clips.iter().enumerate() {
        let whole = [&clip.sound[..], &[0; 48_000]].concat();
        let course = listen(whisper, judge, &whole, ListenMode::Turn, false);
        waits.extend(course.heard.last().map(|(ended, at)| at - ended));
        fixed_waits.extend(fixed_turns(&whole).last().map(|(ended, at)| at - ended));
        let pause_ms = PAUSES_MS[place % PAUSES_MS.len()];
        let (sound, second_begins) = with_pause(&clip.sound, pause_ms);
        let course = listen(whisper, judge, &sound, ListenMode::Turn, false);
        paused += 1;
        let early = |turns: &[(u64, u64)]| turns.iter().any(|(_, at)| *at < second_begins + 100);
        fixed_cut += usize::from(early(&fixed_turns(&sound)));
        if early(&course.heard) {
            cut += 1;
            println!("turns: cut off in a pause of {pause_ms} ms: {}", clip.said);
        }
    }
    println!(
        "turns: last voice → end of the turn with its text p50 {} ms, p95 {} ms ({} turns); a \
         fixed silence {} ms, its decode not counted",
        percentile(&mut waits, 50),
        percentile(&mut waits, 95),
        waits.len(),
        percentile(&mut fixed_waits, 50),
    );
    println!(
        "turns: {cut} of {paused} sentences cut off in pauses of 0.2 to 1.2 s; by a fixed silence \
         {fixed_cut}"
    );
    let lists = [("Sentences", &waits), ("A fixed silence, without the decode", &fixed_waits)];
    let body: String = lists
        .iter()
        .map(|(name, delays)| {
            format!("<h2>{name}: {} turns</h2>{}", delays.len(), page::histogram(delays))
        })
        .collect();
    page::write("turns.html", "Last voice → end of the turn, milliseconds", &body);
}

fn over_prompts(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, clips: &[sound::Clip]) {
    let (mut ducked, mut stopped, mut energy) = (Vec::new(), Vec::new(), Vec::new());
    let mut resumed = 0;
    for clip in clips {
        let sound = [&clip.sound[..], &[0; 32_000]].concat();
        let onset = (voice_begins(&clip.sound, FRAME) / 16) as u64;
        let course = listen(whisper, judge, &sound, ListenMode::Turn, true);
        ducked.extend(course.suspected.or(course.began).map(|at| at.saturating_sub(onset)));
        stopped.extend(course.began.map(|at| at.saturating_sub(onset)));
        energy.extend(energy_stops(&sound).map(|at| at.saturating_sub(onset)));
        resumed += usize::from(!course.silent_for_nothing.is_empty());
    }
    println!(
        "turns: voice over a prompt → ducked p50 {} ms, p95 {} ms; → silent p50 {} ms, p95 {} ms \
         ({} of {} stopped, {resumed} of them let the prompt go on under the caller); 200 ms of \
         energy p50 {} ms, p95 {} ms",
        percentile(&mut ducked, 50),
        percentile(&mut ducked, 95),
        percentile(&mut stopped, 50),
        percentile(&mut stopped, 95),
        stopped.len(),
        clips.len(),
        percentile(&mut energy, 50),
        percentile(&mut energy, 95),
    );
}

fn strings(whisper: &mut Whisper, judge: &Arc<dyn CompletenessJudge>, speech: &Path, count: usize) {
    let mut draw = Draw(SEED);
    let (mut cut, mut fixed_cut, mut strings) = (0, 0, 0);
    for _ in 0..count {
        let Some((said, sound)) = digits::string(&speech.join("digits"), &mut draw) else {
            continue;
        };
        strings += 1;
        let course = listen(whisper, judge, &sound, ListenMode::Digits, false);
        fixed_cut += usize::from(fixed_turns(&sound).len() > 1);
        if course.heard.len() > 1 {
            cut += 1;
            println!("turns: {said} was cut into {}", course.heard.len());
        }
    }
    println!(
        "turns: {cut} of {strings} strings of digits cut off, pauses of 0.05 to 2 s, seed {SEED}; \
         by a fixed silence {fixed_cut}"
    );
}
