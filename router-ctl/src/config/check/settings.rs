//! What neighbours and groups share: leaves that contradict each other or the kind of the session.

use super::bgp::timers;
use super::family;
use super::neighbor::Kind;
use super::place::Place;
use crate::config::model::{
    Bgp, Config, GracefulRestartMode, NeighborSettings, PathAttribute, RemoteAs,
};
use crate::config::problem::{Code, Problem};

/// Attributes without which there is no route: ORIGIN, AS_PATH, NEXT_HOP, MP_REACH_NLRI, MP_UNREACH_NLRI.
const INDISPENSABLE: [u8; 5] = [1, 2, 3, 14, 15];

/// All findings about the settings that hold at `place`.
pub(super) fn check(
    config: &Config,
    bgp: &Bgp,
    place: &Place,
    settings: &NeighborSettings,
) -> Vec<Problem> {
    let kind = Kind::of(bgp, settings);
    let mut problems = Vec::new();
    problems.extend(timers(place, &settings.timers, bgp));
    local_as(&mut problems, bgp, place, settings);
    hops(&mut problems, place, settings, kind);
    capabilities(&mut problems, place, settings);
    bfd_profile(&mut problems, config, place, settings);
    without_effect(&mut problems, place, settings);
    path_attribute(&mut problems, place, &settings.path_attribute);
    family::check(&mut problems, bgp, place, settings);
    if !has_warnings(settings) {
        problems.retain(Problem::is_error);
    }
    problems
}

/// Whether somebody waits for the session: warnings about one that is shut down help nobody.
pub(super) fn has_warnings(settings: &NeighborSettings) -> bool {
    !settings.shutdown
}

fn local_as(problems: &mut Vec<Problem>, bgp: &Bgp, place: &Place, settings: &NeighborSettings) {
    let Some(local) = settings.local_as else {
        return;
    };
    let path = place.of("local-as").of(local.asn).path("");
    let mut error = |code, message: &str, hint: &str| {
        problems.push(Problem::error(&path, code, message).hint(hint));
    };
    if local.asn == bgp.system_as {
        error(Code::Conflict, "is the system-as", "remove it");
    } else if Kind::of(bgp, settings) == Some(Kind::Internal) {
        let message = "only an eBGP neighbor can be told another AS";
        error(Code::NotApplicable, message, "remove it");
    } else if settings.remote_as == Some(RemoteAs::Number(local.asn)) {
        let message = "is the AS of the neighbor, to which the session would be iBGP";
        error(
            Code::Conflict,
            message,
            "choose an AS that is not the neighbor's",
        );
    }
}

/// Leaves that other routers have and this one cannot honour: taken silently they would be a trap.
fn without_effect(problems: &mut Vec<Problem>, place: &Place, settings: &NeighborSettings) {
    let mut error = |leaf: &str, message: &str, hint: &str| {
        let problem = Problem::error(&place.path(leaf), Code::NotApplicable, message);
        problems.push(problem.hint(hint));
    };
    if settings.advertisement_interval.is_some_and(|held| held > 0) {
        error(
            "advertisement-interval",
            "announcements cannot be held back: they leave once the data plane forwards",
            "remove it, or set it to 0",
        );
    }
    let bfd = settings.bfd.as_ref();
    if bfd.is_some_and(|bfd| bfd.check_control_plane_failure) {
        error(
            "bfd check-control-plane-failure",
            "the loss of a BFD session always ends the BGP session, whatever its control plane does (RFC 9384)",
            "remove it, or remove bfd where routes are to outlive a restart of the neighbor",
        );
    }
}

fn hops(
    problems: &mut Vec<Problem>,
    place: &Place,
    settings: &NeighborSettings,
    kind: Option<Kind>,
) {
    let path = place.path("ebgp-multihop");
    match (settings.ebgp_multihop, settings.ttl_security_hops) {
        (Some(_), _) if kind == Some(Kind::Internal) => problems.push(
            Problem::error(
                &path,
                Code::NotApplicable,
                "an iBGP neighbor may be any number of hops away",
            )
            .hint("remove it"),
        ),
        (Some(ttl), Some(_)) => problems.push(
            Problem::error(
                &path,
                Code::Conflict,
                "ttl-security sets the TTL of our packets to 255",
            )
            .hint(format!(
                "remove it, and {}",
                place.set(&format!("ttl-security hops {}", ttl.min(254)))
            )),
        ),
        (Some(_) | None, Some(_) | None) => {}
    }
    let distant = |hops: Option<u8>| hops.is_some_and(|hops| hops > 1);
    let multihop = kind != Some(Kind::Internal) && distant(settings.ebgp_multihop);
    let restarts = settings.graceful_restart != Some(GracefulRestartMode::Disable);
    if (multihop || distant(settings.ttl_security_hops)) && restarts && settings.bfd.is_none() {
        problems.push(
            Problem::warning(
                &place.path("bfd"),
                Code::Required,
                "graceful restart without BFD: traffic goes on to a neighbor that died several hops away",
            )
            .hint(format!(
                "{}, or {}",
                place.set("bfd"),
                place.set("graceful-restart disable")
            )),
        );
    }
}

fn capabilities(problems: &mut Vec<Problem>, place: &Place, settings: &NeighborSettings) {
    if !settings.strict_capability_match {
        return;
    }
    for (leaf, on) in [
        ("override-capability", settings.override_capability),
        (
            "disable-capability-negotiation",
            settings.disable_capability_negotiation,
        ),
    ] {
        if on {
            problems.push(
                Problem::error(
                    &place.path(leaf),
                    Code::Conflict,
                    "contradicts strict-capability-match",
                )
                .hint("keep one of them"),
            );
        }
    }
}

fn bfd_profile(
    problems: &mut Vec<Problem>,
    config: &Config,
    place: &Place,
    settings: &NeighborSettings,
) {
    let profile = settings.bfd.as_ref().and_then(|bfd| bfd.profile.as_ref());
    if let Some(name) = profile
        && !config.protocols.bfd.profile.contains_key(name)
    {
        let message = format!("there is no BFD profile {name}");
        problems.push(
            Problem::error(&place.path("bfd profile"), Code::MissingReference, message).hint(
                format!("set protocols bfd profile {name} interval transmit 300"),
            ),
        );
    }
}

fn path_attribute(problems: &mut Vec<Problem>, place: &Place, attribute: &PathAttribute) {
    for (leaf, codes) in [
        ("discard", &attribute.discard),
        ("treat-as-withdraw", &attribute.treat_as_withdraw),
    ] {
        for code in INDISPENSABLE.iter().filter(|code| codes.contains(code)) {
            let path = place.path(&format!("path-attribute {leaf}"));
            let message = format!("there is no route without attribute {code}");
            problems.push(Problem::error(&path, Code::NotApplicable, message).hint("remove it"));
        }
    }
    for code in attribute.discard.intersection(&attribute.treat_as_withdraw) {
        let path = place.path("path-attribute treat-as-withdraw");
        let message = format!("attribute {code} is discarded");
        problems.push(Problem::error(&path, Code::Conflict, message).hint("keep one of them"));
    }
}
