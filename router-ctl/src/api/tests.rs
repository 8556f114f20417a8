//! Requests to a fake router through a real socket, with hyper as the client.

pub(crate) mod fixture;
mod reset;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::api::Phase;
use crate::api::tests::fixture::{Fake, Server, bgp_prefix, path};

struct Reply {
    status: StatusCode,
    content_type: String,
    request_id: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn request(server: &Server, method: &str, path: &str) -> Reply {
    send(server, method, path, "")
}

fn send(server: &Server, method: &str, path: &str, body: &str) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = tokio::net::UnixStream::connect(&server.socket)
            .await
            .unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "router")
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        Reply {
            status: response.status(),
            content_type: header("content-type"),
            request_id: header("x-request-id"),
            body: {
                let body = response.into_body().collect().await.unwrap().to_bytes();
                String::from_utf8(body.to_vec()).unwrap()
            },
        }
    })
}

fn get(server: &Server, path: &str) -> Reply {
    request(server, "GET", &format!("/api/v1{path}"))
}

fn ok(server: &Server, path: &str) -> Value {
    let reply = get(server, path);
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.body);
    reply.json()
}

#[test]
fn bfd_peers_have_the_shape_of_frr() {
    let server = Server::start(Fake::default());
    let peers = ok(&server, "/bfd/peers");
    assert_eq!(
        peers[0],
        json!({
            "multihop": false,
            "peer": "fe80::a8bb:ccff:fedd:eeff",
            "vrf": "default",
            "interface": "eth0",
            "id": 17,
            "remote-id": 4_000_000_001_u32,
            "passive-mode": false,
            "status": "up",
            "remote-status": "up",
            "uptime": 3725,
            "diagnostic": "ok",
            "remote-diagnostic": "ok",
            "type": "dynamic",
            "receive-interval": 300,
            "transmit-interval": 300,
            "echo-receive-interval": 0,
            "echo-transmit-interval": 0,
            "detect-multiplier": 3,
            "remote-receive-interval": 300,
            "remote-transmit-interval": 50,
            "remote-echo-receive-interval": 0,
            "remote-detect-multiplier": 5,
            "detection-time": 1500,
            "packets-received": 0,
            "packets-sent": 0,
            "packets-refused": 0,
            "session-up-events": 0,
            "session-down-events": 0,
        })
    );
    let far = &peers[1];
    assert_eq!(far["multihop"], true);
    assert_eq!(far["local"], "10.255.0.1");
    assert_eq!(far["minimum-ttl"], 254);
    assert_eq!(far["status"], "down");
    assert_eq!(far["remote-status"], "shutdown");
    assert_eq!(far["downtime"], 3725);
    assert_eq!(far["uptime"], Value::Null);
    assert_eq!(far["remote-diagnostic"], "administratively down");
    assert_eq!(peers[2]["remote-id"], 0);
    assert_eq!(peers[2]["diagnostic"], "control detection time expired");
}

#[test]
fn summary_has_the_shape_of_frr() {
    let server = Server::start(Fake::default());
    let summary = ok(&server, "/bgp/summary");
    let v4 = &summary["ipv4Unicast"];
    assert_eq!(v4["as"], 65000);
    assert_eq!(v4["bestPath"], json!({"multiPathRelax": "true"}));
    assert_eq!(v4["failedPeers"], 3);
    assert_eq!(v4["dynamicPeers"], 1);
    assert_eq!(
        v4["peers"]["10.0.0.2"],
        json!({
            "remoteAs": 65001, "localAs": 65000, "version": 4, "msgRcvd": 1_042_377, "msgSent": 130,
            "tableVersion": 1_042_402, "outq": 0, "inq": 0, "peerUptime": "01:02:05",
            "peerUptimeMsec": 3_725_000, "peerUptimeEstablishedEpoch": 1_700_000_275,
            "pfxRcd": 1_042_320, "pfxSnt": 12, "state": "Established", "peerState": "OK",
            "negotiated": true, "connectionsEstablished": 1, "connectionsDropped": 0,
            "desc": "first transit, contract 4711", "idType": "ipv4", "hostname": "edge\\u{1b}1",
            "softwareVersion": "FRRouting/9.1"
        })
    );
    let states: Vec<_> = ["10.0.0.3", "10.0.0.5", "10.0.0.10"]
        .map(|peer| {
            (
                v4["peers"][peer]["state"].clone(),
                v4["peers"][peer]["peerState"].clone(),
            )
        })
        .to_vec();
    assert_eq!(
        json!(states),
        json!([
            ["Established", "Policy"],
            ["Active", "Passive"],
            ["Idle (Admin)", "Admin"]
        ])
    );
    assert_eq!(v4["peers"]["10.0.0.10"]["peerUptime"], "never");
    assert_eq!(ok(&server, "/bgp/summary?family=ipv4"), *v4);
    assert_eq!(
        get(&server, "/bgp/summary")
            .body
            .find("10.0.0.2")
            .map(|at| at > 0),
        Some(true)
    );
}

