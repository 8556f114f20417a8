//! What is wrong with a configuration: one [`Problem`] for each finding, and its two renderings.
//!
//! People read
//!
//! ```text
//! error: protocols bgp neighbor 192.0.2.1 remote-as: required
//!   --> router.toml:14:1
//!   hint: set it here
//! ```
//!
//! and programs read [`to_json`].

use std::fmt;

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// The kind of a problem, for programs. The words are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The text is not TOML.
    Syntax,
    UnknownPath,
    BadValue,
    OutOfRange,
    Required,
    MissingReference,
    Duplicate,
    Conflict,
    NotApplicable,
    /// Larger than what can be held.
    Capacity,
}

/// A place in a text, counted from 1. Lines end with a line feed; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Words of the `set` path. Empty when the text as a whole is meant.
    pub path: Vec<String>,
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    pub hint: Option<String>,
    /// `None` when the problem has no place in a text.
    pub position: Option<Position>,
}

impl Problem {
    pub fn error(path: &[String], code: Code, message: impl Into<String>) -> Self {
        Self {
            path: path.to_vec(),
            code,
            severity: Severity::Error,
            message: message.into(),
            hint: None,
            position: None,
        }
    }

    pub fn warning(path: &[String], code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(path, code, message)
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn at(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The problem as text, with the file it was found in.
    pub fn in_file<'a>(&'a self, file: &'a str) -> impl fmt::Display + 'a {
        InFile {
            problem: self,
            file,
        }
    }
}

struct InFile<'a> {
    problem: &'a Problem,
    file: &'a str,
}

impl fmt::Display for InFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { problem, file } = self;
        write!(f, "{}: ", problem.severity.name())?;
        if !problem.path.is_empty() {
            write!(f, "{}: ", path_text(&problem.path))?;
        }
        write!(f, "{}", problem.message)?;
        match problem.position {
            Some(Position { line, column }) => write!(f, "\n  --> {file}:{line}:{column}")?,
            None => write!(f, "\n  --> {file}")?,
        }
        match &problem.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// A path as an operator types it: words that hold a blank or a quote are quoted.
pub fn path_text(path: &[String]) -> String {
    let words: Vec<_> = path
        .iter()
        .map(|word| {
            if word.is_empty() || word.contains(|c: char| c.is_whitespace() || c == '\'') {
                format!("'{}'", word.escape_default())
            } else {
                word.clone()
            }
        })
        .collect();
    words.join(" ")
}

/// The problems as a JSON array, one object each.
pub fn to_json(problems: &[Problem], file: &str) -> serde_json::Value {
    #[derive(Serialize)]
    struct Row<'a> {
        path: &'a [String],
        code: Code,
        severity: Severity,
        message: &'a str,
        hint: Option<&'a str>,
        /// Index in a list of operations; a file has none.
        op: Option<usize>,
        source: Source<'a>,
    }
    #[derive(Serialize)]
    struct Source<'a> {
        file: &'a str,
        line: Option<usize>,
        column: Option<usize>,
    }
    let rows = problems.iter().map(|problem| {
        serde_json::json!(Row {
            path: &problem.path,
            code: problem.code,
            severity: problem.severity,
            message: &problem.message,
            hint: problem.hint.as_deref(),
            op: None,
            source: Source {
                file,
                line: problem.position.map(|position| position.line),
                column: problem.position.map(|position| position.column),
            },
        })
    });
    rows.collect()
}

/// A file that was refused, with everything that is wrong in it. Whoever loads a file for an operator ends
/// with this error; the command line prints it as it is and exits with 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    pub file: String,
    pub problems: Vec<Problem>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{}", problem.in_file(&self.file))?;
        }
        let errors = self.problems.iter().filter(|p| p.is_error()).count();
        match errors {
            1 => write!(f, "{}: 1 error; nothing was applied", self.file),
            _ => write!(f, "{}: {errors} errors; nothing was applied", self.file),
        }
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_problem_reads_as_path_message_place_and_hint() {
        let problem = Problem::error(
            &words("protocols bgp neighbor 192.0.2.1 remote-as"),
            Code::Required,
            "required",
        )
        .hint("set it here")
        .at(Some(Position {
            line: 14,
            column: 1,
        }));
        assert_eq!(
            problem.in_file("router.toml").to_string(),
            "error: protocols bgp neighbor 192.0.2.1 remote-as: required\n  \
             --> router.toml:14:1\n  hint: set it here"
        );
        assert_eq!(
            to_json(&[problem], "router.toml").to_string(),
            r#"[{"code":"required","hint":"set it here","message":"required","op":null,"path":["protocols","bgp","neighbor","192.0.2.1","remote-as"],"severity":"error","source":{"column":1,"file":"router.toml","line":14}}]"#
        );
    }

    #[test]
    fn a_word_with_a_blank_is_quoted() {
        assert_eq!(path_text(&words("a b")), "a b");
        assert_eq!(path_text(&["a".into(), "b c".into()]), "a 'b c'");
        assert_eq!(path_text(&["a".into(), "\n".into()]), "a '\\n'");
    }
}
