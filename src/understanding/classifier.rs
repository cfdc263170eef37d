//! A small classifier trained from the tables' example sentences when they are read: hashed
//! words, word pairs and letter groups into a multinomial logistic regression. It stands behind
//! the rules and catches what no phrase foresaw. No network, no file, the same result each time.

use super::tables::Intent;
use super::vocabulary::{Reading, Vocabulary};

/// Places that features are hashed into; a power of two.
const PLACES: usize = 1 << 15;
const EPOCHS: usize = 30;
const RATE: f32 = 2.0;
/// Pulls weights towards zero, so that a word seen once does not decide alone.
const DECAY: f32 = 2e-5;
/// Sharpens the probabilities: those of few examples are too even.
const SHARPNESS: f32 = 1.5;
/// Examples of one language.
const EXAMPLES_MAX: usize = 50_000;

/// Trained weights; empty where there were no examples.
#[derive(Clone, Debug, Default)]
pub struct Classifier {
    /// Intents in the order of the tables, then one for out of scope.
    classes: usize,
    /// `place × classes + class`.
    weights: Vec<f32>,
}

/// Features of one sentence: places with their values, of length one together.
struct Features(Vec<(usize, f32)>);

impl Classifier {
    /// Trains on the examples of `intents` and the sentences that belong to none.
    pub fn train(intents: &[Intent], out_of_scope: &[String], words: &Vocabulary) -> Self {
        let classes = intents.len() + 1;
        let of_intents = intents
            .iter()
            .enumerate()
            .flat_map(|(class, intent)| intent.examples.iter().map(move |text| (class, text)));
        let rest = out_of_scope.iter().map(|text| (classes - 1, text));
        let examples: Vec<(usize, Features)> = of_intents
            .chain(rest)
            .take(EXAMPLES_MAX)
            .map(|(class, text)| (class, features(&words.read(text), words)))
            .collect();
        if examples.is_empty() {
            return Self::default();
        }
        let mut out = Self { classes, weights: vec![0.0; PLACES * classes] };
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for epoch in 0..EPOCHS {
            shuffle(&mut order, &mut random);
            let rate = RATE / (1.0 + epoch as f32 * 0.1);
            for (class, features) in order.iter().filter_map(|at| examples.get(*at)) {
                out.learn(*class, features, rate);
            }
        }
        out
    }

    fn learn(&mut self, class: usize, features: &Features, rate: f32) {
        let probabilities = self.softmax(features, 1.0);
        for (place, value) in &features.0 {
            let start = place * self.classes;
            let Some(row) = self.weights.get_mut(start..start + self.classes) else { continue };
            for (index, (weight, probability)) in row.iter_mut().zip(&probabilities).enumerate() {
                let target = if index == class { 1.0 } else { 0.0 };
                *weight += rate * ((target - probability) * value - DECAY * *weight);
            }
        }
    }

    fn softmax(&self, features: &Features, sharpness: f32) -> Vec<f32> {
        let mut scores = vec![0.0_f32; self.classes];
        for (place, value) in &features.0 {
            let start = place * self.classes;
            if let Some(row) = self.weights.get(start..start + self.classes) {
                for (score, weight) in scores.iter_mut().zip(row) {
                    *score += weight * value;
                }
            }
        }
        let top = scores.iter().copied().fold(f32::MIN, f32::max);
        let mut sum = 0.0;
        for score in &mut scores {
            *score = ((*score - top) * sharpness).exp();
            sum += *score;
        }
        scores.iter().map(|score| score / sum).collect()
    }

    /// The probability of each intent, in the order of the tables. Words that no table knows
    /// lower all of them: a sentence of strangers is out of scope.
    pub fn probabilities(&self, reading: &Reading, words: &Vocabulary) -> Vec<f32> {
        if self.classes == 0 || reading.is_empty() {
            return Vec::new();
        }
        let strange =
            reading.tokens.iter().filter(|token| !token.is_digits() && !words.knows(&token.norm));
        let share = strange.count() as f32 / reading.len() as f32;
        let trust = (1.15 - 1.2 * share).clamp(0.0, 1.0);
        let mut out = self.softmax(&features(reading, words), SHARPNESS);
        out.pop();
        for probability in &mut out {
            *probability *= trust;
        }
        out
    }
}

fn features(reading: &Reading, words: &Vocabulary) -> Features {
    let stems: Vec<String> = reading
        .tokens
        .iter()
        .map(|token| match token.is_digits() {
            true => "#".to_owned(),
            false => words.stemmer.stem(&token.norm),
        })
        .collect();
    let mut places: Vec<(usize, f32)> = Vec::new();
    let mut before = "^";
    for stem in &stems {
        places.push((place("w", stem, ""), 1.0));
        places.push((place("b", before, stem), 0.6));
        let signs: Vec<char> = stem.chars().collect();
        for group in signs.windows(4) {
            places.push((place("g", &group.iter().collect::<String>(), ""), 0.25));
        }
        before = stem;
    }
    places.push((place("b", before, "$"), 0.6));
    let length = places.iter().map(|(_, value)| value * value).sum::<f32>().sqrt().max(1e-6);
    for (_, value) in &mut places {
        *value /= length;
    }
    Features(places)
}

/// FNV-1a over the parts.
fn place(kind: &str, left: &str, right: &str) -> usize {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in kind.bytes().chain([0]).chain(left.bytes()).chain([0]).chain(right.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    (hash ^ (hash >> 29)) as usize & (PLACES - 1)
}

fn shuffle(order: &mut [usize], random: &mut u64) {
    for last in (1..order.len()).rev() {
        *random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        order.swap(last, (*random >> 33) as usize % (last + 1));
    }
}
