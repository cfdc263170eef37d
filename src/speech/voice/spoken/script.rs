//! A tree of markup as runs of words that are spoken in one way. What is read in a way of its own
//! (`say-as`, `sub`) stands in the text as one sign, a place, until the sentence is in words.

use super::{address, clock, date, date_in_figures, digits, english, number};
use crate::base::language::Language;
use crate::base::markup::{Node, SayAs};
use crate::speech::voice::number::ordinal;

/// Signs of Unicode's private use, one for each place of a run.
const PLACES: std::ops::RangeInclusive<char> = '\u{E000}'..='\u{F8FF}';

/// Words in one language, pace and loudness.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub text: String,
    /// What the places stand for: as written, as spoken.
    places: Vec<(String, String)>,
    pub language: Language,
    pub pace: f32,
    pub gain_db: f32,
    /// Silence before it, milliseconds.
    pub pause_ms: u64,
    pub marks: Vec<String>,
}

/// `true` for a sign that stands for something else.
pub fn is_place(symbol: char) -> bool {
    PLACES.contains(&symbol)
}

impl Run {
    fn like(other: &Run) -> Self {
        Self {
            text: String::new(),
            places: Vec::new(),
            pause_ms: 0,
            marks: Vec::new(),
            language: other.language.clone(),
            ..*other
        }
    }

    /// A part of the text with its places as written.
    pub fn written(&self, text: &str) -> String {
        self.filled(text, |(written, _)| written)
    }

    /// A part of the text with its places as spoken.
    pub fn spoken(&self, text: &str) -> String {
        self.filled(text, |(_, spoken)| spoken)
    }

    fn filled(&self, text: &str, side: impl Fn(&(String, String)) -> &String) -> String {
        let mut out = String::with_capacity(text.len());
        for symbol in text.chars() {
            match is_place(symbol) {
                true => {
                    let at = (symbol as usize).wrapping_sub(*PLACES.start() as usize);
                    out.push_str(self.places.get(at).map_or("", |place| side(place)));
                }
                false => out.push(symbol),
            }
        }
        out
    }

    fn add(&mut self, written: &str, spoken: String) {
        let sign = char::from_u32(*PLACES.start() as u32 + self.places.len() as u32);
        match sign.filter(|sign| is_place(*sign)) {
            Some(sign) => {
                self.text.push(sign);
                self.places.push((written.to_owned(), spoken));
            }
            // More than six thousand in one run: as it is.
            None => self.text.push_str(written),
        }
    }
}

/// The runs of a tree, in order.
pub fn runs(nodes: &[Node], language: &Language) -> Vec<Run> {
    let first = Run {
        text: String::new(),
        places: Vec::new(),
        language: language.clone(),
        pace: 1.0,
        gain_db: 0.0,
        pause_ms: 0,
        marks: Vec::new(),
    };
    let mut out = vec![first];
    walk(nodes, &mut out);
    out
}

fn walk(nodes: &[Node], out: &mut Vec<Run>) {
    for node in nodes {
        let Some(run) = out.last_mut() else { return };
        match node {
            Node::Text(text) => run.text.extend(text.chars().filter(|c| !is_place(*c))),
            Node::SayAs { kind, text } => {
                let spoken = say_as(*kind, text, &run.language);
                run.add(text, spoken);
            }
            Node::Sub { alias, text } => {
                let spoken = match run.language.code() {
                    "en" => english(alias),
                    _ => alias.clone(),
                };
                run.add(text, spoken);
            }
            Node::Mark(name) => run.marks.push(name.clone()),
            Node::Break(length) => {
                let mut next = after(run);
                next.pause_ms += length.as_millis() as u64;
                out.push(next);
            }
            Node::Sentence(inner) => inside(inner, out, |_| {}),
            Node::Prosody { pace, gain_db, inner } => inside(inner, out, |run| {
                run.pace *= pace;
                run.gain_db += gain_db;
            }),
            Node::Language { language, inner } => {
                inside(inner, out, |run| run.language = language.clone());
            }
        }
    }
}

/// The next run; a pause and marks before which nothing was said go over to it.
fn after(run: &mut Run) -> Run {
    let mut next = Run::like(run);
    if run.text.trim().is_empty() {
        next.pause_ms = std::mem::take(&mut run.pause_ms);
        next.marks = std::mem::take(&mut run.marks);
    }
    next
}

/// Walks `inner` in a run of its own way, and goes on as before.
fn inside(inner: &[Node], out: &mut Vec<Run>, change: impl Fn(&mut Run)) {
    let Some(before) = out.last_mut() else { return };
    let usual = Run::like(before);
    let mut run = after(before);
    change(&mut run);
    out.push(run);
    walk(inner, out);
    let Some(last) = out.last_mut() else { return };
    let carried = after(last);
    out.push(Run { pause_ms: carried.pause_ms, marks: carried.marks, ..usual });
}

/// `text` read as `kind`.
fn say_as(kind: SayAs, text: &str, language: &Language) -> String {
    let text = text.trim();
    if language.code() != "en" {
        return match kind {
            SayAs::Characters | SayAs::Digits | SayAs::Telephone => {
                text.chars().map(String::from).collect::<Vec<_>>().join(" ")
            }
            SayAs::Cardinal | SayAs::Ordinal | SayAs::Date | SayAs::Time | SayAs::Currency => {
                text.to_owned()
            }
        };
    }
    let read = match kind {
        SayAs::Characters => Some(characters(text)),
        SayAs::Digits => Some(digits(text)),
        SayAs::Telephone => Some(telephone(text)),
        SayAs::Cardinal => number(text),
        SayAs::Ordinal => text.trim_end_matches(char::is_alphabetic).parse().ok().map(ordinal),
        SayAs::Date => date(text).or_else(|| date_in_figures(text)),
        SayAs::Time => clock(text),
        SayAs::Currency => None,
    };
    read.or_else(|| address(text)).unwrap_or_else(|| english(text))
}

fn characters(text: &str) -> String {
    let said = text.chars().filter(|symbol| !symbol.is_whitespace()).map(|symbol| match symbol {
        '*' => "star".to_owned(),
        '#' => "hash".to_owned(),
        '-' => "dash".to_owned(),
        '.' => "dot".to_owned(),
        '/' => "slash".to_owned(),
        '@' => "at".to_owned(),
        '_' => "underscore".to_owned(),
        other => digits(&other.to_string()),
    });
    said.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Groups of figures, whatever stands between them.
fn telephone(text: &str) -> String {
    let groups = text.split(|symbol: char| !symbol.is_alphanumeric() && symbol != '+');
    let said = groups.filter(|group| !group.is_empty()).map(|group| {
        let plus = if group.starts_with('+') { "plus " } else { "" };
        format!("{plus}{}", digits(group))
    });
    said.collect::<Vec<_>>().join(", ")
}
