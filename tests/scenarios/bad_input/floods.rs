//! Neighbours and strangers that flood, stall or never finish: bounded memory, and the others do not notice.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::Daemon;
use lab::maps::wait_leads_to;
use lab::wait;

use crate::wire::{KEEPALIVE, Raw, UPDATE, good_attributes, good_open, message, update, withdraw};
use crate::world::{DEADLINE, V4, World, neighbors, speaker};

const MIB: u64 = 1 << 20;
/// What a flood may add to a process that was quiet before. The build under test is not optimised.
const ALLOWANCE: u64 = 48 * MIB;
/// What may wait for one neighbour: the limit and one slice of work on top.
const MOST_QUEUED: u64 = 6 * MIB;

fn resident(daemon: &Daemon) -> Result<u64> {
    let pid = daemon.pid().context("the router does not run")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmRSS")?
        .parse()?;
    Ok(kib * 1024)
}

/// The router, a speaker of good manners on spoke 0 with a route in use, and what the router weighs now.
fn world(name: &str) -> Result<(World, lab::peer::Speaker, u64)> {
    let world = World::start(name, 3, neighbors)?;
    let good = speaker(world.spoke(0));
    good.announce(&[V4.prefix], &[]);
    wait_leads_to(&world.router, V4.prefix, &[world.spoke(0)]);
    let before = resident(&world.router)?;
    Ok((world, good, before))
}

