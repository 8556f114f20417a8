use super::*;
use crate::tidy::tree::fixture;

/// Findings about a README beside some sources; what the tree lacks besides is not looked at.
fn check_readme(text: &str, expected: &[&str]) {
    let tree = fixture(&[
        ("README.md", text),
        ("docs/lab.md", ""),
        (
            "router-ctl/src/bgp/fsm.rs",
            "pub enum State {\n    Idle,\n}\nimpl Fsm {\n    pub fn handle(&mut self) {}\n}\n",
        ),
    ]);
    let found: Vec<_> = check(&tree)
        .into_iter()
        .filter(|finding| finding.file == "README.md")
        .map(|finding| finding.reason)
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn paths_that_exist_may_be_told_from_the_root_or_from_a_crate() {
    check_readme(
        "`router-ctl/src/bgp/fsm.rs`, `bgp/fsm.rs`, `fsm.rs`, `bgp/`",
        &[],
    );
    check_readme("`bgp/session.rs`", &["bgp/session.rs does not exist"]);
}

#[test]
fn items_are_declared_where_the_document_says() {
    check_readme("`bgp/fsm.rs::handle` `bgp/fsm.rs::State::Idle`", &[]);
    check_readme("`bgp/fsm.rs::hand`", &["bgp/fsm.rs declares no hand"]);
}

#[test]
fn commands_exist() {
    check_readme("`cargo xtask demo --json` `cargo xtask test interop`", &[]);
    check_readme(
        "`cargo xtask deploy`",
        &["cargo xtask has no command deploy"],
    );
    check_readme(
        "`cargo xtask demo --fast`",
        &["cargo xtask demo has no option --fast"],
    );
    check_readme(
        "`cargo xtask test moon`",
        &["cargo xtask test has no suite moon"],
    );
}

#[test]
fn links_are_relative_to_the_document() {
    check_readme(
        "[lab](docs/lab.md#x) [site](https://example.net) [up](#y)",
        &[],
    );
    check_readme(
        "[lab](docs/lap.md)",
        &["the link leads to docs/lap.md, which does not exist"],
    );
}

#[test]
fn every_dependency_has_a_row_and_every_row_a_dependency() {
    let manifest = "[workspace.dependencies]\nours = { path = \"ours\" }\n# why\nclap = \"4\"\nnix = \"1\"\n\n[profile.dev]\nopt = 1\n";
    let record = "# 2\n\n| `clap` | does |\n| `toml`, `nix` | does |\n";
    let member = (
        "ctl/Cargo.toml",
        "clap.workspace = true\nnix = { workspace = true }\n",
    );
    let tree = fixture(&[(MANIFEST, manifest), (DEPENDENCIES, record), member]);
    let found: Vec<_> = dependencies(&tree)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        ["docs/adr/0002-dependencies.md:4: Cargo.toml does not name toml"]
    );
    let tree = fixture(&[(MANIFEST, manifest), (DEPENDENCIES, ""), member]);
    assert_eq!(dependencies(&tree).len(), 2);
}

#[test]
fn a_crate_that_no_member_uses_is_found() {
    let manifest = "[workspace.dependencies]\nclap = \"4\"\n";
    let tree = fixture(&[(MANIFEST, manifest), (DEPENDENCIES, "| `clap` |\n")]);
    let found: Vec<_> = dependencies(&tree)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, ["Cargo.toml:2: no crate uses clap"]);
}
