//! A card number in the turns of a call: said at once, or in pieces.

use crate::base::moment::Moment;

use super::card_number::find_card;
use super::number::Numbers;
use super::stress::memory::Memory;
use super::tables::LanguageTables;
use super::vocabulary::Reading;

/// A turn with at most this share of other words is "mostly digits".
const OTHER_WORDS_SHARE_MAX: f32 = 0.34;

/// What a turn tells of a card.
pub(super) struct Card {
    /// When the turn began that the number begins in, if one is whole now.
    pub began: Option<Moment>,
    pub mostly_digits: bool,
}

/// Looks for a card number in the turn that began at `began`, alone or with the turns before.
pub(super) fn card(
    tables: &LanguageTables,
    reading: &Reading,
    began: Moment,
    memory: &mut Memory,
) -> Card {
    let numbers = Numbers { words: &tables.slots.numbers, reading };
    let runs = numbers.digit_runs(false);
    let covered: usize = runs.iter().map(|run| run.end - run.start).sum();
    let others = reading.len().saturating_sub(covered) as f32;
    let mostly_digits = covered > 0 && others <= reading.len() as f32 * OTHER_WORDS_SHARE_MAX;
    let here = runs.iter().any(|run| find_card(&run.digits).is_some());
    let digits: String = runs.iter().map(|run| run.digits.as_str()).collect();
    if !mostly_digits {
        // "My card is four one one one", and the rest after a breath.
        let last = runs.last().filter(|run| run.end >= reading.len());
        memory.begin_digits(last.map_or("", |run| run.digits.as_str()), began);
        if here {
            memory.forget_digits();
        }
        return Card { began: here.then_some(began), mostly_digits };
    }
    let (joined, from) = memory.join_digits(&digits, began);
    let whole = find_card(&joined).is_some();
    if here || whole {
        memory.forget_digits();
    }
    let began = if here { Some(began) } else { whole.then_some(from) };
    Card { began, mostly_digits }
}
