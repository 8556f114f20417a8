//! Every row of the tables of UPDATE errors (RFC 7606 and its successors), over live sessions with the running
//! daemon: what a fault costs is the attribute, the routes of the message, or the session; and nobody else is harmed.
//!
//! A row is sent by a peer of its kind, octet by octet. What came of it is heard by two others, an eBGP and an iBGP
//! neighbour, who read the router's UPDATEs with a decoder of their own. Rows that cost the session have neighbours
//! of their own, for the router waits before it speaks with one that erred.

mod attributes;
mod heard;
mod message;
mod structure;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use lab::topology::{Spoke, Star};
use lab::wait;
use serde_json::Value;

use self::heard::Listener;
use self::message::{Attributes, Family, Kind, Peer, Prefix, encoded, update};
use crate::wire::Raw;
use crate::world::{Carries, Config, World};

/// A row that works takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
const BYSTANDER: &str = "203.0.113.0/24";
/// Spoke of the iBGP neighbour that only listens.
const INTERNAL_LISTENER: usize = 4;

/// What must come of a row.
#[derive(Clone, Debug)]
enum Expected {
    /// The route is used and told on.
    Accepted,
    /// The same, and somebody is told this attribute: flags, code, value.
    Told(u8, u8, Vec<u8>),
    /// The same, and nobody is told this attribute with this value.
    NotTold(u8, Vec<u8>),
    /// The same, and the router shows this of the path.
    Shown(&'static str, Value),
    /// The path is there and cannot be used.
    Unusable,
    /// A good route of the same prefix that was there before is gone.
    Withdrawn,
    /// A good route of the same prefix that was there before stays.
    Stays,
    /// The session ends with this NOTIFICATION.
    Reset(u8, u8),
}

/// What a peer says about a prefix.
type Words = Box<dyn Fn(&Peer, Prefix) -> Vec<u8>>;

struct Row {
    name: String,
    kind: Kind,
    family: Family,
    words: Words,
    expected: Expected,
    /// The prefix that it announces, when that is not the one of its number.
    told_as: Option<String>,
}

impl Row {
    fn new(
        name: impl Into<String>,
        kind: Kind,
        expected: Expected,
        words: impl Fn(&Peer, Prefix) -> Vec<u8> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            family: Family::V4,
            words: Box::new(words),
            expected,
            told_as: None,
        }
    }

    fn told_as(self, prefix: String) -> Self {
        Self {
            told_as: Some(prefix),
            ..self
        }
    }

    fn v6(self) -> Self {
        Self {
            family: Family::V6,
            ..self
        }
    }

    /// A good announcement of the row's prefix.
    fn before(&self, peer: &Peer, prefix: Prefix) -> Vec<u8> {
        let good = Attributes::good(peer);
        match self.family {
            Family::V4 => good.announce(prefix),
            Family::V6 => {
                let reach = structure::reach_v6(&peer.address_v6.octets(), &prefix.v6());
                update(&[], &good.without(3).and(0x80, 14, &reach).octets(), &[])
            }
        }
    }

    fn is_reset(&self) -> bool {
        matches!(self.expected, Expected::Reset(..))
    }
}

/// The router, those who listen, and a number for each row.
struct Court {
    world: World,
    external: Listener,
    internal: Listener,
    next: u16,
}

impl Court {
    /// `resets` neighbours of each kind that may lose their session, besides the one that must not.
    fn open(resets: [u8; 3]) -> Result<Self> {
        let world = World::start("rfc7606", 5, |config, star| neighbors(config, star, resets))?;
        for kind in Kind::ALL {
            for number in 0..resets[kind as usize] {
                let address = reset_address(world.spoke(kind.spoke()), number);
                let port = &world.spoke(kind.spoke()).peer_port;
                port.add_address(&format!("{address}/24"))?;
            }
        }
        let listen = |number: usize, kind: Kind| -> Result<Listener> {
            let spoke = world.spoke(number);
            let peer = Peer::new(kind, spoke);
            let raw = Raw::establish_from(spoke, peer.address, &peer.open());
            Listener::start(raw, peer)
        };
        let external = listen(0, Kind::External)?;
        let internal = listen(INTERNAL_LISTENER, Kind::Internal)?;
        let mut court = Self {
            world,
            external,
            internal,
            next: 0,
        };
        let bystander = Attributes::good(court.external.peer());
        let octets = update(&[], &bystander.octets(), &[24, 203, 0, 113]);
        court.external.send(&octets)?;
        court.internal.wait_told(BYSTANDER)?;
        Ok(court)
    }

