//! Smart Turn as a second voice beside the text, on human clips: at each quiet place within a clip
//! and at its end the text so far is judged and the model is asked; pauses of several lengths are
//! thought of there, and false cut-offs are compared at the same mean wait after the last word.

use std::path::Path;
use std::sync::Arc;

use warmline::base::audio::Pcm;
use warmline::base::language::Language;
use warmline::base::listen::ListenMode;
use warmline::base::upsample::to_speech_rate;
use warmline::media::g711::{ulaw_decode, ulaw_encode};
use warmline::speech::hear::end_of_turn::EndOfTurn;
use warmline::speech::hear::listener::{
    Completeness, CompletenessJudge, ListenerSettings, Listening,
};
use warmline::speech::hear::sounds::hiss;
use warmline::speech::hear::transcript::{StopFlag, Transcriber};
use warmline::speech::hear::whisper::Whisper;
use warmline::speech::voice::level::resample;

use crate::clock::FRAME;
use crate::course::{loudest_dbfs, loudness};
use crate::digits::{Draw, SEED};
use crate::sound::{percentile, processor_us, read, usual_hint};

/// A turn ends after no less; the model is asked then.
const ASKED_AFTER_MS: usize = 200;
/// Lengths of the pauses that are thought of at each place.
const PAUSES_MS: [usize; 4] = [300, 600, 900, 1_200];
/// Places within a clip are so far from each other, and from its ends.
const APART_MS: usize = 240;

/// A place where a speaker may have finished: after a whole clip, or within one.
struct Place {
    clip: usize,
    last: bool,
    text: Completeness,
    complete: f32,
}

/// A clip as a telephone brings it, with hiss so far under its loudest frame.
fn telephone(path: &Path, snr_db: Option<f32>, seed: u64) -> Option<Vec<i16>> {
    let mut line = resample(&Pcm::new(16_000, read(path)?), 8_000).samples.to_vec();
    if let Some(snr_db) = snr_db {
        let level = loudest_dbfs(&line) - 6.0 - snr_db;
        let noise = hiss(line.len() as u64 / 8 + 1, level, seed);
        // Every second sample: the hiss is white at either rate.
        for (sample, more) in line.iter_mut().zip(noise.iter().step_by(2)) {
            *sample = sample.saturating_add(*more);
        }
    }
    let coded: Vec<i16> = line.iter().map(|s| ulaw_decode(ulaw_encode(*s))).collect();
    Some(to_speech_rate(&coded, 8_000))
}

/// Samples at which a clip may be cut: quiet places between words, [`APART_MS`] from each other,
/// and the end of its last word.
fn cuts(sound: &[i16]) -> (Vec<usize>, usize) {
    let (levels, loudest) = loudness(sound);
    let loud = |level: &f32| *level > loudest - 25.0;
    let first = levels.iter().position(loud).unwrap_or(0);
    let last = levels.iter().rposition(loud).unwrap_or(0) + 1;
    let apart = APART_MS / 20;
    let mut quiet: Vec<usize> = (first + apart..last.saturating_sub(apart))
        .filter(|&at| {
            let near = &levels[at - 3..at + 4];
            levels[at] < loudest - 14.0 && near.iter().all(|level| *level >= levels[at])
        })
        .collect();
    quiet.dedup_by(|next, before| *next < *before + apart);
    (quiet.into_iter().map(|frame| frame * FRAME).collect(), last * FRAME)
}

/// Traces false cut-offs against the mean wait, of the text alone and of both.
pub fn second_voice(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    speech: &Path,
    model: &Path,
) {
    let smart = match EndOfTurn::load(model) {
        Ok(smart) => smart,
        Err(error) => return println!("turns: Smart Turn skipped, {error}"),
    };
    let paths = crate::activity::human_clips(speech);
    let (mut places, mut looks) = (Vec::new(), Vec::new());
    for (clip, path) in paths.iter().enumerate() {
        for snr_db in [None, Some(20.0)] {
            let Some(sound) = telephone(path, snr_db, clip as u64 + 1) else { continue };
            let (quiet, end) = cuts(&sound);
            let all = quiet.iter().map(|cut| (*cut, false)).chain([(end, true)]);
            for (cut, last) in all {
                let found = judged(whisper, judge, &smart, &sound[..cut.min(sound.len())]);
                let Some((text, complete, took)) = found else { continue };
                looks.push(took);
                places.push(Place { clip, last, text, complete });
            }
        }
    }
    println!(
        "turns: Smart Turn on {} human clips, quiet and at 20 dB: {} places within, {} ends; a \
         look takes p50 {} ms, p95 {} ms",
        paths.len(),
        places.iter().filter(|place| !place.last).count(),
        places.iter().filter(|place| place.last).count(),
        percentile(&mut looks, 50),
        percentile(&mut looks, 95)
    );
    compare(&places, paths.len());
}

