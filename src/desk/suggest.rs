//! Which answers of the knowledge table fit what the caller just said. Pure: the same words give
//! the same suggestions.

use crate::base::language::Language;
use crate::knowledge::Knowledge;
use crate::knowledge::connector::{fill, placeholders};

use super::wire::SuggestionNow;

/// Suggestions shown at once: more are not read while somebody talks.
const SHOWN_MAX: usize = 3;
/// A word shorter than this says too little.
const WORD_CHARS_MIN: usize = 4;
/// Words are the same if they begin alike: `deliver`, `delivery`, `delivered`.
const STEM_CHARS: usize = 5;

/// The best answers: that of the recognised intent first, then those that share most words with
/// what was said. An answer with a placeholder that `values` does not fill is left out.
pub fn suggest(
    knowledge: &Knowledge,
    language: &Language,
    said: &str,
    intent: Option<&str>,
    values: &[(String, String)],
) -> Vec<SuggestionNow> {
    let words = stems(said);
    let mut found: Vec<(usize, SuggestionNow)> = knowledge
        .answers(language)
        .filter_map(|(about, template)| {
            let shared = |text: &str| stems(text).iter().filter(|s| words.contains(s)).count();
            let score = match intent == Some(about) {
                true => usize::MAX,
                false => 2 * shared(&about.replace('_', " ")) + shared(template),
            };
            let whole =
                placeholders(template).iter().all(|name| values.iter().any(|(n, _)| n == name));
            (score >= 2 && whole).then(|| (score, suggestion(about, template, values)))
        })
        .collect();
    found.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.about.cmp(&other.about)));
    found.into_iter().take(SHOWN_MAX).map(|(_, suggestion)| suggestion).collect()
}

fn suggestion(about: &str, template: &str, values: &[(String, String)]) -> SuggestionNow {
    let text = fill(template, values, str::to_owned);
    let text = text.replace("<digits>", "").replace("</digits>", "");
    SuggestionNow { about: about.replace('_', " "), text }
}

/// Words as they are compared, each once.
fn stems(text: &str) -> Vec<String> {
    let mut stems: Vec<String> = text
        .split(|symbol: char| !symbol.is_alphanumeric())
        .filter(|word| word.chars().count() >= WORD_CHARS_MIN)
        .map(|word| word.to_lowercase().chars().take(STEM_CHARS).collect())
        .collect();
    stems.sort();
    stems.dedup();
    stems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(said: &str, intent: Option<&str>, values: &[(&str, &str)]) -> Vec<String> {
        let values: Vec<(String, String)> =
            values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let knowledge = Knowledge::embedded();
        let found = suggest(&knowledge, &Language::english(), said, intent, &values);
        found.into_iter().map(|suggestion| suggestion.about).collect()
    }

    #[test]
    fn the_intent_comes_first_and_shared_words_after_it() {
        assert_eq!(about("when are you open", Some("opening_hours"), &[]), ["opening hours"]);
        assert_eq!(about("can I send it back in its box", None, &[]), ["return item"]);
        assert_eq!(
            about("what does the delivery cost", Some("price_question"), &[]),
            ["price question"]
        );
        assert!(about("blah blah", None, &[]).is_empty());
    }

    #[test]
    fn an_answer_that_cannot_be_filled_is_not_offered() {
        assert!(about("where is it", Some("order_status"), &[]).is_empty());
        let known = [("number", "4217"), ("status", "is on its way"), ("arrives", "tomorrow")];
        assert_eq!(about("where is it", Some("order_status"), &known), ["order status"]);
    }
}
