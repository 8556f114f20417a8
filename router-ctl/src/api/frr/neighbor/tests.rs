use serde_json::{Value, json};

use crate::api::frr::neighbor::Context;
use crate::api::frr::summary::Summary;
use crate::api::tests::fixture::{neighbor, neighbors};
use crate::api::{Phase, Status};
use crate::bgp::types::{Asn, Family, RouterId};
use crate::config::model::{
    Config, DisableSendCommunity, MaximumPrefix, NeighborFamily as FamilySettings, NeighborName,
    NeighborSettings,
};
use crate::host::IfIndex;
use crate::router::query::{BgpSummary, FamilySummary, Neighbor, NeighborState};

fn status() -> Status {
    Status {
        phase: Phase::Running,
        started: std::time::SystemTime::UNIX_EPOCH,
        now: std::time::SystemTime::UNIX_EPOCH,
    }
}

fn in_full(neighbor: Neighbor) -> Value {
    let context = Context {
        router_id: RouterId("10.0.0.1".parse().unwrap()),
        config: &Config::default(),
        status: status(),
    };
    serde_json::to_value(context.neighbors(vec![neighbor])).unwrap()
}

fn in_summary(neighbor: Neighbor) -> Value {
    let summary = BgpSummary {
        router_id: RouterId("10.0.0.1".parse().unwrap()),
        local_as: Asn(65000),
        families: vec![FamilySummary {
            family: Family::Ipv4Unicast,
            table_version: 1,
            prefixes: 0,
            paths: 0,
            memory_bytes: 0,
            peer_memory_bytes: 0,
            peer_groups: 0,
            peer_group_memory_bytes: 0,
            multipath_relax: false,
            peers: vec![neighbor],
        }],
    };
    serde_json::to_value(Summary::new(&summary, status())).unwrap()["ipv4Unicast"].take()
}

#[test]
fn a_neighbor_that_sent_too_many_prefixes_is_named_so() {
    let held = Neighbor {
        over_limit: true,
        ..neighbor("10.0.0.9", NeighborState::Idle)
    };
    let peer = &in_summary(held.clone())["peers"]["10.0.0.9"];
    assert_eq!(
        (&peer["state"], &peer["peerState"]),
        (&json!("Idle (PfxCt)"), &json!("PfxCt"))
    );
    assert_eq!(in_full(held)["10.0.0.9"]["aboveMaximumPrefix"], true);
}

#[test]
fn neighbors_go_by_their_configured_names() {
    let link_local = "fe80::1".parse().unwrap();
    let rows = [
        (NeighborName::Interface("eth3".to_owned()), "interface"),
        (
            NeighborName::LinkLocal(link_local, "eth3".to_owned()),
            "ipv6",
        ),
    ];
    for (name, kind) in rows {
        let key = name.to_string();
        let named = Neighbor {
            name,
            scope: Some((IfIndex(5), "eth3".to_owned())),
            ..neighbor("fe80::1", NeighborState::Idle)
        };
        let summary = in_summary(named.clone());
        let peer = &summary["peers"][&key];
        assert_eq!(
            (&peer["idType"], &peer["scopeId"], &peer["scopeIfName"]),
            (&json!(kind), &json!(5), &json!("eth3"))
        );
        assert_eq!(in_full(named)[&key]["bgpNeighborAddr"], "fe80::1");
    }
    let unheard = Neighbor {
        name: NeighborName::Interface("eth3".to_owned()),
        remote_as: None,
        ..neighbor("::", NeighborState::Idle)
    };
    let view = &in_full(unheard)["eth3"];
    assert_eq!(
        (&view["bgpNeighborAddr"], &view["remoteAs"]),
        (&json!("none"), &json!(0))
    );
}