#[test]
fn peers_are_in_the_order_of_their_addresses() {
    let server = Server::start(Fake::default());
    let body = get(&server, "/bgp/summary?family=ipv4").body;
    let places: Vec<_> = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.10"]
        .map(|peer| body.find(&format!("\"{peer}\":")).unwrap())
        .to_vec();
    assert!(places.is_sorted(), "{body}");
}

#[test]
fn neighbors_have_the_shape_of_frr() {
    let server = Server::start(Fake::default());
    let all = ok(&server, "/bgp/neighbors");
    assert_eq!(all.as_object().unwrap().len(), 7);
    let up = &all["10.0.0.2"];
    assert_eq!(up["nbrExternalLink"], true);
    assert_eq!(up["nbrInternalLink"], Value::Null);
    assert_eq!(up["bgpTimerUpMsec"], 3_725_000);
    assert_eq!(up["bgpTimerConfiguredHoldTimeMsecs"], 30_000);
    assert_eq!(up["bgpTimerHoldTimeMsecs"], 30_000);
    assert_eq!(
        up["neighborCapabilities"],
        json!({
            "4byteAs": "advertisedAndReceived",
            "enhancedRouteRefresh": "advertisedAndReceived",
            "extendedMessage": "advertisedAndReceived",
            "gracefulRestart": "advertisedAndReceived",
            "multiprotocolExtensions": {"ipv4Unicast": {"advertisedAndReceived": true}},
            "routeRefresh": "advertisedAndReceivedNew",
            "longLivedGracefulRestart": "received",
            "addPath": {"ipv4Unicast": {"rxAdvertised": true}},
            "hostName": {"rcvHostName": "edge\\u{1b}1", "rcvDomainName": "n/a"},
            "softwareVersion": {"receivedSoftwareVersion": "FRRouting/9.1"},
            "gracefulRestartRemoteTimerSec": 90,
            "addressFamiliesByPeer": {"ipv4Unicast": {"preserved": true}}
        })
    );
    assert_eq!(
        up["addressFamilyInfo"]["ipv4Unicast"]["acceptedPrefixCounter"],
        1_042_320
    );
    assert_eq!(up["portForeign"], 41_822);
    let down = &all["10.0.0.5"];
    assert_eq!(down["bgpTimerUpMsec"], Value::Null);
    assert_eq!(down["lastResetTimerMsecs"], 700_000_000);
    assert_eq!(
        all["10.0.0.3"]["addressFamilyInfo"]["ipv4Unicast"]["inboundEbgpRequiresPolicy"],
        "Inbound updates discarded due to missing policy"
    );
}

#[test]
fn a_neighbor_is_found_by_address_description_or_beginning() {
    let server = Server::start(Fake::default());
    for (wanted, found) in [
        ("10.0.0.2", "10.0.0.2"),
        ("2001:0db8:ffff:10:0::2", "2001:db8:ffff:10::2"),
        ("node-b", "10.0.0.10"),
        ("first%20tran", "10.0.0.2"),
        ("2001", "2001:db8:ffff:10::2"),
    ] {
        let one = ok(&server, &format!("/bgp/neighbors/{wanted}"));
        assert_eq!(
            one.as_object().unwrap().keys().collect::<Vec<_>>(),
            [found],
            "{wanted}"
        );
    }
}

#[test]
fn one_bgp_prefix_is_shown_in_full() {
    let server = Server::start(Fake::default());
    let expected = json!({
        "aspath": {"string": "65001 65009", "segments": [{"type": "as-sequence", "list": [65001, 65009]}], "length": 2},
        "origin": "IGP", "metric": 10, "weight": 0, "valid": true, "stale": false, "multipath": true,
        "bestpath": {"overall": true, "selectionReason": "Neighbor IP"},
        "community": {"string": "65001:100 no-export", "list": ["65001:100", "noExport"]},
        "largeCommunity": {"string": "65001:1:2 4200000000:65536:7", "list": ["65001:1:2", "4200000000:65536:7"]},
        "aggregatorAs": 65009, "aggregatorId": "192.0.2.99", "atomicAggregate": true,
        "nexthops": [{"ip": "10.0.0.2", "hostname": "edge1", "afi": "ipv4", "metric": 0, "accessible": true, "used": true}],
        "peer": {"peerId": "10.0.0.2", "routerId": "192.0.2.2", "hostname": "edge1", "type": "external"}
    });
    for wanted in ["198.51.100.0/24", "198.51.100.0%2F24", "198.51.100.7"] {
        let detail = ok(&server, &format!("/bgp/ipv4/routes/{wanted}"));
        assert_eq!(detail["prefix"], "198.51.100.0/24");
        assert_eq!(detail["advertisedTo"], json!({"eth1": {}}));
        assert_eq!(detail["paths"][0], expected);
        assert_eq!(detail["paths"].as_array().unwrap().len(), 3);
    }
}

