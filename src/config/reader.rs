//! Reads TOML field by field and gathers every fault instead of stopping at the first.
//!
//! A [`Table`] answers typed questions about its fields; each question that fails adds a
//! [`Problem`] with file, line, field, found and expected. [`Table::finish`] reports the fields
//! that nobody asked for, with the nearest known name.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::rc::Rc;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems};

/// A value with the line that it stands on.
#[derive(Clone, Debug)]
struct Node {
    line: usize,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
    Date(String),
    List(Vec<Node>),
    Table(Rc<Vec<(String, Node)>>),
}

impl Value {
    fn found(&self) -> String {
        match self {
            Value::Text(text) => format!("{:?}", shorten(text)),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Bool(yes) => yes.to_string(),
            Value::Date(text) => text.clone(),
            Value::List(list) => format!("a list of {}", list.len()),
            Value::Table(_) => "a table".into(),
        }
    }
}

/// A TOML table of one file, with its place.
#[derive(Clone, Debug)]
pub struct Table {
    file: Rc<str>,
    path: String,
    line: usize,
    entries: Rc<Vec<(String, Node)>>,
    asked: Rc<RefCell<BTreeSet<String>>>,
}

impl Table {
    /// Reads `text`, known to the operator as `file`. `None`, with every syntax fault reported,
    /// if it is no TOML.
    pub fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Table> {
        let lines = LineStarts::of(text);
        let (root, mut faults) = DeTable::parse_recoverable(text);
        faults.sort_by_key(|fault| fault.span().map_or(0, |span| span.start));
        // One slip often breaks several rules at once: the first of a line is the one to mend.
        faults.dedup_by_key(|fault| lines.line(fault.span().map_or(0, |span| span.start)));
        for fault in &faults {
            let span = fault.span().unwrap_or(0..0);
            problems.add(Problem {
                file: file.into(),
                line: lines.line(span.start),
                field: String::new(),
                found: format!("{:?}", shorten(excerpt(text, &span))),
                expected: format!("valid TOML ({})", fault.message().replace('\n', " ")),
            });
        }
        if !faults.is_empty() {
            return None;
        }
        Some(Table {
            file: file.into(),
            path: String::new(),
            line: 1,
            entries: Rc::new(entries(root.get_ref(), &lines)),
            asked: Rc::default(),
        })
    }

    /// The operator's name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line on which the table begins, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Dotted path of the table, empty for the whole file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// A table without fields, standing for the absent sub-table `key`.
    pub fn empty(&self, key: &str) -> Table {
        self.below(key, self.line, &Rc::default())
    }

    /// Adds a fault of `field` (or of the table itself where `field` is empty).
    pub fn fault(
        &self,
        field: &str,
        found: impl Display,
        expected: impl Display,
        problems: &mut Problems,
    ) {
        let line = self.peek(field).map_or(self.line, |node| node.line);
        problems.add(Problem {
            file: self.file.to_string(),
            line,
            field: self.field_path(field),
            found: found.to_string(),
            expected: expected.to_string(),
        });
    }

    /// `true` if the field stands there, of whatever type. Counts as asked for.
    pub fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// The names of all fields, in order, without counting them as asked for.
    pub fn keys(&self) -> Vec<String> {
        self.entries.iter().map(|(key, _)| key.clone()).collect()
    }

    pub fn string(&self, key: &str, problems: &mut Problems) -> Option<String> {
        match &self.node(key)?.value {
            Value::Text(text) => Some(text.clone()),
            other => self.wrong(key, other, "text in quotes", problems),
        }
    }

    pub fn required_string(&self, key: &str, problems: &mut Problems) -> Option<String> {
        self.require(key, "text in quotes", problems)?;
        let text = self.string(key, problems)?;
        if text.trim().is_empty() {
            self.fault(key, "\"\"", "some text", problems);
            return None;
        }
        Some(text)
    }

    pub fn string_or(&self, key: &str, default: &str, problems: &mut Problems) -> String {
        self.string(key, problems).unwrap_or_else(|| default.to_owned())
    }

    pub fn bool_or(&self, key: &str, default: bool, problems: &mut Problems) -> bool {
        match self.node(key).map(|node| &node.value) {
            None => default,
            Some(Value::Bool(yes)) => *yes,
            Some(other) => self.wrong(key, other, "true or false", problems).unwrap_or(default),
        }
    }

    /// A whole number in `range`; `default` where it is absent or wrong.
    pub fn integer_in(
        &self,
        key: &str,
        range: RangeInclusive<i64>,
        default: i64,
        problems: &mut Problems,
    ) -> i64 {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        match self.node(key).map(|node| &node.value) {
            None => default,
            Some(Value::Integer(number)) => match i64::try_from(*number) {
                Ok(number) if range.contains(&number) => number,
                Ok(_) | Err(_) => {
                    self.fault(key, number, expected, problems);
                    default
                }
            },
            Some(other) => self.wrong(key, other, &expected, problems).unwrap_or(default),
        }
    }

