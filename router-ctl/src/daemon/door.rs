//! The door: who comes in on the BGP port, and to whom each connection goes.
//!
//! One task has the listeners and the list of those who are expected. A connection from an expected address goes
//! to the neighbour's task. Of any other the router is asked, as the address may be in a `listen range`: the
//! connection is held meanwhile, a bounded number of them for a bounded time. Whoever is not wanted is told so
//! (Cease, connection rejected: RFC 4486) and cut off.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use crate::bgp::wire::notification::Notification;
use crate::daemon::listener::{Accepted, Listener, Sockets};
use crate::daemon::neighbours::Incarnation;
use crate::daemon::peer::{self, Command};
use crate::host::IfIndex;
use crate::router::effect::Ticket;
use crate::router::event::Event;
use crate::router::transport::{RangeKey, Transport};

/// RFC 4486 §3.
const CONNECTION_REJECTED: u8 = 5;
/// Strangers that wait at a time, and how long one does.
const STRANGERS: usize = 64;
const STRANGER_WAITS: Duration = Duration::from_secs(5);
/// Connections that the listeners have accepted and nobody looked at yet.
const ACCEPTED: usize = 64;
/// Refused connections are told of in the log at most this often.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// What the core tells the door.
pub(super) enum Order {
    /// The port is open from now on.
    Listen(Sockets),
    /// Connections of this neighbour go to its task; this one, which waits, at once.
    Expect {
        guest: Guest,
        accept: Option<Ticket>,
    },
    /// The neighbour is gone.
    Forget(Incarnation),
    Refuse(Ticket),
    RangeKeys(Vec<RangeKey>),
}

/// A neighbour, from the door's side.
pub(super) struct Guest {
    pub(super) incarnation: Incarnation,
    pub(super) transport: Transport,
    pub(super) connections: mpsc::Sender<TcpStream>,
    pub(super) commands: mpsc::UnboundedSender<Command>,
}

impl Guest {
    fn place(&self) -> Place {
        (self.transport.remote, self.transport.scope)
    }
}

impl Guest {
    /// Whether something of it is set on the listening sockets.
    fn concerns_listeners(&self) -> bool {
        let transport = &self.transport;
        transport.password.is_some() || transport.mss.is_some() || transport.minimum_ttl.is_some()
    }
}

/// Where a connection comes from; the link matters for link-local addresses only.
type Place = (IpAddr, Option<IfIndex>);

struct Stranger {
    stream: TcpStream,
    remote: SocketAddr,
    until: Instant,
}

pub(super) struct Door {
    orders: mpsc::UnboundedReceiver<Order>,
    events: mpsc::UnboundedSender<Event>,
    accepted: mpsc::Receiver<Accepted>,
    /// For listeners that are opened later.
    accepted_end: mpsc::Sender<Accepted>,
    listeners: Vec<Listener>,
    guests: HashMap<Incarnation, Guest>,
    places: HashMap<Place, Incarnation>,
    range_keys: BTreeMap<IpNet, String>,
    /// Keys or segment sizes are not those on the listeners.
    changed: bool,
    /// Guests that have a key which the kernel did not take.
    keyless: HashSet<Incarnation>,
    /// In the order of their arrival.
    strangers: BTreeMap<u64, Stranger>,
    next_ticket: u64,
    refusals: Refusals,
}

/// Refused connections since the last line in the log.
#[derive(Default)]
struct Refusals {
    count: u64,
    reported: Option<Instant>,
}

impl Door {
    pub(super) fn new(
        orders: mpsc::UnboundedReceiver<Order>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let (accepted_end, accepted) = mpsc::channel(ACCEPTED);
        Self {
            orders,
            events,
            accepted,
            accepted_end,
            listeners: Vec::new(),
            guests: HashMap::new(),
            places: HashMap::new(),
            range_keys: BTreeMap::new(),
            changed: false,
            keyless: HashSet::new(),
            strangers: BTreeMap::new(),
            next_ticket: 0,
            refusals: Refusals::default(),
        }
    }

