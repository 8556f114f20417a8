//! What one full IPv4 table costs the RIB: announced by one peer, decided, exported and encoded for another.
//!
//! `cargo run --release -p router-ctl --no-default-features --example full_table [-- FEEDS [FILE]]`
//!
//! FILE has an IPv4 prefix on each line, in the order in which they are sent; without it there are 1,042,325
//! neighbouring ones. Attributes are made up with the shape of a real table: 7.25 prefixes to a set, AS_PATHs of
//! 4 or 5 ASes.
//! Prints CPU seconds and resident memory after each step.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context, Result};
use ipnet::Ipv4Net;
use router_ctl::bgp::attributes::{AttributesEditor, Community};
use router_ctl::bgp::types::{
    Asn, Family, FamilySet, NextHop, Nlri, Origin, PathAttributes, PathId, RouteUpdate, RouterId,
};
use router_ctl::bgp::wire::as_path::AsPathBuilder;
use router_ctl::bgp::wire::update::Encoding;
use router_ctl::prefix::PrefixIndex;
use router_ctl::rib::{
    DecisionConfig, GroupKey, GroupKind, PeerId, PeerInfo, PeerKind, Reachability, Rib,
    UpdateGroups,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FAMILY: Family = Family::Ipv4Unicast;
const RECEIVER: PeerId = PeerId(100);
const SLICE: usize = 4096;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let feeds: u16 = match arguments.next() {
        Some(feeds) => feeds.parse().context("FEEDS is a number")?,
        None => 1,
    };
    let prefixes = match arguments.next() {
        Some(file) => read(&file).with_context(|| file)?,
        None => (0..1_042_325).map(neighbouring).collect(),
    };
    let mut bench = Bench::new(feeds)?;
    for feed in 1..=feeds {
        // Making the messages up is not part of the measurement.
        let mut spent = Duration::ZERO;
        let mut made = Generator::new(feed, &prefixes);
        loop {
            let updates: Vec<_> = std::iter::from_fn(|| made.next()).take(500).collect();
            let begin = cpu()?;
            updates
                .iter()
                .for_each(|update| bench.receive(feed, update));
            if updates.is_empty() {
                bench.finish();
            }
            spent += cpu()?.saturating_sub(begin);
            if updates.is_empty() {
                break;
            }
        }
        bench.print(&format!("feed {feed} in and out"), spent)?;
    }
    bench.step("second receiver joins", |bench| {
        bench.groups.join(&bench.rib, PeerId(101), group(0));
    })?;
    bench.step("second group of one", |bench| {
        bench.groups.join(&bench.rib, PeerId(102), group(1));
    })?;
    bench.step("that group leaves", |bench| bench.groups.leave(PeerId(102)))?;
    for feed in 1..=feeds {
        bench.step(&format!("loss of feed {feed}"), |bench| {
            bench.rib.remove_peer(PeerId(feed), FAMILY);
        })?;
    }
    Ok(())
}

struct Bench {
    index: PrefixIndex,
    rib: Rib,
    groups: UpdateGroups,
    pending: usize,
    messages: u64,
    octets: usize,
    idle_memory: usize,
}

impl Bench {
    fn new(feeds: u16) -> Result<Self> {
        let mut rib = Rib::new(DecisionConfig::new(Asn(65000)));
        for feed in 1..=feeds {
            let address = Ipv4Addr::from(0xc633_6400 + u32::from(feed));
            let info = PeerInfo {
                kind: PeerKind::Ebgp,
                address: Some(IpAddr::V4(address)),
                router_id: RouterId(address),
                asn: Asn(65000 + u32::from(feed)),
                clients: FamilySet::NONE,
            };
            rib.set_peer(PeerId(feed), info);
        }
        let mut groups = UpdateGroups::new();
        groups.join(&rib, RECEIVER, group(0));
        Ok(Self {
            index: PrefixIndex::new(),
            rib,
            groups,
            pending: 0,
            messages: 0,
            octets: 0,
            idle_memory: resident()?,
        })
    }

    fn receive(&mut self, feed: u16, update: &RouteUpdate) {
        self.rib
            .announce(&mut self.index, PeerId(feed), update, None);
        self.pending += update.announced.len();
        if self.pending >= SLICE {
            self.pending = 0;
            self.settle();
        }
    }

    /// One turn of the router's loop.
    fn settle(&mut self) {
        for (next_hop, _, _) in self.rib.drain_new_next_hops() {
            let resolved = Reachability::Resolved { metric: 0 };
            self.rib.set_next_hop(next_hop, resolved);
        }
        self.rib.drain_freed_next_hops();
        for change in self.rib.settle(SLICE) {
            if change.best_changed {
                self.groups.note_change(change.prefix);
            }
        }
        let out = self.groups.poll(&mut self.rib, &mut self.index, SLICE);
        for transmit in out {
            self.messages += u64::from(transmit.messages);
            self.octets += transmit.bytes.len();
        }
        let mut free = self.rib.drain_unused();
        free.extend(self.groups.drain_unused());
        for id in free {
            if !self.rib.uses(id) && !self.groups.uses(id) {
                self.index.remove(id);
            }
        }
    }

