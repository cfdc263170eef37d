//! The table: ways of decoding, their time and their errors.

use std::path::Path;
use std::time::Instant;

use warmline::speech::hear::score::{Errors, word_errors};
use warmline::speech::hear::transcript::{Hint, StopFlag, Transcriber};
use warmline::speech::hear::whisper::{Context, Whisper, WhisperModel, WhisperSettings};

use super::sound::{Clip, callers, percentile, processor_us};

/// One way of decoding, and what was measured.
struct Way {
    name: String,
    whisper: Whisper,
    hint: Hint,
    processor_ms: Vec<u64>,
    clock_ms: Vec<u64>,
    sentences: Errors,
    numbers: Errors,
}

const DOMAIN: &str = "Hello, I have a question about my order, invoice, card or account.";

fn ways(model: &WhisperModel, flash: &WhisperModel) -> Vec<Way> {
    let best = WhisperSettings::MEASURED;
    let cut = |margin_ms, positions_min| WhisperSettings {
        sentences: Context::Cut { margin_ms, positions_min },
        ..best
    };
    let default = Hint::default();
    let domain = Hint { prompt: Some(DOMAIN.to_owned()), ..Hint::default() };
    let list: Vec<(&str, &WhisperModel, WhisperSettings, &Hint)> = vec![
        ("plain, 30 s", model, WhisperSettings::PLAIN, &default),
        ("the default", model, best, &default),
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
    list.into_iter()
        .filter_map(|(name, model, settings, hint)| {
            let whisper = model.transcriber(settings).ok()?;
            Some(Way {
                name: name.to_owned(),
                whisper,
                hint: hint.clone(),
                processor_ms: Vec::new(),
                clock_ms: Vec::new(),
                sentences: Errors::default(),
                numbers: Errors::default(),
            })
        })
        .collect()
}

impl Way {
    fn hear(&mut self, clip: &Clip) {
        let (clock, processor) = (Instant::now(), processor_us());
        let decoded = self.whisper.transcribe(&clip.sound, &self.hint, &StopFlag::default());
        self.processor_ms.push((processor_us() - processor) / 1_000);
        self.clock_ms.push(clock.elapsed().as_millis() as u64);
        let text = decoded.map(|transcript| transcript.text).unwrap_or_default();
        let errors = word_errors(&clip.said, &text);
        match clip.number {
            true => self.numbers += errors,
            false => self.sentences += errors,
        }
    }
}

/// Prints the table of one model; the same as HTML with a plot. `only`: the first word of the ways
/// to be measured, all if empty.
pub fn measure(
    id: &str,
    model: &WhisperModel,
    flash: &WhisperModel,
    folder: &Path,
    count: usize,
    only: &str,
) -> String {
    let clips = callers(folder, count, true);
    let mut ways = ways(model, flash);
    ways.retain(|way| way.name.starts_with(only));
    // The first decode of a way is slower: its memory is new.
    for way in &mut ways {
        let warm = clips
            .first()
            .map(|clip| way.whisper.transcribe(&clip.sound, &way.hint, &StopFlag::default()));
        drop(warm);
    }
    for clip in &clips {
        ways.iter_mut().for_each(|way| way.hear(clip));
    }
    println!("whisper {id}: {} clips; processor time and clock of one decode", clips.len());
    let plain = ways.first_mut().map_or(0, |way| percentile(&mut way.processor_ms, 50));
    let mut rows = String::new();
    let mut bars = String::new();
    for (index, way) in ways.iter_mut().enumerate() {
        let (p50, p95) =
            (percentile(&mut way.processor_ms, 50), percentile(&mut way.processor_ms, 95));
        let clock = percentile(&mut way.clock_ms, 50);
        let faster = plain as f64 / p50.max(1) as f64;
        let (sentences, numbers) = (way.sentences.percent(), way.numbers.percent());
        let mut all = way.sentences;
        all += way.numbers;
        let all = all.percent();
        println!(
            "whisper {id}: {:<22} p50 {p50:>4} ms  p95 {p95:>4} ms  clock {clock:>4} ms  \
             {faster:>4.1} x  errors {all:>5.1} %  sentences {sentences:>5.1} %  numbers \
             {numbers:>5.1} %",
            way.name,
        );
        rows += &format!(
            "<tr><td>{}<td>{p50}<td>{p95}<td>{clock}<td>{faster:.1}<td>{all:.1}<td>{sentences:.1}\
             <td>{numbers:.1}",
            way.name,
        );
        let (x, y) = (60.0 + p50 as f64 * 0.4, 380.0 - all * 12.0);
        bars += &format!(
            "<circle cx='{x:.0}' cy='{y:.0}' r='4'/><text x='{:.0}' y='{:.0}'>{index} {}</text>",
            x + 6.0,
            y + 4.0,
            way.name,
        );
    }
    format!(
        "<h2>{id}</h2><table border=1><tr><th>way<th>ms p50<th>p95<th>clock p50<th>times \
         faster<th>word errors %<th>sentences<th>numbers{rows}</table><svg width=1000 height=400 \
         font-size=11><text x=10 y=14>word errors (12 px a percent) over time (0.4 px a ms)</text>\
         {bars}</svg>"
    )
}
