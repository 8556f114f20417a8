//! The choice between paths, beside BIRD's and FRR's: the same paths are told to each of the three, octet by octet, and
//! each must choose the same one, by the step that the row names.
//!
//! Every row has a prefix of its own and paths of several speakers; the first path must win. What would win by a later
//! step is among the others, and arrives first, so that no row is decided by chance or by age.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab::config::{Carries, Config};
use lab::peer::{Bird, Frr};
use lab::topology::{Spoke, Star};
use lab::{Daemon, Lab, Node, wait};
use serde_json::Value;

use crate::peer::DEADLINE;

const ROUTER_AS: u16 = 65000;
/// A next hop that is on no link, the subnet that it is in, and the speaker behind which that is.
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const FAR_SUBNET: &str = "192.0.2.0/24";
const BEFORE_FAR: Teller = I1;
const TIMEOUT: Duration = Duration::from_secs(20);

/// Who tells a path. The position is the spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Teller {
    /// AS 65101, identifier 10.255.1.1.
    E1,
    /// AS 65102, identifier 10.255.1.2.
    E2,
    /// AS 65101 as E1, identifier 10.255.1.3.
    E3,
    /// iBGP, identifier 10.255.2.1.
    I1,
    /// iBGP, identifier 10.255.2.2.
    I2,
    /// E1 again, over another link.
    E1Again,
}
use self::Teller::{E1, E1Again, E2, E3, I1, I2};

impl Teller {
    const ALL: [Self; 6] = [E1, E2, E3, I1, I2, E1Again];

    fn asn(self) -> u16 {
        match self {
            E1 | E3 | E1Again => 65101,
            E2 => 65102,
            I1 | I2 => ROUTER_AS,
        }
    }

    fn identifier(self) -> [u8; 4] {
        match self {
            E1 | E1Again => [10, 255, 1, 1],
            E2 => [10, 255, 1, 2],
            E3 => [10, 255, 1, 3],
            I1 => [10, 255, 2, 1],
            I2 => [10, 255, 2, 2],
        }
    }

    fn is_internal(self) -> bool {
        self.asn() == ROUTER_AS
    }

    fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, self as u8, 2)
    }

    /// The one with this address.
    fn at(address: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|from| from.address().to_string() == address)
    }
}

/// A path that one of them tells.
#[derive(Clone, Debug)]
struct Path {
    from: Teller,
    origin: u8,
    next_hop: Ipv4Addr,
    /// ASes behind the speaker's own; from iBGP the whole path.
    beyond: Vec<u16>,
    /// Type and value of what else it has: MED 4, LOCAL_PREF 5, ORIGINATOR_ID 9, CLUSTER_LIST 10.
    more: Vec<(u8, Vec<u8>)>,
}

/// ORIGIN IGP and an AS path of one, whoever tells it; LOCAL_PREF 100 from iBGP.
fn path(from: Teller) -> Path {
    Path {
        from,
        origin: 0,
        next_hop: from.address(),
        beyond: if from.is_internal() {
            vec![65109]
        } else {
            Vec::new()
        },
        more: if from.is_internal() {
            vec![(5, vec![0, 0, 0, 100])]
        } else {
            Vec::new()
        },
    }
}

impl Path {
    fn origin(self, origin: u8) -> Self {
        Self { origin, ..self }
    }

    fn beyond(self, ases: &[u16]) -> Self {
        Self {
            beyond: ases.to_vec(),
            ..self
        }
    }

    fn far_away(self) -> Self {
        Self {
            next_hop: FAR,
            ..self
        }
    }

    fn med(self, value: u32) -> Self {
        self.and(4, &value.to_be_bytes())
    }

    fn local_pref(self, value: u32) -> Self {
        self.without_local_pref().and(5, &value.to_be_bytes())
    }

    fn without_local_pref(mut self) -> Self {
        self.more.retain(|(code, _)| *code != 5);
        self
    }

    fn originator(self, last: u8) -> Self {
        self.and(9, &[10, 255, 3, last])
    }

    fn clusters(self, count: u8) -> Self {
        let list: Vec<u8> = (1..=count).flat_map(|each| [10, 255, 4, each]).collect();
        self.and(10, &list)
    }

    fn and(mut self, code: u8, value: &[u8]) -> Self {
        self.more.push((code, value.to_vec()));
        self
    }

