//! A neighbour: its name, its group, and what both say together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use super::bgp::no_group;
use super::family::limit_leaves;
use super::place::Place;
use super::settings::{self, has_warnings};
use crate::config::model::{
    Bgp, Config, Neighbor, NeighborName, NeighborSettings, RemoteAs, UpdateSource,
};
use crate::config::problem::{Code, Problem};

pub(super) fn check(problems: &mut Vec<Problem>, config: &Config, bgp: &Bgp) {
    let place = Place::new("protocols bgp");
    let subjects: Vec<_> = bgp
        .neighbor
        .iter()
        .map(|(name, neighbor)| Subject::new(config, bgp, name, neighbor))
        .collect();
    let mut of_groups = BTreeMap::new();
    for (name, group) in &bgp.peer_group {
        let place = place.of("peer-group").of(name);
        let mut found = settings::check(config, bgp, &place, group);
        let dynamic = bgp.listen.range.values().any(|r| r.peer_group == *name);
        found.retain(|problem| {
            problem.is_error() || dynamic || is_everyones(problem, &place, name, &subjects)
        });
        problems.extend(found.iter().cloned());
        of_groups.insert(name, (place, found));
    }
    let mut links = BTreeSet::new();
    for subject in &subjects {
        subject.check_group(problems, bgp);
        subject.check_name(problems, bgp);
        if let Some(link) = subject.link()
            && !links.insert(link)
        {
            let message = "another neighbor has this address on this interface";
            let problem = Problem::error(&subject.place.path(""), Code::Duplicate, message);
            problems.push(problem.hint("remove one of them"));
        }
        subject.check_source(problems);
        subject.check_families(problems);
        let group = subject.neighbor.peer_group.as_ref();
        let known = group.and_then(|name| of_groups.get(name));
        let is_known = |own: &&Problem| {
            known.is_some_and(|(place, known)| {
                known.iter().any(|known| subject.shares(own, known, place))
            })
        };
        let found = subject.problems.iter();
        problems.extend(found.filter(|own| !is_known(own)).cloned());
    }
}

/// Whether what a group lacks is lacking in all of its members: then one warning is enough.
fn is_everyones(problem: &Problem, place: &Place, group: &str, subjects: &[Subject<'_>]) -> bool {
    let mut members = subjects
        .iter()
        .filter(|subject| subject.neighbor.peer_group.as_deref() == Some(group))
        .filter(|subject| has_warnings(&subject.settings))
        .peekable();
    members.peek().is_some()
        && members.all(|member| {
            let mut own = member.problems.iter();
            own.any(|own| member.shares(own, problem, place))
        })
}

struct Subject<'a> {
    place: Place,
    name: &'a NeighborName,
    neighbor: &'a Neighbor,
    /// What holds for it: its own settings over those of its group.
    settings: NeighborSettings,
    /// What is wrong with them.
    problems: Vec<Problem>,
}

impl<'a> Subject<'a> {
    fn new(config: &Config, bgp: &Bgp, name: &'a NeighborName, neighbor: &'a Neighbor) -> Self {
        let place = Place::new("protocols bgp neighbor").of(name);
        let settings = bgp.settings(neighbor);
        let problems = settings::check(config, bgp, &place, &settings);
        Self {
            place,
            name,
            neighbor,
            settings,
            problems,
        }
    }

    /// Whether a problem of its own is that of its group.
    fn shares(&self, own: &Problem, theirs: &Problem, group: &Place) -> bool {
        own.message == theirs.message && self.place.below(&own.path) == group.below(&theirs.path)
    }

    fn check_group(&self, problems: &mut Vec<Problem>, bgp: &Bgp) {
        let below = if self.neighbor.v6only {
            "interface v6only "
        } else {
            ""
        };
        let at = |leaf: &str| self.place.path(&format!("{below}{leaf}"));
        let group = match &self.neighbor.peer_group {
            Some(name) => match bgp.peer_group.get(name) {
                Some(group) => Some((name, group)),
                None => return problems.push(no_group(&at("peer-group"), name)),
            },
            None => None,
        };
        match (self.neighbor.settings.remote_as, group) {
            (None, None) => problems.push(
                Problem::error(&at("remote-as"), Code::Required, "required")
                    .hint("add remote-as = 65001, for instance"),
            ),
            (None, Some((name, group))) if group.remote_as.is_none() => problems.push(
                Problem::error(&at("remote-as"), Code::Required, "required")
                    .hint(format!("set it here, or in peer-group {name}")),
            ),
            (Some(own), Some((name, group)))
                if group.remote_as.is_some_and(|theirs| theirs != own) =>
            {
                let message =
                    format!("peer-group {name} says otherwise, and may not be overridden");
                problems.push(
                    Problem::error(&at("remote-as"), Code::Conflict, message)
                        .hint(format!("remove it here, or in peer-group {name}")),
                );
            }
            (None | Some(_), None | Some(_)) => {}
        }
    }

