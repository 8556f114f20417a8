//! Scenarios that are the same in both families.

use anyhow::Result;
use lab::maps::wait_leads_to;
use lab::{Daemon, wait};

use crate::world::{Config, DEADLINE, Packet, ROUTER_AS, Sample, World, asn, assert_forwarded};

fn packets(world: &World, address: &str, count: u16) -> Vec<Packet> {
    let from = world.spoke(0);
    (0..count)
        .map(|number| Packet::new(from, address, 2000 + number))
        .collect()
}

pub(crate) fn learnt_routes_forward(sample: Sample) -> Result<()> {
    let world = World::start("learnt", 2, |config, star| sample.neighbors(config, star))?;
    let (from, to) = (world.spoke(0), world.spoke(1));
    let speaker = sample.speaker(to);
    speaker.announce(&[sample.prefix], &[65100, 65200]);
    speaker.wait_up();
    world.router.wait_established(sample.peer(to));

    world
        .router
        .wait_next_hops(sample.prefix, &[sample.peer(to)]);
    let paths = world.router.wait_bgp_paths(sample.prefix, 1);
    let expected = format!("{} 65100 65200", asn(to));
    assert_eq!(paths[0]["aspath"]["string"], expected.as_str(), "{paths:?}");
    wait_leads_to(&world.router, sample.prefix, &[to]);
    assert_forwarded(from, to, &packets(&world, sample.address, 100))?;

    speaker.withdraw(&[sample.prefix]);
    world.router.wait_next_hops(sample.prefix, &[]);
    wait_leads_to(&world.router, sample.prefix, &[]);
    assert!(world.router.bgp_paths(sample.prefix).is_empty());
    assert!(speaker.is_up());
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn covering_prefix_takes_over(sample: Sample) -> Result<()> {
    let world = World::start("cover", 3, |config, star| sample.neighbors(config, star))?;
    let (from, outer, inner) = (world.spoke(0), world.spoke(1), world.spoke(2));
    let (wide, narrow) = (sample.speaker(outer), sample.speaker(inner));
    wide.announce(&[sample.prefix], &[]);
    narrow.announce(&[sample.inner], &[]);
    wait_leads_to(&world.router, sample.prefix, &[outer]);
    wait_leads_to(&world.router, sample.inner, &[inner]);
    assert_forwarded(from, outer, &packets(&world, sample.address, 50))?;
    assert_forwarded(from, inner, &packets(&world, sample.inner_address, 50))?;
    narrow.withdraw(&[sample.inner]);
    wait_leads_to(&world.router, sample.inner, &[]);
    assert_forwarded(from, outer, &packets(&world, sample.inner_address, 50))?;
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn routes_go_on(sample: Sample) -> Result<()> {
    let world = World::start("onward", 2, |config, star| {
        sample
            .neighbors(config, star)
            .parameter("network-import-check = false")
            .network(sample.own)
    })?;
    let (near, far) = (world.spoke(0), world.spoke(1));
    let (teller, listener) = (sample.speaker(near), sample.speaker(far));
    teller.announce(&[sample.prefix], &[65100]);
    assert_eq!(
        listener.wait_received(sample.prefix),
        (vec![ROUTER_AS, asn(near), 65100], sample.router(far))
    );
    assert_eq!(
        listener.wait_received(sample.own),
        (vec![ROUTER_AS], sample.router(far))
    );
    listener.wait_end_of_rib(sample.family);
    teller.wait_received(sample.own);
    assert_eq!(
        teller.received(sample.prefix),
        None,
        "a route goes back to where it came from"
    );
    teller.withdraw(&[sample.prefix]);
    listener.wait_withdrawn(sample.prefix);
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn best_path_and_next_best(sample: Sample) -> Result<()> {
    let world = World::start("best", 3, |config, star| sample.neighbors(config, star))?;
    let (from, short, long) = (world.spoke(0), world.spoke(1), world.spoke(2));
    let listener = sample.speaker(from);
    let (near, far) = (sample.speaker(short), sample.speaker(long));
    far.announce(&[sample.prefix], &[65100, 65200]);
    wait_leads_to(&world.router, sample.prefix, &[long]);
    near.announce(&[sample.prefix], &[65200]);
    wait_leads_to(&world.router, sample.prefix, &[short]);
    let paths = world.router.wait_bgp_paths(sample.prefix, 2);
    let reason = &paths
        .iter()
        .find(|path| path["bestpath"]["overall"] == true)
        .unwrap()["bestpath"]["selectionReason"];
    assert_eq!(reason, "AS Path", "{paths:?}");
    assert_forwarded(from, short, &packets(&world, sample.address, 50))?;
    let what = "the shorter path to be told on";
    let told = |speaker: u32| Some(vec![ROUTER_AS, speaker, 65200]);
    wait::until(what, DEADLINE, || {
        let received = listener.received(sample.prefix).map(|(path, _)| path);
        (received == told(asn(short))).then_some(())
    });

    near.withdraw(&[sample.prefix]);
    wait_leads_to(&world.router, sample.prefix, &[long]);
    assert_forwarded(from, long, &packets(&world, sample.address, 50))?;
    wait::until("the longer path to be told on", DEADLINE, || {
        let (path, _) = listener.received(sample.prefix)?;
        (path.len() == 4).then_some(())
    });
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn session_loss(sample: Sample) -> Result<()> {
    let world = World::start("loss", 2, |config, star| sample.neighbors(config, star))?;
    let to = world.spoke(1);
    let speaker = sample.speaker(to);
    speaker.announce(&[sample.prefix], &[]);
    wait_leads_to(&world.router, sample.prefix, &[to]);
    drop(speaker);
    world.router.wait_not_established(sample.peer(to));
    wait_leads_to(&world.router, sample.prefix, &[]);
    let speaker = sample.speaker(to);
    speaker.announce(&[sample.prefix], &[]);
    wait_leads_to(&world.router, sample.prefix, &[to]);
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn own_daemons(sample: Sample) -> Result<()> {
    let world = World::start("own", 2, |config, star| {
        let config = config
            .parameter("network-import-check = false")
            .network(sample.own);
        star.spokes.iter().fold(config, |config, spoke| {
            config.neighbor(sample.peer(spoke), asn(spoke), sample.carries())
        })
    })?;
    let peer = |number: usize, network: &str| {
        let spoke = world.spoke(number);
        let config = Config::new(asn(spoke), &format!("10.255.1.{number}"))
            .parameter("network-import-check = false")
            .network(network)
            .neighbor(sample.router(spoke), ROUTER_AS, sample.carries());
        Daemon::start(&spoke.peer, &config.text())
    };
    let (first, second) = (peer(0, sample.inner)?, peer(1, sample.prefix)?);
    let routers = [sample.router(world.spoke(0)), sample.router(world.spoke(1))];
    first.wait_next_hops(sample.prefix, &[routers[0]]);
    first.wait_next_hops(sample.own, &[routers[0]]);
    second.wait_next_hops(sample.inner, &[routers[1]]);
    second.wait_next_hops(sample.own, &[routers[1]]);
    wait_leads_to(&world.router, sample.prefix, &[world.spoke(1)]);
    wait_leads_to(&world.router, sample.inner, &[world.spoke(0)]);
    let paths = first.wait_bgp_paths(sample.prefix, 1);
    let expected = format!("{ROUTER_AS} {}", asn(world.spoke(1)));
    assert_eq!(paths[0]["aspath"]["string"], expected.as_str());
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn policy_required(sample: Sample) -> Result<()> {
    let world = World::start("policy", 2, |config, star| {
        sample
            .neighbors(config, star)
            .parameter("network-import-check = false")
            .network(sample.own)
            .policy_required()
    })?;
    let speaker = sample.speaker(world.spoke(1));
    speaker.announce(&[sample.prefix], &[]);
    speaker.wait_end_of_rib(sample.family);
    let paths = wait::until("the denied path to be seen", DEADLINE, || {
        let paths = world.router.bgp_paths(sample.prefix);
        (!paths.is_empty()).then_some(paths)
    });
    assert_eq!(paths[0]["valid"], false, "{paths:?}");
    assert!(world.router.next_hops(sample.prefix)?.is_empty());
    assert_eq!(speaker.received_count(), 0, "routes were told");
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn as_loop(sample: Sample) -> Result<()> {
    let world = World::start("loop", 2, |config, star| sample.neighbors(config, star))?;
    let speaker = sample.speaker(world.spoke(1));
    speaker.announce(&[sample.prefix], &[65100, ROUTER_AS, 65200]);
    // Told in the same go: when this one is in use, the other was judged.
    speaker.announce(&[sample.inner], &[65100]);
    wait_leads_to(&world.router, sample.inner, &[world.spoke(1)]);
    let paths = world.router.bgp_paths(sample.prefix);
    assert_eq!(paths.len(), 1, "{paths:?}");
    assert_eq!(paths[0]["valid"], false, "{paths:?}");
    assert!(world.router.next_hops(sample.prefix)?.is_empty());
    world.router.assert_accounting();
    Ok(())
}
