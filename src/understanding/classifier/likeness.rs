//! What a sentence's vector adds to a classifier: weights for its numbers, and the examples that
//! it may be close to, so that a person can read why.

use crate::understanding::embedding::{Vector, WIDTH};

use super::{Example, learn};

/// Examples that a model remembers, one a line of the tables; of more, some are left out.
pub(super) const KNOWN_MAX: usize = 20_000;
/// Longest example that is shown, bytes.
pub(super) const TEXT_BYTES_MAX: usize = 200;

/// The vectors of examples, in their order.
#[derive(Clone, Debug)]
pub struct Vectors {
    /// The fingerprint of the embedder that made them.
    pub embedding: u64,
    pub list: Vec<Vector>,
}

/// An example that a sentence may be close to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    /// The number of its intent.
    pub class: u32,
    pub text: String,
    pub vector: Vector,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Likeness {
    pub embedding: u64,
    /// What a step of each row's weights is worth.
    pub scales: Vec<f32>,
    /// `number × intents + intent`.
    pub weights: Vec<i8>,
    pub known: Vec<Known>,
}

impl Likeness {
    pub fn new(
        vectors: &Vectors,
        examples: &[Example],
        names: &[String],
        weights: Vec<i8>,
        scales: Vec<f32>,
    ) -> Self {
        let pairs = examples.iter().zip(&vectors.list);
        let mut known: Vec<Known> = Vec::new();
        let mut last = None;
        for (example, vector) in pairs {
            let class = example.intent.as_ref().and_then(|name| names.binary_search(name).ok());
            let is_new = last.replace((class, example.group)) != Some((class, example.group));
            if let Some(class) = class.filter(|_| is_new && vector.units.len() == WIDTH) {
                let mut text = example.text.clone();
                text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
                known.push(Known { class: class as u32, text, vector: vector.clone() });
            }
        }
        let step = known.len().div_ceil(KNOWN_MAX).max(1);
        let known = known.into_iter().step_by(step).collect();
        Self { embedding: vectors.embedding, scales, weights, known }
    }

    /// Adds to each intent's score what `vector` says of it.
    pub fn add(&self, vector: &Vector, scores: &mut [f32]) {
        let rows = self.weights.chunks_exact(scores.len().max(1));
        for ((value, scale), weights) in vector.numbers().zip(&self.scales).zip(rows) {
            let step = value * scale * learn::VECTOR_WEIGHT;
            scores.iter_mut().zip(weights).for_each(|(score, weight)| {
                *score += f32::from(*weight) * step;
            });
        }
    }

    /// The example of `class` that is closest to `vector`, and how close, −1 to 1.
    pub fn nearest(&self, vector: &Vector, class: usize) -> Option<(&str, f32)> {
        let own = self.known.iter().filter(|known| known.class as usize == class);
        let judged = own.map(|known| (known.text.as_str(), vector.likeness(&known.vector)));
        judged.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}
