//! Piper voices on `rten`: phonemes from espeak-ng, ids from the voice's table, sound from its
//! network. One thread.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use crate::base::audio::Pcm;
use crate::base::language::Language;

use super::engine::{SynthesisError, Synthesizer};
use super::espeak;

/// Phonemes of one sentence; longer ones are cut into several before they come here.
const PHONEMES_MAX: usize = 600;

/// The part of the voice's JSON that is used.
#[derive(Deserialize)]
struct Card {
    audio: AudioCard,
    espeak: EspeakCard,
    inference: InferenceCard,
    phoneme_id_map: HashMap<String, Vec<i32>>,
    language: LanguageCard,
}

#[derive(Deserialize)]
struct AudioCard {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct EspeakCard {
    voice: String,
}

#[derive(Deserialize)]
struct InferenceCard {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

/// From here the voice draws.
const SEED: u64 = 4_217;

#[derive(Deserialize)]
struct LanguageCard {
    family: String,
}

/// A loaded voice.
pub struct Piper {
    model: Model,
    card: Card,
    name: String,
    inputs: [NodeId; 3],
    output: NodeId,
    threads: Arc<ThreadPool>,
}

impl Piper {
    /// Loads `voice.onnx` with `voice.onnx.json` beside it, and warms it up.
    pub fn load(onnx: &Path) -> Result<Self, SynthesisError> {
        let file = onnx.display().to_string();
        let fault = |error: String| SynthesisError::Voice { file: file.clone(), error };
        let json = std::fs::read_to_string(onnx.with_extension("onnx.json"))
            .map_err(|error| fault(error.to_string()))?;
        let card: Card = serde_json::from_str(&json).map_err(|error| fault(error.to_string()))?;
        let model = Model::load_file(onnx).map_err(|error| fault(error.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|error| fault(error.to_string()));
        let inputs = [node("input")?, node("input_lengths")?, node("scales")?];
        let output = node("output")?;
        let name = onnx.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let threads = Arc::new(ThreadPool::with_num_threads(1));
        let mut piper = Self { model, card, name, inputs, output, threads };
        let _ = piper.synthesize("Ready.", &Language::english(), 1.0)?;
        Ok(piper)
    }

    fn ids(&self, phonemes: &str) -> Vec<i32> {
        let id = |symbol: &str| self.card.phoneme_id_map.get(symbol).cloned().unwrap_or_default();
        let pad = id("_");
        let mut ids = id("^");
        ids.extend(&pad);
        for symbol in phonemes.nfd().filter(|symbol| *symbol != '\n').take(PHONEMES_MAX) {
            let own = id(symbol.encode_utf8(&mut [0; 4]));
            if !own.is_empty() {
                ids.extend(own);
                ids.extend(&pad);
            }
        }
        ids.extend(id("$"));
        ids
    }
}

impl Synthesizer for Piper {
    fn name(&self) -> String {
        format!("piper-rten-0.27 {}", self.name)
    }

    fn speaks(&self, language: &Language) -> bool {
        self.card.language.family == language.code()
    }

    fn synthesize(
        &mut self,
        sentence: &str,
        _language: &Language,
        pace: f32,
    ) -> Result<Pcm, SynthesisError> {
        let phonemes = espeak::phonemes(sentence, &self.card.espeak.voice)?;
        // espeak-ng drops the mark that ends a sentence; its fall belongs to the voice.
        let mark = sentence.trim_end().chars().last().filter(|c| matches!(c, '.' | '?' | '!'));
        let lines: Vec<&str> = phonemes.lines().map(str::trim).collect();
        let text = format!("{}{}", lines.join(", "), mark.unwrap_or('.'));
        let ids = self.ids(&text);
        let length = ids.len();
        let input = NdTensor::from_data([1, length], ids);
        let lengths = NdTensor::from_data([1], vec![length as i32]);
        let inference = &self.card.inference;
        let scales = [inference.noise_scale, inference.length_scale * pace, inference.noise_w];
        let scales = NdTensor::from_data([3], scales.to_vec());
        let [a, b, c] = self.inputs;
        let inputs: Vec<(NodeId, ValueOrView)> =
            vec![(a, input.into()), (b, lengths.into()), (c, scales.into())];
        let fault = |error: String| SynthesisError::Voice { file: self.name.clone(), error };
        // The model draws its melody and lengths at random; a sentence shall sound the same each
        // time. All of it runs on the pool's one thread, whose generator we set.
        self.threads.run(|| fastrand::seed(SEED));
        let options = RunOptions::default().with_thread_pool(Some(self.threads.clone()));
        let out = self
            .model
            .run(inputs, &[self.output], Some(options))
            .map_err(|error| fault(error.to_string()))?;
        let sound = out.into_iter().next().and_then(|value| value.into_tensor::<f32>());
        let sound = sound.ok_or_else(|| fault("gives no sound".into()))?;
        let samples: Vec<i16> =
            sound.iter().map(|value| (value.clamp(-1.0, 1.0) * 32_767.0) as i16).collect();
        Ok(Pcm::new(self.card.audio.sample_rate, samples))
    }
}
