//! Human strings of digits, cut together from single digits with pauses, through the listener in
//! digits mode: how many come out exactly right. Beside them the plain decode of the same sound.

use std::fmt::Write as _;
use std::path::Path;

use warmline::base::listen::ListenMode;
use warmline::speech::hear::file::{self, FileHearing};
use warmline::speech::hear::score::{Errors, normalise, word_errors};
use warmline::speech::hear::transcript::{Hint, StopFlag, Transcriber};
use warmline::speech::hear::whisper::{Context, Whisper, WhisperModel, WhisperSettings};

use super::sound::{percentile, processor_us, read};

const SPEAKERS: [&str; 6] = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"];
pub const SEED: u64 = 4_217;
/// The baseline.
const PLAIN: &str = "plain, 30 s";

/// A small generator, so that a run can be repeated.
pub struct Draw(pub u64);

impl Draw {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }
}

/// A string of 4 to 10 digits of one speaker, pauses of 0.05 to 2 s between them.
pub fn string(folder: &Path, draw: &mut Draw) -> Option<(String, Vec<i16>)> {
    let speaker = SPEAKERS.get(draw.below(6) as usize)?;
    let mut said = String::new();
    let mut sound = vec![0_i16; 8_000];
    for _ in 0..4 + draw.below(7) {
        let digit = draw.below(10);
        said += &digit.to_string();
        sound.extend(read(&folder.join(format!("{digit}_{speaker}_0.wav")))?);
        // Most pauses are short, some long: the cube of an even draw.
        let even = draw.below(1_000) as f64 / 1_000.0;
        let pause_ms = 50.0 + 1_950.0 * even.powi(3);
        sound.extend(std::iter::repeat_n(0, pause_ms as usize * 16));
    }
    sound.extend(std::iter::repeat_n(0, 40_000));
    Some((said, sound))
}

fn digits_of(text: &str) -> String {
    normalise(text).concat()
}

/// A way of decoding a whole string, and what was measured.
struct Way {
    name: &'static str,
    whisper: Whisper,
    right: usize,
    errors: Errors,
    processor_ms: Vec<u64>,
}

fn ways(model: &WhisperModel) -> Vec<Way> {
    let best = WhisperSettings::MEASURED;
    let cut = |margin_ms, positions_min| WhisperSettings {
        digits: Context::Cut { margin_ms, positions_min },
        ..best
    };
    let list = [
        (PLAIN, WhisperSettings::PLAIN),
        ("the default", best),
        ("turn + 1 s >= 256", cut(1_000, 256)),
        ("turn + 1 s >= 384", cut(1_000, 384)),
        ("turn + 2 s >= 448", cut(2_000, 448)),
        ("turn + 3 s >= 512", cut(3_000, 512)),
        ("5 beams", WhisperSettings { beams: 5, ..best }),
        ("grammar: only numbers", WhisperSettings { digit_grammar: true, ..best }),
    ];
    list.into_iter()
        .filter_map(|(name, settings)| {
            let whisper = model.transcriber(settings).ok()?;
            let (right, errors, processor_ms) = (0, Errors::default(), Vec::new());
            Some(Way { name, whisper, right, errors, processor_ms })
        })
        .collect()
}

/// `said` and what was heard of it, digit by digit.
fn compared(said: &str, heard: &str) -> Errors {
    let spaced = |text: &str| text.chars().map(|c| format!("{c} ")).collect::<String>();
    word_errors(&spaced(said), &spaced(&digits_of(heard)))
}

/// Prints the table of digits; the same as HTML.
pub fn measure(id: &str, model: &WhisperModel, speech: &Path, count: usize) -> String {
    let mut ways = ways(model);
    let Ok(mut usual) = model.transcriber(WhisperSettings::default()) else {
        println!("whisper {id}: skipped, no memory for a recogniser");
        return String::new();
    };
    let mut draw = Draw(SEED);
    let (mut right, mut errors, mut strings) = (0, Errors::default(), 0);
    let hint = Hint { digits: true, ..Hint::default() };
    for _ in 0..count {
        let Some((said, sound)) = string(&speech.join("digits"), &mut draw) else { continue };
        strings += 1;
        let hearing = FileHearing { mode: ListenMode::Digits, ..FileHearing::default() };
        let heard: String = file::transcribe(&sound, 16_000, hearing, &mut usual)
            .unwrap_or_default()
            .iter()
            .map(|one| format!("{} ", one.text))
            .collect();
        right += usize::from(digits_of(&heard) == said);
        errors += compared(&said, &heard);
        if digits_of(&heard) != said {
            println!("whisper {id}: {said} heard as {heard:?}");
        }
        for way in &mut ways {
            let processor = processor_us();
            let text = way.whisper.transcribe(&sound, &hint, &StopFlag::default());
            way.processor_ms.push((processor_us() - processor) / 1_000);
            let text = text.map(|transcript| transcript.text).unwrap_or_default();
            way.right += usize::from(digits_of(&text) == said);
            way.errors += compared(&said, &text);
        }
    }
    println!(
        "whisper {id}: human digit strings, seed {SEED}: {right} of {strings} right through the \
         listener, {:.1} % of the digits wrong",
        errors.percent()
    );
    let mut rows = format!(
        "<tr><td>through the listener<td><td><td>{right} of {strings}<td>{:.1}",
        errors.percent()
    );
    let plain = ways.first_mut().map_or(0, |way| percentile(&mut way.processor_ms, 50));
    for way in &mut ways {
        let (name, p50) = (way.name, percentile(&mut way.processor_ms, 50));
        let (faster, wrong) = (plain as f64 / p50.max(1) as f64, way.errors.percent());
        let right = way.right;
        println!(
            "whisper {id}: digits, {name:<22} p50 {p50:>4} ms  {faster:>4.1} x  right {right:>2} \
             of {strings}  digits wrong {wrong:>5.1} %"
        );
        let _ = write!(
            rows,
            "<tr><td>{name}<td>{p50}<td>{faster:.1}<td>{right} of {strings}<td>{wrong:.1}"
        );
    }
    format!(
        "<h3>{id}: human strings of 4 to 10 digits, decoded whole</h3><table><tr><th>way<th>ms \
         p50<th>times faster<th>strings right<th>digits wrong %{rows}</table>"
    )
}
