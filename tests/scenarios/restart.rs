//! The daemon stops, is killed and comes back under traffic. No packet is lost and no flow moves.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use anyhow::{Context as _, Result};
use aya::programs::links::{FdLink, PinnedLink};
use lab::frame::Flow;
use lab::maps::{self, wait_leads_to};
use lab::peer::{Restart, Speaker, SpeakerOptions};
use lab::sender::Stream;
use lab::topology::Spoke;
use lab::{Capture, Daemon, Pace, Sender, wait};

use crate::world::{
    DEADLINE, Packet, V4, V6, World, is_marked_flow, neighbors, options, where_flows_go,
};

const FLOWS: u16 = 200;
/// Packets a second. The machine has other things to do.
const PACE: Pace = Pace::PerSecond(2000);

/// Spoke 0 sends; speakers on spokes 1 to 4 announce both samples' prefixes.
struct Shared {
    world: World,
    speakers: Vec<Speaker>,
}

impl Shared {
    fn start(name: &str, restart: Restart) -> Result<Self> {
        let world = World::start(name, 5, |config, star| {
            neighbors(config, star).parameter("bestpath.as-path.multipath-relax = true")
        })?;
        let start = |spoke: &Spoke| {
            let options = SpeakerOptions {
                restart,
                ..options(spoke)
            };
            let speaker = Speaker::start(&spoke.peer, options);
            speaker.announce(&[V4.prefix, V6.prefix], &[]);
            speaker
        };
        // A session on every spoke, so that the router knows when it has heard everybody.
        let speakers = world.star.spokes.iter().map(start).collect();
        let shared = Self { world, speakers };
        shared.speakers[0].withdraw(&[V4.prefix, V6.prefix]);
        for sample in [V4, V6] {
            wait_leads_to(&shared.world.router, sample.prefix, &shared.peers());
        }
        Ok(shared)
    }

    fn peers(&self) -> Vec<&Spoke> {
        self.world.star.spokes[1..].iter().collect()
    }

    fn packets(&self) -> Vec<Packet> {
        let from = self.world.spoke(0);
        let both = [V4.address, V6.address];
        let packets = (0..FLOWS)
            .flat_map(|number| both.map(|address| Packet::new(from, address, 7000 + number)));
        packets.collect()
    }

    /// A stream through the router while `disturb` does what it does; every packet must arrive, and every flow
    /// where it went before.
    fn under_traffic(&mut self, disturb: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let from = self.world.spoke(0);
        let before = where_flows_go(from, &self.peers(), &self.packets())?;
        let captures: Vec<Capture<HashMap<Flow, u64>>> = self
            .peers()
            .iter()
            .map(|spoke| Capture::flows(&spoke.peer_port, is_marked_flow))
            .collect::<Result<_>>()?;
        let frames = self.packets().iter().map(|one| one.sent(from)).collect();
        let stream = Sender::open(&from.peer_port)?.stream(frames, PACE)?;
        wait_sent(&stream, 1000);
        disturb(self)?;
        wait_sent(&stream, stream.sent() + 1000);
        let sent = stream.stop()?;
        let arrived = || -> u64 { captures.iter().map(Capture::total).sum() };
        let all = wait::try_until("every packet to arrive", DEADLINE, || {
            (arrived() >= sent.total).then_some(())
        });
        all.with_context(|| format!("{} of {} packets arrived", arrived(), sent.total))?;
        let mut counted = BTreeMap::new();
        for (way, capture) in captures.into_iter().enumerate() {
            let captured = capture.stop()?;
            assert_eq!(captured.dropped, 0, "the capture lost frames");
            for (flow, count) in captured.state {
                assert_eq!(before[&flow], way, "{flow:?} moved");
                counted.insert(flow, count);
            }
        }
        for (position, packet) in self.packets().iter().enumerate() {
            let flow = Flow::of(&packet.sent(self.world.spoke(0))).unwrap();
            let wanted = sent.of(position);
            assert_eq!(counted.get(&flow), Some(&wanted), "{flow:?}");
        }
        Ok(())
    }

    /// Waits until the router has all its sessions for the `count`th time and is in step again.
    fn wait_recovered(&self, count: u32) {
        for speaker in &self.speakers {
            speaker.wait_sessions(count);
        }
        let router = &self.world.router;
        router.wait_settled();
        for sample in [V4, V6] {
            router.wait_bgp_paths(sample.prefix, 4);
            wait_leads_to(router, sample.prefix, &self.peers());
        }
    }
}

fn wait_sent(stream: &Stream, count: u64) {
    wait::until(&format!("{count} packets to be sent"), DEADLINE, || {
        (stream.sent() >= count).then_some(())
    });
}

/// What identifies a start of the data plane: the kernel's ids of the pinned maps, and of each link with the program
/// that runs there.
#[derive(Debug, PartialEq, Eq)]
struct Pins {
    maps: BTreeMap<&'static str, u32>,
    links: BTreeMap<String, u32>,
}

impl Pins {
    fn read(router: &Daemon) -> Result<Self> {
        let directory = maps::pins(router);
        let maps = router_common::map::ALL.into_iter().map(|name| {
            let map = aya::maps::MapInfo::from_pin(directory.join(name))?;
            Ok((name, map.id()))
        });
        let maps = maps.collect::<Result<_>>()?;
        let mut links = BTreeMap::new();
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("link_") {
                let link = FdLink::from(PinnedLink::from_pin(entry.path())?);
                links.insert(name, link.info()?.id());
            }
        }
        Ok(Self { maps, links })
    }
}

