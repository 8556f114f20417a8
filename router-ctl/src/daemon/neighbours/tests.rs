//! Two routers' neighbours on the loopback interface, each the other's only one.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one event among many"
)]

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::bgp::fsm::State;
use crate::bgp::session::SessionConfig;
use crate::bgp::types::{Asn, PeerAs, RouterId};
use crate::daemon::door::Door;
use crate::daemon::listener;
use crate::router::effect::Back;
use crate::router::event::{Retain, Sender};
use crate::router::transport::Transport;

const PEER: PeerId = PeerId(1);
const PATIENCE: Duration = Duration::from_secs(20);

struct Router {
    neighbours: Neighbours,
    reports: mpsc::Receiver<Report>,
    alive: mpsc::Receiver<Infallible>,
    port: u16,
    start: StartPeer,
}

impl Router {
    /// 127.0.0.`side`, which looks for 127.0.0.`other`.
    fn new(side: u8, other: u8) -> Self {
        let sockets = listener::open(0).unwrap();
        let port = sockets.addresses()[0].port();
        let (door, orders) = mpsc::unbounded_channel();
        let (events, _events) = mpsc::unbounded_channel();
        tokio::spawn(Door::new(orders, events).run());
        assert!(door.send(Order::Listen(sockets)).is_ok());
        let (report_end, reports) = mpsc::channel(64);
        let (alive_end, alive) = mpsc::channel(1);
        let neighbours = Neighbours::new(Ends {
            runtime: tokio::runtime::Handle::current(),
            reports: report_end,
            door,
            alive: alive_end,
        });
        let address = |side: u8| IpAddr::from([127, 0, 0, side]);
        let asn = |side: u8| Asn(65000 + u32::from(side));
        let id = RouterId([10, 0, 0, side].into());
        let start = StartPeer {
            peer: PEER,
            name: address(other).to_string(),
            session: SessionConfig {
                connect_retry: 1,
                ..SessionConfig::new(asn(side), id, PeerAs::Number(asn(other)))
            },
            transport: Transport {
                remote: address(other),
                scope: None,
                port: 0,
                source: Some(address(side)),
                ttl: 1,
                minimum_ttl: None,
                password: None,
                mss: Some(1200),
            },
            accept: None,
        };
        Self {
            neighbours,
            reports,
            alive,
            port,
            start,
        }
    }

    /// Two that know each other's port.
    fn pair() -> [Self; 2] {
        let mut pair = [Self::new(1, 2), Self::new(2, 1)];
        let ports = [pair[1].port, pair[0].port];
        for (router, port) in pair.iter_mut().zip(ports) {
            router.start.transport.port = port;
        }
        // Only one dials, so that there is one connection.
        pair[0].start.session.passive = true;
        pair
    }

    fn carry_out(&mut self, effect: Effect) {
        assert!(
            self.neighbours.carry_out(effect).is_none(),
            "not for neighbours"
        );
    }

    fn start(&mut self) {
        let start = Box::new(self.start.clone());
        self.carry_out(Effect::StartPeer(start));
    }

    fn reset(&mut self, back: Back) {
        let reason = StopReason::AdminReset(Some("tea break".to_owned()));
        self.carry_out(Effect::ResetPeer {
            peer: PEER,
            reason,
            back,
        });
    }