#[test]
fn a_dynamic_neighbor_goes_by_its_address_and_is_counted() {
    let dynamic = Neighbor {
        range: Some("10.0.0.0/24".parse().unwrap()),
        peer_group: Some("GUESTS".to_owned()),
        ..neighbor("10.0.0.9", NeighborState::Active)
    };
    let summary = in_summary(dynamic.clone());
    assert_eq!(summary["dynamicPeers"], 1);
    assert_eq!(summary["peers"]["10.0.0.9"]["dynamicPeer"], true);
    let view = &in_full(dynamic)["10.0.0.9"];
    assert_eq!(view["peerGroup"], "GUESTS");
    assert_eq!(view["peerSubnetRangeGroup"], "10.0.0.0/24");
    assert_eq!(
        view["addressFamilyInfo"]["ipv4Unicast"]["peerGroupMember"],
        "GUESTS"
    );
}

#[test]
fn settings_of_a_family_are_told() {
    let mut family = FamilySettings {
        route_reflector_client: true,
        soft_reconfiguration_inbound: true,
        maximum_prefix: MaximumPrefix {
            limit: Some(100),
            ..MaximumPrefix::default()
        },
        disable_send_community: DisableSendCommunity {
            extended: true,
            ..DisableSendCommunity::default()
        },
        ..FamilySettings::default()
    };
    family.route_map.import = Some("IN".to_owned());
    let settings = NeighborSettings {
        password: Some("secret".to_owned()),
        advertisement_interval: Some(5),
        address_family: [(Family::Ipv4Unicast, family)].into_iter().collect(),
        ..NeighborSettings::default()
    };
    let view = in_full(Neighbor {
        settings: Box::new(settings),
        ..neighbor("10.0.0.9", NeighborState::Active)
    });
    let view = &view["10.0.0.9"];
    assert_eq!(view["authenticationEnabled"], 1);
    assert!(!view.to_string().contains("secret"));
    assert_eq!(view["minBtwnAdvertisementRunsTimerMsecs"], 5_000);
    assert_eq!(
        view["addressFamilyInfo"]["ipv4Unicast"],
        json!({
            "routeReflectorClient": true, "inboundSoftConfigPermit": true, "commAttriSentToNbr": "standard",
            "inboundPathPolicyConfig": true, "routeMapForIncomingAdvertisements": "IN",
            "acceptedPrefixCounter": 0, "sentPrefixCounter": 0, "prefixAllowedMax": 100,
            "prefixAllowedWarningThresh": 75, "receivedPrefixCounter": 0, "negotiated": false
        })
    );
}

#[test]
fn an_established_neighbor_tells_of_graceful_restart_and_next_hops() {
    let mut up = neighbors().into_iter();
    let up = up.find(|each| each.name.to_string() == "10.0.0.2").unwrap();
    let view = &in_full(up)["10.0.0.2"];
    assert_eq!(
        view["gracefulRestartInfo"],
        json!({
            "endOfRibSend": {"ipv4Unicast": false}, "endOfRibRecv": {"ipv4Unicast": true},
            "localGrMode": "Restart*", "remoteGrMode": "Restart", "rBit": false, "nBit": true,
            "timers": {"configuredRestartTimer": 120, "receivedRestartTimer": 90},
            "ipv4Unicast": {
                "fBit": true,
                "endOfRibStatus": {
                    "endOfRibSend": false, "endOfRibSentAfterUpdate": false, "endOfRibRecv": true
                },
                "timers": {"stalePathTimer": 360, "selectionDeferralTimer": 120}
            }
        })
    );
    assert_eq!(view["hostname"], "edge\\u{1b}1");
    assert_eq!(
        ["nexthop", "nexthopGlobal", "nexthopLocal", "bgpConnection"].map(|key| &view[key]),
        [
            "10.0.0.1",
            "2001:db8:ffff:10::1",
            "fe80::1",
            "sharedNetwork"
        ]
    );
    assert_eq!(
        [
            "bgpTimerLastRead",
            "bgpTimerLastWrite",
            "bgpInUpdateElapsedTimeMsecs"
        ]
        .map(|key| &view[key]),
        [4_000, 2_500, 61_000]
    );
}
