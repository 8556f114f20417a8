//! The files of the checkout that rules look at, as text.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::source::Source;

/// Directories that hold no sources.
const SKIPPED: &[&str] = &["target", ".git", "corpus", "artifacts"];
const EXTENSIONS: &[&str] = &["rs", "toml", "md", "service", "sh", "html", "js", "css"];

pub(super) struct File {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// Of a `.rs` file.
    pub(super) source: Option<Source>,
}

#[derive(Default)]
pub(super) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// Reads what has a known extension.
    ///
    /// # Errors
    /// When a directory or a file cannot be read.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        collect(root, "", &mut files)?;
        files.sort();
        Ok(Self::from_files(files))
    }

    pub(super) fn from_files(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut files: Vec<_> = files
            .into_iter()
            .map(|(path, text)| {
                let source = path.ends_with(".rs").then(|| Source::read(&text));
                File { path, text, source }
            })
            .collect();
        let test_modules: Vec<_> = files.iter().flat_map(test_modules).collect();
        for file in &mut files {
            let of_tests = test_modules.iter().any(|module| {
                file.path
                    .strip_prefix(module.as_str())
                    .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            });
            if let (true, Some(source)) = (of_tests, &mut file.source) {
                source.mark_all_as_test();
            }
        }
        Self { files }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.files()
            .filter_map(|file| Some((file.path.as_str(), file.source.as_ref()?)))
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files().find(|file| file.path == path)
    }

    /// Whether there is a file of this path, or a directory with files in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let directory = format!("{}/", path.trim_end_matches('/'));
        self.files()
            .any(|file| file.path == path || file.path.starts_with(&directory))
    }
}

/// Paths, without `.rs`, of the modules that a file declares under `#[cfg(test)]`.
fn test_modules(file: &File) -> Vec<String> {
    let Some(source) = &file.source else {
        return Vec::new();
    };
    let directory = module_directory(&file.path);
    let declared = source.lines().filter(|line| line.test).filter_map(|line| {
        // `mod tests;`, `pub(super) mod tests;`
        let name = line.code.trim().rsplit("mod ").next()?.strip_suffix(';')?;
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_name.then(|| format!("{directory}{name}"))
    });
    declared.collect()
}

/// Where the child modules of a file lie.
fn module_directory(path: &str) -> String {
    let (directory, name) = match path.rsplit_once('/') {
        Some((directory, name)) => (format!("{directory}/"), name),
        None => (String::new(), path),
    };
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => directory,
        name => format!("{directory}{}/", name.trim_end_matches(".rs")),
    }
}

fn collect(root: &Path, below: &str, files: &mut Vec<(String, String)>) -> Result<()> {
    let directory = root.join(below);
    let entries =
        fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
        } else if kind.is_file() && is_text(&path) {
            let text = fs::read_to_string(entry.path())
                .with_context(|| format!("cannot read {path} as text"))?;
            files.push((path, text));
        }
    }
    Ok(())
}

fn is_text(path: &str) -> bool {
    path == ".ci/run"
        || path.starts_with("LICENSE")
        || path
            .rsplit_once('.')
            .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

#[cfg(test)]
pub(super) fn fixture(files: &[(&str, &str)]) -> Tree {
    Tree::from_files(
        files
            .iter()
            .map(|&(path, text)| (path.to_owned(), text.to_owned())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_declared_for_tests_are_tests_throughout() {
        let tree = fixture(&[
            ("a/src/rib/mod.rs", "mod table;\n#[cfg(test)]\nmod tests;\n"),
            ("a/src/rib/tests.rs", "fn one() {}\n"),
            (
                "a/src/rib/table.rs",
                "fn two() {}\n#[cfg(test)]\npub(super) mod cases;\n",
            ),
            ("a/src/rib/table/cases.rs", "fn three() {}\n"),
        ]);
        let tests: Vec<_> = tree
            .sources()
            .filter(|(_, source)| source.lines().all(|line| line.test))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(tests, ["a/src/rib/tests.rs", "a/src/rib/table/cases.rs"]);
    }

    #[test]
    fn a_directory_is_there_when_it_has_files() {
        let tree = fixture(&[("docs/adr/0001.md", "")]);
        assert!(tree.has("docs/adr/") && tree.has("docs") && tree.has("docs/adr/0001.md"));
        assert!(!tree.has("doc") && !tree.has("docs/adr/0001"));
    }
}
