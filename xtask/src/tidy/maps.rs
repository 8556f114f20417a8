//! The maps of the XDP program are exactly those that router-common names: each constant of
//! `router-common/src/map.rs` is a static of `router-ebpf/src/maps.rs`, and nothing else is.

use super::Finding;
use super::tree::{File, Tree};

const NAMES: &str = "router-common/src/map.rs";
const STATICS: &str = "router-ebpf/src/maps.rs";

/// A name and the line that it stands on.
type Name = (usize, String);

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let (Some(names), Some(statics)) = (tree.get(NAMES), tree.get(STATICS)) else {
        let missing = if tree.get(NAMES).is_none() {
            NAMES
        } else {
            STATICS
        };
        return vec![Finding::new(missing, 1, "is missing")];
    };
    let mut findings = Vec::new();
    let (named, wrong) = constants(names);
    findings.extend(wrong);
    let declared = maps(statics);
    for (line, name) in &named {
        if !declared.iter().any(|(_, other)| other == name) {
            let reason = format!("{STATICS} declares no map {name}");
            findings.push(Finding::new(NAMES, *line, reason));
        }
    }
    for (line, name) in &declared {
        if !named.iter().any(|(_, other)| other == name) {
            let reason = format!("{NAMES} does not name the map {name}");
            findings.push(Finding::new(STATICS, *line, reason));
        }
    }
    findings
}

/// `pub const NAME: &str = "NAME";`, and those whose value is another.
fn constants(file: &File) -> (Vec<Name>, Vec<Finding>) {
    let mut names = Vec::new();
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        let Some((name, value)) = line
            .strip_prefix("pub const ")
            .and_then(|rest| rest.split_once(": &str = "))
        else {
            continue;
        };
        if value.trim_end_matches(';').trim_matches('"') != name {
            let reason = format!("the constant {name} names another map: {value}");
            wrong.push(Finding::new(&file.path, number, reason));
        }
        names.push((number, name.to_owned()));
    }
    (names, wrong)
}

/// The name of the static that follows each `#[map]`, or what `#[map(name = "…")]` says.
fn maps(file: &File) -> Vec<Name> {
    let mut names = Vec::new();
    let mut expected = false;
    for (number, line) in (1..).zip(file.text.lines().map(str::trim)) {
        if let Some(name) = line
            .strip_prefix("#[map(name = \"")
            .and_then(|rest| rest.split('"').next())
        {
            names.push((number, name.to_owned()));
        } else if line.starts_with("#[map") {
            expected = true;
        } else if expected && let Some((_, rest)) = line.split_once("static ") {
            let name = rest.trim_start_matches("mut ").split(':').next();
            names.extend(name.map(|name| (number, name.trim().to_owned())));
            expected = false;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture;

    fn check_maps(names: &str, statics: &str, expected: &[&str]) {
        let found: Vec<_> = check(&fixture(&[(NAMES, names), (STATICS, statics)]))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_same_names_on_both_sides_are_fine() {
        check_maps(
            "pub const A: &str = \"A\";\npub const B: &str = \"B\";\npub const MAX: u32 = 1;\n",
            "#[map]\npub(crate) static A: Array<u32> = x;\n#[map(name = \"B\")]\nstatic b: HashMap = x;\n",
            &[],
        );
    }

    #[test]
    fn a_name_on_one_side_alone_is_found() {
        check_maps(
            "pub const A: &str = \"A\";\n",
            "#[map]\nstatic B: Array<u32> = x;\n",
            &[
                "router-common/src/map.rs:1: router-ebpf/src/maps.rs declares no map A",
                "router-ebpf/src/maps.rs:2: router-common/src/map.rs does not name the map B",
            ],
        );
    }

    #[test]
    fn a_constant_is_called_what_it_says() {
        check_maps(
            "pub const A: &str = \"B\";\n",
            "#[map]\nstatic A: Array<u32> = x;\n",
            &["router-common/src/map.rs:1: the constant A names another map: \"B\";"],
        );
    }
}
