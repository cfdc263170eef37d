//! What is wrong in an operator's file: file, line, field, what was found, what was expected.

use std::fmt;

/// One fault of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    /// Counted from 1; 0 for a fault of the whole file, which is then told without a line.
    pub line: usize,
    /// Dotted path, such as `trunks[0].address`; empty for a fault of the whole file.
    pub field: String,
    pub found: String,
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: ", self.file)?,
            line => write!(out, "{}:{line}: ", self.file)?,
        }
        if !self.field.is_empty() {
            write!(out, "{}: ", self.field)?;
        }
        write!(out, "found {}, expected {}", self.found, self.expected)
    }
}

/// All faults found so far, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    /// More than this many are counted but not kept, so that a huge broken file stays readable.
    pub const KEPT_MAX: usize = 200;

    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, problem: Problem) {
        if self.list.len() < Self::KEPT_MAX {
            self.list.push(problem);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            writeln!(out, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
