//! Figures of a run as a table for people, one JSON object a line for machines, and the section of
//! docs/benchmarks.md.

use std::fmt::Write as _;

use serde_json::json;

use crate::subject::Subject;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    CpuSeconds,
    Megabytes,
    Milliseconds,
    Frames,
    Bytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::CpuSeconds => "CPU s",
            Self::Megabytes => "MB",
            Self::Milliseconds => "ms",
            Self::Frames => "frames",
            Self::Bytes => "B",
        }
    }
}

/// One measured value of one run.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) case: String,
    pub(crate) subject: Subject,
    pub(crate) unit: Unit,
    pub(crate) value: f64,
}

/// All runs of one case and subject.
#[derive(Clone, Copy, Debug)]
struct Spread {
    minimum: f64,
    median: f64,
    maximum: f64,
    runs: usize,
}

/// One row: a case with both subjects beside each other.
struct Row<'a> {
    case: &'a str,
    unit: Unit,
    ours: Option<Spread>,
    theirs: Option<Spread>,
}

fn spread(figures: &[Figure], case: &str, subject: Subject) -> Option<Spread> {
    let mut values: Vec<f64> = figures
        .iter()
        .filter(|f| f.case == case && f.subject == subject)
        .map(|f| f.value)
        .collect();
    values.sort_by(f64::total_cmp);
    Some(Spread {
        minimum: *values.first()?,
        median: *values.get(values.len() / 2)?,
        maximum: *values.last()?,
        runs: values.len(),
    })
}

fn rows(figures: &[Figure]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for figure in figures {
        if rows.iter().all(|row| row.case != figure.case) {
            rows.push(Row {
                case: &figure.case,
                unit: figure.unit,
                ours: spread(figures, &figure.case, Subject::Ours),
                theirs: spread(figures, &figure.case, Subject::Bird),
            });
        }
    }
    rows
}

/// Medians with minimum and maximum of our router alone, as Markdown.
pub(crate) fn markdown_of_ours(figures: &[Figure]) -> String {
    let mut out = String::from("| | unit | median | minimum–maximum |\n|---|---|---|---|\n");
    for row in rows(figures) {
        if let Some(ours) = row.ours {
            writeln!(
                out,
                "| {} | {} | {:.1} | {:.1}–{:.1} |",
                row.case,
                row.unit.name(),
                ours.median,
                ours.minimum,
                ours.maximum
            )
            .expect("writing to a string does not fail");
        }
    }
    out
}

/// Medians with minimum and maximum, as Markdown.
pub(crate) fn markdown(figures: &[Figure]) -> String {
    let cell = |spread: Option<Spread>| {
        spread.map_or_else(
            || "–".to_owned(),
            |s| format!("{:.2} ({:.2}–{:.2})", s.median, s.minimum, s.maximum),
        )
    };
    let mut out = String::from("| | unit | router-ctl | BIRD 2 | ratio |\n|---|---|---|---|---|\n");
    for row in rows(figures) {
        let ratio = row.ours.zip(row.theirs).map_or_else(
            || "–".to_owned(),
            |(ours, theirs)| format!("{:.2}", ours.median / theirs.median),
        );
        writeln!(
            out,
            "| {} | {} | {} | {} | {ratio} |",
            row.case,
            row.unit.name(),
            cell(row.ours),
            cell(row.theirs)
        )
        .expect("writing to a string does not fail");
    }
    out
}

/// One JSON object a line: `bench, case, subject, peer, unit, ours, theirs, ratio, spread, runs`.
pub(crate) fn json_lines(bench: &str, figures: &[Figure]) -> String {
    let mut out = String::new();
    for row in rows(figures) {
        let median = |spread: Option<Spread>| spread.map(|s| s.median);
        let line = json!({
            "bench": bench,
            "case": row.case,
            "subject": Subject::Ours.name(),
            "peer": row.theirs.map(|_| Subject::Bird.name()),
            "unit": row.unit.name(),
            "ours": median(row.ours),
            "theirs": median(row.theirs),
            "ratio": median(row.ours).zip(median(row.theirs)).map(|(ours, theirs)| ours / theirs),
            "spread": row.ours.map(|s| [s.minimum, s.maximum]),
            "runs": row.ours.or(row.theirs).map_or(0, |s| s.runs),
        });
        out += &line.to_string();
        out.push('\n');
    }
    out
}
