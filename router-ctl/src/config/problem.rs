//! What is wrong with a configuration.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    UnknownPath,
    BadValue,
    OutOfRange,
    Required,
    MissingReference,
    Duplicate,
    Conflict,
    NotApplicable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: Vec<String>,
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    pub hint: Option<String>,
    /// Counted from 1; 0 when the problem has no place in the text.
    pub line: usize,
    pub column: usize,
}

/// A file that was refused: the error that `run` and `check` end with (exit code 2).
#[derive(Clone, Debug)]
pub struct Invalid {
    pub file: String,
    pub problems: Vec<Problem>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} problems", self.file, self.problems.len())
    }
}

impl std::error::Error for Invalid {}
