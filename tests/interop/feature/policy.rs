//! Policy: a file that is edited and read again, and the communities that are policy by themselves.

use anyhow::Result;
use lab::config::Carries;
use lab::maps::{Maps, wait_leads_to};
use lab::wait;
use router_common::verdict::Verdict;

use crate::peer::{Carried, DEADLINE, Peer, ROUTER_AS, Route, Setup, asn};
use crate::world::{OURS_V4, World, base, peer_v4};

const KEPT: &str = "203.0.113.0/24";
const DENIED: &str = "198.18.1.0/24";

/// A rule of a route map, more of it, and one that lets the rest through.
fn map(name: &str, rule: &str) -> String {
    format!(
        "[policy.route-map.{name}.rule.10]\n{rule}\n[policy.route-map.{name}.rule.20]\naction = \"permit\"\n"
    )
}

/// The configuration file is edited and read again: what a peer is told and what is taken from it changes, in both
/// directions and back, and no session notices.
pub(crate) fn policy_changes_without_a_reset<P: Peer>() -> Result<()> {
    let config = |import: &str, export: &str| {
        let exchange = |number: u8| {
            let direction = if number == 0 { "import" } else { "export" };
            format!("route-map.{direction} = \"MAP{number}\"")
        };
        let mut config = base(2);
        for number in 0..2 {
            config = config.neighbor_exchanging(
                peer_v4(number),
                65001 + u32::from(number),
                "",
                &exchange(number),
            );
        }
        let list = format!(
            "[policy.prefix-list.LIST]\nrule.10 = {{ action = \"permit\", prefix = \"{DENIED}\" }}\n"
        );
        config
            .with(&list)
            .with(&map("MAP0", import))
            .with(&map("MAP1", export))
    };
    let all = "action = \"permit\"";
    let deny = "action = \"deny\"\nmatch.ip.address.prefix-list = \"LIST\"";
    let change = "action = \"permit\"\nset.community.add = \"65000:9\"\nset.as-path.prepend = \"65000 65000\"";
    let world = World::run(2, &config(all, all))?;
    let (from, to) = (world.spoke(0), world.spoke(1));
    let setup = Setup::new(from, &[Carried::V4]).announce(&[KEPT, DENIED]);
    let _sender = P::start(&from.peer, &setup)?;
    let receiver = P::start(&to.peer, &Setup::new(to, &[Carried::V4]))?;
    let plain = Route::plain(vec![ROUTER_AS, asn(from)], to.router_v4());
    let changed = |prepended: &[u32]| Route {
        as_path: [prepended, &[ROUTER_AS, asn(from)]].concat(),
        communities: vec!["65000:9".to_owned()],
        ..plain.clone()
    };
    for prefix in [KEPT, DENIED] {
        receiver.wait_route(prefix, &plain);
    }

    let ours = [ROUTER_AS, ROUTER_AS];
    world.router.reload(&config(all, change).text())?;
    for prefix in [KEPT, DENIED] {
        receiver.wait_route(prefix, &changed(&ours));
    }
    world.router.reload(&config(all, deny).text())?;
    receiver.wait_no_route(DENIED);
    receiver.wait_route(KEPT, &plain);
    wait_leads_to(&world.router, DENIED, &[from]);
    world.router.reload(&config(all, all).text())?;
    receiver.wait_route(DENIED, &plain);

    world.router.reload(&config(deny, all).text())?;
    receiver.wait_no_route(DENIED);
    wait_leads_to(&world.router, DENIED, &[]);
    wait_leads_to(&world.router, KEPT, &[from]);
    world.router.reload(&config(change, all).text())?;
    for prefix in [KEPT, DENIED] {
        let told = Route {
            as_path: [&[ROUTER_AS], ours.as_slice(), &[asn(from)]].concat(),
            ..changed(&[])
        };
        receiver.wait_route(prefix, &told);
        wait_leads_to(&world.router, prefix, &[from]);
    }
    for number in 0..2 {
        assert_eq!(
            world.sessions(peer_v4(number)),
            1,
            "the session of p{number} was reset"
        );
    }
    world.router.assert_accounting();
    Ok(())
}

/// A path that is about to go away is the last choice, and ours say so when we are told to (RFC 8326).
pub(crate) fn graceful_shutdown<P: Peer>() -> Result<()> {
    let config = |leaving: bool| {
        base(2)
            .network(OURS_V4)
            .neighbor(peer_v4(0), 65001, Carries::Ipv4)
            .neighbor_with(
                peer_v4(1),
                65002,
                Carries::Ipv4,
                &format!("graceful-shutdown = {leaving}"),
            )
    };
    let world = World::run(2, &config(false))?;
    let setup = |number: usize| Setup::new(world.spoke(number), &[Carried::V4]);
    let leaving = setup(0).announce_with(KEPT, &["65535:0"], &[]);
    let _leaving = P::start(&world.spoke(0).peer, &leaving)?;
    let peer = P::start(&world.spoke(1).peer, &setup(1).announce(&[KEPT]))?;
    world.router.wait_bgp_paths(KEPT, 2);
    world
        .router
        .wait_show("the path that leaves", &["bgp", "ipv4", KEPT], |shown| {
            let mut paths = shown["paths"].as_array()?.iter();
            paths.find(|path| path["locPrf"] == 0).map(|_| ())
        });
    wait_leads_to(&world.router, KEPT, &[world.spoke(1)]);

    let own = Route::plain(vec![ROUTER_AS], world.spoke(1).router_v4());
    peer.wait_route(OURS_V4, &own);
    world.router.reload(&config(true).text())?;
    let told = Route {
        communities: vec!["65535:0".to_owned()],
        ..own.clone()
    };
    peer.wait_route(OURS_V4, &told);
    world.router.reload(&config(false).text())?;
    peer.wait_route(OURS_V4, &own);
    assert_eq!(world.sessions(peer_v4(1)), 1, "the session was reset");
    world.router.assert_accounting();
    Ok(())
}

/// Who may ask for it has its traffic discarded in the data plane (RFC 7999); who may not, has not.
pub(crate) fn blackhole<P: Peer>() -> Result<()> {
    const HOST: &str = "203.0.113.9/32";
    let config = |lines: &str| base(1).neighbor_with(peer_v4(0), 65001, Carries::Ipv4, lines);
    let world = World::run(1, &config("blackhole-community.accept = true"))?;
    let spoke = world.spoke(0);
    let setup = Setup::new(spoke, &[Carried::V4])
        .announce(&[KEPT])
        .announce_with(HOST, &["65535:666"], &[]);
    let _peer = P::start(&spoke.peer, &setup)?;
    wait_leads_to(&world.router, KEPT, &[spoke]);
    let fates = |wanted: Option<Verdict>| {
        let what = format!("{HOST} to have the fate {wanted:?}");
        wait::until(&what, DEADLINE, || {
            let buckets = Maps::of(&world.router).ok()?.buckets_of(HOST).ok()??;
            let all = buckets.iter().all(|next_hop| next_hop.fate() == wanted);
            (all && !buckets.is_empty()).then_some(())
        });
    };
    fates(Some(Verdict::DropBlackhole));
    world.router.reload(&config("").text())?;
    fates(None);
    wait_leads_to(&world.router, HOST, &[spoke]);
    assert_eq!(world.sessions(peer_v4(0)), 1, "the session was reset");
    world.router.assert_accounting();
    Ok(())
}