    /// A number in `range`; `default` where it is absent or wrong.
    pub fn float_in(
        &self,
        key: &str,
        range: RangeInclusive<f64>,
        default: f64,
        problems: &mut Problems,
    ) -> f64 {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let number = match self.node(key).map(|node| &node.value) {
            None => return default,
            Some(Value::Integer(number)) => *number as f64,
            Some(Value::Float(number)) => *number,
            Some(other) => {
                return self.wrong(key, other, &expected, problems).unwrap_or(default);
            }
        };
        if range.contains(&number) {
            return number;
        }
        self.fault(key, number, expected, problems);
        default
    }

    /// A list of texts; empty where absent. One text alone counts as a list of one.
    pub fn strings(&self, key: &str, problems: &mut Problems) -> Vec<String> {
        match self.node(key).map(|node| &node.value) {
            None => Vec::new(),
            Some(Value::Text(text)) => vec![text.clone()],
            Some(Value::List(list)) => list
                .iter()
                .enumerate()
                .filter_map(|(index, node)| match &node.value {
                    Value::Text(text) => Some(text.clone()),
                    other => {
                        self.wrong_at(node.line, &format!("{key}[{index}]"), other, problems);
                        None
                    }
                })
                .collect(),
            Some(other) => self.wrong(key, other, "a list of texts", problems).unwrap_or_default(),
        }
    }

    /// A list of whole numbers in `range`; empty where absent or wrong.
    pub fn integers(
        &self,
        key: &str,
        range: RangeInclusive<i64>,
        problems: &mut Problems,
    ) -> Vec<i64> {
        let expected = format!("a list of whole numbers from {} to {}", range.start(), range.end());
        let list = match self.node(key).map(|node| &node.value) {
            None => return Vec::new(),
            Some(Value::List(list)) => list,
            Some(other) => {
                return self.wrong(key, other, &expected, problems).unwrap_or_default();
            }
        };
        let numbers = list.iter().map(|node| match &node.value {
            Value::Integer(number) => {
                i64::try_from(*number).ok().filter(|number| range.contains(number))
            }
            _ => None,
        });
        let numbers: Option<Vec<i64>> = numbers.collect();
        if numbers.is_none() {
            self.fault(key, "something else in the list", expected, problems);
        }
        numbers.unwrap_or_default()
    }

    /// One of the named `choices`; `default` where absent or wrong.
    pub fn choice<T: Clone>(
        &self,
        key: &str,
        choices: &[(&str, T)],
        default: T,
        problems: &mut Problems,
    ) -> T {
        let Some(text) = self.string(key, problems) else {
            return default;
        };
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return choice.clone();
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        self.fault(key, format!("{text:?}"), names.join(" or "), problems);
        default
    }

