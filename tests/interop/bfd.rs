//! The BFD thread of the daemon against BIRD's and FRR's: sessions of every kind come up, and a neighbour that
//! is killed is noticed within the detection time.

use std::collections::BTreeMap;
use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use lab::peer::{Bird, Frr};
use lab::{Lab, Node, Port, wait};
use router_ctl::bfd::fsm::State;
use router_ctl::bfd::packet::Diagnostic;
use router_ctl::bfd::{Key, Request, Settings, Status};
use router_ctl::daemon::bfd::{self, Handle};
use router_ctl::router::event::Event;
use tokio::sync::mpsc::{UnboundedReceiver, error::TryRecvError, unbounded_channel};

/// A slow first packet a second, on each side, and a machine that is busy with other tests.
const COMES_UP: Duration = Duration::from_secs(15);
/// What the machine may add to a detection time.
const SLACK: Duration = Duration::from_millis(100);

const OUR_V4: &str = "10.0.0.1";
const OUR_V6: &str = "2001:db8::1";
const OUR_LINK_LOCAL: &str = "fe80::a";
const OUR_LOOPBACK: &str = "10.255.0.1";
const THEIR_V4: &str = "10.0.0.2";
const THEIR_V6: &str = "2001:db8::2";
const THEIR_LINK_LOCAL: &str = "fe80::b";
const THEIR_LOOPBACK: &str = "10.255.0.2";

fn settings(milliseconds: u64) -> Settings {
    Settings {
        transmit: Duration::from_millis(milliseconds),
        receive: Duration::from_millis(milliseconds),
        ..Settings::default()
    }
}

/// Two nodes on a link, with a loopback address each.
struct Net {
    _lab: Lab,
    ours: Node,
    theirs: Node,
    port: Port,
    far: Port,
    /// A test that keeps the processors busy is no company for one that counts milliseconds.
    _alone: MutexGuard<'static, ()>,
}

impl Net {
    fn build(name: &str) -> Result<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lab = Lab::new(name)?;
        let (ours, theirs) = (lab.node("ours")?, lab.node("theirs")?);
        let (port, far) = lab.link((&ours, "eth0"), (&theirs, "eth0"))?;
        for (port, v4, v6, link_local) in [
            (&port, OUR_V4, OUR_V6, OUR_LINK_LOCAL),
            (&far, THEIR_V4, THEIR_V6, THEIR_LINK_LOCAL),
        ] {
            port.add_address(&format!("{v4}/24"))?;
            port.add_address(&format!("{v6}/64"))?;
            port.add_address(&format!("{link_local}/64"))?;
        }
        for (node, own, other, gateway) in [
            (&ours, OUR_LOOPBACK, THEIR_LOOPBACK, THEIR_V4),
            (&theirs, THEIR_LOOPBACK, OUR_LOOPBACK, OUR_V4),
        ] {
            node.add_loopback_address(&format!("{own}/32"))?;
            node.add_route(&format!("{other}/32"), gateway)?;
        }
        Ok(Self {
            _lab: lab,
            ours,
            theirs,
            port,
            far,
            _alone: alone,
        })
    }

    /// One session of each kind.
    fn keys(&self) -> [Key; 4] {
        let key = |remote: &str| Key {
            remote: remote.parse().unwrap(),
            local: None,
            interface: None,
            multihop: false,
        };
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        [
            key(THEIR_V4),
            Key {
                local: address(OUR_V6),
                interface: Some(self.port.index()),
                ..key(THEIR_V6)
            },
            Key {
                local: address(OUR_LINK_LOCAL),
                interface: Some(self.port.index()),
                ..key(THEIR_LINK_LOCAL)
            },
            Key {
                local: address(OUR_LOOPBACK),
                multihop: true,
                ..key(THEIR_LOOPBACK)
            },
        ]
    }
}

/// The thread under test, inside a node.
struct Ours {
    handle: Handle,
    reports: UnboundedReceiver<Event>,
    latest: BTreeMap<Key, Status>,
}

impl Ours {
    fn start(node: &Node) -> Result<Self> {
        let (sender, reports) = unbounded_channel();
        Ok(Self {
            handle: node.run(|| bfd::spawn(sender))?,
            reports,
            latest: BTreeMap::new(),
        })
    }

    fn put(&self, key: &Key, settings: Settings) {
        let request = Request::Put(key.clone(), settings);
        self.handle.requests().send(request);
    }

    /// The session as it was reported last.
    fn status(&mut self, key: &Key) -> Option<&Status> {
        loop {
            match self.reports.try_recv() {
                Ok(Event::Bfd(report)) => {
                    self.latest.insert(report.key, report.status);
                }
                Ok(other) => panic!("an event that is not of BFD: {other:?}"),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {
                    return self.latest.get(key);
                }
            }
        }
    }