    fn number(&mut self) -> Prefix {
        self.next += 1;
        Prefix(self.next)
    }

    /// Nobody else has noticed anything.
    fn check_bystander(&mut self) -> Result<()> {
        ensure!(self.world.router.is_running(), "the daemon has ended");
        self.external.check_alive().context("the bystander")?;
        self.internal.check_alive().context("the listener")?;
        let told = self.internal.told(BYSTANDER);
        ensure!(told.is_some(), "the bystander's route is gone");
        ensure!(
            self.internal.withdrawals(BYSTANDER) == 0,
            "the bystander's route was withdrawn"
        );
        Ok(())
    }

    /// One row over a session that must survive it.
    fn check(&mut self, raw: &mut Raw, peer: &Peer, row: &Row) -> Result<()> {
        let prefix = self.number();
        let text = row
            .told_as
            .clone()
            .unwrap_or_else(|| prefix.text(row.family));
        let was_there = matches!(row.expected, Expected::Withdrawn | Expected::Stays);
        if was_there {
            raw.send(&row.before(peer, prefix))?;
            self.external.wait_told(&text).context("the good route")?;
        }
        raw.send(&(row.words)(peer, prefix))?;
        self.mark(raw, peer)?;
        match &row.expected {
            Expected::Withdrawn => self.external.wait_gone(&text)?,
            Expected::Stays => {
                self.external.wait_told(&text)?;
                let gone = self.external.withdrawals(&text);
                ensure!(gone == 0, "{text} was withdrawn");
            }
            Expected::Unusable => self.wait_unusable(&text)?,
            Expected::Shown(key, wanted) => {
                self.external.wait_told(&text)?;
                self.wait_shown(&text, |path| {
                    let found = path.pointer(key).unwrap_or(&Value::Null);
                    found == wanted
                })?;
            }
            Expected::Accepted => {
                self.external.wait_told(&text)?;
            }
            Expected::Told(flags, code, value) => {
                let told = self.told_everywhere(peer, &text)?;
                let wanted = (*flags, *code, value.clone());
                ensure!(told.contains(&wanted), "{wanted:?} is not in {told:?}");
            }
            Expected::NotTold(code, value) => {
                let told = self.told_everywhere(peer, &text)?;
                let found = told.iter().find(|each| each.1 == *code && each.2 == *value);
                ensure!(found.is_none(), "{found:?} was told");
            }
            Expected::Reset(..) => bail!("the session must survive"),
        }
        self.check_bystander()
    }

    /// Sends a route of its own after a row and waits until it is told: what came before was dealt with, and the
    /// session lives.
    fn mark(&mut self, raw: &mut Raw, peer: &Peer) -> Result<()> {
        let mark = self.number();
        raw.send(&Attributes::good(peer).announce(mark))?;
        let text = mark.text(Family::V4);
        let heard = self.external.wait_told(&text);
        heard.map_err(|error| match raw.notification() {
            Ok(code) => error.context(format!("the session ended with NOTIFICATION {code:?}")),
            Err(_) => error,
        })?;
        Ok(())
    }

    /// What both listeners were told of a prefix. What iBGP brings is told to eBGP alone.
    fn told_everywhere(&self, peer: &Peer, prefix: &str) -> Result<heard::Told> {
        let mut told = self.external.wait_told(prefix)?;
        if peer.kind != Kind::Internal {
            told.extend(self.internal.wait_told(prefix)?);
        }
        Ok(told)
    }

    fn wait_unusable(&self, prefix: &str) -> Result<()> {
        self.wait_shown(prefix, |path| path["valid"] != true)?;
        ensure!(self.external.told(prefix).is_none(), "{prefix} was told");
        Ok(())
    }

    fn wait_shown(&self, prefix: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let mut last = Vec::new();
        wait::try_until(&format!("the path to {prefix}"), PATIENCE, || {
            last = self.world.router.bgp_paths(prefix);
            (last.len() == 1 && wanted(&last[0])).then_some(())
        })
        .with_context(|| format!("the router shows {last:?}"))
    }

    /// One row that costs its session: the NOTIFICATION, and its routes go.
    fn check_reset(&mut self, peer: &Peer, row: &Row) -> Result<()> {
        let spoke = self.world.spoke(peer.kind.spoke());
        let mut raw = Raw::establish_from(spoke, peer.address, &peer.open());
        let (prefix, other) = (self.number(), self.number());
        raw.send(&Attributes::good(peer).announce(other))?;
        let text = other.text(Family::V4);
        self.external.wait_told(&text).context("the good route")?;
        raw.send(&(row.words)(peer, prefix))?;
        let found = raw.notification()?;
        let Expected::Reset(code, subcode) = row.expected else {
            bail!("the session must survive");
        };
        ensure!(found == (code, subcode), "NOTIFICATION {found:?}");
        self.external.wait_gone(&text)?;
        ensure!(
            self.external.told(&prefix.text(row.family)).is_none(),
            "the row's route was told"
        );
        self.check_bystander()
    }

