//! What the run measured, and whether the router kept its promises.

use std::time::Duration;

use serde_json::{Value, json};

use crate::ledger::Outcome;
use crate::network::{TARGETS, Target};
use crate::router::Sessions;
use crate::traffic::Totals;

/// `None` is what the run did not come to.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) peers: &'static str,
    /// The latest count.
    pub(crate) sessions: Option<Sessions>,
    pub(crate) engine: Option<String>,
    pub(crate) routes: Option<(usize, usize)>,
    /// Service flows by target in the steady state.
    pub(crate) steady: Option<[u64; TARGETS]>,
    /// Rounds in which nothing happened to the network.
    pub(crate) quiet: Outcome,
    pub(crate) losses: Vec<NodeLoss>,
    pub(crate) returns: Vec<NodeReturn>,
    pub(crate) restarts: Vec<Restart>,
    pub(crate) totals: Option<Totals>,
    pub(crate) elapsed: Duration,
}

/// How a node is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    SpeakerStops,
    LinkDown,
}

impl Way {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::SpeakerStops => "speaker stopped",
            Self::LinkDown => "link down",
        }
    }
}

pub(crate) struct NodeLoss {
    pub(crate) node: Target,
    pub(crate) way: Way,
    /// Service flows that the node had.
    pub(crate) flows: u64,
    pub(crate) outcome: Outcome,
    /// From the event to the last frame that the node got; nothing arrives over a link that is down.
    pub(crate) took: Option<Duration>,
}

pub(crate) struct NodeReturn {
    pub(crate) node: Target,
    pub(crate) outcome: Outcome,
    /// Service flows that the node has again.
    pub(crate) flows: u64,
    /// Flows that went from one of the other nodes to another one.
    pub(crate) shuffled: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Asked,
    Killed,
}

impl Stop {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Asked => "SIGTERM",
            Self::Killed => "kill -9",
        }
    }
}

pub(crate) struct Restart {
    pub(crate) stop: Stop,
    pub(crate) outcome: Outcome,
    /// No process was there to answer.
    pub(crate) down: Duration,
    /// Until all sessions were back.
    pub(crate) sessions_after: Duration,
}

