//! In which language a text is written: by script, then by its small words.

use crate::base::language::Language;

use super::tables::Tables;
use super::text::is_han;

/// The language of `text` among those of the tables; `usual` where the text does not tell.
pub fn guess(tables: &Tables, text: &str, usual: &Language) -> Language {
    let han = text.chars().filter(|sign| is_han(*sign)).count();
    let letters = text.chars().filter(|sign| sign.is_alphabetic() && !is_han(*sign)).count();
    let mandarin = Language::mandarin();
    // A Han sign says about as much as three letters.
    if han * 3 > letters && tables.language(&mandarin).is_some() {
        return mandarin;
    }
    let score = |language: &Language| {
        tables.language(language).map_or(0, |tables| {
            let reading = tables.words.read(text);
            let small = |word: &str| tables.function_words.contains(word);
            reading.tokens.iter().filter(|token| small(&token.norm)).count()
        })
    };
    let mut best = (usual.clone(), score(usual));
    for other in tables.languages().filter(|other| other.language != *usual) {
        let points = score(&other.language);
        if points >= best.1 + 2 {
            best = (other.language.clone(), points);
        }
    }
    // Latin letters only, in a call that was Chinese so far.
    if best.0 == mandarin && han == 0 && letters >= 4 {
        let english = Language::english();
        if tables.language(&english).is_some() && score(&english) > 0 {
            return english;
        }
    }
    best.0
}
