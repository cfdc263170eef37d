//! The table: ways of decoding, their time and their errors.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use warmline::speech::hear::listener::ListenerSettings;
use warmline::speech::hear::score::{Errors, word_errors};
use warmline::speech::hear::transcript::{Hint, StopFlag, Transcriber};
use warmline::speech::hear::whisper::{Context, Whisper, WhisperModel, WhisperSettings};

use super::quantised;
use super::sound::{Clip, callers, percentile, processor_us, usual_hint};

/// How a clip is decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In one piece, by a recogniser that has decoded before.
    Warm,
    /// By a new recogniser each time; making it counts.
    Cold,
    /// The first part was a text so far; only the rest is decoded and counted, and both texts
    /// are put together. (The encoder's own work on the first part cannot be kept: each of its
    /// positions looks at all others, so more sound changes every one of them.)
    Rest,
}

/// One way of decoding, and what was measured.
struct Way {
    name: String,
    model: WhisperModel,
    settings: WhisperSettings,
    whisper: Whisper,
    hint: Hint,
    kind: Kind,
    processor_ms: Vec<u64>,
    clock_ms: Vec<u64>,
    sentences: Errors,
    numbers: Errors,
    /// Errors and text of the last clip.
    last: (usize, String),
}

/// Names and terms, as an operator lists them.
const DOMAIN: &str = "Order, invoice, delivery, card, top-up, exchange rate, account.";
/// The baseline of each table.
const PLAIN: &str = "plain, 30 s";

/// The models of one table.
pub struct Models<'a> {
    pub id: &'a str,
    pub path: &'a Path,
    pub usual: &'a WhisperModel,
    pub flash: &'a WhisperModel,
}

fn ways(models: &Models<'_>) -> Vec<Way> {
    let best = WhisperSettings::MEASURED;
    let cut = |margin_ms, positions_min| WhisperSettings {
        sentences: Context::Cut { margin_ms, positions_min },
        ..best
    };
    let (model, flash) = (models.usual, models.flash);
    let (bare, default) = (Hint::default(), usual_hint());
    let words = default.prompt.clone().unwrap_or_default() + " " + DOMAIN;
    let domain = Hint { prompt: Some(words), ..Hint::default() };
    let list: Vec<(&str, &WhisperModel, WhisperSettings, &Hint)> = vec![
        (PLAIN, model, WhisperSettings::PLAIN, &bare),
        ("the default", model, best, &default),
        ("no text before", model, best, &bare),
        ("turn + 0.3 s >= 128", model, cut(300, 128), &default),
        ("turn + 0.5 s >= 160", model, cut(500, 160), &default),
        ("turn + 1 s >= 192", model, cut(1_000, 192), &default),
        ("turn + 1 s >= 256", model, cut(1_000, 256), &default),
        ("turn + 2 s >= 256", model, cut(2_000, 256), &default),
        ("turn + 2 s >= 320", model, cut(2_000, 320), &default),
        ("turn + 1 s >= 384", model, cut(1_000, 384), &default),
        ("turn + 3 s >= 448", model, cut(3_000, 448), &default),
        ("turn + 3 s >= 512", model, cut(3_000, 512), &default),
        ("2 threads", model, WhisperSettings { threads: 2, ..best }, &default),
        ("2 beams", model, WhisperSettings { beams: 2, ..best }, &default),
        ("5 beams", model, WhisperSettings { beams: 5, ..best }, &default),
        ("domain words", model, best, &domain),
        ("flash attention, 256", flash, cut(1_000, 256), &default),
        ("flash attention, 512", flash, cut(0, 512), &default),
    ];
    let warm = list
        .into_iter()
        .map(|(name, model, settings, hint)| way(name, model, settings, hint.clone(), Kind::Warm));
    let other = [
        way("cold: a new state each", model, best, default.clone(), Kind::Cold),
        way("the rest after a partial", model, best, default.clone(), Kind::Rest),
    ];
    let formats = quantised::FORMATS.into_iter().map(|format| {
        let path = quantised::write(models.path, format).ok()?;
        let model = WhisperModel::load(&path);
        // Loaded whole: the file is not needed any more.
        let _ = std::fs::remove_file(&path);
        way(&format!("weights in {}", format.name), &model.ok()?, best, usual_hint(), Kind::Warm)
    });
    warm.chain(other).chain(formats).flatten().collect()
}

fn way(
    name: &str,
    model: &WhisperModel,
    settings: WhisperSettings,
    hint: Hint,
    kind: Kind,
) -> Option<Way> {
    Some(Way {
        name: name.to_owned(),
        model: model.clone(),
        settings,
        whisper: model.transcriber(settings).ok()?,
        hint,
        kind,
        processor_ms: Vec::new(),
        clock_ms: Vec::new(),
        sentences: Errors::default(),
        numbers: Errors::default(),
        last: (0, String::new()),
    })
}

impl Way {
    fn decode(&mut self, sound: &[i16], hint: &Hint) -> String {
        let decoded = self.whisper.transcribe(sound, hint, &StopFlag::default());
        decoded.map(|transcript| transcript.text).unwrap_or_default()
    }

    fn hear(&mut self, clip: &Clip) {
        let mut hint = self.hint.clone();
        if clip.voiced_ms < ListenerSettings::default().text_before_voiced_ms_min {
            hint.prompt = None;
        }
        let (mut before, mut sound) = (String::new(), clip.sound.as_slice());
        if self.kind == Kind::Rest {
            let (first, rest) = clip.sound.split_at(quietest(&clip.sound));
            before = self.decode(first, &hint) + " ";
            hint.prompt = Some(before.clone());
            sound = rest;
        }
        let (clock, processor) = (Instant::now(), processor_us());
        if self.kind == Kind::Cold
            && let Ok(new) = self.model.transcriber(self.settings)
        {
            self.whisper = new;
        }
        let text = before + &self.decode(sound, &hint);
        self.processor_ms.push((processor_us() - processor) / 1_000);
        self.clock_ms.push(clock.elapsed().as_millis() as u64);
        let errors = word_errors(&clip.said, &text);
        self.last = (errors.total(), text);
        match clip.number {
            true => self.numbers += errors,
            false => self.sentences += errors,
        }
    }
}

