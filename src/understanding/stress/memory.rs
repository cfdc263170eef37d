//! What is remembered of one caller from turn to turn: pace, level, stress, words, digits.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::civil::Date;

use crate::base::limits::FOLLOWS_MS;
use crate::base::moment::Moment;
use crate::base::utterance::Utterance;

/// Turns whose mean is the caller's own pace and level.
const OWN_TURNS: u32 = 3;
/// Turns with which a new one is compared.
const TURNS_COMPARED_MAX: usize = 8;
/// Content words below which two turns are not compared, and the share that they must have in
/// common.
const SAME_WORDS_MIN: usize = 3;
const SAME_SHARE_MIN: f32 = 0.75;
/// Digits remembered over turns, to see a card number said in pieces.
const DIGITS_KEPT_MAX: usize = 18;

/// One caller's memory; lives as long as the call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// The day of the call where the service stands; without it "tomorrow" means nothing.
    pub today: Option<Date>,
    pace: Mean,
    level: Mean,
    score: Option<f32>,
    interruptions: u32,
    turns: VecDeque<BTreeSet<String>>,
    digits: String,
    /// When the turn began that `digits` begin in.
    digits_from: Option<Moment>,
    /// The last turn, and when it ended.
    last: Option<(String, Moment)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    sum: f32,
    count: u32,
}

impl Mean {
    fn get(self) -> Option<f32> {
        (self.count > 0).then(|| self.sum / self.count as f32)
    }

    fn add(&mut self, value: f32) {
        if self.count < OWN_TURNS {
            self.sum += value;
            self.count += 1;
        }
    }
}

impl Memory {
    pub fn new(today: Date) -> Self {
        Self { today: Some(today), ..Self::default() }
    }

    /// Mean of the caller's first measured turns; `None` before the first.
    pub fn own_pace(&self) -> Option<f32> {
        self.pace.get()
    }

    pub fn own_level(&self) -> Option<f32> {
        self.level.get()
    }

    /// The smoothed stress so far.
    pub fn score(&self) -> f32 {
        self.score.unwrap_or(0.0)
    }

    pub(super) fn note_pace(&mut self, pace: f32) {
        self.pace.add(pace);
    }

    pub(super) fn note_level(&mut self, level_dbfs: f32) {
        self.level.add(level_dbfs);
    }

    pub(super) fn smooth(&mut self, turn: f32, rise: f32, fall: f32) -> f32 {
        let score = match self.score {
            None => turn,
            Some(old) => {
                let share = if turn > old { rise } else { fall }.clamp(0.0, 1.0);
                old + (turn - old) * share
            }
        };
        self.score = Some(score);
        score
    }

    /// Counts prompts spoken over in a row.
    pub(super) fn note_interruption(&mut self, interrupted: bool) -> u32 {
        self.interruptions = if interrupted { self.interruptions.saturating_add(1) } else { 0 };
        self.interruptions
    }

    pub(super) fn note_words(&mut self, words: BTreeSet<String>, short_answer: bool) {
        if short_answer || words.len() < SAME_WORDS_MIN {
            return;
        }
        self.turns.push_back(words);
        while self.turns.len() > TURNS_COMPARED_MAX {
            self.turns.pop_front();
        }
    }

    pub(super) fn said_before(&self, words: &BTreeSet<String>) -> bool {
        words.len() >= SAME_WORDS_MIN
            && self.turns.iter().any(|earlier| {
                let common = earlier.intersection(words).count() as f32;
                let all = earlier.union(words).count().max(1) as f32;
                common / all >= SAME_SHARE_MIN
            })
    }

    /// The last turn with `utterance` behind it, where that may be the rest of its sentence.
    pub(crate) fn continued(&self, utterance: &Utterance) -> Option<String> {
        let (text, ended) = self.last.as_ref()?;
        let within = Duration::from_millis(FOLLOWS_MS);
        let soon = utterance.began >= *ended && utterance.began.since(*ended) <= within;
        let open = text.trim_end_matches(['.', '!', '?', '。', '！', '？']);
        soon.then(|| format!("{open} {}", utterance.text))
    }

    /// What the next turn may continue.
    pub(crate) fn note_text(&mut self, text: &str, ended: Moment) {
        self.last = Some((text.to_owned(), ended));
    }

    /// Keeps the digits that a turn of other words ends with: more may follow.
    pub(crate) fn begin_digits(&mut self, digits: &str, began: Moment) {
        self.digits = digits.to_owned();
        self.digits_from = Some(began).filter(|_| !digits.is_empty());
    }

    /// Joins the digits of a turn made of little else to those before, for a card number that is
    /// said in pieces; returned with the beginning of its first turn.
    pub(crate) fn join_digits(&mut self, digits: &str, began: Moment) -> (String, Moment) {
        let joined = format!("{}{digits}", self.digits);
        let cut = joined.len().saturating_sub(DIGITS_KEPT_MAX);
        self.digits = joined.get(cut..).unwrap_or_default().to_owned();
        (joined, *self.digits_from.get_or_insert(began))
    }

    /// A card number was complete: the next digits belong to something else.
    pub(crate) fn forget_digits(&mut self) {
        self.digits.clear();
        self.digits_from = None;
    }
}