    fn update(&self, prefix: [u8; 3]) -> Vec<u8> {
        let mut ases = self.beyond.clone();
        if !self.from.is_internal() {
            ases.insert(0, self.from.asn());
        }
        let mut as_path = vec![2, u8::try_from(ases.len()).unwrap()];
        as_path.extend(ases.iter().flat_map(|asn| asn.to_be_bytes()));
        let mut attributes = Vec::new();
        let mut add = |flags: u8, code: u8, value: &[u8]| {
            attributes.extend([flags, code, u8::try_from(value.len()).unwrap()]);
            attributes.extend(value);
        };
        add(0x40, 1, &[self.origin]);
        add(0x40, 2, &as_path);
        add(0x40, 3, &self.next_hop.octets());
        for (code, value) in &self.more {
            add(if *code == 5 { 0x40 } else { 0x80 }, *code, value);
        }
        let mut body = vec![0, 0];
        body.extend(u16::try_from(attributes.len()).unwrap().to_be_bytes());
        body.extend(attributes);
        body.push(24);
        body.extend(prefix);
        message(2, &body)
    }
}

/// The step that decides, as `show` names it, and the paths: the first one wins.
struct Contest {
    step: &'static str,
    what: &'static str,
    paths: Vec<Path>,
}

fn contest(
    step: &'static str,
    what: &'static str,
    paths: impl IntoIterator<Item = Path>,
) -> Contest {
    Contest {
        step,
        what,
        paths: paths.into_iter().collect(),
    }
}

#[rustfmt::skip]
fn contests() -> Vec<Contest> {
    let long = [65109, 65110];
    vec![
        contest("Local Pref", "the higher one over a shorter path", [path(I2).local_pref(200).beyond(&long), path(I1).local_pref(100)]),
        contest("Local Pref", "none is 100", [path(I2).without_local_pref(), path(I1).local_pref(99)]),
        contest("Local Pref", "100 is that of eBGP", [path(I2).local_pref(101).beyond(&long), path(E1)]),
        contest("AS Path", "the shorter one over a better origin", [path(E2).origin(2), path(E1).beyond(&[65109])]),
        contest("AS Path", "from iBGP over a longer one from eBGP", [path(I1), path(E1).beyond(&[65109])]),
        contest("Origin", "IGP over EGP", [path(E3).origin(0).med(9), path(E1).origin(1)]),
        contest("Origin", "EGP over incomplete", [path(E3).origin(1), path(E1).origin(2)]),
        contest("MED", "the lower one of one AS over a lower identifier", [path(E3).med(10), path(E1).med(20)]),
        contest("MED", "none is 0", [path(E3), path(E1).med(1)]),
        contest("MED", "of one AS behind iBGP too", [path(I2).med(1), path(I1).med(2)]),
        contest("Router ID", "MEDs of two ASes are not compared", [path(E1).med(20), path(E2).med(10)]),
        contest("Peer Type", "eBGP over iBGP", [path(E2), path(I1)]),
        contest("IGP Metric", "a next hop on the link over one behind a router", [path(I2), path(I1).far_away()]),
        contest("Router ID", "the lower one of two neighbours", [path(E1), path(E2)]),
        contest("Router ID", "ORIGINATOR_ID stands for it", [path(I2).originator(1), path(I1).originator(2)]),
        contest("Cluster length", "the shorter list over a lower address", [path(I2).originator(1).clusters(1), path(I1).originator(1).clusters(2)]),
        contest("Neighbor IP", "the lower one of one router", [path(E1), path(E1Again)]),
        // E1 loses to E3 by MED, E3 to E2 by identifier; E1 would win over E2.
        contest("Router ID", "each AS sends its best by MED", [path(E2), path(E3).med(10), path(E1).med(20)]),
    ]
}

/// Rows that a daemon is not asked, and why: daemon, row, reason.
const DIFFERENCES: [(&str, &str, &str); 1] = [(
    OfFrr::NAME,
    "none is 100",
    "takes a path without LOCAL_PREF from iBGP for withdrawn (RFC 7606 §3 d); we and BIRD use the default",
)];

fn is_excused(daemon: &str, contest: &Contest) -> bool {
    let mut all = DIFFERENCES.iter();
    all.any(|(who, what, why)| *who == daemon && *what == contest.what && !why.is_empty())
}

fn prefix(number: usize) -> [u8; 3] {
    [203, 0, u8::try_from(number).unwrap()]
}

