//! All sessions: which one a datagram belongs to (RFC 5880 §6.3, RFC 5881 §3, RFC 5883 §4), and whose timer is
//! next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use crate::bfd::packet::{Discard, Discriminator, LENGTH, Packet};
use crate::bfd::random::Random;
use crate::bfd::session::Session;
use crate::bfd::{Key, Report, Request, Settings};
use crate::host::IfIndex;

/// What a neighbour one hop away sends with, so that nobody farther away can (RFC 5881 §5, RFC 5082).
const SINGLE_HOP_TTL: u8 = 255;

/// What arrived, and how.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    pub source: IpAddr,
    pub destination: Option<IpAddr>,
    pub interface: Option<IfIndex>,
    /// TTL or hop limit.
    pub ttl: Option<u8>,
    /// It came to the port of RFC 5883.
    pub multihop: bool,
    pub bytes: &'a [u8],
}

/// A packet to send, from the session's own socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    pub session: Discriminator,
    pub key: Key,
    pub bytes: [u8; LENGTH],
}

#[derive(Debug)]
pub struct Sessions {
    random: Random,
    sessions: BTreeMap<Discriminator, Entry>,
    /// Those that are wanted; one that is saying farewell is in `sessions` alone.
    by_key: BTreeMap<Key, Discriminator>,
    deadlines: BTreeSet<(Instant, Discriminator)>,
    discarded: [u64; Discard::ALL.len()],
    transmits: VecDeque<Transmit>,
    reports: VecDeque<Report>,
    ended: VecDeque<Discriminator>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    session: Session,
    /// As it stands in `deadlines`.
    deadline: Option<Instant>,
}

