//! The play: what happens to the network, and what the traffic shows of it.
//!
//! Every event happens inside a round of traffic; a quiet round behind it tells where the flows belong now. Nothing
//! waits for a fixed time: the router says when it has settled, then every flow is sent once more.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lab::Daemon;
use router_ctl::api::view::Fib;

use crate::facts::{Facts, NodeLoss, NodeReturn, Restart, Stop, Way, thousands};
use crate::interrupt;
use crate::ledger::{Change, Homes, Outcome};
use crate::network::{Network, TARGETS, Target};
use crate::router::{self, Inquirer};
use crate::speaker::{Implementation, Speaker};
use crate::stage::Stage;
use crate::traffic::{Finished, Round, Traffic, percent};

/// Sessions come up within a second or two; this is for a busy machine.
const SESSIONS: Duration = Duration::from_secs(25);
const SETTLED: Duration = Duration::from_secs(20);

/// How often every flow is sent in a steady round.
const STEADY: u64 = 6;
/// How often in the quiet round after an event.
const QUIET: u64 = 2;

pub(crate) struct Play<'a> {
    pub(crate) speakers: Vec<Speaker>,
    pub(crate) router: Daemon,
    pub(crate) inquirer: Inquirer,
    traffic: Traffic,
    stage: &'a Stage,
    // The last field: it is dropped last.
    pub(crate) network: Network,
}

impl<'a> Play<'a> {
    /// Builds the network and starts everybody.
    pub(crate) fn open(peers: Implementation, stage: &'a Stage) -> Result<Self> {
        stage.begin("network, router and speakers start");
        let network = Network::build()?;
        let mut speakers: Vec<Speaker> = Target::all()
            .map(|target| Speaker::new(&network, target, peers))
            .collect();
        let router = thread::scope(|scope| -> Result<Daemon> {
            let starting: Vec<_> = speakers
                .iter_mut()
                .map(|speaker| scope.spawn(|| speaker.start()))
                .collect();
            let router = Daemon::start(&network.router, &router::config());
            for thread in starting {
                joined(thread)?;
            }
            router
        })?;
        let inquirer = Inquirer::of(&router)?;
        let traffic = Traffic::prepare(&network)?;
        stage.attend(inquirer.clone(), traffic.gauges());
        Ok(Self {
            speakers,
            router,
            inquirer,
            traffic,
            stage,
            network,
        })
    }

    pub(crate) fn perform(&mut self, facts: &mut Facts) -> Result<()> {
        self.meet(facts)?;
        let steady = self.steady(facts)?;
        let without = self.lose(Target::NODE4, Way::SpeakerStops, &steady, facts)?;
        let back = self.regain(Target::NODE4, Way::SpeakerStops, &without, facts)?;
        let without = self.lose(Target::NODE3, Way::LinkDown, &back, facts)?;
        let back = self.regain(Target::NODE3, Way::LinkDown, &without, facts)?;
        let back = self.restart(Stop::Asked, &back, facts)?;
        self.restart(Stop::Killed, &back, facts)?;
        self.count_sessions(facts)
    }

    /// Ends the traffic and what is told at its end.
    /// Ends the traffic, and tells what only its end shows.
    pub(crate) fn close(self, facts: &mut Facts) -> Result<()> {
        let totals = self.traffic.close()?;
        facts.totals = Some(totals);
        totals.check()
    }

    fn meet(&mut self, facts: &mut Facts) -> Result<()> {
        let start = Instant::now();
        let sessions = self.wait_sessions();
        self.count_sessions(facts)?;
        sessions?;
        let announced = router::announced_prefixes();
        let (v4, v6) = announced;
        let what = format!("{v4} IPv4 and {v6} IPv6 prefixes to be installed");
        interrupt::until(&what, SETTLED, || {
            (self.inquirer.bgp_prefixes().ok()? == announced).then_some(())
        })?;
        let all: Vec<Target> = Target::nodes().collect();
        let fib = self.wait_service(&all)?;
        let count = facts
            .sessions
            .as_ref()
            .map_or(0, |sessions| sessions.established);
        self.stage.done(&format!(
            "{count} of {count} sessions up in {:.1} s; {} IPv4 and {} IPv6 routes",
            start.elapsed().as_secs_f64(),
            thousands(fib.routes.ipv4 as u64),
            thousands(fib.routes.ipv6 as u64),
        ));
        facts.routes = Some((fib.routes.ipv4, fib.routes.ipv6));
        facts.engine = Some(fib.engine);
        Ok(())
    }

