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
/// Of the babble: 20 dB under a caller at −24 dBFS.
const BABBLE_DBFS: f32 = -44.0;

/// The pieces of `minutes`, each kind as long as the others.
fn pieces(speech: &Path, minutes: u64) -> Vec<(&'static str, Vec<i16>)> {
    let voices: Vec<Vec<i16>> =
        callers(&speech.join("callers"), 24, true).into_iter().map(|clip| clip.sound).collect();
    let noises: Vec<i16> = callers(&speech.join("callers"), 12, false)
        .into_iter()
        .flat_map(|clip| clip.sound)
        .collect();
    let keys = |turn: usize| {
        let digits = ["1234567890*#", "0044", "5550172#", "11", "987654321"];
        let mut sound = sounds::keys(digits[turn % digits.len()], -12.0);
        sound.resize(PIECE_MS as usize * 16, 0);
        sound
    };
    let count = (minutes * 60_000 / PIECE_MS) as usize;
    (0..count)
        .map(|index| {
            let turn = index / 10;
            let level = [-30.0, -36.0, -42.0, -24.0, -48.0][turn % 5];
            let hz = [50.0, 60.0][turn % 2];
            let six: Vec<Vec<i16>> =
                voices.iter().cycle().skip(turn * 5).take(6 + turn % 4).cloned().collect();
            match index % 10 {
                0 => ("silence", vec![0; PIECE_MS as usize * 16]),
                1 => ("hiss", sounds::hiss(PIECE_MS, level, index as u64 + 1)),
                2 => ("hum", sounds::tone(&[hz, 2.0 * hz, 3.0 * hz, 5.0 * hz], PIECE_MS, level)),
                3 => ("babble", sounds::babble(&six, PIECE_MS, BABBLE_DBFS)),
                4 => ("hold music", sounds::music(PIECE_MS, level)),
                5 => {
                    let tones = [[440.0, 480.0], [400.0, 450.0], [425.0, 425.0]][turn % 3];
                    ("ringback", sounds::cadence(&tones, 2_000, 4_000, PIECE_MS, -18.0))
                }
                6 => ("busy", sounds::cadence(&[480.0, 620.0], 500, 500, PIECE_MS, -18.0)),
                7 => {
                    let tone = [1_100.0, 2_100.0][turn % 2];
                    ("fax", sounds::cadence(&[tone], 500, 3_000, PIECE_MS, -15.0))
                }
                8 => ("keys", keys(turn)),
                _ => ("noises of the set", {
                    let start = (turn * 7 * 16_000) % noises.len().max(1);
                    noises.iter().cycle().skip(start).take(480_000).copied().collect()
                }),
            }
        })
        .collect()
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
                "whisper {id}: {kind} in {mode:?} heard as {:?} ({} ms of voice, sure {:.2})",
                heard.text, heard.voiced_ms, heard.confidence
            );
        }
    }
    println!(
        "whisper {id}: {} minutes without words gave {words} words ({:.0} s)",
        pieces.len() as u64 * PIECE_MS / 60_000,
        begun.elapsed().as_secs_f64()
    );
}
