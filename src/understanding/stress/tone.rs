//! Negative words and swearing, with intensifiers and negation ("not bad", "not happy").

use std::collections::BTreeSet;

use crate::base::moment::Moment;
use crate::understanding::outcome::WordHit;
use crate::understanding::pattern::Found;
use crate::understanding::tables::LanguageTables;
use crate::understanding::vocabulary::Reading;

/// Words between a negation or an intensifier and the word that it changes.
const REACH: usize = 3;
/// What a negated good word weighs ("not happy").
const NEGATED_GOOD: f32 = 0.6;

/// All negative words, negations already taken into account.
pub fn negative(tables: &LanguageTables, reading: &Reading, at: Moment) -> Vec<WordHit> {
    let table = &tables.stress;
    let matcher = tables.matcher(reading);
    let never: Vec<Found> = table.never.iter().flat_map(|one| matcher.find_all(one)).collect();
    let mut hits: Vec<(Found, WordHit)> = Vec::new();
    for word in &table.negative {
        for found in matcher.find_all(&word.pattern) {
            let excluded = never.iter().any(|other| other.overlaps(&found));
            if excluded || is_negated(tables, reading, found.start) || found.quality < 0.99 {
                continue;
            }
            let weight = (word.weight * intensity(tables, reading, found.start)).min(1.0);
            let phrase = reading.said(found.start, found.end);
            hits.push((found, WordHit { at, phrase, group: word.group.clone(), weight }));
        }
    }
    for pattern in &table.positive {
        for found in matcher.find_all(pattern) {
            let excluded = never.iter().any(|other| other.overlaps(&found));
            if !excluded && is_negated(tables, reading, found.start) {
                let phrase = format!("not {}", reading.said(found.start, found.end));
                let group = "negative".to_owned();
                hits.push((found, WordHit { at, phrase, group, weight: NEGATED_GOOD }));
            }
        }
    }
    // The longest phrase wins where several cover the same words.
    hits.sort_by_key(|(found, _)| std::cmp::Reverse(found.end - found.start));
    let mut kept: Vec<(Found, WordHit)> = Vec::new();
    for (found, hit) in hits {
        if !kept.iter().any(|(other, _)| other.overlaps(&found)) {
            kept.push((found, hit));
        }
    }
    kept.sort_by_key(|(found, _)| found.start);
    kept.into_iter().map(|(_, hit)| hit).collect()
}

/// `true` if a negation stands before word `start`, with nothing but small words between.
fn is_negated(tables: &LanguageTables, reading: &Reading, start: usize) -> bool {
    let table = &tables.stress;
    for back in 1..=REACH {
        let Some(at) = start.checked_sub(back) else { return false };
        if reading.token(at).is_some_and(|token| token.clause_end) {
            return false;
        }
        let word = reading.norm(at);
        if table.negators.contains(word) {
            return true;
        }
        if !table.between.contains(word) && !table.intensifiers.contains_key(word) {
            return false;
        }
    }
    false
}

fn intensity(tables: &LanguageTables, reading: &Reading, start: usize) -> f32 {
    let mut out = 1.0;
    for back in 1..=2 {
        let before = start.checked_sub(back).map(|at| reading.norm(at));
        if let Some(by) = before.and_then(|word| tables.stress.intensifiers.get(word)) {
            out *= by;
        }
    }
    out
}

/// The words of a turn that carry it, for comparison with other turns.
pub fn content(tables: &LanguageTables, reading: &Reading) -> BTreeSet<String> {
    reading
        .tokens
        .iter()
        .filter(|token| !tables.function_words.contains(&token.norm))
        .map(|token| tables.words.stemmer.stem(&token.norm))
        .collect()
}
