//! Voice activity against labels made by construction: human clips laid into silence and hiss at
//! known times; frames found and missed, and false ones, beside an energy threshold.

use std::path::{Path, PathBuf};

use warmline::base::audio::level_dbfs;
use warmline::speech::hear::sounds::hiss;
use warmline::speech::hear::vad::{NeuralDetector, VadSettings, VoiceDetector};

use crate::clock::FRAME;
use crate::course::{ENERGY_DBFS, loudness};
use crate::sound::read;

/// Silence before and after each clip.
const AROUND_MS: usize = 2_000;
/// A frame of the clean clip within so many dB of its loudest is speech…
const SPEECH_DB: f32 = 25.0;
/// …and frames so far from the clip surely are none.
const MARGIN_MS: usize = 240;

#[derive(Default)]
struct Tally {
    speech: usize,
    found: usize,
    none: usize,
    wrong: usize,
}

impl Tally {
    fn count(&mut self, speech: bool, none: bool, voiced: bool) {
        self.speech += usize::from(speech);
        self.found += usize::from(speech && voiced);
        self.none += usize::from(none);
        self.wrong += usize::from(none && voiced);
    }

    fn told(&self) -> String {
        let share = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
        format!(
            "{:.1} % of speech found, {:.2} % of the rest taken for it",
            share(self.found, self.speech),
            share(self.wrong, self.none)
        )
    }
}

/// Human clips of whole sentences: commands, readings; no simulated voice.
pub fn human_clips(speech: &Path) -> Vec<PathBuf> {
    let folders = ["commands", "read"].map(|name| std::fs::read_dir(speech.join(name)));
    let files = folders.into_iter().flatten().flatten().flatten().map(|file| file.path());
    let mut paths: Vec<PathBuf> = files.chain([speech.join("jfk.wav")]).collect();
    paths.retain(|path| {
        let name = path.to_string_lossy();
        name.ends_with(".wav") && !name.contains("aishell")
    });
    paths.sort();
    paths
}

pub fn measure(speech: &Path) {
    let clips: Vec<Vec<i16>> = human_clips(speech).iter().filter_map(|path| read(path)).collect();
    for (name, noise_dbfs) in
        [("silence", None), ("hiss at -50 dBFS", Some(-50.0)), ("hiss at -38 dBFS", Some(-38.0))]
    {
        let (mut ours, mut energy) = (Tally::default(), Tally::default());
        for (number, clip) in clips.iter().enumerate() {
            let around = vec![0i16; AROUND_MS * 16];
            let clean = [&around[..], clip, &around].concat();
            let heard = match noise_dbfs {
                None => clean.clone(),
                Some(level) => {
                    let noise = hiss(clean.len() as u64 / 16 + 1, level, number as u64 + 1);
                    clean.iter().zip(&noise).map(|(a, b)| a.saturating_add(*b)).collect()
                }
            };
            let (levels, loudest) = loudness(&clean);
            let (from, to) = (AROUND_MS - MARGIN_MS, AROUND_MS + MARGIN_MS + clip.len() / 16);
            let mut detector = NeuralDetector::new(VadSettings::default());
            for (frame, sound) in heard.chunks(FRAME).enumerate() {
                let ms = frame * 20;
                let speech = levels.get(frame).is_some_and(|level| *level > loudest - SPEECH_DB);
                let none = ms < from || ms >= to;
                ours.count(speech, none, detector.push(sound).voiced);
                energy.count(speech, none, level_dbfs(sound) > ENERGY_DBFS);
            }
        }
        println!(
            "turns: voice activity, {} human clips in {name}: {}; energy above {ENERGY_DBFS} \
             dBFS: {}",
            clips.len(),
            ours.told(),
            energy.told()
        );
    }
}