    /// Who lost his session gets another, and is heard.
    fn check_return(&mut self, peer: &Peer) -> Result<()> {
        let spoke = self.world.spoke(peer.kind.spoke());
        let mut raw = Raw::establish_from(spoke, peer.address, &peer.open());
        let prefix = self.number();
        raw.send(&Attributes::good(peer).announce(prefix))?;
        self.external.wait_told(&prefix.text(Family::V4))?;
        raw.shut_down();
        Ok(())
    }
}

fn reset_address(spoke: &Spoke, number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, spoke.number, 10 + number)
}

fn neighbors(mut config: Config, star: &Star, resets: [u8; 3]) -> Config {
    let mut add = |address: Ipv4Addr, kind: Kind, spoke: &Spoke| {
        let carries = match kind {
            Kind::TwoOctets => Carries::Ipv4,
            Kind::External | Kind::Internal => Carries::Both,
        };
        let asn = Peer::new(kind, spoke).asn;
        config = config
            .clone()
            .neighbor_with(address, asn, carries, "passive = true");
    };
    let bystander = &star.spokes[0];
    add(bystander.peer_v4(), Kind::External, bystander);
    let listener = &star.spokes[INTERNAL_LISTENER];
    add(listener.peer_v4(), Kind::Internal, listener);
    for kind in Kind::ALL {
        let spoke = &star.spokes[kind.spoke()];
        add(spoke.peer_v4(), kind, spoke);
        for number in 0..resets[kind as usize] {
            add(reset_address(spoke, number), kind, spoke);
        }
    }
    config
}

#[test]
fn every_fault_of_an_update_costs_what_its_row_says_and_nobody_else() -> Result<()> {
    let rows: Vec<Row> = structure::rows()
        .into_iter()
        .chain(attributes::rows())
        .collect();
    let resets = Kind::ALL.map(|kind| {
        let all = rows.iter().filter(|row| row.kind == kind && row.is_reset());
        u8::try_from(all.count()).unwrap()
    });
    let mut court = Court::open(resets)?;
    let mut wrong = Vec::new();
    let started = Instant::now();
    for kind in Kind::ALL {
        let spoke = court.world.spoke(kind.spoke());
        let peer = Peer::new(kind, spoke);
        let mut raw = Raw::establish_from(spoke, peer.address, &peer.open());
        for row in rows
            .iter()
            .filter(|row| row.kind == kind && !row.is_reset())
        {
            if let Err(error) = court.check(&mut raw, &peer, row) {
                wrong.push(format!("{kind:?}, {}: {error:#}", row.name));
                let spoke = court.world.spoke(kind.spoke());
                raw.shut_down();
                raw = Raw::establish_from(spoke, peer.address, &peer.open());
            }
        }
        let address = peer.address.to_string();
        let shown = court.world.router.show(&["bgp", "neighbors", &address])?;
        if shown[&address]["connectionsEstablished"] != 1 {
            wrong.push(format!("{kind:?}: the session did not last: {shown}"));
        }
    }
    for kind in Kind::ALL {
        let spoke = court.world.spoke(kind.spoke());
        let addresses = (0..resets[kind as usize]).map(|number| Peer {
            address: reset_address(spoke, number),
            ..Peer::new(kind, spoke)
        });
        let all = rows.iter().filter(|row| row.kind == kind && row.is_reset());
        let judged: Vec<(Peer, &Row)> = addresses.zip(all).collect();
        for (peer, row) in &judged {
            if let Err(error) = court.check_reset(peer, row) {
                wrong.push(format!("{kind:?}, {}: {error:#}", row.name));
            }
        }
        for (peer, row) in &judged {
            if let Err(error) = court.check_return(peer) {
                wrong.push(format!("{kind:?}, after {}: {error:#}", row.name));
            }
        }
    }
    println!("{} rows in {:?}", rows.len(), started.elapsed());
    let count = wrong.len();
    assert!(
        wrong.is_empty(),
        "{count} rows are wrong:\n{}",
        wrong.join("\n")
    );
    court.world.router.assert_accounting();
    Ok(())
}