    fn steady(&mut self, facts: &mut Facts) -> Result<Homes> {
        self.stage.begin("traffic over four nodes");
        let round = self.traffic.start_round()?;
        round.wait_circles(STEADY)?;
        let finished = self.traffic.finish(round)?;
        let homes = finished.ledger.homes()?;
        add(
            &mut facts.quiet,
            finished.ledger.against(&homes, Change::Nothing),
        );
        let flows = homes.service_flows();
        facts.steady = Some(flows);
        let shares: Vec<String> = Target::nodes()
            .map(|node| format!("{:.1}", percent(flows[node.0])))
            .collect();
        self.stage.done(&format!(
            "{} packets, {} lost; shares {} %",
            thousands(finished.ledger.sent()),
            thousands(
                finished
                    .ledger
                    .sent()
                    .saturating_sub(finished.ledger.arrived())
            ),
            shares.join(" / ")
        ));
        Ok(homes)
    }

    /// Takes a node away. Returns where the flows belong without it.
    fn lose(&mut self, node: Target, way: Way, before: &Homes, facts: &mut Facts) -> Result<Homes> {
        let name = node.name();
        self.stage.begin(&match way {
            Way::SpeakerStops => format!("{name}'s speaker is stopped"),
            Way::LinkDown => format!("{name}'s link goes down"),
        });
        let round = self.traffic.start_round()?;
        round.wait_circles(1)?;
        let event = Instant::now();
        match way {
            Way::SpeakerStops => self.speakers[node.0].stop()?,
            Way::LinkDown => self.network.link(node).port.down()?,
        }
        self.stage.note(node, Some(way.words()));
        // A session that outlives its link for a moment would be reset when the link is back.
        let what = format!("the router to forget {name}'s paths");
        interrupt::until(&what, SETTLED, || {
            self.inquirer.has_forgotten(node).ok()?.then_some(())
        })?;
        let others: Vec<Target> = Target::nodes().filter(|&other| other != node).collect();
        let (finished, homes) = self.settle(round, &others, facts)?;
        let outcome = finished.ledger.against(before, Change::Leaves(node));
        let loss = NodeLoss {
            node,
            way,
            flows: before.service_flows()[node.0],
            outcome,
            took: match way {
                Way::SpeakerStops => Some(finished.arrived_until(node, event)),
                Way::LinkDown => None,
            },
        };
        let own_losses = match outcome.lost_of_leaving {
            0 => String::new(),
            lost => format!(" + {} own", thousands(lost)),
        };
        self.stage.done(&format!(
            "{name}, {}: {} flows moved, {} others; packets lost {}{own_losses}",
            way.words(),
            thousands(outcome.moved),
            thousands(outcome.moved_needlessly),
            thousands(outcome.lost),
        ));
        facts.losses.push(loss);
        Ok(homes)
    }

    /// Brings a node back. Returns where the flows belong with it.
    fn regain(
        &mut self,
        node: Target,
        way: Way,
        before: &Homes,
        facts: &mut Facts,
    ) -> Result<Homes> {
        let name = node.name();
        self.stage.begin(&format!("{name} comes back"));
        let round = self.traffic.start_round()?;
        round.wait_circles(1)?;
        match way {
            Way::SpeakerStops => self.speakers[node.0].start()?,
            Way::LinkDown => self.network.link(node).port.up()?,
        }
        self.stage.note(node, None);
        // A speaker that saw its link go has to connect again, and the router learns of that only then.
        let what = format!("{name}'s speaker to have its sessions");
        let speaker = &self.speakers[node.0];
        interrupt::until(&what, SESSIONS, || {
            speaker.is_established().ok()?.then_some(())
        })?;
        self.wait_sessions()?;
        let all: Vec<Target> = Target::nodes().collect();
        let (finished, homes) = self.settle(round, &all, facts)?;
        let outcome = finished.ledger.against(before, Change::Returns(node));
        let (_, shuffled) = homes.moved_to(node, before);
        let flows = homes.service_flows()[node.0];
        self.stage.done(&format!(
            "{name} is back with {} flows ({:.1} %), {} others moved; packets lost {}",
            thousands(flows),
            percent(flows),
            thousands(outcome.moved_needlessly + shuffled),
            thousands(outcome.lost),
        ));
        facts.returns.push(NodeReturn {
            node,
            outcome,
            flows,
            shuffled,
        });
        Ok(homes)
    }

