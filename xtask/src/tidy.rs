//! `cargo xtask tidy`: the invariants of the tree as checks. Each rule is a function from the tree to findings;
//! a finding names a place and a reason. Rules know nothing of the disk, so their tests are small trees.

mod docs;
mod imports;
mod maps;
mod panics;
mod size;
mod source;
mod tree;
mod verdicts;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use crate::run::root;
use tree::Tree;

/// Something that should not be as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    file: String,
    line: usize,
    reason: String,
}

impl Finding {
    fn new(file: &str, line: usize, reason: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("size", size::check),
    ("imports", imports::check),
    ("panics", panics::check),
    ("docs", docs::check),
    ("maps", maps::check),
    ("verdicts", verdicts::check),
    ("words", words::check),
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Another checkout than this one
    checkout: Option<PathBuf>,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let clean = passes(args.checkout.as_deref().unwrap_or(root()))?;
    Ok(ExitCode::from(u8::from(!clean)))
}

/// Runs every rule and prints what it found; whether that was nothing.
///
/// # Errors
/// When the tree cannot be read.
pub(crate) fn passes(root: &Path) -> Result<bool> {
    let tree = Tree::read(root)?;
    let mut clean = true;
    for (name, rule) in RULES {
        let mut findings = rule(&tree);
        findings.sort();
        for finding in &findings {
            println!("tidy/{name}: {finding}");
        }
        clean &= findings.is_empty();
    }
    for warning in size::warnings(&tree) {
        println!("tidy/size: warning: {warning}");
    }
    println!("tidy: {}", size::summary(&tree));
    Ok(clean)
}
