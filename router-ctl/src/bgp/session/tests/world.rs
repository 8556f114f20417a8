//! Two sessions and the connections between them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bgp::fsm::State;
use crate::bgp::session::{Action, ConnectionId, Direction, Down, Session, SessionConfig};
use crate::bgp::types::{Asn, Family, PeerAs, RouterId};

pub(super) const LEFT: usize = 0;
pub(super) const RIGHT: usize = 1;

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// AS 65001, 10.0.0.1, and its peer in AS 65002, 10.0.0.2.
pub(super) fn configs() -> [SessionConfig; 2] {
    [1u8, 2].map(|side| {
        let number = |side: u8| Asn(65000 + u32::from(side));
        let peer = PeerAs::Number(number(3 - side));
        let id = RouterId([10, 0, 0, side].into());
        let mut config = SessionConfig::new(number(side), id, peer);
        config.families = Family::ALL.to_vec();
        config.jitter_seed = side.into();
        config
    })
}

/// What is under way on a connection.
#[derive(Debug)]
enum Event {
    Bytes(Arc<[u8]>),
    Closed,
}

#[derive(Debug)]
struct Link {
    dialer: usize,
    /// Towards each side.
    under_way: [VecDeque<Event>; 2],
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) sessions: [Session; 2],
    /// What the sessions told that is no transport.
    pub(super) told: [Vec<Action>; 2],
    /// Does the side accept connections?
    pub(super) listens: [bool; 2],
    /// Nothing arrives any more, and nobody notices.
    pub(super) cut: bool,
    /// Dials wait for `connect`.
    pub(super) hold_dials: bool,
    pub(super) dials: [Vec<Instant>; 2],
    /// Every message that was sent: time, sender, bytes.
    pub(super) sent: Vec<(Instant, usize, Arc<[u8]>)>,
    links: BTreeMap<u32, Link>,
    next_id: u32,
}

impl World {
    pub(super) fn new(configs: [SessionConfig; 2]) -> Self {
        Self {
            now: Instant::now(),
            sessions: configs.map(Session::new),
            told: [Vec::new(), Vec::new()],
            listens: [true, true],
            cut: false,
            hold_dials: false,
            dials: [Vec::new(), Vec::new()],
            sent: Vec::new(),
            links: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// Both sides started, and up.
    pub(super) fn established(configs: [SessionConfig; 2]) -> Self {
        let mut world = Self::new(configs);
        world.start();
        world.run(seconds(1));
        world.assert_established();
        world
    }

    /// Starts the right side first: its dial is refused, the left one's is not.
    pub(super) fn start(&mut self) {
        self.listens[LEFT] = false;
        self.sessions[RIGHT].start(self.now);
        self.settle();
        self.listens[LEFT] = true;
        self.sessions[LEFT].start(self.now);
        self.settle();
    }

    pub(super) fn states(&self) -> [State; 2] {
        [LEFT, RIGHT].map(|side| self.sessions[side].state())
    }

    #[track_caller]
    pub(super) fn assert_established(&self) {
        assert_eq!(self.states(), [State::Established; 2], "{:?}", self.told);
    }

    /// A connection comes up that `dialer` had asked for.
    pub(super) fn connect(&mut self, dialer: usize) -> ConnectionId {
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        let link = Link {
            dialer,
            under_way: Default::default(),
        };
        self.links.insert(id.0, link);
        self.sessions[dialer].handle_connected(id, Direction::Outbound, self.now);
        self.sessions[1 - dialer].handle_connected(id, Direction::Inbound, self.now);
        id
    }

    /// Takes over what the sessions want. Nothing arrives yet.
    pub(super) fn collect(&mut self) {
        for side in [LEFT, RIGHT] {
            while let Some(action) = self.sessions[side].poll_action() {
                match action {
                    Action::Dial => self.dial(side),
                    Action::Transmit { id, bytes } => {
                        self.sent.push((self.now, side, Arc::clone(&bytes)));
                        self.send(id, side, Event::Bytes(bytes));
                    }
                    Action::Close { id } => self.send(id, side, Event::Closed),
                    told => self.told[side].push(told),
                }
            }
        }
    }

    /// Which (connection, receiver) have something under way.
    pub(super) fn under_way(&self) -> Vec<(ConnectionId, usize)> {
        let waiting = |(id, link): (&u32, &Link)| {
            let id = ConnectionId(*id);
            [LEFT, RIGHT]
                .into_iter()
                .filter(|&side| !link.under_way[side].is_empty())
                .map(|side| (id, side))
                .collect::<Vec<_>>()
        };
        self.links.iter().flat_map(waiting).collect()
    }

    /// The next event of a connection arrives at `side`.
    pub(super) fn deliver(&mut self, id: ConnectionId, side: usize) {
        let Some(link) = self.links.get_mut(&id.0) else {
            return;
        };
        match link.under_way[side].pop_front() {
            Some(Event::Bytes(bytes)) if !self.cut => {
                self.sessions[side].handle_bytes(id, &bytes, self.now);
            }
            Some(Event::Closed) if !self.cut => {
                self.links.remove(&id.0);
                self.sessions[side].handle_closed(id, self.now);
            }
            Some(_) | None => {}
        }
        self.collect();
    }

    /// Lets everything arrive.
    pub(super) fn settle(&mut self) {
        self.collect();
        while let Some(&(id, side)) = self.under_way().first() {
            self.deliver(id, side);
        }
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let timeouts = self.sessions.iter().filter_map(Session::poll_timeout);
            match timeouts.min().filter(|&at| at <= end) {
                Some(at) => self.now = at.max(self.now),
                None => break,
            }
            for session in &mut self.sessions {
                session.handle_timeout(self.now);
            }
        }
        self.now = end;
    }

    /// Both ends of every connection are told that it is gone.
    pub(super) fn break_connections(&mut self) {
        for id in std::mem::take(&mut self.links).into_keys() {
            for session in &mut self.sessions {
                session.handle_closed(ConnectionId(id), self.now);
            }
        }
    }

    /// Who dialed the connections that are there.
    pub(super) fn dialers(&self) -> Vec<usize> {
        self.links.values().map(|link| link.dialer).collect()
    }

    pub(super) fn downs(&self, side: usize) -> Vec<&Down> {
        let downs = self.told[side].iter().filter_map(|told| match told {
            Action::Down(down) => Some(down),
            _ => None,
        });
        downs.collect()
    }

    pub(super) fn states_of(&self, side: usize) -> Vec<State> {
        let states = self.told[side].iter().filter_map(|told| match told {
            Action::StateChanged(state) => Some(*state),
            _ => None,
        });
        states.collect()
    }

    /// Code and subcode of every NOTIFICATION of `side`.
    pub(super) fn notifications(&self, side: usize) -> Vec<(u8, u8)> {
        let messages = self.sent.iter().filter(|(_, sender, _)| *sender == side);
        messages
            .filter(|(_, _, bytes)| bytes[18] == 3)
            .map(|(_, _, bytes)| (bytes[19], bytes[20]))
            .collect()
    }

    fn dial(&mut self, side: usize) {
        self.dials[side].push(self.now);
        if self.hold_dials || self.cut {
            return;
        }
        if self.listens[1 - side] {
            self.connect(side);
        } else {
            self.sessions[side].handle_dial_failed(self.now);
        }
    }

    fn send(&mut self, id: ConnectionId, from: usize, event: Event) {
        if let Some(link) = self.links.get_mut(&id.0) {
            link.under_way[1 - from].push_back(event);
        }
    }
}

/// One session and the test in the place of its peer.
pub(super) struct Script {
    pub(super) now: Instant,
    pub(super) session: Session,
    pub(super) told: Vec<Action>,
    /// Messages of the session, not yet looked at.
    pub(super) heard: VecDeque<Arc<[u8]>>,
    pub(super) closed: Vec<ConnectionId>,
    pub(super) dialed: usize,
}

pub(super) const PEER: ConnectionId = ConnectionId(7);

impl Script {
    /// The left side of `configs`, started.
    pub(super) fn new(config: SessionConfig) -> Self {
        let now = Instant::now();
        let mut script = Self {
            now,
            session: Session::new(config),
            told: Vec::new(),
            heard: VecDeque::new(),
            closed: Vec::new(),
            dialed: 0,
        };
        script.session.start(now);
        script.collect();
        script
    }