    /// The next report that `wanted` takes; those before it are read too.
    async fn next<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let search = async {
            loop {
                let report = self.reports.recv().await.expect("tasks are there");
                let event = self.neighbours.accept(report);
                if let Some(found) = event.as_ref().and_then(&wanted) {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.expect("the report that is waited for")
    }

    async fn up(&mut self) {
        self.next(|event| matches!(event, Event::PeerUp { .. }).then_some(()))
            .await;
    }

    async fn down(&mut self) -> Retain {
        self.next(|event| match event {
            Event::PeerDown { retain, .. } => Some(*retain),
            _ => None,
        })
        .await
    }
}

async fn established() -> [Router; 2] {
    let [mut left, mut right] = Router::pair();
    left.start();
    right.start();
    left.up().await;
    right.up().await;
    [left, right]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_was_reset_stays_away_or_comes_back_as_it_was_told() {
    let [mut left, mut right] = established().await;
    left.reset(Back::Now);
    assert_eq!(left.down().await, Retain::No);
    let last = right
        .next(|event| match event {
            Event::PeerStatus { status, .. } => status.last_notification.clone(),
            _ => None,
        })
        .await;
    assert_eq!((last.sender, last.code, last.subcode), (Sender::Peer, 6, 4));
    assert_eq!(last.text.as_deref(), Some("tea break"));
    left.up().await;
    right.up().await;

    left.reset(Back::Never);
    left.down().await;
    right.down().await;
    // Whoever comes is refused, until something is configured.
    right
        .next(|event| match event {
            Event::PeerStatus { status, .. } => status
                .last_notification
                .as_ref()
                .filter(|last| last.subcode == 5)
                .map(|_| ()),
            _ => None,
        })
        .await;
    left.start.session.hold_time = 30;
    let change = Box::new(left.start.clone());
    left.carry_out(Effect::ConfigurePeer(change));
    left.up().await;
    right.up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_used_again_does_not_inherit_reports() {
    let [mut left, mut right] = Router::pair();
    left.start();
    right.start();
    right.up().await;
    // What the first task says now waits unread.
    let old = tokio::time::timeout(PATIENCE, left.reports.recv()).await;
    let old = old.ok().flatten().expect("a report");
    left.carry_out(Effect::RemovePeer {
        peer: PEER,
        reason: StopReason::PeerRemoved,
    });
    assert!(
        left.neighbours.accept(old).is_none(),
        "nobody has the number"
    );
    left.start();
    while let Ok(late) = left.reports.try_recv() {
        let incarnation = late.incarnation;
        let event = left.neighbours.accept(late);
        assert_eq!(event.is_some(), incarnation == Incarnation(2));
    }
    right.down().await;
    left.up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_meant_for_one_session_does_not_go_out_on_the_next() {
    let [mut left, mut right] = established().await;
    left.reset(Back::Now);
    right.down().await;
    right.up().await;
    // The router of the left has not heard of any of this.
    let withdraw: Arc<[u8]> = withdrawal(1).into();
    let transmit = |bytes: &Arc<[u8]>| Effect::Transmit {
        peers: vec![PEER],
        bytes: bytes.clone(),
        messages: 1,
    };
    left.carry_out(transmit(&withdraw));
    left.down().await;
    left.up().await;
    let other: Arc<[u8]> = withdrawal(2).into();
    left.carry_out(transmit(&other));
    let first = right
        .next(|event| match event {
            Event::Routes { updates, .. } => Some(format!("{:?}", updates[0].withdrawn)),
            _ => None,
        })
        .await;
    assert!(first.contains("2.0.0.0/8"), "{first}");
}

/// An UPDATE that withdraws `<octet>.0.0.0/8`.
fn withdrawal(octet: u8) -> Vec<u8> {
    let mut message = vec![0xff; 16];
    message.extend([0, 25, 2, 0, 2, 8, octet, 0, 0]);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_changed_under_a_session_and_without_one_nobody_connects() {
    let [mut left, mut right] = established().await;
    // The left side wants a key, and the right one has none: nothing gets through any more.
    let with_key = |router: &mut Router, key: &str| {
        router.start.transport.password = Some(key.to_owned());
        Effect::ConfigurePeer(Box::new(router.start.clone()))
    };
    let change = with_key(&mut left, "one");
    left.carry_out(change);
    let change = with_key(&mut right, "one");
    right.carry_out(change);
    left.carry_out(Effect::Transmit {
        peers: vec![PEER],
        bytes: withdrawal(3).into(),
        messages: 1,
    });
    right
        .next(|event| matches!(event, Event::Routes { .. }).then_some(()))
        .await;
    // The same session: a change of keys has not ended it.
    let change = with_key(&mut right, "another");
    right.carry_out(change);
    right.reset(Back::Now);
    right.down().await;
    let why = right
        .next(|event| match event {
            Event::PeerStatus { status, .. } if status.state != State::Established => {
                status.connect_error.clone()
            }
            _ => None,
        })
        .await;
    assert!(why.contains("no answer"), "{why}");
    let change = with_key(&mut left, "another");
    left.carry_out(change);
    right.up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_all_tasks_is_heard_of() {
    let [mut left, mut right] = established().await;
    left.neighbours.stop();
    drop(left.neighbours);
    let gone = tokio::time::timeout(PATIENCE, left.alive.recv()).await;
    assert!(matches!(gone, Ok(None)));
    // A restart: without a word.
    right.down().await;
}
