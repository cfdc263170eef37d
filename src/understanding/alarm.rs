//! Urgent matters and danger to life: phrases of the tables, with the exclusions that keep
//! "fire the technician" and "you're killing me" from ringing a bell.

use crate::base::moment::Moment;

use super::intent::{is_negated, negations};
use super::outcome::WordHit;
use super::tables::{Alarm, LanguageTables};
use super::vocabulary::Reading;

/// All groups of `alarms` that were said, at most one hit each.
pub fn alarms(
    tables: &LanguageTables,
    alarms: &[Alarm],
    reading: &Reading,
    at: Moment,
) -> Vec<WordHit> {
    let matcher = tables.matcher(reading);
    let negated = negations(tables, reading);
    alarms
        .iter()
        .filter_map(|alarm| {
            let never: Vec<_> = alarm.never.iter().flat_map(|one| matcher.find_all(one)).collect();
            let hit = alarm.phrases.iter().find_map(|pattern| {
                matcher.find_all(pattern).into_iter().find(|found| {
                    !never.iter().any(|other| other.overlaps(found))
                        && !is_negated(found, &negated, reading)
                        // A guessed word is not enough to speak of danger.
                        && (found.quality > 0.99 || found.matched > 1)
                })
            })?;
            Some(WordHit {
                at,
                phrase: reading.said(hit.start, hit.end),
                group: alarm.group.clone(),
                weight: alarm.weight,
            })
        })
        .collect()
}