fn keys(list: &Value) -> Vec<&str> {
    list.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn lists_are_sorted_by_prefix_over_all_pages() {
    let server = Server::start(Fake::default());
    let body = get(&server, "/bgp/ipv4/routes").body;
    let places: Vec<_> = [
        "9.0.0.0/8",
        "10.20.0.0/16",
        "198.51.100.0/24",
        "198.51.100.128/25",
        "203.0.113.0/24",
    ]
    .map(|prefix| body.find(&format!("\"{prefix}\":")).unwrap())
    .to_vec();
    assert!(places.is_sorted(), "{body}");
    let list: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(list["defaultLocPrf"], 200);
    assert_eq!(list["localAS"], 65000);
    assert_eq!(
        list["routes"]["198.51.100.0/24"][1],
        json!({
            "valid": true, "reason": "Neighbor IP", "multipath": true, "stale": false, "pathFrom": "external",
            "prefix": "198.51.100.0", "prefixLen": 24, "network": "198.51.100.0/24", "metric": 10,
            "weight": 0, "peerId": "10.0.0.3", "path": "65001 65009", "origin": "IGP",
            "nexthops": [{"ip": "10.0.0.3", "afi": "ipv4", "used": true}]
        })
    );
}

#[test]
fn a_list_is_limited_and_continued() {
    let server = Server::start(Fake::default());
    let page = ok(&server, "/bgp/ipv4/routes?limit=2");
    assert_eq!(keys(&page["routes"]), ["10.20.0.0/16", "9.0.0.0/8"]);
    let page = ok(&server, "/bgp/ipv4/routes?limit=2&after=10.20.0.0/16");
    assert_eq!(
        keys(&page["routes"]),
        ["198.51.100.0/24", "198.51.100.128/25"]
    );
    let page = ok(&server, "/routes/ipv4?limit=0");
    assert_eq!(page, json!({}));
    let page = ok(&server, "/routes/ipv4/192.0.2.0/24?longer=true");
    assert_eq!(keys(&page), ["192.0.2.0/24", "192.0.2.128/25"]);
}

#[test]
fn a_list_longer_than_one_sweep_is_whole_and_sorted() {
    const COUNT: u32 = 40_000;
    // 7919 has no factor in common with the count: every prefix once, in no order.
    let prefixes = (0..COUNT)
        .map(|at| u64::from(at) * 7919 % u64::from(COUNT))
        .map(|at| {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + u32::try_from(at).unwrap() * 256);
            bgp_prefix(&format!("{address}/24"), vec![path(2, &[65001])])
        })
        .collect();
    let server = Server::start(Fake {
        prefixes,
        page: 8192,
        ..Fake::default()
    });
    let reply = get(&server, "/bgp/ipv4/routes?format=ndjson");
    assert_eq!(reply.content_type, "application/x-ndjson");
    let mut lines = reply.body.lines();
    assert!(lines.next().unwrap().contains("\"routerId\":\"10.0.0.1\""));
    let mut count = 0;
    for (at, line) in lines.enumerate() {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + u32::try_from(at).unwrap() * 256);
        assert!(line.starts_with(&format!("{{\"{address}/24\":[")), "{line}");
        count += 1;
    }
    assert_eq!(count, COUNT);
}

