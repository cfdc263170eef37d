//! In which language a text is written: by script, then by its small words.

use crate::base::language::Language;

use super::script::Script;
use super::tables::{LanguageTables, Tables};

/// Small words more than the usual language's that make another of its script the likelier one.
const SMALL_WORDS_MORE: usize = 2;
/// Latin letters that are more than a borrowed "OK".
const LETTERS_MIN: usize = 4;

/// The language of `text` among those of the tables; `usual` where the text does not tell.
pub fn guess(tables: &Tables, text: &str, usual: &Language) -> Language {
    let Some(script) = Script::most(text) else { return usual.clone() };
    let others = tables.languages().filter(|one| one.script == script && one.language != *usual);
    let scored = others.map(|one| (small_words(one, text), one));
    // Of several as good, the first.
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    let Some((points, other)) = best else { return usual.clone() };
    let own = tables.language(usual);
    let mixed = own.is_none_or(|own| text.chars().any(|sign| Script::of(sign) == Some(own.script)));
    let latin = script == Script::Latin;
    let wanted = if (latin && mixed) || own.is_some_and(|own| own.script == script) {
        own.map_or(0, |own| small_words(own, text)) + SMALL_WORDS_MORE
    } else {
        // Latin letters stand in every language's texts: a small word must speak for them.
        usize::from(latin)
    };
    let letters = text.chars().filter(|sign| Script::of(*sign) == Some(script)).count();
    let told = !latin || letters >= LETTERS_MIN;
    if told && points >= wanted { other.language.clone() } else { usual.clone() }
}

fn small_words(tables: &LanguageTables, text: &str) -> usize {
    let reading = tables.words.words_of(text);
    let small = |word: &str| tables.function_words.contains(word);
    reading.tokens.iter().filter(|token| small(&token.norm)).count()
}
