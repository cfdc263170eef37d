//! Last words: a sentence may end with a word that sentences seldom end with ("where my order
//! is"), and a caller who pauses at such a word has mostly not finished ("where is"). How many
//! whole sentences are held for long, and how many cut at such a word are not; beside both if the
//! last word alone decides.

use warmline::base::language::Language;
use warmline::understanding::outcome::Expecting;
use warmline::understanding::{Completeness, Tables, Understander};

use super::sets::Sentence;

/// Of a larger set, every so many-eth sentence is taken.
const SENTENCES_MAX: usize = 2_000;

/// Counts how the sentences of `list` end, whole and cut after each of their words.
pub fn measure(name: &str, list: &[Sentence]) {
    let tables = Tables::embedded();
    let understander = Understander::new(tables.clone());
    let english = Language::english();
    let Some(words) = tables.language(&english) else { return };
    let dangles = |text: &str| {
        let reading = words.words.read(text);
        reading.tokens.last().is_some_and(|last| words.dangling.contains(&last.norm))
    };
    let waits = |text: &str| {
        understander.completeness(text, &english, &Expecting::Anything) == Completeness::Unfinished
    };
    let step = (list.len() / SENTENCES_MAX).max(1);
    let [mut whole, mut by_word, mut held] = [0; 3];
    let [mut cut, mut let_go] = [0; 2];
    for (_, text) in list.iter().step_by(step) {
        whole += 1;
        by_word += u32::from(dangles(text));
        held += u32::from(dangles(text) && waits(text));
        let blanks: Vec<usize> = text.match_indices(' ').map(|(place, _)| place).collect();
        for part in blanks.iter().map(|place| &text[..*place]).filter(|part| dangles(part)) {
            cut += 1;
            let_go += u32::from(!waits(part));
        }
    }
    let share = |part: u32, all: u32| 100.0 * f64::from(part) / f64::from(all.max(1));
    println!(
        "last words, {name}: whole sentences held for long {:.2} % of {whole} (by the last word \
         alone {:.2} %); of {cut} cut at such a word {:.2} % let go",
        share(held, whole),
        share(by_word, whole),
        share(let_go, cut),
    );
}
