//! `check`: everything that is wrong with a file, without applying it.

use std::io::{self, Write};

use crate::cli::args::Check;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint, Style};
use crate::config::problem::{Problem, Severity, to_json};
use crate::config::toml;

pub(super) fn check(check: &Check) -> Result<(), Failure> {
    let file = check.config.display().to_string();
    let text = std::fs::read_to_string(&check.config)
        .map_err(|error| Failure::Refused(format!("cannot read {file}: {error}")))?;
    let (valid, problems) = match toml::parse(&text) {
        Ok((_, warnings)) => (true, warnings),
        Err(problems) => (false, problems),
    };
    if check.json {
        let mut out = Output::direct();
        writeln!(out, "{:#}", to_json(&problems, &file))?;
        out.finish()?;
    } else {
        report(
            &mut io::stderr().lock(),
            Style::of_stderr(),
            &problems,
            &file,
        )?;
        if valid {
            let mut out = Output::direct();
            writeln!(out, "{file}: valid")?;
            out.finish()?;
        }
    }
    if valid { Ok(()) } else { Err(Failure::Said(2)) }
}

pub(super) fn report(
    out: &mut dyn Write,
    style: Style,
    problems: &[Problem],
    file: &str,
) -> io::Result<()> {
    for problem in problems {
        let text = problem.in_file(file).to_string();
        let paint = match problem.severity {
            Severity::Error => Paint::Bad,
            Severity::Warning => Paint::Warn,
        };
        let word = problem.severity.name();
        let rest = text.strip_prefix(word).unwrap_or(&text);
        writeln!(out, "{}{rest}\n", style.paint(word, paint))?;
    }
    let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if errors + warnings > 0 {
        writeln!(
            out,
            "{file}: {}, {}",
            plural(errors, "error"),
            plural(warnings, "warning")
        )?;
    }
    Ok(())
}

pub(super) fn plural(count: usize, word: &str) -> String {
    let ending = match word {
        _ if count == 1 => "",
        word if word.ends_with('x') => "es",
        _ => "s",
    };
    format!("{count} {word}{ending}")
}