/// The quietest place in the middle third, where a cut hurts least.
fn quietest(sound: &[i16]) -> usize {
    const FRAME: usize = 320;
    let third = sound.len() / 3;
    let frames = sound.get(third..2 * third).unwrap_or_default().chunks_exact(FRAME).enumerate();
    let loud = |frame: &[i16]| -> u64 { frame.iter().map(|s| u64::from(s.unsigned_abs())).sum() };
    frames.min_by_key(|(_, frame)| loud(frame)).map_or(third, |(at, _)| third + at * FRAME)
}

/// Prints what was said and heard, where a way has other errors than the first.
fn tell_differences(clip: &Clip, ways: &[Way]) {
    let Some((plain, others)) = ways.split_first() else { return };
    if others.iter().all(|way| way.last.0 == plain.last.0) {
        return;
    }
    println!("said {:?}", clip.said);
    for way in ways {
        println!("  {:<24} {} {:?}", way.name, way.last.0, way.last.1);
    }
}

/// Prints the table of one model; the same as HTML with a plot. `only`: the first letters of the
/// ways to be measured beside the plain one, all if empty; `show`: texts that differ, too.
pub fn measure(models: &Models<'_>, folder: &Path, count: usize, only: &str, show: bool) -> String {
    let clips = callers(folder, count, true);
    let mut ways = ways(models);
    ways.retain(|way| way.name == PLAIN || way.name.starts_with(only));
    // The first decode of a way is slower: its memory is new.
    if let Some(clip) = clips.first() {
        ways.iter_mut().for_each(|way| drop(way.decode(&clip.sound, &way.hint.clone())));
    }
    for clip in &clips {
        ways.iter_mut().for_each(|way| way.hear(clip));
        if show {
            tell_differences(clip, &ways);
        }
    }
    let id = models.id;
    println!("whisper {id}: {} clips; processor time and clock of one decode", clips.len());
    let plain = ways.first_mut().map_or(0, |way| percentile(&mut way.processor_ms, 50));
    let (mut rows, mut dots) = (String::new(), String::new());
    for (index, way) in ways.iter_mut().enumerate() {
        let (p50, p95) =
            (percentile(&mut way.processor_ms, 50), percentile(&mut way.processor_ms, 95));
        let clock = percentile(&mut way.clock_ms, 50);
        let faster = plain as f64 / p50.max(1) as f64;
        let (sentences, numbers) = (way.sentences.percent(), way.numbers.percent());
        let mut all = way.sentences;
        all += way.numbers;
        let all = all.percent();
        let name = &way.name;
        println!(
            "whisper {id}: {name:<24} p50 {p50:>4} ms  p95 {p95:>4} ms  clock {clock:>4} ms  \
             {faster:>4.1} x  errors {all:>5.1} %  sentences {sentences:>5.1} %  numbers \
             {numbers:>5.1} %",
        );
        let _ = write!(
            rows,
            "<tr><td>{index} {name}<td>{p50}<td>{p95}<td>{clock}<td>{faster:.1}<td>{all:.1}\
             <td>{sentences:.1}<td>{numbers:.1}",
        );
        if index > 0 {
            dots += &dot(index, name, p50, all);
        }
    }
    format!(
        "<h2>{id}, {} clips</h2>{}{dots}</svg><table><tr><th>way<th>ms p50<th>p95<th>clock \
         p50<th>times faster<th>word errors %<th>sentences<th>numbers{rows}</table>",
        clips.len(),
        axes()
    )
}

/// Milliseconds and percent of word errors that the drawing has room for.
const DRAWN_MS: u64 = 800;
const DRAWN_PERCENT: f64 = 40.0;

fn place(ms: u64, errors: f64) -> (f64, f64) {
    let x = 50.0 + ms.min(DRAWN_MS) as f64 / DRAWN_MS as f64 * 750.0;
    (x, 360.0 - errors.min(DRAWN_PERCENT) / DRAWN_PERCENT * 340.0)
}

fn dot(index: usize, name: &str, ms: u64, errors: f64) -> String {
    let (x, y) = place(ms, errors);
    let colour = if name == "the default" { "#c30" } else { "#07c" };
    format!(
        "<circle cx='{x:.0}' cy='{y:.0}' r='4' fill='{colour}'><title>{name}: {ms} ms, \
         {errors:.1} %</title></circle><text x='{:.0}' y='{:.0}'>{index}</text>",
        x + 5.0,
        y - 4.0
    )
}

fn axes() -> String {
    let mut out = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' width='820' height='410' \
         font-family='sans-serif' font-size='11'><path d='M50 20V360H800' stroke='#333' \
         fill='none'/><text x='330' y='400'>processor time of a decode, ms (plain: not \
         drawn)</text><text x='4' y='14'>word errors, %</text>",
    );
    for step in 0..=4_u32 {
        let (ms, errors) = (u64::from(step) * DRAWN_MS / 4, f64::from(step) * DRAWN_PERCENT / 4.0);
        let ((x, _), (_, y)) = (place(ms, 0.0), place(0, errors));
        let _ = write!(
            out,
            "<text x='{x:.0}' y='376' text-anchor='middle'>{ms}</text>\
             <text x='44' y='{:.0}' text-anchor='end'>{errors:.0}</text>",
            y + 4.0
        );
    }
    out
}
