//! Two JSON documents beside each other.

use serde_json::Value;

/// In what a document of ours may differ from FRR's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// FRR has the key, we have not.
    Absent,
    /// Another value of the same type.
    Value,
}

/// Whether a difference is there in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Always,
    /// It depends on the moment.
    Sometimes,
}

/// A difference that is meant. `at` is the end of a path in the document, the document's name first: keys with
/// blanks between them; a key that ends in `*` stands for all that begin so.
pub(super) struct Difference {
    pub(super) at: &'static str,
    pub(super) kind: Kind,
    pub(super) seen: Seen,
    pub(super) why: &'static str,
}

/// What a key of ours must have that FRR does not show, or not in this scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Number,
    Text,
    /// This, as JSON.
    Is(&'static str),
}

pub(super) struct Comparison {
    meant: &'static [Difference],
    used: Vec<bool>,
    findings: Vec<String>,
    path: Vec<String>,
}

impl Comparison {
    pub(super) fn new(meant: &'static [Difference]) -> Self {
        Self {
            meant,
            used: vec![false; meant.len()],
            findings: Vec::new(),
            path: Vec::new(),
        }
    }

    pub(super) fn compare(&mut self, document: &str, ours: &Value, theirs: &Value) {
        self.path = vec![document.to_owned()];
        self.walk(ours, theirs);
    }

    /// A key that is not compared with one of FRR's.
    pub(super) fn expect(&mut self, document: &str, ours: &Value, key: &str, expected: Expected) {
        let found = key.split(' ').fold(ours, |value, step| match value {
            Value::Array(entries) => step
                .parse()
                .ok()
                .and_then(|at: usize| entries.get(at))
                .unwrap_or(&Value::Null),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => &value[step],
        });
        let right = match expected {
            Expected::Number => found.is_u64(),
            Expected::Text => found.is_string(),
            Expected::Is(text) => {
                serde_json::from_str(text).is_ok_and(|wanted: Value| wanted == *found)
            }
        };
        if !right {
            let finding = format!("{document} {key} is not {expected:?}: {found}");
            self.findings.push(finding);
        }
    }

    /// What was not meant.
    pub(super) fn found(self) -> Vec<String> {
        self.findings
    }

    /// What was not meant, and what was and is not so.
    pub(super) fn finish(mut self) -> Vec<String> {
        for (row, used) in self.meant.iter().zip(&self.used) {
            if !used && row.seen == Seen::Always {
                let finding = format!(
                    "no longer differs: {} ({:?}, {})",
                    row.at, row.kind, row.why
                );
                self.findings.push(finding);
            }
        }
        self.findings
    }

    fn walk(&mut self, ours: &Value, theirs: &Value) {
        match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => {
                for (key, theirs) in theirs {
                    self.path.push(key.clone());
                    match ours.get(key) {
                        Some(ours) => self.walk(ours, theirs),
                        None => self.differ(Kind::Absent, "nothing", theirs),
                    }
                    self.path.pop();
                }
            }
            (Value::Array(ours), Value::Array(theirs)) => self.walk_list(ours, theirs),
            (Value::Null, Value::Null) => {}
            (Value::Bool(a), Value::Bool(b)) if a == b => {}
            (Value::Number(a), Value::Number(b)) if a == b => {}
            (Value::String(a), Value::String(b)) if a == b => {}
            (Value::Bool(_), Value::Bool(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::String(_), Value::String(_)) => {
                self.differ(Kind::Value, &ours.to_string(), theirs);
            }
            _ => {
                let path = self.path.join(" ");
                let finding = format!("another type: {path}: {ours} here, {theirs} in FRR");
                self.findings.push(finding);
            }
        }
    }

    /// Entries that name a peer or an address are found by it, others by their place.
    fn walk_list(&mut self, ours: &[Value], theirs: &[Value]) {
        if ours.len() != theirs.len() {
            let length = format!("{} entries", ours.len());
            self.differ(Kind::Value, &length, &Value::from(theirs.to_vec()));
            return;
        }
        for (place, entry) in theirs.iter().enumerate() {
            let named = name(entry);
            let found = match &named {
                Some(_) => ours.iter().find(|each| name(each) == named),
                None => ours.get(place),
            };
            self.path.push(named.unwrap_or_else(|| place.to_string()));
            match found {
                Some(found) => self.walk(found, entry),
                None => self.differ(Kind::Absent, &Value::from(ours.to_vec()).to_string(), entry),
            }
            self.path.pop();
        }
    }

    fn differ(&mut self, kind: Kind, ours: &str, theirs: &Value) {
        let row = self.meant.iter().position(|row| {
            row.kind == kind && ends_with(&self.path, &row.at.split(' ').collect::<Vec<_>>())
        });
        match row {
            Some(row) => self.used[row] = true,
            None => {
                let path = self.path.join(" ");
                let finding = format!("{path}: {ours} here, {theirs} in FRR");
                self.findings.push(finding);
            }
        }
    }
}

fn name(entry: &Value) -> Option<String> {
    let keys = ["/peer/peerId", "/peerId", "/ip", "/interfaceName"];
    let found = keys.iter().find_map(|key| entry.pointer(key)?.as_str());
    found.map(str::to_owned)
}

fn ends_with(path: &[String], pattern: &[&str]) -> bool {
    path.len() >= pattern.len()
        && path[path.len() - pattern.len()..]
            .iter()
            .zip(pattern)
            .all(|(step, wanted)| match wanted.strip_suffix('*') {
                Some(beginning) => step.starts_with(beginning),
                None => step == wanted,
            })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MEANT: &[Difference] = &[Difference {
        at: "peers * uptime",
        kind: Kind::Absent,
        seen: Seen::Always,
        why: "a test",
    }];

    #[track_caller]
    fn check(ours: &Value, theirs: &Value, findings: &[&str]) {
        let mut comparison = Comparison::new(MEANT);
        comparison.compare("d", ours, theirs);
        assert_eq!(comparison.finish(), findings);
    }

    #[test]
    fn keys_may_be_added_and_those_that_are_meant_may_lack() {
        check(
            &json!({"peers": {"a": {"as": 1, "more": 2}}}),
            &json!({"peers": {"a": {"as": 1, "uptime": 3}}}),
            &[],
        );
    }

    #[test]
    fn renamed_keys_other_types_other_values_and_idle_rows_are_found() {
        check(
            &json!({"peers": {"a": {"remoteAS": 1, "id": "2", "mtu": 3}}}),
            &json!({"peers": {"a": {"remoteAs": 1, "id": 2, "mtu": 4}}}),
            &[
                "another type: d peers a id: \"2\" here, 2 in FRR",
                "d peers a mtu: 3 here, 4 in FRR",
                "d peers a remoteAs: nothing here, 1 in FRR",
                "no longer differs: peers * uptime (Absent, a test)",
            ],
        );
    }

    #[test]
    fn entries_of_lists_are_found_by_what_names_them() {
        let ours = json!({"list": [{"ip": "b", "n": 2}, {"ip": "a", "n": 1}], "peers": {"a": {}}});
        let theirs = json!({"list": [{"ip": "a", "n": 1}, {"ip": "b", "n": 2}], "peers": {"a": {"uptime": 1}}});
        check(&ours, &theirs, &[]);
    }
}