    pub(super) fn accept(&mut self, id: ConnectionId) {
        self.session
            .handle_connected(id, Direction::Inbound, self.now);
        self.collect();
    }

    pub(super) fn say(&mut self, id: ConnectionId, bytes: &[u8]) {
        self.session.handle_bytes(id, bytes, self.now);
        self.collect();
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.session.poll_timeout().filter(|&at| at <= end) {
            self.now = at.max(self.now);
            self.session.handle_timeout(self.now);
            self.collect();
        }
        self.now = end;
    }

    /// Type and body of the next message of the session.
    pub(super) fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        let bytes = self.heard.pop_front()?;
        Some((bytes[18], bytes[19..].to_vec()))
    }

    /// Code and subcode of the NOTIFICATION that the session sent last.
    pub(super) fn refusal(&mut self) -> Option<(u8, u8)> {
        let bytes = self.heard.pop_back()?;
        (bytes[18] == 3).then(|| (bytes[19], bytes[20]))
    }

    pub(super) fn collect(&mut self) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Dial => self.dialed += 1,
                Action::Transmit { bytes, .. } => self.heard.push_back(bytes),
                Action::Close { id } => self.closed.push(id),
                told => self.told.push(told),
            }
        }
    }
}

/// A whole message.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).unwrap();
    [&[0xff; 16], &length.to_be_bytes()[..], &[kind], body].concat()
}

/// The OPEN of the right side of `configs`.
pub(super) fn peer_open(hold_time: u8, capabilities: &[u8]) -> Vec<u8> {
    let mut body = vec![4, 0xfd, 0xea, 0, hold_time, 10, 0, 0, 2];
    if capabilities.is_empty() {
        body.push(0);
    } else {
        let length = u8::try_from(capabilities.len()).unwrap();
        body.extend_from_slice(&[length + 2, 2, length]);
        body.extend_from_slice(capabilities);
    }
    message(1, &body)
}

pub(super) fn keepalive() -> Vec<u8> {
    message(4, &[])
}
