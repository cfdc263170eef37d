//! What the caller wants. Phrases and weighted keywords speak first, each with its reason; the
//! classifier hears them and decides, unless the sentence is strange to it: then they decide
//! alone. Negations take back what they cover.

use std::collections::HashMap;

use crate::base::reason::Reason;

use super::classifier::Judgement;
use super::command;
use super::embedding::Vector;
use super::number::Numbers;
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
/// How far rules that are sure of an intent move it across the classifier's margin. Chosen by
/// cross-validation over the example sentences: with 0 and with 1 it errs more.
const RULES_PULL: f32 = 0.3;
/// How far a rule that speaks against an intent moves it, and how sure the classifier must then
/// be all the same. Such rules were written for phrases; whole sentences often prove them wrong.
const OPPOSED_PULL: f32 = -0.5;
const OPPOSED_MIN: f32 = 0.5;
/// Beyond every score: what the caller takes back is not the classifier's answer either.
const DENIED_PULL: f32 = -4.0;
/// Below this the classifier's opinion is noise.
const CLASSIFIER_MIN: f32 = 0.2;
/// Less alike, an example is no reason that a person would follow.
const CLOSE_MIN: f32 = 0.5;
/// What is left of an intent that the classifier, told of the rules, places behind another.
const BEHIND_SHARE: f32 = 0.95;
/// A second intent this close below the first is worth asking about.
const RUNNER_UP_MARGIN: f32 = 0.12;
/// Words that may stand between a negation and what it takes back.
const NEGATION_REACH: usize = 2;

/// The best intent above its threshold, and the next where it is close.
pub type Best = (Option<IntentMatch>, Option<IntentMatch>);

/// The best intent of a sentence.
pub fn best(tables: &LanguageTables, reading: &Reading) -> Best {
    let mut list = ranked(tables, reading).into_iter();
    let first = list.next();
    let near = |second: &IntentMatch| {
        first.as_ref().is_some_and(|first| first.confidence - second.confidence < RUNNER_UP_MARGIN)
    };
    let second = list.next().filter(near);
    (first, second)
}

/// All intents above their thresholds, the best first. The rules speak first; the classifier
/// hears them and decides, for it has seen whole sentences where they see a few words. Where it
/// finds the sentence strange, the rules decide alone.
pub fn ranked(tables: &LanguageTables, reading: &Reading) -> Vec<IntentMatch> {
    if reading.is_empty() {
        return Vec::new();
    }
    let negated = negations(tables, reading);
    let ruled: Vec<(&Intent, Evidence)> = tables
        .intents
        .iter()
        .map(|intent| (intent, evidence(tables, reading, intent, &negated)))
        .collect();
    let pulls: HashMap<&str, f32> =
        ruled.iter().map(|(intent, found)| (intent.id.as_str(), pull(intent, found))).collect();
    // A number or a yes is no sentence: "one nine nine five" resembles "call nine nine nine".
    let wordless = is_number(tables, reading) || command::is_bare_answer(tables, reading);
    let (vector, judgement) = match wordless {
        true => (None, Judgement::default()),
        false => {
            let vector = tables.vector(reading);
            let pull = |name: &str| pulls.get(name).copied().unwrap_or(0.0);
            let judged = tables.classifier.judge_with(&words(reading), vector.as_ref(), pull);
            (vector, judged)
        }
    };
    let opinions: HashMap<&str, f32> =
        judgement.ranked.iter().map(|(name, share)| (name.as_str(), *share)).collect();
    let sure = judgement.best().map(|(name, _)| name);
    let mut out: Vec<IntentMatch> = Vec::new();
    let mut lead = None;
    for (intent, found) in ruled {
        let id = intent.id.as_str();
        let opinion = opinions.get(id).copied().unwrap_or(0.0);
        let is_best = sure == Some(id);
        let Some(mut matched) = weigh(intent, found, opinion, is_best) else { continue };
        if let Some(vector) = vector.as_ref().filter(|_| opinion >= CLASSIFIER_MIN) {
            matched.reasons.extend(closest(tables, vector, id));
        }
        if is_best {
            lead = Some(matched.confidence);
        }
        out.push(matched);
    }
    if let Some(lead) = lead {
        let behind = |one: &&mut IntentMatch| sure != Some(one.intent.as_str());
        for one in out.iter_mut().filter(behind) {
            one.confidence = one.confidence.min(lead * BEHIND_SHARE);
        }
    }
    out.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    out
}