    /// Runs until the core is gone. Orders come before connections, so that a neighbour is known, and its key
    /// set, before it is let in.
    pub(super) async fn run(mut self) {
        loop {
            let oldest = self
                .strangers
                .values()
                .next()
                .map(|stranger| stranger.until);
            let patience = async {
                match oldest {
                    Some(until) => tokio::time::sleep_until(until.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                order = self.orders.recv() => {
                    let Some(order) = order else { return };
                    self.obey(order);
                    while let Ok(order) = self.orders.try_recv() {
                        self.obey(order);
                    }
                    self.update_listeners();
                }
                () = patience => self.lose_patience(Instant::now()),
                Some((stream, remote)) = self.accepted.recv() => self.receive(stream, remote),
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Listen(sockets) => {
                self.listeners.extend(sockets.run(&self.accepted_end));
                self.changed = true;
            }
            Order::Expect { guest, accept } => self.expect(guest, accept),
            Order::Forget(incarnation) => self.forget(incarnation),
            Order::Refuse(ticket) => {
                if let Some(stranger) = self.strangers.remove(&ticket.0) {
                    self.turn_away(stranger.stream, stranger.remote, "no such neighbour");
                }
            }
            Order::RangeKeys(keys) => {
                let keys = keys.into_iter().map(|key| (key.range, key.password));
                self.range_keys = keys.collect();
                self.changed = true;
            }
        }
    }

    fn expect(&mut self, guest: Guest, accept: Option<Ticket>) {
        let incarnation = guest.incarnation;
        self.forget(incarnation);
        self.changed |= guest.concerns_listeners();
        let waiting = accept.and_then(|ticket| self.strangers.remove(&ticket.0));
        if let Some(stranger) = waiting {
            hand_over(&guest, stranger.stream, stranger.remote);
        }
        self.places.insert(guest.place(), incarnation);
        self.guests.insert(incarnation, guest);
    }

    fn forget(&mut self, incarnation: Incarnation) {
        let Some(guest) = self.guests.remove(&incarnation) else {
            return;
        };
        // Its place may have been taken by another already.
        if self.places.get(&guest.place()) == Some(&incarnation) {
            self.places.remove(&guest.place());
        }
        self.changed |= guest.concerns_listeners();
    }

    fn receive(&mut self, stream: TcpStream, remote: SocketAddr) {
        let incarnation = self.places.get(&place(remote));
        if let Some(guest) = incarnation.and_then(|incarnation| self.guests.get(incarnation)) {
            if self.keyless.contains(&guest.incarnation) {
                return self.turn_away(stream, remote, "its TCP MD5 key is not set");
            }
            return hand_over(guest, stream, remote);
        }
        if self.strangers.len() >= STRANGERS {
            return self.turn_away(stream, remote, "too many unknown neighbours at once");
        }
        let Ok(local) = stream.local_addr() else {
            return;
        };
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let until = Instant::now() + STRANGER_WAITS;
        let stranger = Stranger {
            stream,
            remote,
            until,
        };
        self.strangers.insert(ticket, stranger);
        let event = Event::Stranger {
            ticket: Ticket(ticket),
            local,
            remote,
        };
        if self.events.send(event).is_err() {
            debug!("the router is gone: nobody decides about {remote}");
        }
    }

    fn lose_patience(&mut self, now: Instant) {
        while let Some(oldest) = self.strangers.first_entry() {
            if oldest.get().until > now {
                return;
            }
            let stranger = oldest.remove();
            self.turn_away(stranger.stream, stranger.remote, "nobody decided in time");
        }
    }

    fn turn_away(&mut self, stream: TcpStream, remote: SocketAddr, why: &str) {
        tokio::spawn(refuse(stream));
        self.refusals.count += 1;
        let now = Instant::now();
        let quiet = self
            .refusals
            .reported
            .is_some_and(|reported| now < reported + REPORT_EVERY);
        if quiet {
            debug!("refused a BGP connection from {}: {why}", remote.ip());
            return;
        }
        match self.refusals.count {
            1 => info!("refused a BGP connection from {}: {why}", remote.ip()),
            count => info!(
                "refused a BGP connection from {}: {why}; it is one of {count} that were refused",
                remote.ip()
            ),
        }
        self.refusals = Refusals {
            count: 0,
            reported: Some(now),
        };
    }
}

/// The listeners as the guests want them.
impl Door {
    fn update_listeners(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let mut refused: HashMap<Incarnation, String> = HashMap::new();
        self.open_links();
        let links: HashSet<IfIndex> = self.listeners.iter().filter_map(Listener::link).collect();
        for listener in &mut self.listeners {
            let mut wanted = BTreeMap::new();
            let mut owners: HashMap<IpNet, Incarnation> = HashMap::new();
            for (range, key) in &self.range_keys {
                if listener.serves(*range, None) {
                    wanted.insert(*range, key.clone());
                }
            }
            for guest in self.guests.values() {
                let host = IpNet::from(guest.transport.remote);
                let scope = guest.transport.scope.filter(|link| links.contains(link));
                let Some(key) = &guest.transport.password else {
                    continue;
                };
                if listener.serves(host, scope) && range_key(&self.range_keys, host) != Some(key) {
                    wanted.insert(host, key.clone());
                    owners.insert(host, guest.incarnation);
                }
            }
            for (peers, error) in listener.set_keys(wanted) {
                match owners.get(&peers) {
                    Some(owner) => {
                        refused.insert(*owner, error.to_string());
                    }
                    None => warn!("listen range {peers}: {error}; nobody can connect from there"),
                }
            }
            let minimum_ttls = minimum_ttls(&self.guests, listener.is_ipv6());
            if let Err(error) = listener.set_minimum_ttls(minimum_ttls) {
                warn!(
                    "ttl-security holds from the moment on that a connection is accepted, and not before: {error}"
                );
            }
            let of_family = self
                .guests
                .values()
                .filter(|guest| guest.transport.remote.is_ipv6() == listener.is_ipv6());
            let mss = of_family.filter_map(|guest| guest.transport.mss).min();
            if let Err(error) = listener.set_mss(mss) {
                warn!("tcp-mss: the listener does not take it: {error}");
            }
        }
        self.tell_of_keys(&refused);
    }

    /// A listener for each link with link-local neighbours that have a key. Without one their keys are on the
    /// general listener, where equal addresses on several links cannot have different ones.
    fn open_links(&mut self) {
        let keyed = |guest: &&Guest| guest.transport.password.is_some();
        let wanted: HashSet<IfIndex> = self
            .guests
            .values()
            .filter(keyed)
            .filter_map(|guest| guest.transport.scope)
            .collect();
        self.listeners
            .retain(|listener| listener.link().is_none_or(|link| wanted.contains(&link)));
        for link in wanted {
            if self
                .listeners
                .iter()
                .any(|listener| listener.link() == Some(link))
            {
                continue;
            }
            let general = self
                .listeners
                .iter()
                .find(|listener| listener.is_ipv6() && listener.link().is_none());
            let Some(general) = general else { continue };
            match general.beside(link, &self.accepted_end) {
                Ok(listener) => self.listeners.push(listener),
                Err(error) => warn!(
                    "interface {}: no listener of its own for link-local neighbours with a password: {error}",
                    link.0
                ),
            }
        }
    }

    /// Whoever has a key that is not set is not let in, and hears why; and hears when that is over.
    fn tell_of_keys(&mut self, refused: &HashMap<Incarnation, String>) {
        for (incarnation, guest) in &self.guests {
            let trouble = refused.get(incarnation);
            let changed = match trouble {
                Some(_) => self.keyless.insert(*incarnation),
                None => self.keyless.remove(incarnation),
            };
            if changed {
                // A task that ended needs to know nothing.
                let _ended = guest
                    .commands
                    .send(Command::Trouble(trouble.cloned()))
                    .is_err();
            }
        }
        self.keyless
            .retain(|incarnation| self.guests.contains_key(incarnation));
    }
}

/// Neighbours with TTL security. What comes from a link-local address has passed no router anyway.
fn minimum_ttls(guests: &HashMap<Incarnation, Guest>, ipv6: bool) -> Vec<(IpAddr, u8)> {
    let guests = guests.values().map(|guest| &guest.transport);
    let mut found: Vec<_> = guests
        .filter(|transport| transport.scope.is_none() && transport.remote.is_ipv6() == ipv6)
        .filter_map(|transport| Some((transport.remote, transport.minimum_ttl?)))
        .collect();
    found.sort_unstable();
    found
}

/// The key that a range gives a neighbour.
fn range_key(ranges: &BTreeMap<IpNet, String>, host: IpNet) -> Option<&String> {
    let around = ranges.iter().filter(|(range, _)| range.contains(&host));
    around
        .max_by_key(|(range, _)| range.prefix_len())
        .map(|(_, key)| key)
}

fn place(remote: SocketAddr) -> Place {
    let link = match remote {
        SocketAddr::V6(address) if address.scope_id() != 0 => Some(IfIndex(address.scope_id())),
        SocketAddr::V4(_) | SocketAddr::V6(_) => None,
    };
    (remote.ip().to_canonical(), link)
}

/// A neighbour that opens connections faster than its session takes them loses the surplus.
fn hand_over(guest: &Guest, stream: TcpStream, remote: SocketAddr) {
    if guest.connections.try_send(stream).is_err() {
        debug!(
            "dropped a BGP connection from {}: too many at once",
            remote.ip()
        );
    }
}

pub(super) async fn refuse(mut stream: TcpStream) {
    let mut message = Vec::new();
    Notification::new(Notification::CEASE, CONNECTION_REJECTED).encode(&mut message);
    let written = tokio::time::timeout(peer::CLOSE_WITHIN, async {
        stream.write_all(&message).await?;
        stream.shutdown().await
    });
    if let Ok(Err(error)) = written.await {
        debug!("a refused connection closed first: {error}");
    }
}

#[cfg(test)]
mod tests;
