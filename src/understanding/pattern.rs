//! The small language in which tables write phrases, and its matching against an utterance.
//!
//! Elements stand apart by blanks: `word` (any form of it), `word?` (may be missing), `a|b|c`
//! (one of them; `_` joins words inside one), `{class}` (a class of `[classes]`), `{n}` and the
//! like (a capture: number, month, weekday…), `*` (up to four words within a sentence), `^` and
//! `$` (begin and end of the utterance). Words of the `skip` list may stand between elements.

use std::collections::{HashMap, HashSet};

use super::vocabulary::{Reading, Vocabulary, WordId};

/// Words that `*` may stand for.
const GAP_WORDS_MAX: usize = 4;
/// Words of the skip list that may stand between two elements.
const SKIPPED_WORDS_MAX: usize = 3;
/// Elements of one pattern, and alternatives of one element with its classes.
const ELEMENTS_MAX: usize = 24;
const ALTERNATIVES_MAX: usize = 400;

/// What a number-like place in a pattern may hold; the slots room reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capture {
    /// Any whole number, in figures or words.
    Number,
    /// "third", "3rd", and plain numbers where a day may be one.
    Ordinal,
    Month,
    Weekday,
    /// day, week, month, year.
    Unit,
    /// "morning", "pm".
    Before,
    After,
}

#[derive(Clone, Debug)]
enum Alternative {
    Words(Vec<WordId>),
    Capture(Capture),
}

#[derive(Clone, Debug)]
enum Element {
    OneOf { alternatives: Vec<Alternative>, optional: bool },
    Gap,
    Begin,
    End,
}

/// One compiled phrase.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As written in the table.
    pub text: String,
    elements: Vec<Element>,
}

/// Where a pattern was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub start: usize,
    /// The word after the last one.
    pub end: usize,
    /// Elements that were matched by words (gaps and skipped words do not count).
    pub matched: usize,
    /// Product of how sure each word's reading is.
    pub quality: f32,
    pub captures: Vec<(Capture, usize, usize)>,
}

impl Found {
    pub fn overlaps(&self, other: &Found) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Reads captures: gives the word after the longest reading of `capture` that begins at `place`.
pub type CaptureReader<'r> = &'r dyn Fn(Capture, usize) -> Option<usize>;

/// Reads no capture at all.
pub fn no_captures(_: Capture, _: usize) -> Option<usize> {
    None
}

/// What patterns are compiled against.
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    /// Class name → its members, each a written sequence of words.
    pub classes: HashMap<String, Vec<String>>,
}

impl Compiler {
    /// Compiles `text`; the error says what was expected.
    pub fn compile(&self, text: &str, words: &mut Vocabulary) -> Result<Pattern, String> {
        let mut elements = Vec::new();
        for part in text.split_whitespace() {
            match part {
                "*" => elements.push(Element::Gap),
                "^" => elements.push(Element::Begin),
                "$" => elements.push(Element::End),
                _ => elements.push(self.element(part, words)?),
            }
        }
        let solid = elements
            .iter()
            .any(|element| matches!(element, Element::OneOf { optional, .. } if !optional));
        if !solid {
            return Err("a phrase with at least one word that may not be missing".into());
        }
        if elements.len() > ELEMENTS_MAX {
            return Err(format!("a phrase of at most {ELEMENTS_MAX} elements"));
        }
        Ok(Pattern { text: text.to_owned(), elements })
    }

    fn element(&self, part: &str, words: &mut Vocabulary) -> Result<Element, String> {
        let optional = part.ends_with('?') && part.len() > 1;
        let body = if optional { &part[..part.len() - 1] } else { part };
        let mut alternatives = Vec::new();
        for choice in body.split('|') {
            self.alternative(choice, words, &mut alternatives)?;
        }
        if alternatives.is_empty() || alternatives.len() > ALTERNATIVES_MAX {
            return Err(format!("1 to {ALTERNATIVES_MAX} words in {part:?}"));
        }
        // The longest first, so that "credit card" is not cut at "credit".
        alternatives.sort_by_key(|one| match one {
            Alternative::Words(list) => usize::MAX - list.len(),
            Alternative::Capture(_) => usize::MAX,
        });
        Ok(Element::OneOf { alternatives, optional })
    }

    fn alternative(
        &self,
        choice: &str,
        words: &mut Vocabulary,
        out: &mut Vec<Alternative>,
    ) -> Result<(), String> {
        let name = choice.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let Some(name) = name {
            if let Some(capture) = capture(name) {
                out.push(Alternative::Capture(capture));
                return Ok(());
            }
            let members = self.classes.get(name).ok_or_else(|| {
                let mut known: Vec<_> = self.classes.keys().map(String::as_str).collect();
                known.sort_unstable();
                format!("a known class, one of {}", known.join(", "))
            })?;
            for member in members {
                out.push(Alternative::Words(sequence(member, words)?));
            }
            return Ok(());
        }
        out.push(Alternative::Words(sequence(&choice.replace('_', " "), words)?));
        Ok(())
    }
}