#[test]
fn routes_have_the_shape_of_frr() {
    let server = Server::start(Fake::default());
    let routes = ok(&server, "/routes/ipv4/198.51.100.7");
    let both = &routes["198.51.100.0/24"];
    assert_eq!(
        both[0]["nexthops"][2],
        json!({
            "flags": 7, "fib": true, "ip": "10.0.1.4", "afi": "ipv4", "interfaceIndex": 4, "interfaceName": "eth1",
            "active": true, "recursive": true, "weight": 1, "buckets": 85, "bucketsTotal": 256
        })
    );
    assert_eq!(both[0]["protocol"], "bgp");
    assert_eq!(both[0]["offloaded"], true);
    assert_eq!(both[0]["internalNextHopActiveNum"], 3);
    assert_eq!(both[1]["protocol"], "static");
    assert_eq!(both[1]["selected"], Value::Null);
    let list = ok(&server, "/routes/ipv4");
    assert_eq!(list.as_object().unwrap().len(), 6);
    assert_eq!(list["192.0.2.0/24"][0]["nexthops"][0]["blackhole"], true);
    assert_eq!(list["192.0.2.128/25"][0]["queued"], true);
}

#[test]
fn stats_are_joined_sorted_and_cut() {
    let server = Server::start(Fake::default());
    let stats = ok(&server, "/stats/prefixes?interval=50ms&top=2");
    let rows = stats["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["prefix"], "198.51.100.0/24");
    assert_eq!(
        rows[0]["nextHops"],
        json!(["10.0.0.2", "10.0.0.3", "10.0.1.4"])
    );
    assert_eq!(rows[0]["interfaces"], json!(["eth0", "eth1"]));
    assert_eq!(rows[0]["originAs"], 65009);
    assert_eq!(rows[0]["packets"], 9_009);
    assert_eq!(rows[0]["averageSize"], 100);
    // Nine packets of 100 octets in the window.
    let window = stats["windowSeconds"].as_f64().unwrap();
    assert!(window >= 0.05, "{window}");
    let bps = rows[0]["bps"].as_f64().unwrap();
    assert!((bps * window - 7200.0).abs() < 1.0, "{bps} over {window}");
    assert_eq!(rows[1]["prefix"], "2001:db8:1234:5678::/64");
    assert_eq!(stats["prefixes"], 5);
    assert_eq!(stats["withdrawn"]["packets"], 1_001);

    let sorted = |query: &str| {
        let stats = ok(&server, &format!("/stats/prefixes?interval=0&{query}"));
        let rows = stats["rows"].as_array().unwrap().iter();
        rows.map(|row| row["prefix"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sorted("sort=prefix&family=ipv4"),
        [
            "0.0.0.0/0",
            "10.0.0.0/24",
            "198.51.100.0/24",
            "198.51.100.128/25"
        ]
    );
    assert_eq!(
        sorted("sort=pkts&top=1&family=ipv6"),
        ["2001:db8:1234:5678::/64"]
    );
    assert_eq!(sorted("prefix=198.51.100.0/24"), ["198.51.100.0/24"]);
    assert_eq!(
        sorted("prefix=198.51.100.0/24&longer=true&sort=bytes"),
        ["198.51.100.0/24", "198.51.100.128/25"]
    );
    let without = ok(&server, "/stats/prefixes?interval=0");
    assert_eq!(without["windowSeconds"], Value::Null);
    assert_eq!(without["rows"][0]["bps"], Value::Null);
}

#[test]
fn accounting_is_balanced_port_by_port() {
    let server = Server::start(Fake::default());
    let accounting = ok(&server, "/dataplane/accounting");
    assert_eq!(accounting["balanced"], true);
    let port = &accounting["ports"][1];
    assert_eq!(port["interface"], "eth0");
    assert_eq!(port["received"]["packets"], 123_460_905);
    assert_eq!(port["forwarded"]["packets"], 123_456_789);
    assert_eq!(port["passed"]["packets"], 4_113);
    assert_eq!(port["dropped"]["packets"], 3);
    assert_eq!(port["unaccounted"], 0);
    assert_eq!(
        port["verdicts"][3],
        json!({"verdict": "DropMalformed", "cause": "checksum", "action": "drop", "packets": 3, "bytes": 192})
    );
    assert_eq!(accounting["ports"][0]["interface"], Value::Null);
}

#[test]
fn our_own_bodies_keep_their_keys() {
    let server = Server::start(Fake::default());
    assert_eq!(
        ok(&server, "/interfaces")["eth0"],
        json!({
            "index": 3, "state": "up", "mac": "02:00:00:00:00:03", "mtu": 1500,
            "addresses": ["10.0.0.1/24", "2001:db8:ffff:10::1/64"], "xdp": "native", "adopted": true,
            "description": "uplink to the first transit, rack 4"
        })
    );
    assert_eq!(
        ok(&server, "/fib"),
        json!({
            "engine": "lpm-trie", "generation": 4711,
            "routes": {"ipv4": 1_042_340, "ipv6": 246_180, "capacity": 2_097_152},
            "pathLists": {"used": 12, "capacity": 65_536}, "buckets": {"used": 1024, "capacity": 1_048_576},
            "nextHops": {"used": 9, "capacity": 16_384}, "pending": 0, "failures": 0, "stale": 0,
            "hashSeed": 0x1234_5678
        })
    );
    assert_eq!(
        ok(&server, "/system/startup"),
        json!({
            "adoptedRoutes": 1_042_325,
            "steps": [
                {"name": "data plane opened", "milliseconds": 31},
                {"name": "installed routes read", "milliseconds": 240},
                {"name": "host read", "milliseconds": 2}
            ],
            "totalMilliseconds": 273
        })
    );
    assert_eq!(
        ok(&server, "/version"),
        json!({"name": "router-ctl", "version": env!("CARGO_PKG_VERSION"), "abi": 1})
    );
    assert_eq!(
        ok(&server, "/status"),
        json!({
            "state": "running", "version": env!("CARGO_PKG_VERSION"), "as": 65000,
            "startedEpoch": 1_700_000_000, "uptimeSeconds": 4000
        })
    );
}

/// Path, status, code, message.
const FAILURES: &[(&str, u16, &str, &str)] = &[
    (
        "/nothing",
        404,
        "not-found",
        "there is no endpoint /api/v1/nothing",
    ),
    (
        "/bgp/ipv5/routes",
        400,
        "bad-value",
        "\"ipv5\" is neither ipv4 nor ipv6",
    ),
    (
        "/bgp/ipv4/routes/10.0.0",
        400,
        "bad-value",
        "\"10.0.0\" is neither a prefix nor an address",
    ),
    (
        "/bgp/ipv4/routes/::/0",
        400,
        "bad-value",
        "::/0 is of the other address family",
    ),
    (
        "/bgp/ipv4/routes/10.0.0.0/30",
        404,
        "not-found",
        "10.0.0.0/30 is not in the BGP table",
    ),
    (
        "/bgp/neighbors/10.0.0.99",
        404,
        "not-found",
        "no such neighbor: 10.0.0.99",
    ),
    (
        "/bgp/neighbors/node",
        400,
        "bad-value",
        "more than one neighbor begins with \"node\"",
    ),
    (
        "/routes/ipv6/2001:db8:1::1",
        404,
        "not-found",
        "no route to 2001:db8:1::1",
    ),
    (
        "/routes/ipv4?format=xml",
        400,
        "bad-value",
        "format \"xml\": json and ndjson are known",
    ),
    (
        "/stats/prefixes?sort=size",
        400,
        "bad-value",
        "sort \"size\": bps, pps, bytes, pkts and prefix are known",
    ),
    (
        "/stats/prefixes?interval=soon",
        400,
        "bad-value",
        "interval \"soon\": 0–60 s, like 1s, 500ms or 2.5",
    ),
    (
        "/stats/prefixes?interval=-1s",
        400,
        "bad-value",
        "interval \"-1s\": 0–60 s, like 1s, 500ms or 2.5",
    ),
];

#[test]
fn failures_have_one_form() {
    let server = Server::start(Fake::default());
    for (path, status, code, message) in FAILURES {
        let reply = get(&server, path);
        assert_eq!(reply.status.as_u16(), *status, "{path}");
        assert_eq!(
            reply.json(),
            json!({"error": {"code": code, "message": message, "details": [], "requestId": reply.request_id}}),
            "{path}"
        );
        assert_eq!(reply.request_id.len(), 8, "{path}");
    }
}

#[test]
fn unknown_fields_and_methods_are_refused() {
    let server = Server::start(Fake::default());
    let unknown_field = get(&server, "/interfaces?verbose=1");
    assert_eq!(unknown_field.status, StatusCode::BAD_REQUEST);
    let message = unknown_field.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.contains("verbose"), "{message}");
    let method = request(&server, "POST", "/api/v1/fib");
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        method.json()["error"]["message"],
        "this endpoint does not take POST"
    );
}

#[test]
fn a_router_that_is_not_running_is_unavailable() {
    for phase in [Phase::Starting, Phase::Stopping] {
        let server = Server::start(Fake {
            phase,
            ..Fake::default()
        });
        for path in [
            "/bgp/summary",
            "/bgp/ipv4/routes",
            "/routes/ipv4",
            "/dataplane/accounting",
            "/fib",
        ] {
            let reply = get(&server, path);
            assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(reply.json()["error"]["code"], "unavailable", "{path}");
        }
        assert_eq!(get(&server, "/version").status, StatusCode::OK);
        assert_eq!(get(&server, "/status").status, StatusCode::OK);
    }
}
