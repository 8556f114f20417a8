//! Where our documents are meant to differ from those of FRR 8.4.4, and what they have beyond it.

use super::compare::{Difference, Expected, Kind, Seen};

const fn row(at: &'static str, kind: Kind, seen: Seen, why: &'static str) -> Difference {
    Difference {
        at,
        kind,
        seen,
        why,
    }
}

/// FRR's key, which we have not.
const fn absent(at: &'static str, why: &'static str) -> Difference {
    row(at, Kind::Absent, Seen::Always, why)
}

/// A key that FRR has in some moments.
const fn fleeting(at: &'static str, why: &'static str) -> Difference {
    row(at, Kind::Absent, Seen::Sometimes, why)
}

const fn differs(at: &'static str, why: &'static str) -> Difference {
    row(at, Kind::Value, Seen::Always, why)
}

/// A value that depends on the moment, in both.
const fn varies(at: &'static str, why: &'static str) -> Difference {
    row(at, Kind::Value, Seen::Sometimes, why)
}

const CLOCK: &str = "the two worlds were built one after the other";
const MOMENT: &str = "the session is tried again and again";
const PACKING: &str = "how many messages carry the routes is free";
const BACK: &str = "we send nothing back to where it came from";
const INSIDE: &str = "tells of FRR's inside";
const LAST: &str = "FRR shows what was of the last connection, we only what is";
const NEVER: &str = "nothing ever came, went or ended";
const NONE: &str = "we do not speak it";
const TREE: &str = "FRR counts the nodes of its tree";
const BYTES: &str = "each counts its own memory";

pub(super) const DIFFERENCES: &[Difference] = &[
    // Counts and times.
    varies("tableVersion", "each counts its own changes"),
    differs("ribCount", TREE),
    differs("ribMemory", BYTES),
    differs("peerMemory", BYTES),
    varies("peers * peerUptime*", CLOCK),
    varies("peers * msgRcvd", PACKING),
    varies("peers * msgSent", PACKING),
    varies("bgpTimerUp*", CLOCK),
    varies("bgpTimerLast*", CLOCK),
    varies("bgpInUpdateElapsedTimeMsecs", CLOCK),
    varies("lastResetTimerMsecs", CLOCK),
    varies("nextConnectTimerDueInMsecs", CLOCK),
    varies("messageStats updates*", PACKING),
    varies("messageStats keepalives*", CLOCK),
    varies("messageStats total*", PACKING),
    varies("portLocal", "the kernel chooses it"),
    varies("10.0.3.2 portForeign", LAST),
    varies("fd00:0:0:3::2 portForeign", LAST),
    varies("updateGroupId", "only a number"),
    varies("subGroupId", "only a number"),
    // Routes that FRR sends back to the provider.
    differs("peers 10.0.0.2 pfxSnt", BACK),
    differs("peers fd00::2 pfxSnt", BACK),
    differs("10.0.0.2 addressFamilyInfo * sentPrefixCounter", BACK),
    differs("fd00::2 addressFamilyInfo * sentPrefixCounter", BACK),
    absent("198.51.100.0/24 advertisedTo 10.0.0.2", BACK),
    absent("2001:db8:1::/48 advertisedTo fd00::2", BACK),
    // Neighbours that are refused, silent or gone.
    varies("peers 10.0.3.2 state", MOMENT),
    varies("peers 10.0.3.3 state", MOMENT),
    varies("peers fd00:0:0:3::2 state", MOMENT),
    varies("10.0.3.2 bgpState", MOMENT),
    varies("10.0.3.3 bgpState", MOMENT),
    varies("fd00:0:0:3::2 bgpState", MOMENT),
    varies("10.0.3.2 messageStats *", MOMENT),
    varies("fd00:0:0:3::2 messageStats *", MOMENT),
    varies("10.0.3.2 host*", LAST),
    varies("fd00:0:0:3::2 host*", LAST),
    varies("10.0.3.2 remoteRouterId", LAST),
    varies("fd00:0:0:3::2 remoteRouterId", LAST),
    varies(
        "fd00:0:0:3::2 gracefulRestartInfo timers receivedRestartTimer",
        LAST,
    ),
    fleeting("10.0.3.2 nexthop*", LAST),
    fleeting("fd00:0:0:3::2 nexthop*", LAST),
    fleeting("10.0.3.2 bgpConnection", LAST),
    fleeting("fd00:0:0:3::2 bgpConnection", LAST),
    fleeting(
        "nextStartTimerDueInMsecs",
        "the wait after an error is a wait to connect",
    ),
    fleeting("nextConnectTimerDueInMsecs", MOMENT),
    absent("10.0.3.* bgpTimerLast*", NEVER),
    absent("10.0.3.* bgpInUpdateElapsedTimeMsecs", NEVER),
    absent("lastResetDueTo", NEVER),
    absent("lastResetTimerMsecs", NEVER),
    differs(
        "lastResetDueTo",
        "names the NOTIFICATION, its sender and what the neighbour said",
    ),
    // What FRR tells of itself.
    absent("lastResetCode", INSIDE),
    absent("readThread", INSIDE),
    absent("writeThread", INSIDE),
    fleeting("estimatedRttInMsecs", "the kernel is not asked for it"),
    absent(
        "packetQueueLength",
        "queues are counted in octets: depthOutq",
    ),
    absent(
        "table",
        "routes are in the data plane and not in a table of the kernel",
    ),
    absent("internalStatus", INSIDE),
    absent("internalFlags", INSIDE),
    varies("nexthopGroupId", "only a number"),
    varies("installedNexthopGroupId", "only a number"),
    absent("uptime", "routes keep no time"),
    absent("lastUpdate", "paths keep no time"),
    absent("version", "paths keep no version of the table"),
    // What is not spoken.
    absent("bgpTimerConfiguredConditionalAdvertisementsSec", NONE),
    absent(
        "extendedOptionalParametersLength",
        "RFC 9072 is for lists of parameters that we do not send",
    ),
    differs("neighborCapabilities longLivedGracefulRestart", NONE),
    absent("neighborCapabilities longLivedGracefulRestartByPeer", NONE),
    absent("neighborCapabilities hostName", "we do not tell our name"),
    absent(
        "neighborCapabilities hostName adv*",
        "we do not tell our name",
    ),
    absent(
        "neighborCapabilities gracefulRestartRemoteTimerMsecs",
        "in later versions gracefulRestartRemoteTimerSec, which we have",
    ),
    differs("timers selectionDeferralTimer", "another default"),
    // Paths.
    absent(
        "(unspec) metric",
        "our own networks have no MED unless one is set",
    ),
    absent(
        "10.100.0.0/16 paths 0.0.0.0 metric",
        "our own networks have no MED unless one is set",
    ),
    varies(
        "203.0.113.0/24 10.0.0.2 selectionReason",
        "FRR names the step of its last comparison, we the one that left no rival",
    ),
    varies(
        "203.0.113.0/24 paths 10.0.0.2 bestpath selectionReason",
        "FRR names the step of its last comparison, we the one that left no rival",
    ),
    absent(
        "2001:db8:1::/48 fd00::2 nexthops fe80:* used",
        "we resolve the global next hop",
    ),
    absent(
        "2001:db8:1::/48 paths fd00::2 nexthops fe80:* used",
        "we resolve the global next hop",
    ),
];