    /// What its name asks for.
    fn check_name(&self, problems: &mut Vec<Problem>, bgp: &Bgp) {
        let source = &self.neighbor.source_interface;
        let at = |leaf: &str| self.place.path(leaf);
        match self.name {
            NeighborName::Address(address) => {
                if self.neighbor.v6only {
                    let message = "a neighbor that has an address is not looked for on a link";
                    problems.push(
                        Problem::error(&at("interface v6only"), Code::NotApplicable, message)
                            .hint("call the neighbor by its interface"),
                    );
                }
                match (link_local(*address), source) {
                    (Some(address), None) => {
                        let message = "a link-local neighbor cannot be told apart from others without its interface";
                        let problem = Problem::error(&at(""), Code::NotApplicable, message);
                        problems.push(problem.hint(format!(
                            "call it {address}%eth0, or {}",
                            self.place.set("interface source-interface eth0")
                        )));
                    }
                    (None, Some(_)) => {
                        let message = "only a link-local neighbor needs its interface";
                        let path = at("interface source-interface");
                        problems.push(
                            Problem::error(&path, Code::NotApplicable, message)
                                .hint("update-source chooses our address"),
                        );
                    }
                    (Some(_), Some(_)) | (None, None) => {}
                }
                if bgp.parameters.router_id.map(IpAddr::V4) == Some(*address) {
                    let message = format!("{address} is our own router id");
                    problems.push(
                        Problem::warning(&at(""), Code::Conflict, message)
                            .hint("is it our own address?"),
                    );
                }
            }
            NeighborName::LinkLocal(_, interface) | NeighborName::Interface(interface) => {
                if source.as_ref().is_some_and(|source| source != interface) {
                    let message = format!("the neighbor is on {interface}");
                    let path = at("interface source-interface");
                    problems.push(Problem::error(&path, Code::Conflict, message).hint("remove it"));
                }
                if self.settings.ebgp_multihop.is_some_and(|ttl| ttl > 1) {
                    let message = "a neighbor that is called by its link is one hop away";
                    problems.push(
                        Problem::warning(&at("ebgp-multihop"), Code::NotApplicable, message)
                            .hint("remove it"),
                    );
                }
            }
        }
    }

    /// Address and interface of a link-local neighbour, however it is called.
    fn link(&self) -> Option<(Ipv6Addr, &'a str)> {
        match self.name {
            NeighborName::Address(address) => {
                let source = self.neighbor.source_interface.as_deref()?;
                Some((link_local(*address)?, source))
            }
            NeighborName::LinkLocal(address, interface) => Some((*address, interface)),
            NeighborName::Interface(_) => None,
        }
    }

    fn check_source(&self, problems: &mut Vec<Problem>) {
        let Some(UpdateSource::Address(source)) = self.settings.update_source else {
            return;
        };
        let (address, name) = match self.name {
            NeighborName::Address(address) => (*address, address.to_string()),
            NeighborName::LinkLocal(address, _) => ((*address).into(), address.to_string()),
            NeighborName::Interface(name) => (
                Ipv6Addr::UNSPECIFIED.into(),
                format!("a neighbor found on {name}"),
            ),
        };
        let message = if source == address {
            "the neighbor's own address cannot be ours".to_owned()
        } else if source.is_ipv4() != address.is_ipv4() {
            format!("{source} cannot reach {name}: another address family")
        } else {
            return;
        };
        let path = self.place.path("update-source");
        problems.push(Problem::error(&path, Code::Conflict, message));
    }

    fn check_families(&self, problems: &mut Vec<Problem>) {
        for (family, settings) in &self.settings.address_family {
            let place = self.place.of("address-family").of(family);
            limit_leaves(problems, &place, settings);
        }
        if self.settings.address_family.is_empty() && has_warnings(&self.settings) {
            let message = "no route will be exchanged: no address family";
            problems.push(
                Problem::warning(&self.place.path(""), Code::Required, message)
                    .hint(self.place.set("address-family ipv4-unicast")),
            );
        }
    }
}

fn link_local(address: IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V6(address) if address.is_unicast_link_local() => Some(address),
        IpAddr::V6(_) | IpAddr::V4(_) => None,
    }
}

/// Kind of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Internal,
    External,
}

impl Kind {
    /// `None` while an AS is unknown.
    pub(super) fn of(bgp: &Bgp, settings: &NeighborSettings) -> Option<Self> {
        match settings.remote_as? {
            RemoteAs::Internal => Some(Self::Internal),
            RemoteAs::External => Some(Self::External),
            // Zero stands for one that could not be read.
            RemoteAs::Number(_) if bgp.system_as.0 == 0 => None,
            RemoteAs::Number(asn) if asn == bgp.system_as => Some(Self::Internal),
            RemoteAs::Number(_) => Some(Self::External),
        }
    }
}