    fn wait(
        &mut self,
        key: &Key,
        what: &str,
        deadline: Duration,
        is_so: impl Fn(&Status) -> bool,
    ) -> Result<Status> {
        let what = format!("the session with {} to {what}", key.remote);
        let found = wait::try_until(&what, deadline, || {
            self.status(key).filter(|status| is_so(status)).cloned()
        });
        found.with_context(|| format!("it is {:#?}", self.latest.get(key)))
    }

    fn wait_up(&mut self, key: &Key) -> Result<Status> {
        self.wait(key, "come up", COMES_UP, |status| status.state == State::Up)
    }

    /// Down by the clock: within the detection time after the last packet that can have left.
    fn check_lost(&mut self, key: &Key, killed: Instant, detection: Duration) -> Result<()> {
        let down = |status: &Status| status.state == State::Down;
        let status = self.wait(key, "go down", detection + Duration::from_secs(2), down)?;
        assert_eq!(status.diagnostic, Diagnostic::EXPIRED, "{}", key.remote);
        let after = status.since.saturating_duration_since(killed);
        eprintln!("{}: down {after:?} after the kill", key.remote);
        assert!(after <= detection + SLACK, "{}: {after:?}", key.remote);
        Ok(())
    }
}

fn bird_config(milliseconds: u64) -> String {
    let timers = format!(
        "min rx interval {milliseconds} ms; min tx interval {milliseconds} ms; idle tx interval 1 s; multiplier 3;"
    );
    format!(
        "log stderr all;
router id 10.0.0.2;
protocol device {{ scan time 1; }}
protocol bfd {{
  interface \"*\" {{ {timers} }};
  multihop {{ {timers} }};
  neighbor {OUR_V4} dev \"eth0\";
  neighbor {OUR_V6} dev \"eth0\";
  neighbor {OUR_LINK_LOCAL} dev \"eth0\";
  neighbor {OUR_LOOPBACK} local {THEIR_LOOPBACK} multihop on;
}}
"
    )
}

fn frr_config() -> String {
    let timers =
        "  receive-interval 50\n  transmit-interval 50\n  detect-multiplier 3\n  no shutdown\n !";
    format!(
        "bfd
 peer {OUR_V4} interface eth0
{timers}
 peer {OUR_V6} local-address {THEIR_V6} interface eth0
{timers}
 peer {OUR_LINK_LOCAL} local-address {THEIR_LINK_LOCAL} interface eth0
{timers}
 peer {OUR_LOOPBACK} multihop local-address {THEIR_LOOPBACK}
{timers}
!
"
    )
}

/// BIRD's word for the session with us.
fn bird_state(bird: &Bird, address: &str) -> Result<String> {
    let answer = bird.query("show bfd sessions")?;
    let mut lines = answer.lines().map(str::split_whitespace);
    let mut line = lines
        .find(|line| line.clone().next() == Some(address))
        .with_context(|| format!("BIRD has no session with {address}:\n{answer}"))?;
    Ok(line.nth(2).unwrap_or_default().to_owned())
}

#[test]
fn bfd_with_bird_comes_up_and_a_kill_is_noticed_within_the_detection_time() -> Result<()> {
    let net = Net::build("bfdbird")?;
    let mut bird = Bird::start(&net.theirs, &bird_config(50))?;
    let mut ours = Ours::start(&net.ours)?;
    // BIRD sends over several hops with the system's TTL, where FRR and we send with 255.
    let settings = Settings {
        minimum_ttl: 63,
        ..settings(50)
    };
    for key in &net.keys() {
        ours.put(key, settings.clone());
    }
    let detection = Duration::from_millis(150);
    for key in &net.keys() {
        ours.wait_up(key)?;
        ours.wait(key, "agree on 150 ms", COMES_UP, |status| {
            status.detection_time == Some(detection)
        })?;
    }
    for address in [OUR_V4, OUR_V6, OUR_LINK_LOCAL, OUR_LOOPBACK] {
        let what = format!("BIRD's session with {address} to be up");
        wait::try_until(&what, COMES_UP, || {
            (bird_state(&bird, address).ok()? == "Up").then_some(())
        })?;
    }
    bird.kill()?;
    let killed = Instant::now();
    for key in &net.keys() {
        ours.check_lost(key, killed, detection)?;
    }
    // It is met again when it comes back.
    let bird = Bird::start(&net.theirs, &bird_config(50))?;
    for key in &net.keys() {
        ours.wait_up(key)?;
    }
    drop(bird);
    ours.handle.stop()
}

