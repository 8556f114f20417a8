//! One full table through one session: encoded by one speaker, framed and decoded by the other.
//!
//! 140,000 UPDATEs of about seven prefixes have the shape of a real table. `cargo bench -p router-ctl
//! --no-default-features --bench wire` prints CPU time of this thread, which a busy host does not change much.

#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use router_ctl::bgp::attributes::{AttributesEditor, Community};
use router_ctl::bgp::session::{Action, ConnectionId, Direction, Session, SessionConfig};
use router_ctl::bgp::types::{
    Asn, Family, NextHop, Nlri, Origin, PathAttributes, PathId, PeerAs, RouterId,
};
use router_ctl::bgp::wire::as_path::AsPathBuilder;
use router_ctl::bgp::wire::update::encode_announce;

const UPDATES: u32 = 140_000;
const ROUNDS: usize = 5;
const CONNECTION: ConnectionId = ConnectionId(1);

fn main() {
    let [sender, mut receiver] = established();
    let encoding = sender.negotiated().expect("established").encoding();
    let table: Vec<_> = (0..UPDATES).map(update).collect();
    for _ in 0..ROUNDS {
        let start = cpu_time();
        let mut stream = Vec::new();
        for (attributes, nlri) in &table {
            encode_announce(
                &mut stream,
                Family::Ipv4Unicast,
                attributes,
                nlri,
                &encoding,
            )
            .expect("short attributes");
        }
        let encoded = cpu_time();
        let prefixes: usize = stream
            .chunks(65536)
            .map(|chunk| read(&mut receiver, chunk))
            .sum();
        let decoded = cpu_time();
        println!(
            "{prefixes} prefixes, {} octets: encode {:?}, decode {:?}",
            stream.len(),
            encoded - start,
            decoded - encoded
        );
    }
}

fn read(session: &mut Session, chunk: &[u8]) -> usize {
    let mut prefixes = 0;
    session.handle_bytes(CONNECTION, chunk, Instant::now());
    while let Some(action) = session.poll_action() {
        if let Action::Routes(routes) = black_box(action) {
            prefixes += routes.announced.len();
        }
    }
    prefixes
}

fn update(number: u32) -> (PathAttributes, Vec<Nlri>) {
    let mut path = AsPathBuilder::new();
    path.push(Asn(65001));
    for hop in 0..4 {
        let mixed = number.wrapping_mul(2_654_435_761) >> (hop * 3);
        path.push(Asn(1000 + mixed % 400_000));
    }
    let mut editor = AttributesEditor::empty();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(path.as_path());
    let tag = |index| Community(65001 << 16 | (number * 7 + index * 131) & 0xffff);
    editor.set_communities((0..number % 8).map(tag));
    let attributes = PathAttributes {
        next_hop: NextHop::V4([192, 0, 2, 1].into()),
        raw: editor.finish(),
    };
    let prefix = |index: u32| {
        let address = std::net::Ipv4Addr::from_bits((number * 8 + index) << 8);
        Nlri {
            prefix: IpNet::new_assert(address.into(), 24),
            path_id: PathId(0),
        }
    };
    let prefixes = 7 + u32::from(number.is_multiple_of(4));
    (attributes, (0..prefixes).map(prefix).collect())
}

fn established() -> [Session; 2] {
    let now = Instant::now();
    let mut sessions = [1u8, 2].map(|side| {
        let id = RouterId([10, 0, 0, side].into());
        let mut config = SessionConfig::new(Asn(65000 + u32::from(side)), id, PeerAs::External);
        config.passive = side == 2;
        let mut session = Session::new(config);
        session.start(now);
        session
    });
    let [sender, receiver] = &mut sessions;
    sender.handle_connected(CONNECTION, Direction::Outbound, now);
    receiver.handle_connected(CONNECTION, Direction::Inbound, now);
    while pass_on(sender, receiver, now) | pass_on(receiver, sender, now) {}
    sessions
}

/// Whether there was anything to pass on.
fn pass_on(from: &mut Session, to: &mut Session, now: Instant) -> bool {
    let mut any = false;
    while let Some(action) = from.poll_action() {
        if let Action::Transmit { bytes, .. } = action {
            to.handle_bytes(CONNECTION, &bytes, now);
            any = true;
        }
    }
    any
}

/// CPU time of this thread as Linux accounts it.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}
