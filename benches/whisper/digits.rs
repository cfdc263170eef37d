//! Human strings of digits, cut together from single digits with pauses, through the listener in
//! digits mode: how many come out exactly right. Beside them the plain decode of the same sound.

use std::path::Path;

use warmline::base::listen::ListenMode;
use warmline::speech::hear::file::{self, FileHearing};
use warmline::speech::hear::score::normalise;
use warmline::speech::hear::transcript::{Hint, StopFlag, Transcriber};
use warmline::speech::hear::whisper::{WhisperModel, WhisperSettings};

use super::sound::read;

const SPEAKERS: [&str; 6] = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"];
pub const SEED: u64 = 4_217;

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

pub fn measure(id: &str, model: &WhisperModel, speech: &Path, count: usize) {
    let (Ok(mut cut), Ok(mut plain)) =
        (model.transcriber(WhisperSettings::default()), model.transcriber(WhisperSettings::PLAIN))
    else {
        return println!("whisper {id}: skipped, no memory for a recogniser");
    };
    let mut draw = Draw(SEED);
    let (mut right, mut whole, mut plainly, mut strings) = (0, 0, 0, 0);
    for _ in 0..count {
        let Some((said, sound)) = string(&speech.join("digits"), &mut draw) else { continue };
        strings += 1;
        let hearing = FileHearing { mode: ListenMode::Digits, ..FileHearing::default() };
        let heard: String = file::transcribe(&sound, 16_000, hearing, &mut cut)
            .unwrap_or_default()
            .iter()
            .map(|one| format!("{} ", one.text))
            .collect();
        let hint = Hint { digits: true, ..Hint::default() };
        let text = |whisper: &mut dyn Transcriber| {
            whisper
                .transcribe(&sound, &hint, &StopFlag::default())
                .map(|transcript| transcript.text)
                .unwrap_or_default()
        };
        let (cut_text, plain_text) = (text(&mut cut), text(&mut plain));
        right += usize::from(digits_of(&heard) == said);
        whole += usize::from(digits_of(&cut_text) == said);
        plainly += usize::from(digits_of(&plain_text) == said);
        if digits_of(&heard) != said {
            println!("whisper {id}: {said} heard as {heard:?}, plain {plain_text:?}");
        }
    }
    println!(
        "whisper {id}: human digit strings right, seed {SEED}: {right} of {strings} through the \
         listener, {whole} decoded whole, plain full context {plainly}",
    );
}