#[test]
fn bfd_with_bird_changes_live_and_a_stop_is_no_loss() -> Result<()> {
    let net = Net::build("bfdlive")?;
    let bird = Bird::start(&net.theirs, &bird_config(100))?;
    let mut ours = Ours::start(&net.ours)?;
    let [key, ..] = net.keys();
    ours.put(&key, settings(100));
    ours.wait_up(&key)?;
    let negotiated = |ours: &mut Ours, transmit: u64, detection: u64| {
        ours.wait(&key, "take the new intervals", COMES_UP, |status| {
            status.transmit_interval == Some(Duration::from_millis(transmit))
                && status.detection_time == Some(Duration::from_millis(detection))
        })
    };
    // Both directions of change: slower needs the Final of BIRD's.
    for (ask, detection) in [(400, 1200), (100, 300), (700, 2100)] {
        ours.put(&key, settings(ask));
        let status = negotiated(&mut ours, ask, detection)?;
        assert_eq!((status.state, status.counts.down), (State::Up, 0));
    }
    // BIRD changes, and asks with a Poll of its own.
    bird.reconfigure(&bird_config(900))?;
    let status = negotiated(&mut ours, 900, 2700)?;
    assert_eq!((status.state, status.counts.down), (State::Up, 0));

    ours.handle.stop()?;
    wait::try_until("BIRD to hear that we stop", Duration::from_secs(1), || {
        (bird_state(&bird, OUR_V4).ok()? == "Down").then_some(())
    })
}

#[test]
fn bfd_with_bird_notices_a_link_that_is_lost_and_lives_without_one() -> Result<()> {
    let net = Net::build("bfdlink")?;
    let bird = Bird::start(&net.theirs, &bird_config(50))?;
    let mut ours = Ours::start(&net.ours)?;
    let [v4, v6, ..] = net.keys();
    for key in [&v4, &v6] {
        ours.put(key, settings(50));
        ours.wait_up(key)?;
        ours.wait(key, "agree on 150 ms", COMES_UP, |status| {
            status.detection_time == Some(Duration::from_millis(150))
        })?;
    }
    let cut = Instant::now();
    net.far.down()?;
    let took = cut.elapsed();
    for key in [&v4, &v6] {
        ours.check_lost(key, cut + took, Duration::from_millis(150))?;
    }
    net.far.up()?;
    // The far side lost its IPv6 addresses with the link.
    net.far.add_address(&format!("{THEIR_V6}/64"))?;
    for key in [&v4, &v6] {
        ours.wait_up(key)?;
    }
    drop(bird);
    ours.handle.stop()
}

/// Neither more threads than processors nor hundreds of sessions on the same thread make one miss three packets.
#[test]
fn bfd_of_two_busy_machines_holds_three_times_fifty_milliseconds() -> Result<()> {
    const SESSIONS: u8 = 200;
    let net = Net::build("bfdbusy")?;
    let (mut ours, mut theirs) = (Ours::start(&net.ours)?, Ours::start(&net.theirs)?);
    let key = |remote: [u8; 4], local: [u8; 4]| Key {
        remote: remote.into(),
        local: Some(local.into()),
        interface: None,
        multihop: false,
    };
    let mut keys = Vec::new();
    for number in 1..=SESSIONS {
        let (near, far) = ([10, 1, 0, number], [10, 1, 1, number]);
        net.port.add_address(&format!("10.1.0.{number}/23"))?;
        net.far.add_address(&format!("10.1.1.{number}/23"))?;
        ours.put(&key(far, near), settings(50));
        theirs.put(&key(near, far), settings(50));
        keys.push((key(far, near), key(near, far)));
    }
    for (near, far) in &keys {
        ours.wait_up(near)?;
        theirs.wait_up(far)?;
    }
    let busy = Arc::new(AtomicBool::new(true));
    for _ in 0..2 * std::thread::available_parallelism()?.get() {
        let busy = busy.clone();
        std::thread::spawn(move || while busy.load(Ordering::Relaxed) {});
    }
    let outcome = keys.iter().try_for_each(|(near, far)| {
        for (side, key) in [(&mut ours, near), (&mut theirs, far)] {
            let told = |status: &Status| status.counts.packets_in >= 150;
            let status = side.wait(key, "hear 150 packets", COMES_UP, told)?;
            assert_eq!(
                (status.state, status.counts.down),
                (State::Up, 0),
                "{key:?}"
            );
        }
        anyhow::Ok(())
    });
    busy.store(false, Ordering::Relaxed);
    outcome?;
    ours.handle.stop()?;
    theirs.handle.stop()
}