fn restart_under_traffic(
    name: &str,
    restart: Restart,
    disturb: impl Fn(&mut Daemon) -> Result<()>,
) -> Result<()> {
    let mut shared = Shared::start(name, restart)?;
    let pins = Pins::read(&shared.world.router)?;
    shared.under_traffic(|shared| {
        disturb(&mut shared.world.router)?;
        shared.wait_recovered(2);
        Ok(())
    })?;
    let router = &shared.world.router;
    assert_eq!(Pins::read(router)?, pins, "maps and links were made anew");
    let startup = router.show(&["system", "startup"])?;
    assert!(startup["adoptedRoutes"].as_u64() > Some(1), "{startup}");
    let interfaces = router.show(&["interfaces"])?;
    for spoke in &shared.world.star.spokes {
        let name = spoke.router_port.name();
        assert_eq!(interfaces[name]["adopted"], true, "{name}: {interfaces}");
    }
    router.assert_accounting();
    Ok(())
}

#[test]
fn a_stop_and_a_start_lose_nothing() -> Result<()> {
    restart_under_traffic("stop", Restart::Plain, Daemon::restart)
}

#[test]
fn a_kill_and_a_start_lose_nothing() -> Result<()> {
    restart_under_traffic("kill", Restart::Plain, |router| {
        router.kill9()?;
        router.launch()
    })
}

#[test]
fn with_graceful_restart_neighbours_lose_nothing_either() -> Result<()> {
    restart_under_traffic("graceful", Restart::Graceful, |router| {
        router.kill9()?;
        router.launch()
    })
}

#[test]
fn a_new_start_replaces_the_program_on_the_same_links() -> Result<()> {
    let mut shared = Shared::start("upgrade", Restart::Plain)?;
    let program = |shared: &Shared| -> Result<Vec<u32>> {
        let directory = maps::pins(&shared.world.router);
        let mut programs = Vec::new();
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"link_"))
            {
                programs.push(
                    FdLink::from(PinnedLink::from_pin(path)?)
                        .info()?
                        .program_id(),
                );
            }
        }
        Ok(programs)
    };
    let pins = Pins::read(&shared.world.router)?;
    let old = program(&shared)?;
    shared.under_traffic(|shared| {
        shared.world.router.restart()?;
        shared.wait_recovered(2);
        Ok(())
    })?;
    let new = program(&shared)?;
    assert_eq!(new.len(), 5);
    assert!(new.iter().all(|id| !old.contains(id)), "{old:?} {new:?}");
    assert_eq!(Pins::read(&shared.world.router)?, pins);
    shared.world.router.assert_accounting();
    Ok(())
}

#[test]
fn a_prefix_that_nobody_announces_any_more_goes_after_the_start() -> Result<()> {
    let mut shared = Shared::start("stale", Restart::Plain)?;
    shared.world.router.stop()?;
    for speaker in &shared.speakers {
        speaker.withdraw(&[V6.prefix]);
    }
    // Forwarding goes on with what was installed, as long as nobody says otherwise.
    where_flows_go(shared.world.spoke(0), &shared.peers(), &shared.packets())?;
    shared.world.router.launch()?;
    for speaker in &shared.speakers {
        speaker.wait_sessions(2);
    }
    wait_leads_to(&shared.world.router, V6.prefix, &[]);
    wait_leads_to(&shared.world.router, V4.prefix, &shared.peers());
    shared.world.router.wait_settled();
    shared.world.router.assert_accounting();
    Ok(())
}

#[test]
fn unload_ends_forwarding_and_leaves_nothing_behind() -> Result<()> {
    let mut shared = Shared::start("unload", Restart::Plain)?;
    let refused = shared.world.router.unload()?;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "unloaded under a running router");
    assert!(words.contains("another router-ctl runs on"), "{words}");
    shared.world.router.wait_settled();

    shared.world.router.stop()?;
    let from = shared.world.spoke(0);
    where_flows_go(from, &shared.peers(), &shared.packets())?;

    let output = shared.world.router.unload()?;
    assert!(output.status.success(), "{output:?}");
    let bpffs = shared.world.router.bpffs();
    assert!(!bpffs.exists(), "{} is still there", bpffs.display());
    // The kernel has no route to that prefix, so nothing comes out any more. A packet that the kernel does forward
    // is sent behind them: when it is there, they would be too.
    let captures: Vec<_> = shared
        .peers()
        .iter()
        .map(|spoke| Capture::flows(&spoke.peer_port, is_marked_flow))
        .collect::<Result<_>>()?;
    let sender = Sender::open(&from.peer_port)?;
    let frames: Vec<_> = shared.packets().iter().map(|one| one.sent(from)).collect();
    sender.send_all(&frames, PACE)?;
    let last = Packet::new(from, &shared.world.spoke(1).peer_v4().to_string(), 1);
    sender.send(&last.sent(from))?;
    captures[0].wait_for_total(1, DEADLINE)?;
    let totals: Vec<u64> = captures.iter().map(Capture::total).collect();
    assert_eq!(totals, [1, 0, 0, 0]);

    // And a start from nothing works.
    shared.world.router.launch()?;
    shared.wait_recovered(2);
    where_flows_go(shared.world.spoke(0), &shared.peers(), &shared.packets())?;
    shared.world.router.assert_accounting();
    Ok(())
}
