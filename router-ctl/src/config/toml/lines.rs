//! Where in a text something is.

use crate::config::problem::Position;

/// Octet offsets → lines and columns.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self { text, starts }
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line));
        let before = start.and_then(|&start| self.text.get(start..offset));
        Position {
            line,
            column: before.map_or(1, |text| text.chars().count() + 1),
        }
    }
}
