//! ExaBGP: it announces what no router would, and says what it hears in its own words.

use anyhow::Result;
use lab::config::Carries;
use lab::peer::ExaBgp;
use lab::wait;
use serde_json::{Value, json};

use crate::peer::{Carried, DEADLINE, asn};
use crate::world::{OURS_V4, OURS_V6, World};

fn lines(world: &World, number: usize) -> String {
    let spoke = world.spoke(number);
    format!(
        "  router-id 10.255.1.{number};\n  local-address {};\n  local-as {};\n  peer-as 65000;\n  \
         family {{ ipv4 unicast; ipv6 unicast; }}\n  capability {{ route-refresh; }}",
        spoke.peer_v4(),
        asn(spoke)
    )
}

/// The last UPDATE that it heard about a prefix.
fn heard(exabgp: &ExaBgp, prefix: &str) -> Option<Value> {
    let mut reports = exabgp.received();
    reports.retain(|one| one["type"] == "update" && one.to_string().contains(prefix));
    reports.pop()
}

/// Unknown attributes are passed on, broken ones cost what RFC 7606 says, and a second ExaBGP hears all of it.
#[test]
fn exabgp_announces_what_nobody_else_does_and_hears_what_is_left_of_it() -> Result<()> {
    let carried = [Carried {
        families: Carries::Both,
        over_ipv6: false,
    }];
    let world = World::start(2, 2, &carried, |config| {
        config.network(OURS_V4).network(OURS_V6)
    })?;
    let start = |number: usize| {
        let router = world.spoke(number).router_v4().to_string();
        let text = lines(&world, number);
        ExaBgp::start(&world.spoke(number).peer, &[(&router, &text)])
    };
    let (mut from, mut to) = (start(0)?, start(1)?);
    for (number, exabgp) in [(0, &mut from), (1, &mut to)] {
        let router = world.spoke(number).router_v4().to_string();
        exabgp.wait_established(&router, DEADLINE)?;
    }
    for prefix in [OURS_V4, OURS_V6] {
        wait::until(&format!("ExaBGP to hear {prefix}"), DEADLINE, || {
            heard(&to, prefix)
        });
    }

    let (router, own) = (world.spoke(0).router_v4(), world.spoke(0).peer_v4());
    let mut announce = |prefix: &str, attribute: &str| {
        from.say(&format!(
            "neighbor {router} announce route {prefix} next-hop {own} {attribute}"
        ))
    };
    let (odd, lost, kept) = ("203.0.113.0/24", "198.18.1.0/24", "198.18.2.0/24");
    announce(
        odd,
        "attribute [ 0x63 0xC0 0x01020304 ] community [ 65001:7 ]",
    )?;
    announce(lost, "")?;
    world.router.wait_bgp_paths(lost, 1);
    // A large community of 13 octets costs the route, an AGGREGATOR of 3 itself alone.
    announce(lost, "attribute [ 0x20 0xC0 0x0102030405060708090a0b0c0d ]")?;
    announce(kept, "attribute [ 0x07 0xC0 0x010203 ]")?;

    let update = wait::until("the unknown attribute to be passed on", DEADLINE, || {
        heard(&to, odd)
    });
    let attributes = update
        .pointer("/neighbor/message/update/attribute")
        .cloned()
        .unwrap_or_default();
    // With Partial set: somebody did not know it (RFC 4271 §5).
    assert_eq!(
        attributes["attribute-0x63-0xE0"],
        json!("0x01020304"),
        "{update}"
    );
    assert_eq!(
        attributes["as-path"],
        json!([65000, asn(world.spoke(0))]),
        "{update}"
    );
    assert_eq!(attributes["community"], json!([[65001, 7]]), "{update}");
    world.router.wait_bgp_paths(lost, 0);
    let path = &world.router.wait_bgp_paths(kept, 1)[0];
    assert_eq!(path["aggregatorAs"], Value::Null, "{path}");
    world.router.wait_established(own);
    let address = own.to_string();
    let shown = world.router.show(&["bgp", "neighbors", &address])?;
    assert_eq!(shown[&address]["connectionsEstablished"], 1, "{shown}");
    world.router.assert_accounting();
    Ok(())
}
