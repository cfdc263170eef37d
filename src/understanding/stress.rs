//! How tense a caller sounds: pace and loudness against the caller's own first turns, negative
//! and urgent words, repetition, interruption. Every part is shown with its reason.

pub mod memory;
pub mod syllable;
pub mod tone;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use crate::base::reason::Reason;
use crate::base::utterance::Utterance;

use super::number::Numbers;
use super::outcome::{Stress, StressLevel, StressPart, WordHit};
use super::pattern::Pattern;
use super::tables::LanguageTables;
use super::vocabulary::Reading;
use memory::Memory;

/// Voice shorter than this, or fewer syllables, measure no pace.
const VOICED_MS_MIN: u64 = 700;
const SYLLABLES_MIN: u32 = 4;

/// Names one number of `[weights]` after its field.
macro_rules! weights {
    ($($(#[$doc:meta])* $name:ident = $value:literal),* $(,)?) => {
        /// The numbers of `[weights]` in `stress.toml`.
        #[derive(Clone, Debug, PartialEq)]
        pub struct StressWeights { $($(#[$doc])* pub $name: f32),* }

        impl Default for StressWeights {
            fn default() -> Self {
                Self { $($name: $value),* }
            }
        }

        impl StressWeights {
            /// Every number by its name in the table.
            pub fn by_name(&mut self) -> Vec<(&'static str, &mut f32)> {
                vec![$((stringify!($name), &mut self.$name)),*]
            }
        }
    };
}

weights! {
    /// The language's mean pace and its spread between people, syllables a second.
    pace_mean = 4.9,
    pace_spread = 0.9,
    /// Faster than the own pace by this is nothing yet, syllables a second.
    own_pace_free = 0.6,
    /// What each further syllable a second adds, and the most.
    own_pace_adds = 0.2,
    own_pace_max = 0.34,
    /// What each spread above the language's mean adds beyond one, and the most.
    mean_pace_adds = 0.05,
    mean_pace_max = 0.1,
    /// Louder than the own level by this is nothing yet, dB; what each further dB adds; the most.
    loud_free_db = 3.0,
    loud_adds = 0.03,
    loud_max = 0.25,
    /// What a negative word of weight 1 adds, and the most that all do.
    negative_adds = 0.42,
    negative_max = 0.75,
    urgent_adds = 0.15,
    urgent_max = 0.3,
    danger_adds = 0.5,
    /// "I already told you", and the same said again.
    repetition_adds = 0.25,
    same_again_adds = 0.15,
    /// Each time a word is said at once again ("please please", "wrong wrong wrong"), and the most.
    word_again_adds = 0.09,
    word_again_max = 0.24,
    interruption_adds = 0.08,
    interruption_max = 0.2,
    /// The share of a new turn in the smoothed score, when it is above or below the score.
    rise = 0.75,
    fall = 0.4,
    /// From which score a caller counts as raised, and as high.
    raised = 0.3,
    high = 0.6,
}

/// A negative word of the table.
#[derive(Clone, Debug)]
pub struct WordWeight {
    pub pattern: Pattern,
    pub weight: f32,
    /// `negative` or `swearing`.
    pub group: String,
}

/// What a language's `stress.toml` says.
#[derive(Clone, Debug, Default)]
pub struct StressTable {
    pub weights: StressWeights,
    pub negative: Vec<WordWeight>,
    /// Good words: negative when negated ("not happy").
    pub positive: Vec<Pattern>,
    /// Covers negative words that are none ("problem" in "no problem").
    pub never: Vec<Pattern>,
    pub negators: HashSet<String>,
    /// Words that may stand between a negation and its word ("not very").
    pub between: HashSet<String>,
    pub intensifiers: HashMap<String, f32>,
    pub repetition: Vec<Pattern>,
    /// Syllables of words that the counter gets wrong.
    pub syllables: HashMap<String, u32>,
    /// Chinese: one sign is one syllable.
    pub by_sign: bool,
    /// "syllables/s", "characters/s".
    pub unit: String,
}

/// What was found in the words of this turn, for the score.
pub struct Signs<'s> {
    pub negative: &'s [WordHit],
    pub urgent: &'s [WordHit],
    pub danger: Option<&'s WordHit>,
    /// The dialogue asked for digits or yes or no: saying the same again is no complaint.
    pub short_answer: bool,
}

/// Scores one turn and takes it into the caller's memory.
pub fn stress(
    tables: &LanguageTables,
    utterance: &Utterance,
    reading: &Reading,
    signs: &Signs<'_>,
    memory: &mut Memory,
) -> Stress {
    let table = &tables.stress;
    let syllables = syllable::count(&utterance.text, table);
    let measured = utterance.voiced_ms >= VOICED_MS_MIN && syllables >= SYLLABLES_MIN;
    let pace = measured.then(|| syllables as f32 * 1_000.0 / utterance.voiced_ms as f32);
    let mut parts = Vec::new();
    if let Some(pace) = pace {
        parts.extend(pace_part(table, pace, memory));
        memory.note_pace(pace);
    }
    if utterance.voiced_ms >= VOICED_MS_MIN && utterance.level_dbfs.is_finite() {
        parts.extend(loudness_part(table, utterance.level_dbfs, memory));
        memory.note_level(utterance.level_dbfs);
    }
    parts.extend(word_parts(table, signs));
    parts.extend(repetition_part(tables, reading, signs, memory));
    parts.extend(word_again_part(tables, reading));
    parts.extend(interruption_part(table, utterance, memory));
    memory.note_words(tone::content(tables, reading), signs.short_answer);
    // Not `sum`, which begins at −0 and so shows "-0.00" of a calm caller.
    let turn = parts.iter().fold(0.0, |sum, part: &StressPart| sum + part.adds).clamp(0.0, 1.0);
    let score = memory.smooth(turn, table.weights.rise, table.weights.fall);
    let level = if score >= table.weights.high {
        StressLevel::High
    } else if score >= table.weights.raised {
        StressLevel::Raised
    } else {
        StressLevel::Calm
    };
    Stress { turn, score, level, parts, syllables_per_s: pace }
}

fn part(name: &str, adds: f32, reason: String) -> Option<StressPart> {
    (adds >= 0.005).then(|| StressPart { name: name.into(), adds, reason: Reason::new(reason) })
}

fn pace_part(table: &StressTable, pace: f32, memory: &Memory) -> Option<StressPart> {
    let weights = &table.weights;
    let unit = &table.unit;
    if let Some(own) = memory.own_pace() {
        let above = pace - own;
        let adds = ((above - weights.own_pace_free) * weights.own_pace_adds)
            .clamp(0.0, weights.own_pace_max);
        let reason = format!("{pace:.1} {unit}, {above:.1} above this caller's own pace");
        return part("rate", adds, reason);
    }
    let above = pace - weights.pace_mean;
    let spreads = above / weights.pace_spread.max(0.1) - 1.0;
    let adds = (spreads * weights.mean_pace_adds).clamp(0.0, weights.mean_pace_max);
    part("rate", adds, format!("{pace:.1} {unit}, {above:.1} above the language's mean"))
}

fn loudness_part(table: &StressTable, level_dbfs: f32, memory: &Memory) -> Option<StressPart> {
    let weights = &table.weights;
    let above = level_dbfs - memory.own_level()?;
    let adds = ((above - weights.loud_free_db) * weights.loud_adds).clamp(0.0, weights.loud_max);
    part("loudness", adds, format!("{above:.0} dB louder than this caller's own level"))
}

fn word_parts(table: &StressTable, signs: &Signs<'_>) -> Vec<StressPart> {
    let weights = &table.weights;
    let named = |hits: &[WordHit]| {
        let list: Vec<_> =
            hits.iter().map(|hit| format!("{} '{}'", hit.at.clock(), hit.phrase)).collect();
        list.join(", ")
    };
    let many = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let mut out = Vec::new();
    let sum: f32 = signs.negative.iter().map(|hit| hit.weight).sum();
    let adds = (sum * weights.negative_adds).min(weights.negative_max);
    let count = many(signs.negative.len(), "negative word");
    out.extend(part("negative", adds, format!("{count}: {}", named(signs.negative))));
    let sum: f32 = signs.urgent.iter().map(|hit| hit.weight).sum();
    let mut adds = (sum * weights.urgent_adds).min(weights.urgent_max);
    let mut hits = signs.urgent.to_vec();
    if let Some(danger) = signs.danger {
        adds += weights.danger_adds;
        hits.push(danger.clone());
    }
    let count = many(hits.len(), "urgent matter");
    out.extend(part("urgent", adds, format!("{count}: {}", named(&hits))));
    out
}

fn repetition_part(
    tables: &LanguageTables,
    reading: &Reading,
    signs: &Signs<'_>,
    memory: &Memory,
) -> Option<StressPart> {
    let table = &tables.stress;
    let matcher = tables.matcher(reading);
    if let Some(said) = table.repetition.iter().find(|one| matcher.find(one).is_some()) {
        let reason = format!("says that it was said before: '{}'", said.text);
        return part("repetition", table.weights.repetition_adds, reason);
    }
    let again = !signs.short_answer && memory.said_before(&tone::content(tables, reading));
    if again {
        let reason = "says the same again".to_owned();
        return part("repetition", table.weights.same_again_adds, reason);
    }
    None
}

/// The same word over and over: "wrong wrong wrong". Digits are said so by anybody.
fn word_again_part(tables: &LanguageTables, reading: &Reading) -> Option<StressPart> {
    let numbers = Numbers { words: &tables.slots.numbers, reading };
    let again: Vec<&str> = (1..reading.len())
        .filter(|at| reading.norm(*at) == reading.norm(at - 1) && numbers.word(*at).is_none())
        .filter(|at| !reading.token(*at).is_some_and(|token| token.is_digits()))
        .map(|at| reading.norm(at))
        .collect();
    let first = again.first()?;
    let weights = &tables.stress.weights;
    let adds = (weights.word_again_adds * again.len() as f32).min(weights.word_again_max);
    part("repetition", adds, format!("says '{first}' over and over"))
}

fn interruption_part(
    table: &StressTable,
    utterance: &Utterance,
    memory: &mut Memory,
) -> Option<StressPart> {
    let times = memory.note_interruption(utterance.over_prompt);
    if !utterance.over_prompt {
        return None;
    }
    let weights = &table.weights;
    let adds = (weights.interruption_adds * times as f32).min(weights.interruption_max);
    let reason = match times {
        1 => "spoke over the prompt".to_owned(),
        _ => format!("spoke over the prompt {times} times in a row"),
    };
    part("interruption", adds, reason)
}
