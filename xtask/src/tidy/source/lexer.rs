//! Splits Rust text into lines of code and comment. Knows strings, raw strings, characters, lifetimes and
//! nested block comments, and nothing else of the language.

use super::Line;

#[derive(Clone, Copy)]
enum State {
    Code,
    LineComment,
    /// How deep block comments are nested.
    BlockComment(usize),
    Text,
    /// A raw string, ended by a quote and so many hashes.
    RawText(usize),
}

pub(super) fn split(text: &str) -> Vec<Line> {
    let mut splitter = Splitter {
        state: State::Code,
        line: Line {
            number: 1,
            ..Line::default()
        },
        lines: Vec::new(),
    };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = splitter.step(rest, first);
        rest = rest.get(taken..).unwrap_or_default();
    }
    if !(splitter.line.code.is_empty() && splitter.line.comment.is_empty()) {
        splitter.end_line();
    }
    splitter.lines
}

struct Splitter {
    state: State,
    line: Line,
    lines: Vec<Line>,
}

impl Splitter {
    /// Takes what begins `rest`, and returns how many bytes that was.
    fn step(&mut self, rest: &str, first: char) -> usize {
        if first == '\n' {
            if matches!(self.state, State::LineComment) {
                self.state = State::Code;
            }
            self.end_line();
            return 1;
        }
        match self.state {
            State::Code => self.code(rest, first),
            State::LineComment => self.comment(first),
            State::BlockComment(depth) => {
                if rest.starts_with("*/") {
                    self.state = match depth {
                        1 => State::Code,
                        deeper => State::BlockComment(deeper - 1),
                    };
                    2
                } else if rest.starts_with("/*") {
                    self.state = State::BlockComment(depth + 1);
                    2
                } else {
                    self.comment(first)
                }
            }
            State::Text => match first {
                // What is escaped may be the end of the line, which must be seen as such.
                '\\' if rest[1..].starts_with('\n') => 1,
                '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                '"' => self.close_text(1),
                other => other.len_utf8(),
            },
            State::RawText(hashes) => {
                let end = format!("\"{}", "#".repeat(hashes));
                if rest.starts_with(&end) {
                    self.close_text(end.len())
                } else {
                    first.len_utf8()
                }
            }
        }
    }

    fn code(&mut self, rest: &str, first: char) -> usize {
        if rest.starts_with("//") {
            self.state = State::LineComment;
            return self.comment(first);
        }
        if rest.starts_with("/*") {
            self.state = State::BlockComment(1);
            return 2;
        }
        let after_word = self
            .line
            .code
            .ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if let Some((prefix, hashes)) = raw_text(rest).filter(|_| !after_word) {
            self.state = State::RawText(hashes);
            self.line.code.push('"');
            return prefix;
        }
        match first {
            '"' => {
                self.state = State::Text;
                self.line.code.push('"');
                1
            }
            '\'' => {
                self.line.code.push_str("''");
                character(rest)
            }
            other => {
                self.line.code.push(other);
                other.len_utf8()
            }
        }
    }

    fn comment(&mut self, c: char) -> usize {
        self.line.comment.push(c);
        c.len_utf8()
    }

    fn close_text(&mut self, length: usize) -> usize {
        self.state = State::Code;
        self.line.code.push('"');
        length
    }

    fn end_line(&mut self) {
        let next = Line {
            number: self.line.number + 1,
            ..Line::default()
        };
        self.lines.push(std::mem::replace(&mut self.line, next));
    }
}

/// Length and hashes of what opens a raw string: `r"`, `br##"`.
fn raw_text(rest: &str) -> Option<(usize, usize)> {
    let body = rest
        .strip_prefix("br")
        .or_else(|| rest.strip_prefix("cr"))
        .or_else(|| rest.strip_prefix('r'))?;
    let quoted = body.trim_start_matches('#');
    let hashes = body.len() - quoted.len();
    quoted
        .starts_with('"')
        .then(|| (rest.len() - quoted.len() + 1, hashes))
}

/// Length of the character literal that begins here; a lifetime is its quote alone.
fn character(rest: &str) -> usize {
    let mut inside = rest.char_indices().skip(1);
    match inside.next() {
        Some((_, '\\')) => {
            // The escaped character may be a quote; the one after it ends the literal.
            let end = inside.skip(1).find(|&(_, c)| c == '\'' || c == '\n');
            end.map_or(1, |(at, c)| if c == '\'' { at + 1 } else { at })
        }
        Some(_) => match inside.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let lines = split(text);
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.code.trim(), line.comment.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        check("a; // b\nc", &[("a;", "// b"), ("c", "")]);
        check("a /* b /* c */ d */ e", &[("a  e", " b  c  d ")]);
        check("/* a\nb */ c", &[("", " a"), ("c", "b ")]);
        check(r#"f("// no \" {")"#, &[(r#"f("")"#, "")]);
        check("f(r#\"a \" // b\"#); c", &[("f(\"\"); c", "")]);
        check("\"a \\\n b\"; c", &[("\"", ""), ("\"; c", "")]);
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        check("'{' 'a b", &[("'' ''a b", "")]);
        check(r"'\'' '\\' x", &[("'' '' x", "")]);
        check("b'\"' c", &[("b'' c", "")]);
        check("'ä' c", &[("'' c", "")]);
    }
}
