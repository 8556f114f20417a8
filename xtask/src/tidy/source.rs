//! Rust source, read just far enough: code apart from comments and strings, tests apart from the rest, and the
//! paths that code names, with `use` trees spelled out.

mod lexer;
mod paths;

pub(super) use paths::Path;

/// One line, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) number: usize,
    /// Without comments; literals keep their quotes and lose what is between them.
    pub(super) code: String,
    pub(super) comment: String,
    /// Inside an item under `#[cfg(test)]`.
    pub(super) test: bool,
}

pub(super) struct Source {
    lines: Vec<Line>,
}

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let mut lines = lexer::split(text);
        mark_tests(&mut lines);
        Self { lines }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// Lines that are not tests.
    pub(super) fn code(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.test)
    }

    /// Paths named outside of tests.
    pub(super) fn paths(&self) -> Vec<Path> {
        paths::of(self.code())
    }

    pub(super) fn mark_all_as_test(&mut self) {
        for line in &mut self.lines {
            line.test = true;
        }
    }
}

/// Marks every item that stands under `#[cfg(test)]`, from the attribute to its closing brace or semicolon.
fn mark_tests(lines: &mut [Line]) {
    let mut depth = 0usize;
    let mut in_test = false;
    for line in lines {
        let code = line.code.trim();
        if !in_test && (code.starts_with("#[cfg(test)]") || code.starts_with("#[cfg(all(test")) {
            in_test = true;
            depth = 0;
        }
        line.test = in_test;
        if !in_test {
            continue;
        }
        for c in code.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let ends_item = code.ends_with('}') || code.ends_with(';');
        if depth == 0 && ends_item {
            in_test = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests_of(text: &str) -> Vec<usize> {
        let source = Source::read(text);
        let tests = source.lines().filter(|line| line.test);
        tests.map(|line| line.number).collect()
    }

    #[test]
    fn test_items_end_with_their_brace_or_semicolon() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { \"}\"; }\n}\nfn c() {}\n";
        assert_eq!(tests_of(text), [2, 3, 4, 5]);
        assert_eq!(tests_of("#[cfg(test)]\nmod tests;\nfn a() {}\n"), [1, 2]);
        let method = "impl A {\n #[cfg(test)]\n fn b() {\n }\n fn c() {}\n}\n";
        assert_eq!(tests_of(method), [2, 3, 4]);
    }
}
