//! From scores to a confidence that means what it says: of all answers given with 0.8, eight in
//! ten are right. Fitted on examples that the judging model had not seen.

/// What the operator chooses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Share of sentences in scope that may be refused, so that those out of scope are.
    pub refusal_max: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { refusal_max: 0.03 }
    }
}

/// Sharpens scores to shares among the intents below the best.
const SHARPNESS: f32 = 4.0;
const PASSES: usize = 400;
const RATE: f32 = 0.5;
/// Signs that the confidence is made from, and one that is always 1.
const SIGNS: usize = 4;

/// How one example was judged by a model that never saw it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    signs: [f32; SIGNS],
    right: bool,
    in_scope: bool,
}

/// Weights of the signs, and where scope ends.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Calibration {
    pub weights: [f32; SIGNS],
    pub scope_min: f32,
}

/// The best score, its lead over the second, the share of strange features, and 1.
fn signs(scores: &[f32], strange: f32) -> ([f32; SIGNS], Option<usize>) {
    let mut best: Option<(usize, f32)> = None;
    let mut second = -1.0_f32;
    for (class, score) in scores.iter().copied().enumerate() {
        match best {
            Some((_, top)) if score <= top => second = second.max(score),
            Some((_, top)) => {
                second = second.max(top);
                best = Some((class, score));
            }
            None => best = Some((class, score)),
        }
    }
    let top = best.map_or(-1.0, |(_, score)| score);
    ([top, top - second, strange, 1.0], best.map(|(class, _)| class))
}

impl Outcome {
    pub fn new(scores: &[f32], strange: f32, truth: Option<usize>) -> Self {
        let (signs, best) = signs(scores, strange);
        Self { signs, right: truth.is_some() && truth == best, in_scope: truth.is_some() }
    }
}

fn likely(weights: &[f32; SIGNS], signs: &[f32; SIGNS]) -> f32 {
    let sum: f32 = weights.iter().zip(signs).map(|(weight, sign)| weight * sign).sum();
    1.0 / (1.0 + (-sum).exp())
}

impl Calibration {
    /// How likely each intent is meant: the best by its signs, the rest share what is left.
    pub fn shares(&self, scores: &[f32], strange: f32) -> Vec<f32> {
        let (signs, best) = signs(scores, strange);
        let confidence = likely(&self.weights, &signs);
        let [top, ..] = signs;
        let rest: Vec<f32> = scores
            .iter()
            .enumerate()
            .map(|(class, score)| match best {
                Some(best) if best == class => 0.0,
                Some(_) | None => ((score - top) * SHARPNESS).exp(),
            })
            .collect();
        let sum = rest.iter().sum::<f32>().max(1e-6);
        let left = 1.0 - confidence;
        rest.iter()
            .enumerate()
            .map(|(class, share)| match best {
                Some(best) if best == class => confidence,
                // Never above the best, even where that is weak.
                Some(_) | None => (share / sum * left).min(confidence),
            })
            .collect()
    }
}

/// Logistic regression of "was right" on the signs, by gradient descent.
pub(super) fn fit(outcomes: &[Outcome], settings: Settings) -> Calibration {
    // Begins where a score at the margin is trusted and one on the border is not.
    let mut weights = [3.0, 2.0, -2.0, 1.0];
    let count = outcomes.len().max(1) as f32;
    for _ in 0..PASSES {
        let mut slope = [0.0_f32; SIGNS];
        for outcome in outcomes {
            let wanted = if outcome.right { 1.0 } else { 0.0 };
            let gap = wanted - likely(&weights, &outcome.signs);
            for (total, sign) in slope.iter_mut().zip(outcome.signs) {
                *total += gap * sign;
            }
        }
        for (weight, total) in weights.iter_mut().zip(slope) {
            *weight += RATE * (total / count - 1e-4 * *weight);
        }
    }
    let mut held: Vec<f32> = outcomes
        .iter()
        .filter(|outcome| outcome.in_scope)
        .map(|outcome| likely(&weights, &outcome.signs))
        .collect();
    held.sort_by(f32::total_cmp);
    let at = (held.len() as f32 * settings.refusal_max.clamp(0.0, 1.0)) as usize;
    Calibration { weights, scope_min: held.get(at).copied().unwrap_or(0.0) }
}