/// Keys that FRR 8.4.4 has not, or has not of this scenario; and those of which a row above would hide the loss.
pub(super) const OURS: &[(&str, &str, Expected)] = &[
    ("summary", "ipv4Unicast pathCount", Expected::Is("8")),
    ("summary", "ipv4Unicast peerGroupCount", Expected::Is("0")),
    ("summary", "ipv4Unicast peerGroupMemory", Expected::Is("0")),
    (
        "neighbors",
        "10.0.0.2 bgpNeighborAddr",
        Expected::Is("\"10.0.0.2\""),
    ),
    (
        "neighbors",
        "10.0.0.2 prefixStats aspathLoop",
        Expected::Is("1"),
    ),
    (
        "neighbors",
        "10.0.0.2 prefixStats inboundFiltered",
        Expected::Is("0"),
    ),
    (
        "neighbors",
        "10.0.0.2 prefixStats originatorLoop",
        Expected::Is("0"),
    ),
    (
        "neighbors",
        "10.0.0.2 prefixStats clusterLoop",
        Expected::Is("0"),
    ),
    (
        "neighbors",
        "10.0.0.2 prefixStats invalidNextHop",
        Expected::Is("0"),
    ),
    (
        "neighbors",
        "10.0.0.2 prefixStats withdrawn",
        Expected::Is("0"),
    ),
    (
        "neighbors",
        "10.0.0.2 prefixStats attributesDiscarded",
        Expected::Is("0"),
    ),
    (
        "neighbors",
        "10.0.0.2 neighborCapabilities gracefulRestartRemoteTimerSec",
        Expected::Is("120"),
    ),
    (
        "neighbors",
        "10.0.0.2 addressFamilyInfo ipv4Unicast receivedPrefixCounter",
        Expected::Is("3"),
    ),
    (
        "neighbors",
        "10.0.0.2 gracefulRestartInfo remoteGrMode",
        Expected::Is("\"Restart\""),
    ),
    ("neighbors", "10.0.3.2 bgpTimerLastRead", Expected::Number),
    ("neighbors", "10.0.3.2 bgpTimerLastWrite", Expected::Number),
    (
        "neighbors",
        "10.0.3.2 lastResetTimerMsecs",
        Expected::Number,
    ),
    ("neighbors", "10.0.3.2 lastResetDueTo", Expected::Text),
    ("neighbors", "fd00:0:0:3::2 lastResetDueTo", Expected::Text),
    (
        "neighbors",
        "fd00:0:0:3::2 lastShutdownDescription",
        Expected::Is("\"gone fishing\""),
    ),
    (
        "routes",
        "203.0.113.0/24 0 nexthopGroupId",
        Expected::Number,
    ),
    // To nobody outside the AS: no-export.
    (
        "203.0.113.0/24",
        "advertisedTo",
        Expected::Is("{\"10.0.2.2\":{}}"),
    ),
    ("routes", "203.0.113.0/24 0 offloaded", Expected::Is("true")),
];
