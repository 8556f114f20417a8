//! Router discovery (RFC 4861) on links with an unnumbered neighbour: both sides advertise themselves as routers
//! that are nobody's default, and so learn each other's link-local address.
//!
//! Messages and schedule are pure; [`run`] has the socket. The kernel computes and checks the checksums of a raw
//! ICMPv6 socket.

mod message;
mod schedule;
mod socket;

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use self::message::Message;
use self::schedule::{Schedule, Turn};
use self::socket::Socket;
use crate::host::{IfIndex, MacAddress};
use crate::router::event::Event;

/// The router hears of a link at most this often: a neighbour advertises itself every few seconds.
const TOLD_EVERY: Duration = Duration::from_millis(100);
/// When the socket cannot be had, or is broken.
const AGAIN: Duration = Duration::from_secs(10);

/// Advertises on these links and tells the router whom it hears there, until the router is gone.
pub(super) async fn run(
    mut links: watch::Receiver<Vec<IfIndex>>,
    router: mpsc::UnboundedSender<Event>,
) {
    loop {
        // No socket before there is a link to use it on: most routers have none.
        if links.wait_for(|links| !links.is_empty()).await.is_err() {
            return;
        }
        let mut discovery = match Socket::open().and_then(register) {
            Ok(socket) => Discovery::new(socket, router.clone()),
            Err(error) => {
                warn!("unnumbered neighbours cannot be found: no raw ICMPv6 socket: {error}");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        match discovery.follow(&mut links).await {
            Ok(()) => return,
            Err(error) => {
                warn!("router discovery: {error}; trying again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

fn register(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: the socket owns its descriptor, always gives the same one, and closes it when it is dropped.
    unsafe { AsyncFd::register(socket) }.map_err(io::Error::from)
}

struct Discovery {
    socket: AsyncFd<Socket>,
    router: mpsc::UnboundedSender<Event>,
    schedule: Schedule,
    told: BTreeMap<IfIndex, Instant>,
}

impl Discovery {
    fn new(socket: AsyncFd<Socket>, router: mpsc::UnboundedSender<Event>) -> Self {
        Self {
            socket,
            router,
            schedule: Schedule::new(u64::from(std::process::id())),
            told: BTreeMap::new(),
        }
    }

    /// Ends well when the router is gone.
    async fn follow(&mut self, links: &mut watch::Receiver<Vec<IfIndex>>) -> io::Result<()> {
        links.mark_changed();
        loop {
            let due = self.schedule.poll_timeout();
            let wait = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = links.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let wanted = links.borrow_and_update().clone();
                    self.schedule.set_links(&wanted, Instant::now());
                    self.told.retain(|link, _| wanted.contains(link));
                }
                () = wait => self.advertise(),
                ready = self.socket.readable() => {
                    let mut ready = ready?;
                    match ready.try_io(|socket| socket.get_ref().receive()) {
                        Ok(Ok(received)) => self.heard(&received),
                        Ok(Err(error)) => return Err(error),
                        Err(_would_block) => {}
                    }
                }
            }
        }
    }

    fn advertise(&mut self) {
        let due = self.schedule.due(Instant::now());
        let macs = socket::mac_addresses();
        let socket = self.socket.get_ref();
        for (link, turn) in due {
            // A link that was made anew has forgotten the group.
            socket.listen_on(link);
            let message = message::advertisement(macs.get(&link).copied());
            let mut sent = socket.send(link, socket::ALL_NODES, &message);
            if turn == Turn::First {
                let asked = socket.send(link, socket::ALL_ROUTERS, &message::solicitation());
                sent = sent.and(asked);
            }
            if let Err(error) = sent {
                debug!("no router advertisement on interface {}: {error}", link.0);
            }
        }
    }

    fn heard(&mut self, received: &Received) {
        let now = Instant::now();
        match message::parse(received) {
            Some(Message::Solicitation) => self.schedule.solicited(received.link, now),
            Some(Message::Advertisement) if self.schedule.has(received.link) => {
                let told = self.told.get(&received.link);
                if told.is_some_and(|&told| now < told + TOLD_EVERY) {
                    return;
                }
                self.told.insert(received.link, now);
                let event = Event::RouterAdvertisement {
                    link: received.link,
                    source: received.source,
                };
                if self.router.send(event).is_err() {
                    debug!("the router is gone: nobody hears of {}", received.source);
                }
            }
            Some(Message::Advertisement) | None => {}
        }
    }
}

/// An ICMPv6 message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Received {
    link: IfIndex,
    source: Ipv6Addr,
    hop_limit: u8,
    message: Vec<u8>,
}

type MacAddresses = BTreeMap<IfIndex, MacAddress>;