fn sequence(text: &str, words: &mut Vocabulary) -> Result<Vec<WordId>, String> {
    let list = words.cut(text);
    if list.is_empty() {
        return Err(format!("a word, not {text:?}"));
    }
    Ok(list.iter().map(|word| words.intern(word)).collect())
}

fn capture(name: &str) -> Option<Capture> {
    Some(match name {
        "n" => Capture::Number,
        "ordinal" => Capture::Ordinal,
        "month" => Capture::Month,
        "weekday" => Capture::Weekday,
        "unit" => Capture::Unit,
        "before" => Capture::Before,
        "after" => Capture::After,
        _ => return None,
    })
}

/// The places at which patterns look, with what may be skipped.
pub struct Matcher<'r> {
    pub reading: &'r Reading,
    pub skip: &'r HashSet<WordId>,
    pub captures: CaptureReader<'r>,
}

#[derive(Clone, Default)]
struct Trail {
    matched: usize,
    quality: f32,
    captures: Vec<(Capture, usize, usize)>,
}

impl Matcher<'_> {
    /// The first place where `pattern` stands, if anywhere.
    pub fn find(&self, pattern: &Pattern) -> Option<Found> {
        (0..self.reading.len()).find_map(|start| self.find_at(pattern, start))
    }

    /// Every place where `pattern` stands, without overlaps.
    pub fn find_all(&self, pattern: &Pattern) -> Vec<Found> {
        let mut out: Vec<Found> = Vec::new();
        let mut start = 0;
        while start < self.reading.len() {
            match self.find_at(pattern, start) {
                Some(found) => {
                    start = found.end.max(start + 1);
                    out.push(found);
                }
                None => start += 1,
            }
        }
        out
    }

    /// `pattern` beginning exactly at word `start`.
    pub fn find_at(&self, pattern: &Pattern, start: usize) -> Option<Found> {
        let mut trail = Trail { quality: 1.0, ..Trail::default() };
        let end = self.step(&pattern.elements, start, start, &mut trail)?;
        let Trail { matched, quality, captures } = trail;
        (end > start).then_some(Found { start, end, matched, quality, captures })
    }

    fn step(
        &self,
        elements: &[Element],
        origin: usize,
        place: usize,
        trail: &mut Trail,
    ) -> Option<usize> {
        let Some((first, rest)) = elements.split_first() else {
            return Some(place);
        };
        match first {
            Element::Begin => {
                let skipped = (0..place).all(|at| self.skippable(at));
                if skipped { self.step(rest, origin, place, trail) } else { None }
            }
            Element::End => {
                let skipped = (place..self.reading.len()).all(|at| self.skippable(at));
                if skipped { self.step(rest, origin, place, trail) } else { None }
            }
            Element::Gap => self.step_gap(rest, origin, place, trail),
            Element::OneOf { alternatives, optional } => {
                let skips = if place == origin { 0 } else { SKIPPED_WORDS_MAX };
                for skipped in 0..=skips {
                    let at = place + skipped;
                    if skipped > 0 && !self.skippable(at - 1) {
                        break;
                    }
                    for one in alternatives {
                        let end = self.step_one(one, rest, origin, at, trail);
                        if end.is_some() {
                            return end;
                        }
                    }
                }
                if *optional { self.step(rest, origin, place, trail) } else { None }
            }
        }
    }

    fn step_gap(
        &self,
        rest: &[Element],
        origin: usize,
        place: usize,
        trail: &mut Trail,
    ) -> Option<usize> {
        for width in 0..=GAP_WORDS_MAX {
            let at = place + width;
            if at > self.reading.len() {
                return None;
            }
            let before = at.checked_sub(1).filter(|_| width > 0 || place > origin);
            if before.and_then(|at| self.reading.token(at)).is_some_and(|word| word.sentence_end)
                && !rest.is_empty()
            {
                return None;
            }
            let end = self.step(rest, origin, at, trail);
            if end.is_some() {
                return end;
            }
        }
        None
    }

    fn step_one(
        &self,
        one: &Alternative,
        rest: &[Element],
        origin: usize,
        at: usize,
        trail: &mut Trail,
    ) -> Option<usize> {
        let before = trail.clone();
        let end = match one {
            Alternative::Words(list) => {
                for (index, wanted) in list.iter().enumerate() {
                    match self.reading.word(at + index) {
                        Some((id, quality)) if id == *wanted => trail.quality *= quality,
                        Some(_) | None => {
                            *trail = before;
                            return None;
                        }
                    }
                }
                trail.matched += list.len();
                at + list.len()
            }
            Alternative::Capture(capture) => {
                let end = (self.captures)(*capture, at)?;
                trail.captures.push((*capture, at, end));
                trail.matched += 1;
                end
            }
        };
        let done = self.step(rest, origin, end, trail);
        if done.is_none() {
            *trail = before;
        }
        done
    }

    fn skippable(&self, place: usize) -> bool {
        self.reading.word(place).is_some_and(|(id, _)| self.skip.contains(&id))
    }
}
