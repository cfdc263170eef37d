//! A small classifier trained from example sentences: hashed words, word pairs and letter groups
//! weighted by rarity, one linear separator for each intent, a calibrated confidence and an
//! out-of-scope answer. Where sentences have vectors ([`super::embedding`]), their numbers are
//! further features. It catches what no phrase foresaw, and weighs what the rules say. Pure: the
//! same examples give the same model; no network, no file, no clock.

mod calibrate;
mod features;
mod learn;
mod likeness;
mod model_file;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use calibrate::Calibration;
use features::{Feature, features};
use likeness::Likeness;

use super::embedding::Vector;

pub use calibrate::Settings;
pub use learn::fingerprint;
pub use likeness::Vectors;
pub use model_file::{MODEL_BYTES_MAX, ModelFault};

/// Examples that are learned from; more are left out, evenly.
pub const EXAMPLES_MAX: usize = 200_000;
/// Intents of one model.
pub const INTENTS_MAX: usize = 1_000;
/// Features of one model, the most frequent first.
pub const FEATURES_MAX: usize = 1 << 18;

/// One example sentence, cut into lower-case words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// `None`: belongs to no intent.
    pub intent: Option<String>,
    pub words: Vec<String>,
    /// As it is written, for its vector and for people.
    pub text: String,
    /// Examples of one line of the tables are much alike: they are judged together.
    pub group: u32,
}

/// Trained weights; without intents where there was nothing to learn from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Classifier {
    names: Vec<String>,
    /// Feature → row.
    rows: HashMap<u32, u32>,
    /// How rare each row's feature is among the examples.
    rarity: Vec<f32>,
    /// What a step of each row's weights is worth.
    scales: Vec<f32>,
    /// `row × intents + intent`; the last row is the bias.
    weights: Vec<i8>,
    calibration: Calibration,
    /// Of the examples that it was trained from.
    fingerprint: u64,
    /// `None`: trained without an embedding.
    likeness: Option<Likeness>,
}

/// What the classifier says of one sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Intents with how likely each is meant, 0 to 1, the likeliest first.
    pub ranked: Vec<(String, f32)>,
    /// `false`: the sentence resembles no example enough to be answered.
    pub in_scope: bool,
}

impl Judgement {
    /// The likeliest intent, if the sentence belongs to any.
    pub fn best(&self) -> Option<(&str, f32)> {
        let (name, confidence) = self.ranked.first().filter(|_| self.in_scope)?;
        Some((name, *confidence))
    }
}

impl Classifier {
    /// Trains on `examples`. Intents without examples are unknown to it.
    pub fn train(examples: &[Example], settings: Settings) -> Self {
        learn::train(examples, None, settings)
    }

    /// Trains on `examples` with their `vectors`, one each; where their number differs, without.
    pub fn train_with(examples: &[Example], vectors: &Vectors, settings: Settings) -> Self {
        learn::train(examples, Some(vectors), settings)
    }

    /// The embedder that made the vectors it was trained with; it judges nothing without them.
    pub fn embedding(&self) -> Option<u64> {
        self.likeness.as_ref().map(|likeness| likeness.embedding)
    }