    /// Text that `T` can be read from (an address, a date…); `expected` says what it should be.
    pub fn parsed<T: FromStr>(
        &self,
        key: &str,
        expected: &str,
        problems: &mut Problems,
    ) -> Option<T> {
        let text = match &self.node(key)?.value {
            Value::Text(text) | Value::Date(text) => text.clone(),
            other => return self.wrong(key, other, expected, problems),
        };
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.fault(key, format!("{:?}", shorten(&text)), expected, problems);
        }
        parsed
    }

    /// A sub-table.
    pub fn table(&self, key: &str, problems: &mut Problems) -> Option<Table> {
        let node = self.node(key)?;
        match &node.value {
            Value::Table(entries) => Some(self.below(key, node.line, entries)),
            other => self.wrong(key, other, "a table", problems),
        }
    }

    /// An array of tables (`[[key]]`); empty where absent.
    pub fn tables(&self, key: &str, problems: &mut Problems) -> Vec<Table> {
        match self.node(key).map(|node| &node.value) {
            None => Vec::new(),
            Some(Value::List(list)) => list
                .iter()
                .enumerate()
                .filter_map(|(index, node)| match &node.value {
                    Value::Table(entries) => {
                        Some(self.below(&format!("{key}[{index}]"), node.line, entries))
                    }
                    other => {
                        self.wrong_at(node.line, &format!("{key}[{index}]"), other, problems);
                        None
                    }
                })
                .collect(),
            Some(other) => self
                .wrong(key, other, &format!("tables headed [[{key}]]"), problems)
                .unwrap_or_default(),
        }
    }

    /// All sub-tables by name (`[intents.opening_hours]`), in order; other fields are faults.
    pub fn named_tables(&self, problems: &mut Problems) -> Vec<(String, Table)> {
        let keys = self.keys();
        keys.into_iter()
            .filter_map(|key| self.table(&key, problems).map(|table| (key, table)))
            .collect()
    }

    /// All fields as texts with their names, in order (`word = "x"`); numbers become texts.
    pub fn texts(&self, problems: &mut Problems) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for key in self.keys() {
            match self.node(&key).map(|node| &node.value) {
                Some(Value::Text(text)) => out.push((key, text.clone())),
                Some(Value::Integer(number)) => out.push((key, number.to_string())),
                Some(Value::Float(number)) => out.push((key, number.to_string())),
                Some(other) => {
                    self.wrong::<()>(&key, other, "text in quotes", problems);
                }
                None => {}
            }
        }
        out
    }

    /// All fields as numbers in `range` with their names, in order (`"open" = 0.6`).
    pub fn floats(
        &self,
        range: RangeInclusive<f64>,
        problems: &mut Problems,
    ) -> Vec<(String, f64)> {
        let keys = self.keys();
        keys.into_iter()
            .map(|key| {
                let number = self.float_in(&key, range.clone(), *range.start(), problems);
                (key, number)
            })
            .collect()
    }

    /// Reports every field that nobody asked for, here (not in sub-tables, which have their own).
    pub fn finish(&self, problems: &mut Problems) {
        let asked = self.asked.borrow();
        for (key, node) in self.entries.iter() {
            if asked.contains(key) {
                continue;
            }
            let nearest = asked
                .iter()
                .map(|known| (edit_distance(key, known), known))
                .min()
                .filter(|(distance, known)| *distance <= 1 + known.len() / 4);
            let expected = match nearest {
                Some((_, known)) => format!("a known field; did you mean {known:?}?"),
                None => format!(
                    "one of {}",
                    asked.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
                ),
            };
            problems.add(Problem {
                file: self.file.to_string(),
                line: node.line,
                field: self.field_path(key),
                found: "a field of unknown name".into(),
                expected,
            });
        }
    }

    /// Adds a fault if the field is absent.
    pub fn require(&self, key: &str, expected: &str, problems: &mut Problems) -> Option<()> {
        if self.node(key).is_some() {
            return Some(());
        }
        self.fault(key, "nothing", expected, problems);
        None
    }

    fn peek(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    fn node(&self, key: &str) -> Option<&Node> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.peek(key)
    }

    fn field_path(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }

    fn below(&self, key: &str, line: usize, entries: &Rc<Vec<(String, Node)>>) -> Table {
        Table {
            file: self.file.clone(),
            path: self.field_path(key),
            line,
            entries: entries.clone(),
            asked: Rc::default(),
        }
    }

    fn wrong<T>(
        &self,
        key: &str,
        value: &Value,
        expected: &str,
        problems: &mut Problems,
    ) -> Option<T> {
        self.fault(key, value.found(), expected, problems);
        None
    }

    fn wrong_at(&self, line: usize, key: &str, value: &Value, problems: &mut Problems) {
        problems.add(Problem {
            file: self.file.to_string(),
            line,
            field: self.field_path(key),
            found: value.found(),
            expected: "the same kind as its neighbours".into(),
        });
    }
}

/// Byte offsets at which lines begin.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset).max(1)
    }
}

fn entries(table: &DeTable<'_>, lines: &LineStarts) -> Vec<(String, Node)> {
    let mut list: Vec<(usize, String, Node)> = table
        .iter()
        .map(|(key, value)| {
            let start = key.span().start;
            let mut node = node(value, lines);
            node.line = lines.line(start);
            (start, key.get_ref().to_string(), node)
        })
        .collect();
    list.sort_by_key(|(start, _, _)| *start);
    list.into_iter().map(|(_, key, node)| (key, node)).collect()
}

fn node(value: &Spanned<DeValue<'_>>, lines: &LineStarts) -> Node {
    let line = lines.line(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map(Value::Integer)
            .unwrap_or_else(|_| Value::Text(number.as_str().to_owned())),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or_else(|_| Value::Text(number.as_str().into()), Value::Float),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(list) => Value::List(list.iter().map(|item| node(item, lines)).collect()),
        DeValue::Table(table) => Value::Table(Rc::new(entries(table, lines))),
    };
    Node { line, value }
}

fn excerpt<'t>(text: &'t str, span: &Range<usize>) -> &'t str {
    let cut = text.get(span.clone()).unwrap_or_default();
    if cut.trim().is_empty() {
        let start = span.start.min(text.len());
        return text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    }
    cut
}

fn shorten(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    if text.chars().count() <= SHOWN_MAX {
        return text.to_owned();
    }
    let head: String = text.chars().take(SHOWN_MAX).collect();
    format!("{head}…")
}

fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut left_cell = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&right) {
            let above = *cell;
            let swap = diagonal + usize::from(a != *b);
            *cell = swap.min(above + 1).min(left_cell + 1);
            left_cell = *cell;
            diagonal = above;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
