//! What the caller wants: phrases and weighted keywords first, each with its reason; the
//! classifier behind them; negations take back what they cover.

use std::collections::HashMap;

use crate::base::reason::Reason;

use super::outcome::IntentMatch;
use super::pattern::{Found, Pattern};
use super::tables::{Intent, LanguageTables};
use super::vocabulary::Reading;

/// What each matched word adds to a phrase's worth, and the most that a phrase is worth.
const WORD_WORTH: f32 = 0.05;
const PHRASE_CONFIDENCE_MAX: f32 = 0.97;
/// What keywords add beside a phrase, and the classifier beside the rules.
const KEYWORD_SHARE: f32 = 0.6;
const CLASSIFIER_SHARE: f32 = 0.9;
/// From this share on the classifier is sure of an intent, and what a phrase of another one is
/// then still worth.
const OTHER_MIN: f32 = 0.8;
const DOUBTED_SHARE: f32 = 0.8;
/// Below this the classifier's opinion is noise.
const CLASSIFIER_MIN: f32 = 0.2;
/// A second intent this close below the first is worth asking about.
const RUNNER_UP_MARGIN: f32 = 0.12;
/// Words that may stand between a negation and what it takes back.
const NEGATION_REACH: usize = 2;

/// The best intent above its threshold, and the next where it is close.
pub fn best(
    tables: &LanguageTables,
    reading: &Reading,
) -> (Option<IntentMatch>, Option<IntentMatch>) {
    let mut list = ranked(tables, reading).into_iter();
    let first = list.next();
    let near = |second: &IntentMatch| {
        first.as_ref().is_some_and(|first| first.confidence - second.confidence < RUNNER_UP_MARGIN)
    };
    let second = list.next().filter(near);
    (first, second)
}

/// All intents above their thresholds, the best first.
pub fn ranked(tables: &LanguageTables, reading: &Reading) -> Vec<IntentMatch> {
    if reading.is_empty() {
        return Vec::new();
    }
    let negated = negations(tables, reading);
    let judgement = tables.classifier.judge(&words(reading));
    let opinions: HashMap<&str, f32> =
        judgement.ranked.iter().map(|(name, share)| (name.as_str(), *share)).collect();
    let sure = judgement.best().map(|(name, _)| name);
    let mut out: Vec<IntentMatch> = tables
        .intents
        .iter()
        .filter_map(|intent| {
            let id = intent.id.as_str();
            let other = |best: (&str, f32)| best.0 != id && best.1 >= OTHER_MIN;
            let opinion = Opinion {
                share: opinions.get(id).copied().unwrap_or(0.0),
                sure: sure == Some(id),
                other: judgement.best().is_some_and(other),
            };
            score(tables, reading, intent, &negated, opinion)
        })
        .collect();
    out.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    out
}

/// Where negations stand ("not about", "do not want").
pub fn negations(tables: &LanguageTables, reading: &Reading) -> Vec<Found> {
    let matcher = tables.matcher(reading);
    tables.negators.iter().flat_map(|pattern| matcher.find_all(pattern)).collect()
}

/// `true` if a negation that begins before `hit` reaches it within its clause.
pub fn is_negated(hit: &Found, negated: &[Found], reading: &Reading) -> bool {
    negated.iter().any(|negation| {
        negation.start < hit.start
            && hit.start <= negation.end + NEGATION_REACH
            && !reading.broken_between(negation.start, hit.start + 1)
    })
}

/// What the classifier says of one intent.
#[derive(Clone, Copy)]
struct Opinion {
    share: f32,
    /// Its best, and in scope.
    sure: bool,
    /// It is sure of another intent.
    other: bool,
}

/// The words of a reading, as the classifier learned them.
pub fn words(reading: &Reading) -> Vec<&str> {
    reading.tokens.iter().map(|token| token.norm.as_str()).collect()
}

fn score(
    tables: &LanguageTables,
    reading: &Reading,
    intent: &Intent,
    negated: &[Found],
    opinion: Opinion,
) -> Option<IntentMatch> {
    let matcher = tables.matcher(reading);
    if intent.negations.iter().any(|pattern| matcher.find(pattern).is_some()) {
        return None;
    }
    let mut taken_back = false;
    let mut found = |pattern: &Pattern| {
        let hits = matcher.find_all(pattern);
        let all = hits.len();
        let kept: Vec<_> =
            hits.into_iter().filter(|hit| !is_negated(hit, negated, reading)).collect();
        taken_back |= kept.len() < all;
        kept.into_iter().max_by(|a, b| a.matched.cmp(&b.matched))
    };
    let mut reasons = Vec::new();
    // A short phrase in a sentence whose whole is like another intent's examples is chance.
    let doubted = opinion.other && opinion.share < CLASSIFIER_MIN;
    let doubt = if doubted { DOUBTED_SHARE } else { 1.0 };
    let phrase = intent
        .phrases
        .iter()
        .filter_map(|(pattern, worth)| {
            let hit = found(pattern)?;
            let full = (worth + WORD_WORTH * hit.matched as f32).min(PHRASE_CONFIDENCE_MAX);
            Some((full * hit.quality * doubt, hit))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let mut rest = 1.0;
    if let Some((worth, hit)) = &phrase {
        let said = reading.said(hit.start, hit.end);
        reasons.push(Reason::new(format!("phrase '{said}' {worth:.2}")));
        rest = 1.0 - *worth;
    }
    let share = if phrase.is_some() { KEYWORD_SHARE * 0.5 } else { 1.0 };
    for (pattern, weight) in &intent.keywords {
        if let Some(hit) = found(pattern) {
            let weight = weight * hit.quality;
            rest *= 1.0 - weight * share;
            let said = reading.said(hit.start, hit.end);
            reasons.push(Reason::new(format!("keyword '{said}' {weight:.2}")));
        }
    }
    let Opinion { share, sure, .. } = opinion;
    if share >= CLASSIFIER_MIN && !taken_back {
        rest *= 1.0 - CLASSIFIER_SHARE * share;
        reasons.push(Reason::new(format!("resembles the examples {share:.2}")));
    }
    let confidence = (1.0 - rest).clamp(0.0, 0.99);
    let counts = confidence >= intent.threshold || (sure && !taken_back);
    (counts && !reasons.is_empty()).then(|| IntentMatch {
        intent: intent.id.clone(),
        confidence,
        reasons,
    })
}