fn text(number: usize) -> String {
    format!("203.0.{number}.0/24")
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff; 16];
    bytes.extend(u16::try_from(19 + body.len()).unwrap().to_be_bytes());
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

/// Opens a session that never times out; again while the daemon does not want one yet.
fn establish(from: Teller, spoke: &Spoke) -> Result<TcpStream> {
    let mut last = None;
    let what = format!("a session with {from:?}");
    let opened = wait::try_until(&what, DEADLINE, || match try_establish(from, spoke) {
        Ok(stream) => Some(stream),
        Err(error) => {
            last = Some(error);
            None
        }
    });
    opened.with_context(|| format!("the last try: {last:?}"))
}

fn try_establish(from: Teller, spoke: &Spoke) -> Result<TcpStream> {
    let router = SocketAddr::from((spoke.router_v4(), 179));
    let mut stream = spoke.peer.run(|| TcpStream::connect(router))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut open = vec![4];
    open.extend(from.asn().to_be_bytes());
    open.extend([0, 0]);
    open.extend(from.identifier());
    // IPv4 unicast.
    open.extend([8, 2, 6, 1, 4, 0, 1, 0, 1]);
    for (wanted, reply) in [(1, message(1, &open)), (4, message(4, &[]))] {
        let mut header = [0; 19];
        stream.read_exact(&mut header)?;
        let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
        let mut body = vec![0; length - 19];
        stream.read_exact(&mut body)?;
        ensure!(
            header[18] == wanted,
            "{from:?}: type {} {body:?}",
            header[18]
        );
        stream.write_all(&reply)?;
    }
    Ok(stream)
}

/// Tells every path, the winner of each row last.
fn tell(star: &Star) -> Result<BTreeMap<Teller, TcpStream>> {
    let mut streams = BTreeMap::new();
    for (from, spoke) in Teller::ALL.into_iter().zip(&star.spokes) {
        let opened = establish(from, spoke).with_context(|| format!("{from:?}"))?;
        streams.insert(from, opened);
    }
    for (number, contest) in contests().iter().enumerate() {
        for path in contest.paths.iter().rev() {
            let stream = streams.get_mut(&path.from).context("a speaker")?;
            stream.write_all(&path.update(prefix(number)))?;
        }
    }
    Ok(streams)
}

/// A daemon that chooses.
trait Chooser: Sized {
    const NAME: &'static str;

    fn start(node: &Node) -> Result<Self>;

    /// Who told each path to a prefix, the best one first, and the step that decided if it says.
    fn paths(&self, prefix: &str) -> Option<(Vec<Teller>, Option<String>)>;
}

