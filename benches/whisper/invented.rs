//! Minutes of sound without words, heard as a call would hear them: every word is an invention.

use std::path::Path;
use std::time::Instant;

use warmline::base::listen::ListenMode;
use warmline::speech::hear::file::{self, FileHearing};
use warmline::speech::hear::sounds;
use warmline::speech::hear::whisper::{WhisperModel, WhisperSettings};

use super::sound::callers;

/// Lengths of a piece of sound, milliseconds.
const PIECE_MS: u64 = 30_000;
/// The pieces of `minutes`, each kind as long as the others.
fn pieces(speech: &Path, minutes: u64) -> Vec<(&'static str, Vec<i16>)> {
    let voices: Vec<Vec<i16>> =
        callers(&speech.join("callers"), 24, true).into_iter().map(|clip| clip.sound).collect();
    let noises: Vec<i16> = callers(&speech.join("callers"), 12, false)
        .into_iter()
        .flat_map(|clip| clip.sound)
        .collect();
    let count = (minutes * 60_000 / PIECE_MS) as usize;
    (0..count).map(|index| sounds::wordless(index, PIECE_MS, &voices, &noises)).collect()
}

pub fn measure(id: &str, model: &WhisperModel, speech: &Path, minutes: u64) {
    let Ok(mut whisper) = model.transcriber(WhisperSettings::default()) else {
        return println!("whisper {id}: skipped, no memory for a recogniser");
    };
    let begun = Instant::now();
    let pieces = pieces(speech, minutes);
    let mut words = 0;
    for (index, (kind, sound)) in pieces.iter().enumerate() {
        let mode = [ListenMode::Turn, ListenMode::Digits, ListenMode::Conversation][index % 3];
        let hearing = FileHearing { mode, ..FileHearing::default() };
        for heard in file::transcribe(sound, 16_000, hearing, &mut whisper).unwrap_or_default() {
            words += heard.text.split_whitespace().count();
            println!(
                "whisper {id}: {kind} in {mode:?} heard as {:?} ({} ms of voice at {:.0} dBFS, \
                 sure {:.2})",
                heard.text, heard.voiced_ms, heard.level_dbfs, heard.confidence
            );
        }
    }
    println!(
        "whisper {id}: {} minutes without words gave {words} words ({:.0} s)",
        pieces.len() as u64 * PIECE_MS / 60_000,
        begun.elapsed().as_secs_f64()
    );
}