impl Sessions {
    /// Discriminators and jitter follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            sessions: BTreeMap::new(),
            by_key: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            discarded: [0; Discard::ALL.len()],
            transmits: VecDeque::new(),
            reports: VecDeque::new(),
            ended: VecDeque::new(),
        }
    }

    pub fn handle_request(&mut self, request: Request, now: Instant) {
        match request {
            Request::Put(key, settings) => self.put(key, settings, now),
            Request::Remove(key) => {
                if let Some(id) = self.by_key.remove(&key) {
                    self.stop(id, now);
                }
            }
        }
    }

    /// Every session ends and says so; [`is_empty`](Self::is_empty) tells when that is done.
    pub fn handle_stop(&mut self, now: Instant) {
        for id in std::mem::take(&mut self.by_key).into_values() {
            self.stop(id, now);
        }
    }

    /// # Errors
    /// Why the datagram was not acted on; it is counted.
    pub fn handle_datagram(
        &mut self,
        datagram: &Datagram<'_>,
        now: Instant,
    ) -> Result<(), Discard> {
        let outcome = self.receive(datagram, now);
        if let Err(reason) = outcome {
            self.discarded[reason as usize] += 1;
        }
        outcome
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(deadline, id)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            if let Some(entry) = self.sessions.get_mut(&id) {
                entry.session.handle_timeout(now);
            }
            self.deadlines.pop_first();
            self.settle(id);
        }
    }

    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    pub fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// A session that is over: nothing is sent for it after what was polled before.
    pub fn poll_ended(&mut self) -> Option<Discriminator> {
        self.ended.pop_front()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The sessions that are wanted.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.by_key.keys()
    }

    /// How many datagrams were not acted on, by reason.
    pub fn discarded(&self) -> impl Iterator<Item = (Discard, u64)> + '_ {
        Discard::ALL.into_iter().zip(self.discarded)
    }

    fn put(&mut self, key: Key, settings: Settings, now: Instant) {
        if let Some(&id) = self.by_key.get(&key) {
            if let Some(entry) = self.sessions.get_mut(&id) {
                entry.session.handle_settings(settings, now);
            }
            self.settle(id);
            return;
        }
        // The farewell of an earlier session would be taken for one of the new session.
        let leaving = self.sessions.iter().find(|(_, entry)| entry.key == key);
        if let Some(id) = leaving.map(|(&id, _)| id) {
            self.forget(id);
        }
        let id = self.unused_discriminator();
        let session = Session::new(settings, id, self.random.draw(), now);
        self.by_key.insert(key.clone(), id);
        let deadline = None;
        let entry = Entry {
            key,
            session,
            deadline,
        };
        self.sessions.insert(id, entry);
        self.settle(id);
    }

    fn stop(&mut self, id: Discriminator, now: Instant) {
        if let Some(entry) = self.sessions.get_mut(&id) {
            entry.session.handle_stop(now);
        }
        self.settle(id);
    }

    fn receive(&mut self, datagram: &Datagram<'_>, now: Instant) -> Result<(), Discard> {
        if !datagram.multihop && datagram.ttl != Some(SINGLE_HOP_TTL) {
            // Not read, but told of: the neighbour may be farther away than is configured.
            let id = self.neighbor(datagram);
            if let Some(entry) = id.and_then(|id| self.sessions.get_mut(&id)) {
                entry.session.handle_refused();
            }
            return Err(Discard::Ttl);
        }
        let packet = Packet::decode(datagram.bytes)?;
        let id = match packet.yours {
            Some(id) => id,
            None => self.neighbor(datagram).ok_or(Discard::UnknownNeighbor)?,
        };
        let entry = self.sessions.get_mut(&id).ok_or(Discard::UnknownSession)?;
        let refusal = if !entry.key.is_sender(datagram) {
            Some(Discard::WrongSender)
        } else if !self.by_key.contains_key(&entry.key) {
            Some(Discard::AdminDown)
        } else if datagram.multihop
            && datagram.ttl.unwrap_or(0) < entry.session.settings().minimum_ttl
        {
            Some(Discard::Ttl)
        } else {
            None
        };
        if let Some(reason) = refusal {
            entry.session.handle_refused();
            return Err(reason);
        }
        entry.session.handle_packet(&packet, now);
        self.settle(id);
        Ok(())
    }

    /// The session with the sender of a packet that names none: the one that is told by the most.
    fn neighbor(&self, datagram: &Datagram<'_>) -> Option<Discriminator> {
        let first = Key {
            remote: datagram.source,
            local: None,
            interface: None,
            multihop: false,
        };
        self.by_key
            .range(first..)
            .take_while(|(key, _)| key.remote == datagram.source)
            .filter(|(key, _)| key.is_sender(datagram) && key.is_local(datagram))
            .max_by_key(|(key, _)| (key.interface.is_some(), key.local.is_some()))
            .map(|(_, &id)| id)
    }

    fn unused_discriminator(&mut self) -> Discriminator {
        loop {
            let [_, _, _, _, number @ ..] = self.random.draw().to_be_bytes();
            match Discriminator::new(u32::from_be_bytes(number)) {
                Some(id) if !self.sessions.contains_key(&id) => return id,
                Some(_) | None => {}
            }
        }
    }

    /// After anything happened to a session: takes what it has to say and notes its deadline.
    fn settle(&mut self, id: Discriminator) {
        let Some(entry) = self.sessions.get_mut(&id) else {
            return;
        };
        while let Some(bytes) = entry.session.poll_transmit() {
            self.transmits.push_back(Transmit {
                session: id,
                key: entry.key.clone(),
                bytes,
            });
        }
        if entry.session.is_over() {
            self.forget(id);
            return;
        }
        let status = entry.session.poll_status();
        if let Some(status) = status.filter(|_| self.by_key.contains_key(&entry.key)) {
            self.reports.push_back(Report {
                key: entry.key.clone(),
                status,
            });
        }
        let deadline = entry.session.poll_timeout();
        let noted = std::mem::replace(&mut entry.deadline, deadline);
        if let Some(noted) = noted {
            self.deadlines.remove(&(noted, id));
        }
        self.deadlines
            .extend(deadline.map(|deadline| (deadline, id)));
    }

    fn forget(&mut self, id: Discriminator) {
        let deadline = self.sessions.remove(&id).and_then(|entry| entry.deadline);
        if let Some(deadline) = deadline {
            self.deadlines.remove(&(deadline, id));
        }
        self.ended.push_back(id);
    }
}

impl Key {
    fn is_sender(&self, datagram: &Datagram<'_>) -> bool {
        self.remote == datagram.source
            && self.multihop == datagram.multihop
            && (self.interface.is_none() || self.interface == datagram.interface)
    }

    fn is_local(&self, datagram: &Datagram<'_>) -> bool {
        self.local.is_none() || self.local == datagram.destination
    }
}

#[cfg(test)]
mod tests;