/// The good speaker still has its first session, is heard, and the router has not grown much.
fn assert_unharmed(mut world: World, good: &lab::peer::Speaker, before: u64) -> Result<()> {
    assert!(world.router.is_running(), "the router ended");
    assert_eq!(good.sessions(), 1, "the good speaker's session suffered");
    good.announce(&["192.0.2.0/24"], &[]);
    wait_leads_to(&world.router, "192.0.2.0/24", &[world.spoke(0)]);
    let grown = resident(&world.router)?.saturating_sub(before);
    assert!(grown < ALLOWANCE, "grown by {} MiB", grown / MIB);
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn connections_that_say_nothing_are_bounded_and_do_not_keep_the_neighbour_out() -> Result<()> {
    let (world, good, before) = world("halfopen")?;
    let spoke = world.spoke(1);
    // From the neighbour's own address, and from one that is no neighbour.
    spoke.peer_port.add_address("10.0.1.99/24")?;
    let mut silent = Vec::new();
    for source in [spoke.peer_v4(), [10, 0, 1, 99].into()] {
        for _ in 0..200 {
            let stream = spoke.peer.run(|| -> Result<TcpStream> {
                let socket =
                    socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
                socket.bind(&std::net::SocketAddr::from((source, 0)).into())?;
                let router = std::net::SocketAddr::from((spoke.router_v4(), 179));
                socket.connect_timeout(&router.into(), Duration::from_secs(10))?;
                Ok(socket.into())
            })?;
            silent.push(stream);
        }
    }
    // Most of them have been told to go: none is kept that the router has no use for.
    let what = "the router to close the connections it has no use for";
    wait::until(what, DEADLINE, || {
        let open = silent.iter_mut().map(is_open).filter(|&open| open).count();
        (open <= 2).then_some(())
    });
    // The neighbour itself gets in, with the silent ones still around.
    let mut raw = Raw::establish(spoke);
    raw.send(&update(&good_attributes(spoke), [198, 51, 100]))?;
    wait_leads_to(&world.router, "198.51.100.0/24", &[spoke]);
    assert_unharmed(world, &good, before)
}

/// Whether the other side has not closed it; what it said is read and ignored.
fn is_open(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 4096];
    stream.set_nonblocking(true).ok();
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn a_message_that_never_ends_costs_no_more_than_a_message() -> Result<()> {
    let (world, good, before) = world("endless")?;
    let mut stalled = Vec::new();
    for spoke in &world.star.spokes[1..] {
        let mut raw = Raw::establish(spoke);
        // The header promises 4096 octets; one less comes.
        let mut bytes = message(UPDATE, &[0; 4096 - 19]);
        bytes.pop();
        raw.send(&bytes)?;
        stalled.push(raw);
    }
    for spoke in &world.star.spokes[1..] {
        world.router.wait_established(spoke.peer_v4());
    }
    assert_unharmed(world, &good, before)
}

#[test]
fn a_neighbour_that_opens_and_drops_connections_all_the_time_is_borne() -> Result<()> {
    let (world, good, before) = world("churn")?;
    let spoke = world.spoke(1);
    for number in 0..300 {
        let mut raw = Raw::connect(spoke)?;
        // Some say nothing, some an OPEN, some nonsense. The router may have closed first.
        let said = match number % 3 {
            0 => Ok(()),
            1 => raw.send(&good_open(spoke)),
            _ => raw.send(&[0; 100]),
        };
        drop((said, raw));
    }
    let mut raw = Raw::establish(spoke);
    raw.send(&update(&good_attributes(spoke), [198, 51, 100]))?;
    wait_leads_to(&world.router, "198.51.100.0/24", &[spoke]);
    assert_unharmed(world, &good, before)
}

#[test]
fn a_neighbour_that_floods_with_updates_slows_itself_and_nobody_else() -> Result<()> {
    let (world, good, before) = world("flood")?;
    let spoke = world.spoke(1);
    let mut raw = Raw::establish(spoke);
    let mut burst = Vec::new();
    for number in 0..1000_u16 {
        let [high, low] = number.to_be_bytes();
        let prefix = [100, 64 + high, low];
        burst.extend(update(&good_attributes(spoke), prefix));
        burst.extend(withdraw(prefix));
    }
    let mut most = 0;
    for _ in 0..30 {
        raw.send(&burst)?;
        most = most.max(resident(&world.router)?);
    }
    let grown = most.saturating_sub(before);
    assert!(
        grown < ALLOWANCE,
        "grown by {} MiB in the flood",
        grown / MIB
    );
    // What comes last counts, when all before it is done.
    raw.send(&update(&good_attributes(spoke), [198, 51, 100]))?;
    wait_leads_to(&world.router, "198.51.100.0/24", &[spoke]);
    wait_leads_to(&world.router, "100.64.1.0/24", &[]);
    assert_unharmed(world, &good, before)
}

#[test]
fn a_neighbour_that_reads_nothing_has_a_bounded_queue() -> Result<()> {
    let (world, good, before) = world("stall")?;
    let spoke = world.spoke(1);
    let mut stalled = Raw::establish(spoke);
    let listener = speaker(world.spoke(2));
    listener.wait_up();

    let prefixes: Vec<String> = (0..8000_u16)
        .map(|number| {
            let [high, low] = number.to_be_bytes();
            format!("100.{}.{low}.0/24", 64 + high)
        })
        .collect();
    let mut most = 0;
    let last = prefixes.last().unwrap();
    for round in 0..12_u32 {
        // A path of its own for each prefix, so that none share a message.
        for (number, prefix) in (0_u32..).zip(&prefixes) {
            let path: Vec<u32> = (0..10)
                .map(|n| 100_000 + round * 10 + n)
                .chain([200_000 + number])
                .collect();
            good.announce(&[prefix.as_str()], &path);
        }
        wait::until("the listener to hear this round", DEADLINE, || {
            let (path, _) = listener.received(last)?;
            path.contains(&(100_000 + round * 10)).then_some(())
        });
        let address = spoke.peer_v4().to_string();
        let shown = world.router.show(&["bgp", "neighbors", &address])?;
        most = most.max(
            shown[&address]["messageStats"]["depthOutq"]
                .as_u64()
                .unwrap(),
        );
        // It reads nothing, but it is alive.
        stalled.set_write_timeout(Duration::from_secs(5))?;
        stalled.send(&message(KEEPALIVE, &[]))?;
    }
    assert!(most > 0, "the stalled neighbour was never behind");
    assert!(
        most < MOST_QUEUED,
        "{most} octets wait for the stalled neighbour"
    );
    wait::until("the listener to have all prefixes", DEADLINE, || {
        (listener.received_count() == prefixes.len() + 1).then_some(())
    });
    world.router.wait_established(spoke.peer_v4());

    // It wakes up, and ends with what everybody has.
    let mut reader = Reader::default();
    let end = std::time::Instant::now() + DEADLINE * 2;
    while reader.prefixes.len() <= prefixes.len() {
        let late = std::time::Instant::now() > end;
        let found = reader.take(&mut stalled);
        assert!(
            !late && found.is_ok(),
            "{} prefixes: {found:?}",
            reader.prefixes.len()
        );
    }
    assert_unharmed(world, &good, before)
}

/// The /24s that have been announced, in UPDATEs of the classic form.
#[derive(Default)]
struct Reader {
    prefixes: std::collections::HashSet<Vec<u8>>,
}

impl Reader {
    fn take(&mut self, raw: &mut Raw) -> Result<()> {
        let (kind, body) = raw.read()?;
        if kind != UPDATE {
            return Ok(());
        }
        let length = |at: usize| usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
        let withdrawn = length(0);
        let start = 4 + withdrawn + length(2 + withdrawn);
        for prefix in body[2..2 + withdrawn].chunks(4) {
            self.prefixes.remove(&prefix[1..]);
        }
        for prefix in body[start..].chunks(4) {
            self.prefixes.insert(prefix[1..].to_vec());
        }
        Ok(())
    }
}

#[test]
fn garbage_of_every_kind_ends_in_nothing_worse_than_a_closed_connection() -> Result<()> {
    let (world, good, before) = world("garbage")?;
    let spoke = world.spoke(1);
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise
    };
    for round in 0..60 {
        let mut stream = spoke
            .peer
            .run(|| TcpStream::connect((spoke.router_v4(), 179)))?;
        let length = 19 + usize::try_from(next() % 600)?;
        let mut bytes: Vec<u8> = (0..length).map(|_| next().to_le_bytes()[3]).collect();
        if round % 2 == 0 {
            // A header that is right, so that the noise is looked at.
            let kind = 1 + u8::try_from(next() % 5)?;
            bytes = message(kind, &bytes);
        }
        let open = if round % 4 == 0 {
            good_open(spoke)
        } else {
            Vec::new()
        };
        let keepalive = if round % 8 == 0 {
            message(KEEPALIVE, &[])
        } else {
            Vec::new()
        };
        // The router may close in the middle of it.
        stream.write_all(&[open, keepalive, bytes].concat()).ok();
    }
    let mut raw = Raw::establish(spoke);
    raw.send(&update(&good_attributes(spoke), [198, 51, 100]))?;
    wait_leads_to(&world.router, "198.51.100.0/24", &[spoke]);
    let log = world.router.log();
    assert!(!log.contains("panicked"), "{log}");
    assert_unharmed(world, &good, before)
}
