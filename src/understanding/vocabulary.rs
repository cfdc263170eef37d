//! The words that the tables know, numbered, and the reading of an utterance in those numbers.
//! A word that no table knows is compared with those that sound or are written alike, so that a
//! slip of the recogniser ("refond") does not lose the sentence.

use std::collections::{HashMap, HashSet};

use super::stem::{Stemmer, distance, sound_key};
use super::text::{Spelling, Token, tokens};

/// Number of a word of the tables, by its common form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WordId(pub u32);

/// How sure the reading of a misspelled word is.
const ALIKE_QUALITY: f32 = 0.75;
/// Shorter words are never guessed.
const GUESSED_LETTERS_MIN: usize = 5;

/// All words of one language's tables.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    pub spelling: Spelling,
    pub stemmer: Stemmer,
    ids: HashMap<String, WordId>,
    /// Whole words that may be guessed at, with their sound.
    written: Vec<(String, Option<String>, WordId)>,
    /// Those words, to be found at once.
    guessed: HashSet<String>,
    /// Common words that mean themselves and are never taken for another.
    known: HashSet<String>,
    fillers: HashSet<String>,
}

/// An utterance in numbers: its words without fillers, and which table words each may be.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub tokens: Vec<Token>,
    /// The words as they were written, without fillers.
    pub plain: String,
    ids: Vec<Option<(WordId, f32)>>,
    /// `true` if the last word said was a filler ("um").
    pub ends_in_filler: bool,
}

impl Vocabulary {
    pub fn new(spelling: Spelling, stemmer: Stemmer) -> Self {
        Self { spelling, stemmer, ..Self::default() }
    }

    /// Cuts words of a table as an utterance would be cut.
    pub fn cut(&self, text: &str) -> Vec<String> {
        tokens(text, &self.spelling).into_iter().map(|token| token.norm).collect()
    }

    /// The number of `word`, which becomes known if it was not.
    pub fn intern(&mut self, word: &str) -> WordId {
        let stem = self.stemmer.stem(word);
        let next = WordId(self.ids.len() as u32);
        let id = *self.ids.entry(stem).or_insert(next);
        let guessable = word.is_ascii() && word.len() >= GUESSED_LETTERS_MIN;
        if guessable && self.guessed.insert(word.to_owned()) {
            self.written.push((word.to_owned(), sound_key(word), id));
        }
        id
    }

    pub fn add_known(&mut self, word: &str) {
        let stem = self.stemmer.stem(word);
        self.known.insert(stem);
    }

    pub fn add_filler(&mut self, word: &str) {
        self.fillers.insert(word.to_owned());
    }

    pub fn id(&self, word: &str) -> Option<WordId> {
        self.ids.get(&self.stemmer.stem(word)).copied()
    }

    /// `true` if the word is one of the tables' or of the common ones.
    pub fn knows(&self, word: &str) -> bool {
        let stem = self.stemmer.stem(word);
        self.ids.contains_key(&stem) || self.known.contains(&stem)
    }

    pub fn read(&self, text: &str) -> Reading {
        let mut reading = self.words_of(text);
        reading.ids = reading.tokens.iter().map(|token| self.recognise(&token.norm)).collect();
        reading
    }

    /// The words alone, without looking for those of the tables among them.
    pub fn words_of(&self, text: &str) -> Reading {
        let mut reading = Reading::default();
        for token in tokens(text, &self.spelling) {
            reading.ends_in_filler = self.fillers.contains(&token.norm);
            if reading.ends_in_filler {
                if let Some(last) = reading.tokens.last_mut() {
                    last.clause_end |= token.clause_end;
                    last.sentence_end |= token.sentence_end;
                }
                continue;
            }
            if !reading.plain.is_empty() {
                reading.plain.push(' ');
            }
            reading.plain.push_str(text.get(token.start..token.end).unwrap_or(&token.norm));
            reading.tokens.push(token);
        }
        reading
    }

    fn recognise(&self, word: &str) -> Option<(WordId, f32)> {
        let stem = self.stemmer.stem(word);
        if let Some(id) = self.ids.get(&stem) {
            return Some((*id, 1.0));
        }
        let letters = word.chars().count();
        if letters < GUESSED_LETTERS_MIN || !word.is_ascii() || self.known.contains(&stem) {
            return None;
        }
        let edits = if letters >= 8 { 2 } else { 1 };
        let sound = sound_key(word);
        self.written
            .iter()
            .filter_map(|(known, key, id)| {
                let edits = edits.min(if known.len() >= 8 { 2 } else { 1 });
                let far = distance(word, known, edits + 1)?;
                let alike = far <= edits || (sound.is_some() && sound == *key);
                alike.then_some((far, *id))
            })
            .min()
            .map(|(_, id)| (id, ALIKE_QUALITY))
    }
}

impl Reading {
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The table word at `place`, with how sure that is.
    pub fn word(&self, place: usize) -> Option<(WordId, f32)> {
        self.ids.get(place).copied().flatten()
    }

    pub fn token(&self, place: usize) -> Option<&Token> {
        self.tokens.get(place)
    }

    pub fn norm(&self, place: usize) -> &str {
        self.tokens.get(place).map_or("", |token| token.norm.as_str())
    }

    /// The source words from token `from` to before token `to`.
    pub fn source<'t>(&self, text: &'t str, from: usize, to: usize) -> &'t str {
        let start = self.tokens.get(from).map_or(text.len(), |token| token.start);
        let last = to.checked_sub(1).and_then(|place| self.tokens.get(place));
        let end = last.map_or(start, |token| token.end).max(start);
        text.get(start..end).unwrap_or_default()
    }

    /// The words from token `from` to before token `to` as a reason shows them: as they were
    /// heard, digits hidden, for reasons travel further than transcripts.
    pub fn said(&self, from: usize, to: usize) -> String {
        let mut said = String::new();
        for token in self.tokens.iter().take(to).skip(from) {
            let han = token.norm.chars().all(super::text::is_han);
            if !said.is_empty() && !han {
                said.push(' ');
            }
            match token.is_digits() {
                true => said.push('#'),
                false => said.push_str(&token.norm),
            }
        }
        said
    }

    /// `true` if a clause ends between `from` and `to` (at the end of a word before `to`).
    pub fn broken_between(&self, from: usize, to: usize) -> bool {
        self.tokens.iter().take(to.saturating_sub(1)).skip(from).any(|token| token.clause_end)
    }
}
