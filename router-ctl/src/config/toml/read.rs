//! Text → [`Tree`], along the schema.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lines::Lines;
use super::suggest::{distance, elsewhere, example};
use crate::config::problem::{Code, Problem};
use crate::config::schema::{Kind, Node, ROOT};
use crate::config::tree::{Content, Tree};
use crate::config::value::{Refused, Type, Value};

pub(super) struct Outcome {
    /// Everything that could be read.
    pub(super) tree: Tree,
    pub(super) problems: Vec<Problem>,
    /// The text is not TOML, and parts of it may be missing from the tree.
    pub(super) broken: bool,
}

pub(super) fn read(text: &str) -> Outcome {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk {
        lines: Lines::new(text),
        path: Vec::new(),
        problems: Vec::new(),
    };
    for error in &errors {
        walk.syntax(text, error);
    }
    let broken = walk.problems.iter().any(|p| p.code == Code::Syntax);
    let tree = walk.table(ROOT, document.get_ref(), 0..0);
    Outcome {
        tree,
        problems: walk.problems,
        broken,
    }
}

/// A walk down the document; `path` is where it stands.
struct Walk<'a> {
    lines: Lines<'a>,
    path: Vec<String>,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn syntax(&mut self, text: &str, error: &toml::de::Error) {
        let position = error.span().map(|span| self.lines.position(span.start));
        let written = error.span().and_then(|span| text.get(span));
        let problem = match (error.message(), written) {
            ("duplicate key", Some(key)) => Problem::error(
                &self.path,
                Code::Duplicate,
                format!("{key} is set twice in one table"),
            )
            .hint("a table may also be opened only once"),
            (message, _) => {
                Problem::error(&self.path, Code::Syntax, format!("not TOML: {message}"))
            }
        };
        self.problems.push(problem.at(position));
    }

    fn error(&mut self, code: Code, message: impl Into<String>, span: &Range<usize>) {
        let problem = Problem::error(&self.path, code, message);
        self.report(problem, span);
    }

    fn report(&mut self, problem: Problem, span: &Range<usize>) {
        let position = self.lines.position(span.start);
        self.problems.push(problem.at(Some(position)));
    }

    fn refused(&mut self, refused: Refused, span: &Range<usize>) {
        let mut problem = Problem::error(&self.path, refused.code, refused.message);
        problem.hint = refused.hint;
        self.report(problem, span);
    }

    /// A table whose children are `nodes`.
    fn table(&mut self, nodes: &'static [Node], table: &DeTable<'_>, span: Range<usize>) -> Tree {
        let mut children = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref();
            self.path.push(name.to_string());
            match nodes.iter().find(|node| node.name == *name) {
                Some(node) => {
                    if let Some(tree) = self.node(node, value, key.span()) {
                        children.insert(node.name, tree);
                    }
                }
                None => self.unknown(nodes, &key.span()),
            }
            self.path.pop();
        }
        self.exclusions(nodes, &children);
        for node in nodes.iter().filter(|node| node.required) {
            if !table.contains_key(node.name) {
                self.path.push(node.name.to_owned());
                let problem = Problem::error(&self.path, Code::Required, "required");
                self.report(problem.hint(example(node)), &span);
                self.path.pop();
            }
        }
        Tree {
            position: Some(self.lines.position(span.start)),
            content: Content::Table(children),
        }
    }

    fn node(
        &mut self,
        node: &'static Node,
        value: &Spanned<DeValue<'_>>,
        key: Range<usize>,
    ) -> Option<Tree> {
        let position = Some(self.lines.position(key.start));
        match node.kind {
            Kind::Leaf(kind) => {
                let value = self.leaf(kind, value)?;
                Some(Tree {
                    position,
                    content: Content::Leaf(value),
                })
            }
            Kind::Multi(kind) => Some(Tree {
                position,
                content: Content::List(self.list(kind, value)),
            }),
            Kind::Flag { .. } => Some(Tree {
                position,
                content: Content::Flag(self.boolean(value)?),
            }),
            Kind::AlwaysOn => {
                if !self.boolean(value)? {
                    let problem =
                        Problem::error(&self.path, Code::NotApplicable, "cannot be switched off");
                    self.report(problem.hint("remove it"), &value.span());
                }
                None
            }
            Kind::Group(children) | Kind::Presence(children) => {
                let table = self.expect_table(node, value)?;
                Some(self.table(children, table, start_of(value, &key)))
            }
            Kind::Named(kind, children) => {
                let table = self.expect_table(node, value)?;
                Some(Tree {
                    position,
                    content: Content::Named(self.entries(kind, children, table)),
                })
            }
            Kind::Single(kind, children) => {
                let table = self.expect_table(node, value)?;
                let entries = self.entries(kind, children, table);
                if entries.len() > 1 {
                    let keys: Vec<_> = entries.keys().map(Value::to_string).collect();
                    let message = format!("{}: only one of them can be set", keys.join(", "));
                    self.error(Code::Conflict, message, &key);
                }
                Some(Tree {
                    position,
                    content: Content::Named(entries),
                })
            }
        }
    }

    fn entries(
        &mut self,
        kind: Type,
        children: &'static [Node],
        table: &DeTable<'_>,
    ) -> BTreeMap<Value, Tree> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let written = key.get_ref();
            let name = match kind.key(written) {
                Ok(name) => {
                    self.path.push(name.to_string());
                    Some(name)
                }
                Err(refused) => {
                    self.path.push(written.to_string());
                    self.refused(refused, &key.span());
                    None
                }
            };
            let entry = value
                .get_ref()
                .as_table()
                .map(|table| self.table(children, table, start_of(value, &key.span())));
            if entry.is_none() {
                self.mismatch("a table", value);
            }
            if let (Some(name), Some(entry)) = (name, entry) {
                self.note_host_bits(written, &name, &key.span());
                match entries.entry(name) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(entry);
                    }
                    Entry::Occupied(occupied) => {
                        let name = occupied.key();
                        let message = format!("{name} is there already, written differently");
                        self.error(Code::Duplicate, message, &key.span());
                    }
                }
            }
            self.path.pop();
        }
        entries
    }

    fn note_host_bits(&mut self, written: &str, name: &Value, span: &Range<usize>) {
        let Value::Prefix(prefix) = name else {
            return;
        };
        if written
            .parse::<ipnet::IpNet>()
            .is_ok_and(|net| net != *prefix)
        {
            let problem = Problem::warning(
                &self.path,
                Code::BadValue,
                format!("{written} has host bits set"),
            );
            self.report(problem.hint(format!("it stands for {prefix}")), span);
        }
    }

    /// Reports nodes that cannot be there together, at the one that says so.
    fn exclusions(&mut self, nodes: &[Node], children: &BTreeMap<&'static str, Tree>) {
        let find = |path: &str| {
            let mut words = path.split(' ');
            let first = children.get(words.next()?)?;
            words
                .try_fold(first, |tree, word| tree.get(word))
                .filter(|tree| tree.content != Content::Flag(false))
        };
        for node in nodes {
            let Some(tree) = find(node.name) else {
                continue;
            };
            for other in node.excludes.iter().filter(|path| find(path).is_some()) {
                self.path.push(node.name.to_owned());
                let message = format!("cannot be set together with {other}");
                let problem = Problem::error(&self.path, Code::Conflict, message)
                    .hint("keep one of them")
                    .at(tree.position);
                self.problems.push(problem);
                self.path.pop();
            }
        }
    }

    fn boolean(&mut self, value: &Spanned<DeValue<'_>>) -> Option<bool> {
        let on = value.get_ref().as_bool();
        if on.is_none() {
            self.mismatch("true or false", value);
        }
        on
    }

    /// An array of values, or one value alone.
    fn list(&mut self, kind: Type, value: &Spanned<DeValue<'_>>) -> Vec<Value> {
        let DeValue::Array(array) = value.get_ref() else {
            return self.leaf(kind, value).into_iter().collect();
        };
        let mut values = Vec::new();
        for element in array {
            let Some(value) = self.leaf(kind, element) else {
                continue;
            };
            if values.contains(&value) {
                let message = format!("{value} is there already");
                self.error(Code::Duplicate, message, &element.span());
            } else {
                values.push(value);
            }
        }
        values
    }

    fn leaf(&mut self, kind: Type, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let result = match value.get_ref() {
            DeValue::String(text) => kind.text(text),
            DeValue::Integer(integer) => {
                match i128::from_str_radix(integer.as_str(), integer.radix()) {
                    Ok(number) => kind.number(number),
                    Err(_) => kind.number(i128::MAX),
                }
            }
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.mismatch(&kind.to_string(), value);
                return None;
            }
        };
        match result {
            Ok(value) => Some(value),
            Err(refused) => {
                self.refused(refused, &value.span());
                None
            }
        }
    }

    fn expect_table<'d, 'i>(
        &mut self,
        node: &Node,
        value: &'d Spanned<DeValue<'i>>,
    ) -> Option<&'d DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let message = format!("expected a table, found {}", kind_of(value.get_ref()));
            let problem = Problem::error(&self.path, Code::BadValue, message);
            let hint = match node.kind {
                Kind::Presence(_) => format!("write {} = {{}}", node.name),
                Kind::Named(..) | Kind::Single(..) => {
                    let key = kind_of(value.get_ref());
                    format!("write {}.{key} = {{}}", node.name)
                }
                Kind::Leaf(_)
                | Kind::Multi(_)
                | Kind::Flag { .. }
                | Kind::AlwaysOn
                | Kind::Group(_) => format!("open it with [{}]", self.path.join(".")),
            };
            self.report(problem.hint(hint), &value.span());
        }
        table
    }

    fn mismatch(&mut self, expected: &str, value: &Spanned<DeValue<'_>>) {
        let message = format!("expected {expected}, found {}", kind_of(value.get_ref()));
        self.error(Code::BadValue, message, &value.span());
    }

    /// The last word of the path is none of `nodes`.
    fn unknown(&mut self, nodes: &'static [Node], span: &Range<usize>) {
        let problem = Problem::error(&self.path, Code::UnknownPath, "there is no such node");
        let (word, parents) = match self.path.split_last() {
            Some((word, parents)) => (word.as_str(), parents),
            None => ("", &[][..]),
        };
        let nearest = nodes
            .iter()
            .map(|node| (distance(word, node.name), node.name))
            .min()
            .filter(|&(distance, _)| distance <= (word.len() / 3).max(1));
        let hint = match (nearest, elsewhere(word, parents)) {
            (Some((_, name)), _) => format!("did you mean {name}?"),
            (None, Some(path)) => format!("did you mean {path}?"),
            (None, None) if nodes.is_empty() => "nothing can be set here".to_owned(),
            (None, None) => {
                let names: Vec<_> = nodes.iter().map(|node| node.name).collect();
                format!("known here: {}", names.join(", "))
            }
        };
        self.report(problem.hint(hint), span);
    }
}

/// Where a table begins: at its header if it has one, else at the key that names it.
fn start_of(value: &Spanned<DeValue<'_>>, key: &Range<usize>) -> Range<usize> {
    let span = value.span();
    if span.is_empty() || span.start > key.start {
        key.clone()
    } else {
        span
    }
}

fn kind_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => format!("{number}"),
        DeValue::Boolean(on) => format!("{on}"),
        DeValue::Float(_) => "a number with a point".to_owned(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