    fn finish(&mut self) {
        self.settle();
        while self.rib.has_work() || self.groups.has_work() {
            self.settle();
        }
    }

    fn step(&mut self, name: &str, change: impl FnOnce(&mut Self)) -> Result<()> {
        let begin = cpu()?;
        change(self);
        self.settle();
        while self.rib.has_work() || self.groups.has_work() {
            self.settle();
        }
        self.print(name, cpu()?.saturating_sub(begin))
    }

    fn print(&mut self, name: &str, spent: Duration) -> Result<()> {
        let line = format!(
            "{name:24} {:6.3} s CPU, {:6.1} MB resident, {:.1} MB of RIB, {} prefixes, {} sets, {} messages, {:.1} MB sent",
            spent.as_secs_f64(),
            megabytes(resident()?.saturating_sub(self.idle_memory)),
            megabytes(self.rib.memory_bytes() + self.groups.memory_bytes()),
            self.index.len(),
            self.rib.attribute_sets(),
            std::mem::take(&mut self.messages),
            megabytes(std::mem::take(&mut self.octets)),
        );
        print_line(&line)
    }
}

fn print_line(line: &str) -> Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}").context("standard output")
}

fn megabytes(octets: usize) -> f64 {
    let kibibytes = u32::try_from(octets / 1024).unwrap_or(u32::MAX);
    f64::from(kibibytes) / 1024.0
}

/// Groups with different numbers are told different things.
fn group(number: u32) -> GroupKey {
    let encoding = Encoding {
        four_octet_as: true,
        max_message: 4096,
        add_path_v4: false,
        add_path_v6: false,
    };
    GroupKey {
        families: FamilySet::from_iter([FAMILY]),
        next_hop_v4: Some(Ipv4Addr::new(198, 51, 100, 254)),
        ..GroupKey::new(GroupKind::Ebgp, Asn(65000 - number), encoding)
    }
}

/// One feed: the same prefixes for each, other attributes.
struct Generator<'a> {
    feed: u16,
    rest: &'a [Nlri],
    random: u64,
}

impl<'a> Generator<'a> {
    fn new(feed: u16, prefixes: &'a [Nlri]) -> Self {
        Self {
            feed,
            rest: prefixes,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// xorshift64
    fn random(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u32::try_from(self.random % u64::from(below)).unwrap_or_default()
    }

    fn next(&mut self) -> Option<RouteUpdate> {
        if self.rest.is_empty() {
            return None;
        }
        let attributes = self.attributes();
        // 7.25 on average, some sets large and most small.
        let count = match self.random(8) {
            0 => 1 + self.random(44) as usize,
            _ => 1 + self.random(9) as usize,
        };
        let (announced, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        Some(RouteUpdate {
            family: FAMILY,
            attributes: Some(attributes),
            announced: announced.to_vec(),
            withdrawn: Vec::new(),
        })
    }

    fn attributes(&mut self) -> PathAttributes {
        let mut path = AsPathBuilder::new();
        path.push(Asn(65000 + u32::from(self.feed)));
        for _ in 0..3 + self.random(2) {
            path.push(Asn(1000 + self.random(60_000)));
        }
        let mut editor = AttributesEditor::empty();
        editor.set_origin(Origin::Igp);
        editor.set_as_path(path.as_path());
        if self.random(3) > 0 {
            let communities = (0..1 + self.random(6)).map(|_| Community(self.random(u32::MAX)));
            let communities: Vec<_> = communities.collect();
            editor.set_communities(communities);
        }
        PathAttributes {
            next_hop: NextHop::V4(Ipv4Addr::from(0xc633_6400 + u32::from(self.feed))),
            raw: editor.finish(),
        }
    }
}

fn nlri(net: Ipv4Net) -> Nlri {
    Nlri {
        prefix: net.into(),
        path_id: PathId::default(),
    }
}

fn neighbouring(number: u32) -> Nlri {
    let address = Ipv4Addr::from(0x0100_0000 + (number << 8));
    nlri(Ipv4Net::new(address, 24).expect("24 is a length"))
}

fn read(file: &str) -> Result<Vec<Nlri>> {
    let text = std::fs::read_to_string(file)?;
    text.lines().map(|line| Ok(nlri(line.parse()?))).collect()
}

/// Time on a processor; there is one thread.
fn cpu() -> Result<Duration> {
    let statistics = std::fs::read_to_string("/proc/self/schedstat")?;
    let spent = statistics
        .split_whitespace()
        .next()
        .context("schedstat is empty")?;
    Ok(Duration::from_nanos(spent.parse()?))
}

fn resident() -> Result<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(1).context("statm is short")?;
    Ok(pages.parse::<usize>()? * 4096)
}