    fn restart(&mut self, stop: Stop, before: &Homes, facts: &mut Facts) -> Result<Homes> {
        self.stage
            .begin(&format!("the router is restarted ({})", stop.words()));
        let round = self.traffic.start_round()?;
        round.wait_circles(1)?;
        match stop {
            Stop::Asked => drop(self.router.stop()?),
            Stop::Killed => self.router.kill9()?,
        }
        let event = Instant::now();
        // Traffic without any router process.
        round.wait_circles(1)?;
        self.router.launch()?;
        let down = event.elapsed();
        self.wait_sessions()?;
        let sessions_after = event.elapsed();
        let all: Vec<Target> = Target::nodes().collect();
        let (finished, homes) = self.settle(round, &all, facts)?;
        let outcome = finished.ledger.against(before, Change::Nothing);
        self.stage.done(&format!(
            "restart by {}, {:.1} s away: {} packets, {} lost, {} flows moved",
            stop.words(),
            down.as_secs_f64(),
            thousands(finished.ledger.sent()),
            thousands(outcome.lost),
            thousands(outcome.moved_needlessly),
        ));
        facts.restarts.push(Restart {
            stop,
            outcome,
            down,
            sessions_after,
        });
        Ok(homes)
    }

    /// Ends the round of an event when the router has settled on `nodes`, and sends a quiet one.
    fn settle(
        &mut self,
        round: Round,
        nodes: &[Target],
        facts: &mut Facts,
    ) -> Result<(Finished, Homes)> {
        self.wait_service(nodes)?;
        round.wait_circles(1)?;
        let finished = self.traffic.finish(round)?;
        let round = self.traffic.start_round()?;
        round.wait_circles(QUIET)?;
        let quiet = self.traffic.finish(round)?.ledger;
        let homes = quiet.homes()?;
        add(&mut facts.quiet, quiet.against(&homes, Change::Nothing));
        Ok((finished, homes))
    }

    fn wait_sessions(&self) -> Result<()> {
        let mut latest = None;
        let all = interrupt::until("all sessions to be established", SESSIONS, || {
            let sessions = self.inquirer.sessions().ok()?;
            let all = sessions.all_established();
            latest = Some(sessions);
            all.then_some(())
        });
        all.or_else(|error| match latest {
            None => Err(error),
            Some(sessions) => bail!("{error}: {}", missing(&sessions.by_target)),
        })
    }

    fn count_sessions(&self, facts: &mut Facts) -> Result<()> {
        facts.sessions = Some(self.inquirer.sessions()?);
        Ok(())
    }

    /// Until the service's traffic is shared by just these nodes, and nothing is left to install or to sweep.
    fn wait_service(&self, nodes: &[Target]) -> Result<Fib> {
        let names: Vec<&str> = nodes.iter().map(|node| node.name()).collect();
        let what = format!("the service to be shared by {}", names.join(", "));
        let mut latest = None;
        interrupt::until(&what, SETTLED, || {
            let answer = self.inquirer.service_targets();
            let shared = answer.as_ref().is_ok_and(|targets| targets == nodes);
            latest = Some(answer);
            let fib = self.inquirer.fib().ok()?;
            (shared && fib.pending == 0 && fib.stale == 0).then_some(fib)
        })
        .or_else(|error| match latest {
            Some(Err(why)) => Err(error.context(why)),
            Some(Ok(targets)) => {
                let names: Vec<&str> = targets.iter().map(|node| node.name()).collect();
                bail!("{error}: it is shared by {}", names.join(", "))
            }
            None => Err(error),
        })
    }
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn add(sum: &mut Outcome, more: Outcome) {
    sum.moved += more.moved;
    sum.moved_needlessly += more.moved_needlessly;
    sum.lost += more.lost;
    sum.lost_of_leaving += more.lost_of_leaving;
    sum.doubled += more.doubled;
}

fn missing(established: &[router::Established; TARGETS]) -> String {
    let lacking = Target::all().zip(established).flat_map(|(target, up)| {
        let v4 = (!up.v4).then(|| format!("{} (IPv4)", target.name()));
        let v6 = (!up.v6).then(|| format!("{} (IPv6)", target.name()));
        v4.into_iter().chain(v6)
    });
    format!("missing are {}", lacking.collect::<Vec<_>>().join(", "))
}