/// The text's judgement, the model's, and how many milliseconds the latter took.
fn judged(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    smart: &EndOfTurn,
    said: &[i16],
) -> Option<(Completeness, f32, u64)> {
    let pause = |ms: usize| [said, &vec![0; ms * 16]].concat();
    let text = whisper.transcribe(&pause(80), &usual_hint(), &StopFlag::default()).ok()?;
    let listening = Listening::to(ListenMode::Turn, Language::english());
    let text = judge.judge(&text.text, &listening);
    let begun = processor_us();
    let complete = smart.finished(&pause(ASKED_AFTER_MS));
    let complete = complete.inspect_err(|error| println!("turns: Smart Turn failed: {error}"));
    Some((text, complete.ok()?, (processor_us() - begun) / 1_000))
}

/// False cut-offs, in percent of all pauses of all lengths, and the mean wait at the ends.
fn outcome(places: &[&Place], wait: &dyn Fn(&Place) -> usize) -> (f64, f64) {
    let (mut cut, mut pauses, mut waits, mut ends) = (0, 0, 0, 0);
    for place in places {
        let waited = wait(place);
        if place.last {
            ends += 1;
            waits += waited;
        } else {
            pauses += PAUSES_MS.len();
            cut += PAUSES_MS.iter().filter(|pause_ms| **pause_ms > waited).count();
        }
    }
    (100.0 * cut as f64 / pauses.max(1) as f64, waits as f64 / ends.max(1) as f64)
}

/// The fewest cut-offs at a mean wait of no more than `wait_ms`: by the text, and by both.
fn best(places: &[&Place], wait_ms: f64) -> (f64, f64) {
    let mut fewest = (100.0f64, 100.0f64);
    let waits: Vec<usize> = (200..=1_500).step_by(50).collect();
    for &open_ms in &waits {
        let (cut, mean) = outcome(places, &|place| by_text(place.text, open_ms));
        if mean <= wait_ms {
            fewest.0 = fewest.0.min(cut);
        }
        for &unlikely_ms in waits.iter().filter(|unlikely| **unlikely >= open_ms) {
            let (cut, mean) = outcome(places, &|place| {
                by_text(place.text, if place.complete > 0.5 { open_ms } else { unlikely_ms })
            });
            if mean <= wait_ms {
                fewest.1 = fewest.1.min(cut);
            }
        }
    }
    fewest
}

/// Prints both curves, and how sure their difference is: clips are drawn anew, whole.
fn compare(places: &[Place], clips: usize) {
    const DRAWS: usize = 200;
    let all: Vec<&Place> = places.iter().collect();
    let ends = all.iter().filter(|place| place.last).count();
    let seen = all.iter().filter(|place| place.last && place.complete > 0.5).count();
    let open = all.iter().filter(|place| !place.last && place.complete <= 0.5).count();
    println!(
        "turns:   {seen} of {ends} ends seen as ends, {open} of {} pauses as pauses",
        all.len() - ends
    );
    let usual = ListenerSettings::default();
    let text_alone = |place: &Place| by_text(place.text, usual.end_open_ms as usize);
    let shipped = |place: &Place| {
        let finished = place.complete > 0.5;
        let open_ms = if finished { usual.end_finished_ms } else { usual.end_going_on_ms };
        by_text(place.text, open_ms as usize)
    };
    let told = |name: &str, (cut, wait_ms): (f64, f64)| {
        println!("turns:   {name}: {cut:.1} % cut off, mean wait {wait_ms:.0} ms");
    };
    told("the text alone", outcome(&all, &text_alone));
    told("both, as shipped", outcome(&all, &shipped));
    for wait_ms in [300.0, 400.0, 500.0, 600.0, 700.0] {
        let (text, both) = best(&all, wait_ms);
        let mut draw = Draw(SEED);
        let mut gains: Vec<f64> = (0..DRAWS)
            .map(|_| {
                let drawn: Vec<usize> =
                    (0..clips).map(|_| draw.below(clips as u64) as usize).collect();
                let sample: Vec<&Place> = drawn
                    .iter()
                    .flat_map(|clip| places.iter().filter(move |place| place.clip == *clip))
                    .collect();
                let (text, both) = best(&sample, wait_ms);
                text - both
            })
            .collect();
        gains.sort_by(f64::total_cmp);
        println!(
            "turns:   mean wait at most {wait_ms} ms: the text alone cuts off {text:.1} % of \
             pauses of 0.3 to 1.2 s, both {both:.1} %; gain {:.1} points, 95 % of {DRAWS} draws \
             of clips (seed {SEED}) from {:.1} to {:.1}",
            text - both,
            gains[DRAWS * 25 / 1_000],
            gains[DRAWS * 975 / 1_000 - 1],
        );
    }
}

/// The listener's waits, with another one where the text is open.
fn by_text(text: Completeness, open_ms: usize) -> usize {
    match text {
        Completeness::Complete => 200,
        Completeness::Open => open_ms,
        Completeness::Unfinished => 1_500.max(open_ms),
    }
}