impl Facts {
    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        let losses = self.losses.iter().map(|loss| &loss.outcome);
        let returns = self.returns.iter().map(|back| &back.outcome);
        let restarts = self.restarts.iter().map(|restart| &restart.outcome);
        losses.chain(returns).chain(restarts).chain([&self.quiet])
    }

    pub(crate) fn moved_on_node_loss(&self) -> u64 {
        self.losses.iter().map(|loss| loss.outcome.moved).sum()
    }

    pub(crate) fn moved_needlessly(&self) -> u64 {
        let shuffled: u64 = self.returns.iter().map(|back| back.shuffled).sum();
        let seen: u64 = self
            .outcomes()
            .map(|outcome| outcome.moved_needlessly)
            .sum();
        seen + shuffled
    }

    pub(crate) fn lost_on_node_loss_elsewhere(&self) -> u64 {
        self.losses.iter().map(|loss| loss.outcome.lost).sum()
    }

    /// Of the flows of a node that was being lost, until the router knew.
    pub(crate) fn lost_of_lost_nodes(&self) -> u64 {
        self.losses
            .iter()
            .map(|loss| loss.outcome.lost_of_leaving)
            .sum()
    }

    pub(crate) fn lost_on_node_return(&self) -> u64 {
        self.returns.iter().map(|back| back.outcome.lost).sum()
    }

    pub(crate) fn lost_on_restart(&self) -> u64 {
        self.restarts
            .iter()
            .map(|restart| restart.outcome.lost)
            .sum()
    }

    fn doubled(&self) -> u64 {
        self.outcomes().map(|outcome| outcome.doubled).sum()
    }

    /// What the router promised and did not keep, in words. Empty after a good run.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        match &self.sessions {
            None => broken.push("no session was ever counted".to_owned()),
            Some(sessions) if !sessions.all_established() => broken.push(format!(
                "{} of {} sessions are established",
                sessions.established, sessions.configured
            )),
            Some(_) => {}
        }
        let zero = [
            (self.moved_needlessly(), "flows moved needlessly"),
            (self.quiet.lost, "packets lost while nothing happened"),
            (
                self.lost_on_node_loss_elsewhere(),
                "packets of other nodes lost when one was taken away",
            ),
            (
                self.lost_on_node_return(),
                "packets lost when a node came back",
            ),
            (self.lost_on_restart(), "packets lost over a restart"),
            (self.doubled(), "packets arrived twice"),
            (
                self.totals.map_or(0, |totals| totals.spoilt),
                "packets arrived with a wrong MAC, hop limit or checksum",
            ),
        ];
        broken.extend(
            zero.iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{} {what}", thousands(*count))),
        );
        for loss in self
            .losses
            .iter()
            .filter(|loss| loss.outcome.moved != loss.flows)
        {
            broken.push(format!(
                "{} of {}'s {} flows moved when it was taken away ({})",
                thousands(loss.outcome.moved),
                loss.node.name(),
                thousands(loss.flows),
                loss.way.words()
            ));
        }
        let back_without_flows = self.returns.iter().filter(|back| back.flows == 0);
        broken.extend(
            back_without_flows
                .map(|back| format!("{} came back and got no flows", back.node.name())),
        );
        broken
    }

    pub(crate) fn json(&self, error: Option<&str>) -> Value {
        let share = |target: Target| {
            let flows = self.steady.map(|steady| steady[target.0]);
            (target.name().to_owned(), json!(flows))
        };
        let mut broken = self.broken();
        broken.extend(error.map(str::to_owned));
        json!({
            "peers": self.peers,
            "sessions_established": self.sessions.as_ref().map(|sessions| sessions.established),
            "sessions_configured": self.sessions.as_ref().map(|sessions| sessions.configured),
            "packets_sent": self.totals.map(|totals| totals.sent),
            "packets_received": self.totals.map(|totals| totals.arrived),
            "flows": crate::flows::FLOWS,
            "flows_by_node": Target::nodes().map(share).collect::<serde_json::Map<_, _>>(),
            "flows_moved_on_node_loss": self.moved_on_node_loss(),
            "flows_moved_needlessly": self.moved_needlessly(),
            "packets_lost_on_node_loss_elsewhere": self.lost_on_node_loss_elsewhere(),
            "packets_lost_of_lost_nodes": self.lost_of_lost_nodes(),
            "packets_lost_on_node_return": self.lost_on_node_return(),
            "packets_lost_on_restart": self.lost_on_restart(),
            "node_losses": self.losses.iter().map(NodeLoss::json).collect::<Vec<_>>(),
            "node_returns": self.returns.iter().map(NodeReturn::json).collect::<Vec<_>>(),
            "restarts": self.restarts.iter().map(Restart::json).collect::<Vec<_>>(),
            "fib_engine": self.engine,
            "routes_ipv4": self.routes.map(|routes| routes.0),
            "routes_ipv6": self.routes.map(|routes| routes.1),
            "broken_promises": broken,
            "seconds": seconds(self.elapsed),
        })
    }
}

impl NodeLoss {
    fn json(&self) -> Value {
        json!({
            "node": self.node.name(),
            "way": self.way.words(),
            "flows": self.flows,
            "flows_moved": self.outcome.moved,
            "flows_moved_needlessly": self.outcome.moved_needlessly,
            "packets_lost_elsewhere": self.outcome.lost,
            "packets_lost_of_the_node": self.outcome.lost_of_leaving,
            "seconds_until_moved": self.took.map(seconds),
        })
    }
}

impl NodeReturn {
    fn json(&self) -> Value {
        json!({
            "node": self.node.name(),
            "flows": self.flows,
            "flows_moved_needlessly": self.outcome.moved_needlessly + self.shuffled,
            "packets_lost": self.outcome.lost,
        })
    }
}

impl Restart {
    fn json(&self) -> Value {
        json!({
            "stop": self.stop.words(),
            "packets_lost": self.outcome.lost,
            "flows_moved": self.outcome.moved_needlessly,
            "seconds_down": seconds(self.down),
            "seconds_until_sessions": seconds(self.sessions_after),
        })
    }
}

fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts {
            sessions: Some(Sessions {
                configured: 12,
                established: 12,
                ..Sessions::default()
            }),
            totals: Some(Totals::default()),
            ..Facts::default()
        }
    }

    #[test]
    fn a_good_run_breaks_no_promise() {
        assert_eq!(good().broken(), Vec::<String>::new());
    }

    #[test]
    fn each_loss_is_named_for_what_it_is() {
        let lost = Outcome {
            lost: 1,
            ..Outcome::default()
        };
        let facts = Facts {
            restarts: vec![Restart {
                stop: Stop::Killed,
                outcome: lost,
                down: Duration::ZERO,
                sessions_after: Duration::ZERO,
            }],
            ..good()
        };
        assert_eq!(facts.broken(), ["1 packets lost over a restart"]);
        assert_eq!(facts.json(None)["packets_lost_on_restart"], 1);
    }

    #[test]
    fn numbers_are_cut_into_groups_of_three() {
        let texts = [0, 999, 1_000, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }
}
