//! Text to the numbers of word pieces, as BERT's uncased tokenizer cuts it: lower case, accents
//! dropped, signs apart, then the longest known piece from the left.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::EmbedFault;

/// Largest tokenizer file, bytes.
const FILE_BYTES_MAX: usize = 8 << 20;
/// Pieces of one vocabulary.
const PIECES_MAX: usize = 200_000;
/// Letters of one word; a longer one is unknown.
const LETTERS_MAX: usize = 100;
/// Characters of a text that are looked at.
const TEXT_CHARS_MAX: usize = 8_000;
/// Marks a piece that goes on within a word.
const INSIDE: &str = "##";

pub(super) struct WordPieces {
    ids: HashMap<String, u32>,
    /// Begins a text, ends it, stands for what is unknown.
    begin: u32,
    end: u32,
    unknown: u32,
}

#[derive(Deserialize)]
struct File {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, u32>,
}

impl WordPieces {
    pub fn from_json(bytes: &[u8]) -> Result<Self, EmbedFault> {
        let bad = EmbedFault::Tokenizer;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(bad(format!("{} bytes, expected at most {FILE_BYTES_MAX}", bytes.len())));
        }
        let file: File = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let ids = file.model.vocab;
        if ids.is_empty() || ids.len() > PIECES_MAX {
            return Err(bad(format!("{} pieces, expected 1 to {PIECES_MAX}", ids.len())));
        }
        if ids.values().any(|id| *id as usize >= ids.len()) {
            return Err(bad("pieces that are not numbered one by one".into()));
        }
        let named = |name: &str| {
            let id = ids.get(name).copied();
            id.ok_or_else(|| bad(format!("no piece {name}")))
        };
        let (begin, end, unknown) = (named("[CLS]")?, named("[SEP]")?, named("[UNK]")?);
        Ok(Self { begin, end, unknown, ids })
    }

    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// The pieces of `text` between the signs of its beginning and end, at most `most` in all.
    pub fn ids(&self, text: &str, most: usize) -> Vec<u32> {
        let room = most.max(2) - 1;
        let mut out = vec![self.begin];
        let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
        for word in words(&text) {
            if out.len() >= room {
                break;
            }
            self.cut(&word, &mut out);
        }
        out.truncate(room);
        out.push(self.end);
        out
    }

    /// The longest known piece, then the longest of what is left; one that has none makes the
    /// whole word unknown.
    fn cut(&self, word: &str, out: &mut Vec<u32>) {
        let before = out.len();
        let mut rest = word;
        let mut piece = String::new();
        let letters = word.chars().count();
        while !rest.is_empty() && letters <= LETTERS_MAX {
            let mut ends = rest.char_indices().map(|(at, sign)| at + sign.len_utf8()).rev();
            let found = ends.find_map(|end| {
                let head = rest.get(..end)?;
                piece.clear();
                if rest.len() < word.len() {
                    piece.push_str(INSIDE);
                }
                piece.push_str(head);
                Some((*self.ids.get(&piece)?, end))
            });
            let Some((id, end)) = found else { break };
            out.push(id);
            rest = rest.get(end..).unwrap_or_default();
        }
        if !rest.is_empty() {
            out.truncate(before);
            out.push(self.unknown);
        }
    }
}

/// Lower-case words without accents; each sign and each Han character is a word.
fn words(text: &str) -> Vec<String> {
    let plain = text.nfd().filter(|sign| !is_combining_mark(*sign)).flat_map(char::to_lowercase);
    let mut out = vec![String::new()];
    for sign in plain {
        let alone = is_punctuation(sign) || crate::understanding::text::is_han(sign);
        if alone || sign.is_whitespace() {
            out.push(String::new());
        }
        if sign.is_whitespace() || sign.is_control() || sign == '\u{fffd}' {
            continue;
        }
        if let Some(word) = out.last_mut() {
            word.push(sign);
        }
        if alone {
            out.push(String::new());
        }
    }
    out.retain(|word| !word.is_empty());
    out
}

/// ASCII's signs, and the blocks of signs that texts of callers hold beside them.
fn is_punctuation(sign: char) -> bool {
    sign.is_ascii_punctuation()
        || matches!(
            sign,
            '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}'
        )
        || matches!(sign, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}')
        || matches!(sign, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
        || matches!(sign, '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}')
}