    /// `true` if it knows no intent.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn intents(&self) -> &[String] {
        &self.names
    }

    pub fn features(&self) -> usize {
        self.rarity.len()
    }

    /// Of the examples that it was trained from: the same examples give the same number.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The confidence from which a sentence counts as in scope.
    pub fn scope_min(&self) -> f32 {
        self.calibration.scope_min
    }

    /// Which intents `words` may mean.
    pub fn judge(&self, words: &[&str]) -> Judgement {
        self.judge_with(words, None, |_| 0.0)
    }

    /// Which intents `words` may mean, where something else already speaks for some of them:
    /// `pull` is added to each intent's distance from its separator (its margin is 1). A model
    /// trained with vectors needs the sentence's `vector`, and says nothing without.
    pub fn judge_with(
        &self,
        words: &[&str],
        vector: Option<&Vector>,
        pull: impl Fn(&str) -> f32,
    ) -> Judgement {
        if self.is_empty() || words.is_empty() {
            return Judgement::default();
        }
        let place = self.place(&features(words));
        let mut scores = self.scores(&place.features);
        match (&self.likeness, vector) {
            (Some(likeness), Some(vector)) => likeness.add(vector, &mut scores),
            (Some(_), None) => return Judgement::default(),
            (None, _) => {}
        }
        for (score, name) in scores.iter_mut().zip(&self.names) {
            *score += pull(name);
        }
        let shares = self.calibration.shares(&scores, place.strange);
        let mut ranked: Vec<(String, f32)> = self.names.iter().cloned().zip(shares).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let in_scope = ranked.first().is_some_and(|best| best.1 >= self.calibration.scope_min);
        Judgement { ranked, in_scope }
    }

    /// What each word, and each pair of words, pulls towards `intent`, the strongest first.
    pub fn explain(&self, words: &[&str], intent: &str) -> Vec<(String, f32)> {
        let Some(class) = self.names.iter().position(|name| name == intent) else {
            return Vec::new();
        };
        let all = self.place(&features(words));
        let pull = |wanted: &[Feature]| -> f32 {
            let rows = self.place(wanted).features;
            let held = |row: u32| all.features.iter().find(|one| one.0 == row);
            rows.iter().filter_map(|one| held(one.0)).map(|one| self.pull(*one, class)).sum()
        };
        let mut out: Vec<(String, f32)> =
            words.iter().map(|word| ((*word).to_owned(), pull(&features::of_word(word)))).collect();
        for pair in words.windows(2) {
            out.push((pair.join(" "), pull(&features::of_pair(pair))));
        }
        out.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        out.dedup_by(|a, b| a.0 == b.0);
        out
    }

    /// The example of `intent` that is closest to a sentence's `vector`, and how close, −1 to 1.
    pub fn nearest(&self, vector: &Vector, intent: &str) -> Option<(&str, f32)> {
        let class = self.names.iter().position(|name| name == intent)?;
        self.likeness.as_ref()?.nearest(vector, class)
    }

    fn pull(&self, feature: Feature, class: usize) -> f32 {
        let (row, value) = (feature.0 as usize, feature.1);
        let weight = self.weights.get(row * self.names.len() + class).copied().unwrap_or(0);
        let scale = self.scales.get(row).copied().unwrap_or(0.0);
        f32::from(weight) * scale * value
    }

    /// The known features as rows, of length one together, and the share that is unknown.
    fn place(&self, raw: &[Feature]) -> Placed {
        place(&self.rows, &self.rarity, raw)
    }

    /// How far on each intent's side of its separator; the bias counts once.
    fn scores(&self, features: &[Feature]) -> Vec<f32> {
        let mut scores = vec![0.0_f32; self.names.len()];
        let bias = (self.rarity.len() as u32, learn::BIAS);
        for (row, value) in features.iter().copied().chain([bias]) {
            let start = row as usize * self.names.len();
            let Some(weights) = self.weights.get(start..start + self.names.len()) else { continue };
            let step = self.scales.get(row as usize).copied().unwrap_or(0.0) * value;
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score += f32::from(*weight) * step;
            }
        }
        scores
    }
}

/// A sentence in the rows of a model.
struct Placed {
    features: Vec<Feature>,
    /// Share of the sentence's features that no example has, 0 to 1.
    strange: f32,
}

fn place(rows: &HashMap<u32, u32>, rarity: &[f32], raw: &[Feature]) -> Placed {
    let mut out: Vec<Feature> = Vec::with_capacity(raw.len());
    let mut strange = 0_usize;
    for (key, count) in raw {
        match rows.get(key).and_then(|row| Some((*row, rarity.get(*row as usize)?))) {
            Some((row, rare)) => out.push((row, count * rare)),
            None => strange += 1,
        }
    }
    let length = out.iter().map(|(_, value)| value * value).sum::<f32>().sqrt().max(1e-9);
    for feature in &mut out {
        feature.1 /= length;
    }
    Placed { features: out, strange: strange as f32 / raw.len().max(1) as f32 }
}
