//! Policies and routes for tests.

use ipnet::IpNet;

use crate::bgp::attributes::AttributesEditor;
use crate::bgp::types::{Asn, NextHop, Origin};
use crate::bgp::wire::as_path::AsPathBuilder;
use crate::policy::model::{
    Action, PolicyConfig, PrefixList, PrefixRule, RegexList, RegexRule, RouteMap, RouteMapRule,
};
use crate::policy::{Chain, Direction, Outcome, Policies, Scratch, Source, Subject};

pub(super) use Action::{Deny, Permit};

/// ORIGIN IGP, this AS_PATH, and what `edit` adds.
pub(super) fn raw(path: &[u32], edit: impl FnOnce(&mut AttributesEditor<'_>)) -> Box<[u8]> {
    let mut built = AsPathBuilder::new();
    path.iter().for_each(|&asn| built.push(Asn(asn)));
    let mut editor = AttributesEditor::empty();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(built.as_path());
    edit(&mut editor);
    editor.finish()
}

/// 10.1.0.0/16 from AS 65001 at 192.0.2.1, on its way in.
pub(super) fn subject(raw: &[u8]) -> Subject<'_> {
    Subject {
        prefix: net("10.1.0.0/16"),
        next_hop: NextHop::V4([192, 0, 2, 1].into()),
        raw,
        weight: 0,
        direction: Direction::Import,
        peer: Some([192, 0, 2, 1].into()),
        peer_as: Some(Asn(65001)),
        local_address: Some([192, 0, 2, 254].into()),
        interface: Some("eth0"),
        source: Source::Bgp,
        tag: 0,
        default_local_pref: 100,
    }
}

pub(super) fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// Rules 10, 20, …: action, prefix, ge, le.
pub(super) fn prefix_list(rules: &[(Action, &str, Option<u8>, Option<u8>)]) -> PrefixList {
    let rules = rules.iter().map(|&(action, prefix, ge, le)| PrefixRule {
        action: Some(action),
        description: None,
        prefix: Some(net(prefix)),
        ge,
        le,
    });
    PrefixList {
        description: None,
        rule: (10..).step_by(10).zip(rules).collect(),
    }
}

/// Rules 10, 20, …: action and expression.
pub(super) fn regex_list(rules: &[(Action, &str)]) -> RegexList {
    let rules = rules.iter().map(|&(action, regex)| RegexRule {
        action: Some(action),
        description: None,
        regex: Some(regex.to_owned()),
    });
    RegexList {
        description: None,
        rule: (10..).step_by(10).zip(rules).collect(),
    }
}

/// Rules 10, 20, ….
pub(super) fn route_map(rules: impl IntoIterator<Item = RouteMapRule>) -> RouteMap {
    RouteMap {
        description: None,
        rule: (10..).step_by(10).zip(rules).collect(),
    }
}

pub(super) fn rule(action: Action, edit: impl FnOnce(&mut RouteMapRule)) -> RouteMapRule {
    let mut rule = RouteMapRule {
        action: Some(action),
        ..RouteMapRule::default()
    };
    edit(&mut rule);
    rule
}

pub(super) fn compile(config: &PolicyConfig) -> Policies {
    Policies::compile(config, None).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Problems as `path: message`.
pub(super) fn problems(config: &PolicyConfig) -> Vec<String> {
    let problems = Policies::compile(config, None).expect_err("nothing is wrong");
    problems.iter().map(ToString::to_string).collect()
}

pub(super) fn evaluate(chain: &Chain, subject: &Subject<'_>) -> Outcome {
    chain.evaluate(subject, &mut Scratch::default())
}

/// `permit`, or why not.
pub(super) fn verdict(chain: &Chain, subject: &Subject<'_>) -> String {
    match evaluate(chain, subject) {
        Outcome::Permit(_) => "permit".to_owned(),
        Outcome::Deny(denial) => denial.words(),
    }
}
