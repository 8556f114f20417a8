//! Regular expressions over paths and communities, as FRR and VyOS write them: POSIX, and `_` for the place
//! where a number begins or ends. They become automata, so a match is linear in the text whatever the
//! expression (and whoever made the path).

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

/// Memory that one compiled expression may take. Expressions of operators take some kilobytes.
const SIZE_LIMIT: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(in crate::policy) struct Pattern {
    written: String,
    case: Case,
    regex: Regex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Case {
    Significant,
    Ignored,
}

/// Two patterns are equal that were written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.written, self.case) == (&other.written, other.case)
    }
}

impl Eq for Pattern {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PatternError {
    TooLarge,
    Malformed(String),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the expression is too large"),
            Self::Malformed(reason) => write!(f, "not a regular expression: {reason}"),
        }
    }
}

impl Pattern {
    pub(super) fn new(written: &str, case: Case) -> Result<Self, PatternError> {
        let regex = RegexBuilder::new(&translate(written))
            .unicode(false)
            .case_insensitive(case == Case::Ignored)
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|error| {
                if matches!(error, regex::Error::CompiledTooBig(_)) {
                    PatternError::TooLarge
                } else {
                    PatternError::Malformed(reason(&error))
                }
            })?;
        Ok(Self {
            written: written.to_owned(),
            case,
            regex,
        })
    }

    pub(in crate::policy) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }
}

/// Characters around numbers, and the ends of the text.
const BOUNDARY: &str = r"(?:^|[ ,{}()\[\]]|$)";
/// The same characters inside of a bracket expression.
const BOUNDARY_MEMBERS: &str = r" ,{}()\[\]";

/// What is written differently here: `_`, and characters that only POSIX takes literally between brackets.
fn translate(written: &str) -> String {
    let mut out = String::with_capacity(written.len() + 16);
    let mut rest = written.chars().peekable();
    while let Some(each) = rest.next() {
        match each {
            '\\' => {
                out.push(each);
                out.extend(rest.next());
            }
            '_' => out.push_str(BOUNDARY),
            '[' => {
                out.push(each);
                translate_brackets(&mut rest, &mut out);
            }
            _ => out.push(each),
        }
    }
    out
}

/// Up to the closing bracket. One that comes first is a member (POSIX.1 §9.3.5).
fn translate_brackets(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    out.extend(rest.next_if_eq(&'^'));
    if rest.next_if_eq(&']').is_some() {
        out.push_str(r"\]");
    }
    while let Some(each) = rest.next() {
        match each {
            ']' => {
                out.push(each);
                return;
            }
            '\\' => {
                out.push(each);
                out.extend(rest.next());
            }
            '_' => out.push_str(BOUNDARY_MEMBERS),
            '[' if rest.peek() == Some(&':') => {
                // A class: `[:digit:]`.
                out.push(each);
                for each in rest.by_ref() {
                    out.push(each);
                    if each == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(each);
            }
            _ => out.push(each),
        }
    }
}

/// The last line of what the parser says: the others draw the translated expression.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests;
