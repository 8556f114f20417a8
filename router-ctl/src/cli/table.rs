//! The one table renderer. Columns are as wide as their widest cell; when the lines would be too long, the
//! columns that matter least are left out, then cells that may be cut are cut. Keys are never cut: a table
//! whose keys do not fit is wider than it should be.

use std::io::{self, Write};

use crate::cli::output::{Paint, Style};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    title: &'static str,
    align: Align,
    /// Left out when room is short, those of the lowest rank first and together; `None` stays.
    rank: Option<u8>,
    /// May be cut down to so many characters.
    least: Option<usize>,
    absent: bool,
}

impl Column {
    pub(super) fn left(title: &'static str) -> Self {
        Self {
            title,
            align: Align::Left,
            rank: None,
            least: None,
            absent: false,
        }
    }

    pub(super) fn right(title: &'static str) -> Self {
        Self {
            align: Align::Right,
            ..Self::left(title)
        }
    }

    pub(super) fn optional(mut self, rank: u8) -> Self {
        self.rank = Some(rank);
        self
    }

    /// Has cells, but is not shown.
    pub(super) fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    pub(super) fn cut_to(mut self, least: usize) -> Self {
        self.least = Some(least);
        self
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    pub(super) fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self {
            text: text.into(),
            paint,
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(text, Paint::Plain)
    }
}

pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    const GAP: &'static str = "  ";

    pub(super) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    /// A row has a cell for each column.
    pub(super) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    pub(super) fn write(&self, out: &mut dyn Write, style: Style) -> io::Result<()> {
        let widths = self.widths(style.width);
        let titles = self.columns.iter().map(|column| column.title.into());
        line(out, style, &self.layout(titles, &widths, Paint::Bold))?;
        for row in &self.rows {
            let cells = self.layout(row.iter().cloned(), &widths, Paint::Plain);
            line(out, style, &cells)?;
        }
        Ok(())
    }

    /// The width of each column; 0 when it is left out.
    fn widths(&self, room: usize) -> Vec<usize> {
        let mut widths: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                if column.absent {
                    return 0;
                }
                let cells = self
                    .rows
                    .iter()
                    .filter_map(|row| row.get(at))
                    .map(Cell::width);
                cells.max().unwrap_or(0).max(column.title.chars().count())
            })
            .collect();
        let excess = |widths: &[usize]| {
            let shown = widths.iter().filter(|&&width| width > 0).count();
            let total: usize = widths.iter().sum();
            (total + shown.saturating_sub(1) * Self::GAP.len()).saturating_sub(room)
        };
        let mut ranks: Vec<_> = self
            .columns
            .iter()
            .filter_map(|column| column.rank)
            .collect();
        ranks.sort_unstable();
        ranks.dedup();
        let natural = widths.clone();
        let show = |widths: &mut Vec<usize>, rank: u8, shown: bool| {
            let columns = self.columns.iter().enumerate();
            for (at, _) in columns.filter(|(_, column)| column.rank == Some(rank)) {
                widths[at] = if shown { natural[at] } else { 0 };
            }
        };
        let fits = |widths: &[usize]| excess(widths) <= self.slack(widths);
        let mut left_out = Vec::new();
        for rank in ranks {
            if fits(&widths) {
                break;
            }
            show(&mut widths, rank, false);
            left_out.push(rank);
        }
        // What went first may be narrow enough to come back without cutting anything.
        for &rank in left_out.iter().rev() {
            show(&mut widths, rank, true);
            if excess(&widths) > 0 {
                show(&mut widths, rank, false);
            }
        }
        for (at, column) in self.columns.iter().enumerate() {
            if let Some(least) = column.least {
                let cut = excess(&widths).min(widths[at].saturating_sub(least));
                widths[at] -= cut;
            }
        }
        widths
    }

    /// What cutting cells can save.
    fn slack(&self, widths: &[usize]) -> usize {
        let columns = self.columns.iter().zip(widths);
        columns
            .filter_map(|(column, width)| Some(width.saturating_sub(column.least?)))
            .sum()
    }

    fn layout(
        &self,
        cells: impl Iterator<Item = Cell>,
        widths: &[usize],
        paint: Paint,
    ) -> Vec<(Cell, Align, usize)> {
        cells
            .zip(&self.columns)
            .zip(widths)
            .filter(|&(_, &width)| width > 0)
            .map(|((mut cell, column), &width)| {
                if cell.width() > width {
                    cell.text = cell.text.chars().take(width.saturating_sub(1)).collect();
                    cell.text.push('…');
                }
                if paint != Paint::Plain {
                    cell.paint = paint;
                }
                (cell, column.align, width)
            })
            .collect()
    }
}

/// One line, without blanks at its end.
fn line(out: &mut dyn Write, style: Style, cells: &[(Cell, Align, usize)]) -> io::Result<()> {
    let filled = cells.iter().rposition(|(cell, _, _)| !cell.text.is_empty());
    let shown = &cells[..filled.map_or(0, |last| last + 1)];
    for (at, (cell, align, width)) in shown.iter().enumerate() {
        let pad = " ".repeat(width.saturating_sub(cell.width()));
        let text = style.paint(&cell.text, cell.paint);
        let last = at + 1 == shown.len();
        match align {
            Align::Right => write!(out, "{pad}{text}")?,
            Align::Left if last => write!(out, "{text}")?,
            Align::Left => write!(out, "{text}{pad}")?,
        }
        if !last {
            write!(out, "{}", Table::GAP)?;
        }
    }
    writeln!(out)
}

/// Text broken at blanks so that lines stay below `width`, each but the first indented.
pub(super) fn wrap(text: &str, width: usize, first: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut column = first;
    for (at, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 && column + 1 + length > width && column > indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if at > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(table: &Table, width: usize) -> String {
        let mut out = Vec::new();
        table.write(&mut out, Style::plain(width)).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn table() -> Table {
        let mut table = Table::new([
            Column::left("Key"),
            Column::right("Count").optional(2),
            Column::left("Extra").optional(1),
            Column::left("Text").cut_to(4),
        ]);
        table.row(["one".into(), "7".into(), "x".into(), "some words".into()]);
        table.row(["fourteen".into(), "12345".into(), "".into(), "".into()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        assert_eq!(
            render(&table(), 80),
            "Key       Count  Extra  Text\none           7  x      some words\nfourteen  12345\n"
        );
    }

    #[test]
    fn cells_are_cut_before_columns_are_left_out() {
        assert_eq!(
            render(&table(), 28),
            "Key       Count  Extra  Text\none           7  x      som…\nfourteen  12345\n"
        );
        assert_eq!(
            render(&table(), 27),
            "Key       Count  Text\none           7  some words\nfourteen  12345\n"
        );
        assert_eq!(
            render(&table(), 14),
            "Key       Text\none       som…\nfourteen\n"
        );
    }

    #[test]
    fn long_text_is_wrapped_at_blanks() {
        assert_eq!(wrap("65001 65002 65003", 12, 0, 2), "65001 65002\n  65003");
        assert_eq!(wrap("averylongword", 5, 0, 2), "averylongword");
    }
}
