//! Text to be spoken, with the subset of SSML 1.1 that Warmline knows: in goes a prompt as the
//! operator writes it, out comes a tree of our own, or the place and the words of a fault.
//!
//! `speak`, `p`, `s`, `break`, `prosody` (rate, volume), `say-as`, `sub`, `lang`, `voice` (by
//! language), `mark`; `<digits>4217</digits>` is short for `say-as` with `digits`. A sign `<` that
//! no letter follows is text.

use std::time::Duration;

use super::language::Language;

mod tags;

/// Elements inside elements.
const DEPTH_MAX: usize = 16;
/// The longest silence that a `break` may ask for.
pub const BREAK_MAX: Duration = Duration::from_secs(10);

/// A part of what is to be spoken.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Text(String),
    /// `p` and `s`: what is inside begins and ends a sentence.
    Sentence(Vec<Node>),
    /// Silence.
    Break(Duration),
    /// `pace`: 1.0 as usual, 1.25 a quarter slower; `gain_db` on top of the usual level.
    Prosody {
        pace: f32,
        gain_db: f32,
        inner: Vec<Node>,
    },
    SayAs {
        kind: SayAs,
        text: String,
    },
    /// `text` is written, `alias` is spoken.
    Sub {
        alias: String,
        text: String,
    },
    Language {
        language: Language,
        inner: Vec<Node>,
    },
    /// A named place.
    Mark(String),
}

/// How figures and letters are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SayAs {
    Characters,
    Digits,
    Cardinal,
    Ordinal,
    Date,
    Time,
    Currency,
    Telephone,
}

/// What is wrong, and after how many characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {what}")]
pub struct MarkupError {
    pub at: usize,
    pub what: String,
}

/// Reads a text with its tags.
///
/// # Errors
/// [`MarkupError`] for the first tag that is not known, not closed, or holds what it may not.
pub fn parse(text: &str) -> Result<Vec<Node>, MarkupError> {
    let mut reader = Reader { text, at: 0 };
    let nodes = reader.nodes(None, 0)?;
    Ok(nodes)
}

/// As [`parse`]; a text that is not well formed is taken without its tags, for a caller must hear
/// something.
pub fn parse_or_strip(text: &str) -> Vec<Node> {
    parse(text).unwrap_or_else(|_| vec![Node::Text(decoded(&without_tags(text)))])
}

/// The words as a transcript shows them: without tags, as written and not as read out.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    write_plain(&parse_or_strip(text), &mut out);
    out
}

fn write_plain(nodes: &[Node], out: &mut String) {
    for node in nodes {
        match node {
            Node::Text(text) | Node::SayAs { text, .. } | Node::Sub { text, .. } => {
                out.push_str(text);
            }
            Node::Sentence(inner) | Node::Prosody { inner, .. } | Node::Language { inner, .. } => {
                write_plain(inner, out)
            }
            Node::Break(_) | Node::Mark(_) => {}
        }
    }
}

/// Drops everything between a `<` that a letter or `/` follows and the next `>`.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = tag_start(rest) {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        rest = match tag.split_once('>') {
            Some((_, behind)) => behind,
            None => tag.get(1..).unwrap_or_default(),
        };
    }
    out.push_str(rest);
    out
}

/// Where the next tag begins.
fn tag_start(text: &str) -> Option<usize> {
    let is_name = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?');
    text.match_indices('<')
        .find(|(at, _)| text.get(at + 1..).is_some_and(|rest| rest.starts_with(is_name)))
        .map(|(at, _)| at)
}

fn decoded(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

/// Reads forward through the text.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fault(&self, what: impl Into<String>) -> MarkupError {
        let at = self.text.get(..self.at).unwrap_or_default().chars().count();
        MarkupError { at, what: what.into() }
    }

    /// Everything up to the end tag of `open`, or to the end of the text.
    fn nodes(&mut self, open: Option<&str>, depth: usize) -> Result<Vec<Node>, MarkupError> {
        if depth > DEPTH_MAX {
            return Err(self.fault(format!("more than {DEPTH_MAX} tags inside each other")));
        }
        let mut nodes = Vec::new();
        loop {
            let rest = self.rest();
            let length = tag_start(rest).unwrap_or(rest.len());
            if length > 0 {
                nodes.push(Node::Text(decoded(rest.get(..length).unwrap_or_default())));
                self.at += length;
            }
            if self.rest().is_empty() {
                return match open {
                    None => Ok(nodes),
                    Some(name) => Err(self.fault(format!("<{name}> is not closed: </{name}>"))),
                };
            }
            let tag = tags::read(self)?;
            if tag.closes {
                return match open {
                    Some(name) if name == tag.name => Ok(nodes),
                    Some(name) => {
                        Err(self.fault(format!("</{}> where </{name}> belongs", tag.name)))
                    }
                    None => Err(self.fault(format!("</{}> closes nothing", tag.name))),
                };
            }
            self.element(&tag, depth, &mut nodes)?;
        }
    }

    fn element(
        &mut self,
        tag: &tags::Tag<'t>,
        depth: usize,
        nodes: &mut Vec<Node>,
    ) -> Result<(), MarkupError> {
        let wrong = |error: String| self.fault(error);
        let element = tags::element(tag).map_err(wrong)?;
        let inner = match tag.is_empty {
            true => Vec::new(),
            false => self.nodes(Some(tag.name), depth + 1)?,
        };
        let words = |reader: &Self| {
            only_text(&inner)
                .ok_or_else(|| reader.fault(format!("<{}> may hold words only, no tags", tag.name)))
        };
        match element {
            tags::Element::Speak => nodes.extend(inner),
            tags::Element::Sentence => nodes.push(Node::Sentence(inner)),
            tags::Element::Prosody { pace, gain_db } => {
                nodes.push(Node::Prosody { pace, gain_db, inner });
            }
            tags::Element::Language(language) => nodes.push(Node::Language { language, inner }),
            tags::Element::SayAs(kind) => nodes.push(Node::SayAs { kind, text: words(self)? }),
            tags::Element::Sub(alias) => nodes.push(Node::Sub { alias, text: words(self)? }),
            tags::Element::Break(_) | tags::Element::Mark(_) if !inner.is_empty() => {
                return Err(self.fault(format!("<{}> holds nothing: <{0}/>", tag.name)));
            }
            tags::Element::Break(length) => nodes.push(Node::Break(length)),
            tags::Element::Mark(name) => nodes.push(Node::Mark(name)),
        }
        Ok(())
    }
}

fn only_text(nodes: &[Node]) -> Option<String> {
    let texts = nodes.iter().map(|node| match node {
        Node::Text(text) => Some(text.as_str()),
        Node::Sentence(_)
        | Node::Break(_)
        | Node::Prosody { .. }
        | Node::SayAs { .. }
        | Node::Sub { .. }
        | Node::Language { .. }
        | Node::Mark(_) => None,
    });
    texts.collect()
}

#[cfg(test)]
mod tests;
