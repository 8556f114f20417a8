//! Community lists of the three kinds. A rule is a set of communities that must all be there, or an expression
//! over the communities as text, separated by spaces.

use std::fmt::{self, Write};
use std::sync::Arc;

use super::as_path::compile_pattern;
use super::findings::Findings;
use super::hit::{Hit, Named, permits};
use super::pattern::{Case, Pattern};
use crate::bgp::attributes::{AttributesView, Community, ExtendedCommunity, LargeCommunity};
use crate::policy::model::{
    self, ExtendedValue, INTERNET, parse_community, parse_extended_community, parse_large_community,
};

/// What the kinds of community differ in.
pub(in crate::policy) trait Kind: Copy + Ord + fmt::Debug + fmt::Display {
    /// Sorted, each once.
    fn of<'a>(view: AttributesView<'a>) -> impl ExactSizeIterator<Item = Self> + use<'a, Self>;

    /// The members of a rule, if it is written as such.
    fn literals(written: &str) -> Option<Vec<Self>>;

    /// Stands for every route when a rule has it.
    fn is_wildcard(self) -> bool {
        false
    }

    /// Both halves of a community that is shown by name.
    fn number(self) -> Option<[u32; 2]> {
        None
    }

    fn case() -> Case {
        Case::Significant
    }
}

impl Kind for Community {
    fn of<'a>(view: AttributesView<'a>) -> impl ExactSizeIterator<Item = Self> + use<'a> {
        view.communities()
    }

    fn literals(written: &str) -> Option<Vec<Self>> {
        written.split_whitespace().map(parse_community).collect()
    }

    fn is_wildcard(self) -> bool {
        self == INTERNET
    }

    /// Well-known communities have a name and a number, and expressions may be about either.
    fn number(self) -> Option<[u32; 2]> {
        self.name()?;
        Some([self.0 >> 16, self.0 & 0xffff])
    }
}

impl Kind for LargeCommunity {
    fn of<'a>(view: AttributesView<'a>) -> impl ExactSizeIterator<Item = Self> + use<'a> {
        view.large_communities()
    }

    fn literals(written: &str) -> Option<Vec<Self>> {
        written
            .split_whitespace()
            .map(parse_large_community)
            .collect()
    }
}

impl Kind for ExtendedCommunity {
    fn of<'a>(view: AttributesView<'a>) -> impl ExactSizeIterator<Item = Self> + use<'a> {
        view.extended_communities()
    }

    /// `rt 65001:1 65001:2 soo 65001:3`, or `rt:65001:1 …`.
    fn literals(written: &str) -> Option<Vec<Self>> {
        let mut make: Option<fn(ExtendedValue) -> Self> = None;
        let mut members = Vec::new();
        for word in written.split_whitespace() {
            if word.eq_ignore_ascii_case("rt") {
                make = Some(ExtendedValue::route_target);
            } else if word.eq_ignore_ascii_case("soo") {
                make = Some(ExtendedValue::site_of_origin);
            } else if let Some(community) = parse_extended_community(word) {
                members.push(community);
            } else {
                members.push(make?(word.parse().ok()?));
            }
        }
        Some(members)
    }

    /// Others write `RT:` and `SoO:`.
    fn case() -> Case {
        Case::Ignored
    }
}

/// May the route have communities that a rule does not name?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Extent {
    AtLeast,
    Exactly,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) struct CommunityList<C> {
    name: Arc<str>,
    rules: Vec<(Hit, Wanted<C>)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted<C> {
    Every,
    /// Sorted, each once.
    All(Vec<C>),
    Text(Pattern),
}

impl<C: Kind> CommunityList<C> {
    pub(super) fn compile(findings: &mut Findings, name: &str, list: &model::RegexList) -> Self {
        let rules = findings.rules(&list.rule, |findings, rule, configured| {
            let action = findings.required("action", configured.action, "permit or deny");
            let written = findings.required("regex", configured.regex.as_ref(), "")?;
            let wanted = match C::literals(written) {
                Some(members) if members.iter().any(|each| each.is_wildcard()) => {
                    Some(Wanted::Every)
                }
                Some(mut members) if !members.is_empty() => {
                    members.sort_unstable();
                    members.dedup();
                    Some(Wanted::All(members))
                }
                _ => compile_pattern(findings, written, C::case()).map(Wanted::Text),
            };
            let (wanted, action) = (wanted?, action?);
            Some((Hit { rule, action }, wanted))
        });
        Self {
            name: name.into(),
            rules,
        }
    }

    /// The first rule that matches the communities of a route. `text` is a buffer.
    pub(in crate::policy) fn find(
        &self,
        view: AttributesView<'_>,
        extent: Extent,
        text: &mut String,
    ) -> Option<Hit> {
        let matches = |wanted: &Wanted<C>| match (wanted, extent) {
            (Wanted::Every, _) => true,
            (Wanted::All(members), Extent::AtLeast) => members
                .iter()
                .all(|member| C::of(view).any(|each| each == *member)),
            (Wanted::All(members), Extent::Exactly) => C::of(view).eq(members.iter().copied()),
            (Wanted::Text(pattern), _) => matches_text(pattern, || C::of(view), text),
        };
        first(&self.rules, matches)
    }

    /// Would `set … delete` with this list remove the community? Each is looked at alone.
    pub(in crate::policy) fn permits_alone(&self, community: C, text: &mut String) -> bool {
        let matches = |wanted: &Wanted<C>| match wanted {
            Wanted::Every => true,
            Wanted::All(members) => members.contains(&community),
            Wanted::Text(pattern) => matches_text(pattern, || std::iter::once(community), text),
        };
        permits(first(&self.rules, matches))
    }
}

impl<C> Named for CommunityList<C> {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
}

fn first<C>(
    rules: &[(Hit, Wanted<C>)],
    mut matches: impl FnMut(&Wanted<C>) -> bool,
) -> Option<Hit> {
    let (hit, _) = rules.iter().find(|(_, wanted)| matches(wanted))?;
    Some(*hit)
}

/// The text with names, and, where it differs, the text with numbers.
fn matches_text<C: Kind, I: Iterator<Item = C>>(
    pattern: &Pattern,
    members: impl Fn() -> I,
    text: &mut String,
) -> bool {
    write_members(text, members(), |_| None);
    if pattern.matches(text) {
        return true;
    }
    if members().all(|each| each.number().is_none()) {
        return false;
    }
    write_members(text, members(), C::number);
    pattern.matches(text)
}

fn write_members<C: Kind>(
    text: &mut String,
    members: impl Iterator<Item = C>,
    number: impl Fn(C) -> Option<[u32; 2]>,
) {
    text.clear();
    for (position, each) in members.enumerate() {
        if position > 0 {
            text.push(' ');
        }
        // A String takes everything.
        _ = match number(each) {
            Some([global, local]) => write!(text, "{global}:{local}"),
            None => write!(text, "{each}"),
        };
    }
}

#[cfg(test)]
mod tests;