/// Waits until every path is there, and compares the best one of each row.
fn check<C: Chooser>() -> Result<()> {
    let mut lab = Lab::new("decision")?;
    let star = Star::build(&mut lab, u8::try_from(Teller::ALL.len())?)?;
    let chooser = C::start(&star.router)?;
    let _streams = tell(&star)?;
    let mut wrong = Vec::new();
    for (number, contest) in contests().iter().enumerate() {
        if is_excused(C::NAME, contest) {
            continue;
        }
        let what = format!("{} to have all paths of: {}", C::NAME, contest.what);
        let (chosen, step) = wait::try_until(&what, DEADLINE, || {
            let found = chooser.paths(&text(number))?;
            (found.0.len() == contest.paths.len()).then_some(found)
        })?;
        let winner = contest.paths[0].from;
        let step = step.unwrap_or_else(|| contest.step.to_owned());
        if chosen[0] != winner || step != contest.step {
            wrong.push(format!(
                "{}, {}: {:?} by {step}, not {winner:?}",
                contest.step, contest.what, chosen[0]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} chose:\n{}", C::NAME, wrong.join("\n"));
    Ok(())
}

/// `paths` of the JSON that FRR and we have in common.
fn in_json(paths: &[Value]) -> Vec<Teller> {
    let mut paths: Vec<&Value> = paths.iter().collect();
    paths.sort_by_key(|path| path.pointer("/bestpath/overall") != Some(&Value::Bool(true)));
    let who = |path: &&Value| Teller::at(path.pointer("/peer/peerId")?.as_str()?);
    paths.iter().filter_map(who).collect()
}

struct Ours(Daemon);

impl Chooser for Ours {
    const NAME: &'static str = "our router";

    fn start(node: &Node) -> Result<Self> {
        let mut config = Config::new(ROUTER_AS.into(), "10.255.0.1").ports(Teller::ALL.len());
        for from in Teller::ALL {
            let (address, asn) = (from.address(), from.asn().into());
            config = config.neighbor_with(address, asn, Carries::Ipv4, "passive = true");
        }
        let gateway = BEFORE_FAR.address();
        let far = format!("[protocols.static.route.\"{FAR_SUBNET}\".next-hop.\"{gateway}\"]");
        Ok(Self(Daemon::start(node, &config.with(&far).text())?))
    }

    fn paths(&self, prefix: &str) -> Option<(Vec<Teller>, Option<String>)> {
        let paths = self.0.bgp_paths(prefix);
        let best = paths
            .iter()
            .find(|path| path.pointer("/bestpath/overall") == Some(&Value::Bool(true)))?;
        let reason = best.pointer("/bestpath/selectionReason")?.as_str()?;
        Some((in_json(&paths), Some(reason.to_owned())))
    }
}

struct OfBird(Bird);

impl Chooser for OfBird {
    const NAME: &'static str = "BIRD";

    /// It compares MEDs in the order of arrival unless it is told otherwise.
    fn start(node: &Node) -> Result<Self> {
        let mut text = String::from(
            "log stderr all;\nrouter id 10.255.0.1;\nprotocol device {}\nprotocol direct { ipv4; }\n",
        );
        let gateway = BEFORE_FAR.address();
        writeln!(
            text,
            "protocol static {{ ipv4; route {FAR_SUBNET} via {gateway}; }}"
        )?;
        for from in Teller::ALL {
            let address = from.address();
            let local = Ipv4Addr::new(10, 0, from as u8, 1);
            write!(
                text,
                "protocol bgp {from:?} {{
  local {local} as {ROUTER_AS};
  neighbor {address} as {};
  passive on;
  deterministic med on;
  ipv4 {{ import all; export none; }};
}}
",
                from.asn()
            )?;
        }
        Ok(Self(Bird::start(node, &text)?))
    }

    /// `203.0.0.0/24  unicast [E1 12:00:00.000] * (100) [AS65101i]`, the other paths in lines below it.
    fn paths(&self, prefix: &str) -> Option<(Vec<Teller>, Option<String>)> {
        let answer = self.0.query(&format!("show route {prefix}")).ok()?;
        let mut found = Vec::new();
        for line in answer.lines().filter(|line| line.contains("unicast [")) {
            let name = line.split_once('[')?.1.split_whitespace().next()?;
            let from = Teller::ALL
                .into_iter()
                .find(|from| format!("{from:?}") == name)?;
            found.push((!line.contains("] * ("), from));
        }
        found.sort();
        Some((found.into_iter().map(|(_, from)| from).collect(), None))
    }
}

struct OfFrr(Frr);

impl Chooser for OfFrr {
    const NAME: &'static str = "FRR";

    /// It keeps the older of two external paths unless it is told to compare identifiers.
    fn start(node: &Node) -> Result<Self> {
        let mut text = format!(
            "hostname peer
log stdout
router bgp {ROUTER_AS}
 bgp router-id 10.255.0.1
 no bgp ebgp-requires-policy
 bgp bestpath compare-routerid
 bgp deterministic-med
"
        );
        for from in Teller::ALL {
            let address = from.address();
            writeln!(text, " neighbor {address} remote-as {}", from.asn())?;
            writeln!(text, " neighbor {address} passive")?;
        }
        // zebra takes the metric from the kernel.
        let gateway = BEFORE_FAR.address().to_string();
        let mut route = Command::new("ip");
        route.args(["route", "add", FAR_SUBNET, "via", &gateway, "metric", "20"]);
        ensure!(node.output(route)?.status.success(), "no route to {FAR}");
        Ok(Self(Frr::start(node, &text)?))
    }

    fn paths(&self, prefix: &str) -> Option<(Vec<Teller>, Option<String>)> {
        let question = format!("show bgp ipv4 unicast {prefix} json");
        let answer = self.0.json(&question).ok()?;
        Some((in_json(answer.get("paths")?.as_array()?), None))
    }
}

#[test]
fn our_router_chooses_by_the_step_that_the_row_names() -> Result<()> {
    check::<Ours>()
}

#[test]
fn bird_chooses_the_same_paths() -> Result<()> {
    check::<OfBird>()
}

#[test]
fn frr_chooses_the_same_paths() -> Result<()> {
    check::<OfFrr>()
}