/// Anybody on the Internet can send to the port, with a TTL below 255.
#[test]
fn bfd_is_not_ended_by_a_flood_from_afar() -> Result<()> {
    let net = Net::build("bfdflood")?;
    let (mut ours, theirs) = (Ours::start(&net.ours)?, Ours::start(&net.theirs)?);
    let [near, near6, ..] = net.keys();
    let far = |local: &str, key: &Key| Key {
        remote: local.parse().unwrap(),
        local: Some(key.remote),
        interface: None,
        multihop: false,
    };
    let pairs = [(&near, far(OUR_V4, &near)), (&near6, far(OUR_V6, &near6))];
    for (near, far) in &pairs {
        ours.put(near, settings(50));
        theirs.put(far, settings(50));
    }
    for (near, _) in &pairs {
        ours.wait_up(near)?;
    }
    let flooding = Arc::new(AtomicBool::new(true));
    let sent = Arc::new(AtomicU64::new(0));
    for (from, to) in [(THEIR_V4, OUR_V4), (THEIR_V6, OUR_V6)] {
        let from: IpAddr = from.parse()?;
        let to: IpAddr = to.parse()?;
        let socket = net.theirs.run(|| UdpSocket::bind((from, 0)))?;
        let (flooding, sent) = (flooding.clone(), sent.clone());
        std::thread::spawn(move || {
            while flooding.load(Ordering::Relaxed) {
                let arrived = socket.send_to(&[0x20; 24], (to, 3784)).is_ok();
                sent.fetch_add(u64::from(arrived), Ordering::Relaxed);
            }
        });
    }
    let outcome = pairs.iter().try_for_each(|(near, _)| {
        let told = |status: &Status| status.counts.packets_in >= 150;
        let status = ours.wait(near, "hear 150 packets", COMES_UP, told)?;
        assert_eq!(
            (status.state, status.counts.down),
            (State::Up, 0),
            "{near:?}"
        );
        assert!(status.counts.refused > 0, "the flood is counted");
        anyhow::Ok(())
    });
    flooding.store(false, Ordering::Relaxed);
    outcome?;
    eprintln!("{} packets of the flood", sent.load(Ordering::Relaxed));
    ours.handle.stop()?;
    theirs.handle.stop()
}

#[test]
fn bfd_with_frr_comes_up_and_a_kill_is_noticed_within_the_detection_time() -> Result<()> {
    let net = Net::build("bfdfrr")?;
    let mut frr = Frr::start_bfdd(&net.theirs, &frr_config())?;
    let mut ours = Ours::start(&net.ours)?;
    for key in &net.keys() {
        ours.put(key, settings(50));
    }
    let detection = Duration::from_millis(150);
    for key in &net.keys() {
        ours.wait_up(key)?;
        ours.wait(key, "agree on 150 ms", COMES_UP, |status| {
            status.detection_time == Some(detection)
        })?;
    }
    let what = "all four sessions of FRR to be up at 50 ms";
    wait::try_until(what, COMES_UP, || {
        let peers = frr.json("show bfd peers json").ok()?;
        let good = peers.as_array()?.iter().filter(|peer| {
            peer["status"] == "up"
                && peer["remote-transmit-interval"] == 50
                && peer["remote-detect-multiplier"] == 3
        });
        (good.count() == 4).then_some(())
    })
    .with_context(|| frr.query("show bfd peers json").unwrap_or_default())?;
    // FRR shows what we announce, live.
    for key in &net.keys() {
        ours.put(key, settings(60));
        ours.put(key, settings(50));
    }
    frr.kill()?;
    let killed = Instant::now();
    for key in &net.keys() {
        ours.check_lost(key, killed, detection)?;
        assert_eq!(ours.latest[key].counts.down, 1);
    }
    ours.handle.stop()
}

#[test]
fn bfd_with_frr_that_is_stopped_or_shut_down_is_known_as_such() -> Result<()> {
    let net = Net::build("bfdadmin")?;
    let frr = Frr::start_bfdd(&net.theirs, &frr_config())?;
    let mut ours = Ours::start(&net.ours)?;
    let [key, ..] = net.keys();
    ours.put(&key, settings(50));
    ours.wait_up(&key)?;
    let peer = format!("peer {OUR_V4} interface eth0");
    frr.configure(&["bfd", &peer, "shutdown"])?;
    let status = ours.wait(&key, "be taken down", COMES_UP, |status| {
        status.state == State::Down
    })?;
    assert!(status.remote_admin_down(), "{status:#?}");
    frr.configure(&["bfd", &peer, "no shutdown"])?;
    ours.wait_up(&key)?;

    ours.handle.stop()?;
    let heard = wait::try_until("FRR to hear that we stop", Duration::from_secs(2), || {
        let peers = frr.json("show bfd peers json").ok()?;
        let peer = peers
            .as_array()?
            .iter()
            .find(|peer| peer["peer"] == OUR_V4)?;
        (peer["status"] == "down").then(|| peer.clone())
    })?;
    assert_eq!(
        heard["remote-diagnostic"], "administratively down",
        "{heard:#}"
    );
    Ok(())
}