/// `true` if nothing but digits was said.
fn is_number(tables: &LanguageTables, reading: &Reading) -> bool {
    let numbers = Numbers { words: &tables.slots.numbers, reading };
    let covered: usize = numbers.digit_runs(true).iter().map(|run| run.end - run.start).sum();
    covered == reading.len()
}

/// What the classifier alone says of a reading.
pub fn judge(tables: &LanguageTables, reading: &Reading) -> Judgement {
    tables.classifier.judge_with(&words(reading), tables.vector(reading).as_ref(), |_| 0.0)
}

/// The example of `intent` that means nearly the same.
fn closest(tables: &LanguageTables, vector: &Vector, intent: &str) -> Option<Reason> {
    let (text, likeness) = tables.classifier.nearest(vector, intent)?;
    let told = || Reason::new(format!("close to the example «{text}» ({likeness:.2})"));
    (likeness >= CLOSE_MIN).then(told)
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

/// What the rules say of one intent.
struct Evidence {
    /// 0 to 1.
    confidence: f32,
    reasons: Vec<Reason>,
    /// The caller takes back what speaks for it ("not about…").
    denied: bool,
    /// A rule says that it is another intent.
    opposed: bool,
}

/// The words of a reading, as the classifier learned them.
pub fn words(reading: &Reading) -> Vec<&str> {
    reading.tokens.iter().map(|token| token.norm.as_str()).collect()
}

fn evidence(
    tables: &LanguageTables,
    reading: &Reading,
    intent: &Intent,
    negated: &[Found],
) -> Evidence {
    let matcher = tables.matcher(reading);
    if intent.negations.iter().any(|pattern| matcher.find(pattern).is_some()) {
        return Evidence { confidence: 0.0, reasons: Vec::new(), denied: false, opposed: true };
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
    let phrase = intent
        .phrases
        .iter()
        .filter_map(|(pattern, worth)| {
            let hit = found(pattern)?;
            let full = (worth + WORD_WORTH * hit.matched as f32).min(PHRASE_CONFIDENCE_MAX);
            Some((full * hit.quality, hit))
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
    Evidence { confidence: 1.0 - rest, reasons, denied: taken_back, opposed: false }
}

/// How far the rules move `intent` for the classifier.
fn pull(intent: &Intent, found: &Evidence) -> f32 {
    if found.denied {
        DENIED_PULL
    } else if found.opposed {
        OPPOSED_PULL
    } else if found.confidence >= intent.threshold {
        RULES_PULL * found.confidence
    } else {
        0.0
    }
}

/// The rules' word and the classifier's together; nothing where both are weak.
fn weigh(intent: &Intent, found: Evidence, opinion: f32, is_best: bool) -> Option<IntentMatch> {
    let Evidence { confidence, mut reasons, denied, opposed } = found;
    if opposed && !(is_best && opinion >= OPPOSED_MIN) {
        return None;
    }
    let mut rest = 1.0 - confidence;
    if opinion >= CLASSIFIER_MIN && !denied {
        rest *= 1.0 - CLASSIFIER_SHARE * opinion;
        reasons.push(Reason::new(format!("resembles the examples {opinion:.2}")));
    }
    let confidence = (1.0 - rest).clamp(0.0, 0.99);
    let counts = confidence >= intent.threshold || is_best;
    (counts && !reasons.is_empty()).then(|| IntentMatch {
        intent: intent.id.clone(),
        confidence,
        reasons,
    })
}
