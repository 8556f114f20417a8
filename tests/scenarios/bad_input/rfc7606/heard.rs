//! What a neighbour is told: its own reading of the router's UPDATEs.

use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, ensure};
use lab::wait;

use super::{PATIENCE, Peer};
use crate::wire::{Raw, UPDATE};

/// Flags, code and value of each attribute.
pub(super) type Told = Vec<(u8, u8, Vec<u8>)>;

#[derive(Default)]
struct Table {
    routes: HashMap<String, Told>,
    withdrawals: HashMap<String, u32>,
    ended: Option<String>,
}

/// A neighbour that reads all the time.
pub(super) struct Listener {
    raw: Raw,
    peer: Peer,
    table: Arc<Mutex<Table>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(raw: Raw, peer: Peer) -> Result<Self> {
        let table = Arc::new(Mutex::new(Table::default()));
        let mut reader = raw.clone_handle()?;
        let shared = table.clone();
        let thread = thread::spawn(move || {
            let ended = loop {
                let noted = match reader.read() {
                    Ok((UPDATE, body)) => lock(&shared).note(&body),
                    Ok(_) => Some(()),
                    Err(error) => break format!("{error:#}"),
                };
                if noted.is_none() {
                    break "an UPDATE of the router cannot be read".to_owned();
                }
            };
            lock(&shared).ended = Some(ended);
        });
        Ok(Self {
            raw,
            peer,
            table,
            thread: Some(thread),
        })
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(super) fn send(&mut self, octets: &[u8]) -> Result<()> {
        self.raw.send(octets)
    }

    pub(super) fn told(&self, prefix: &str) -> Option<Told> {
        lock(&self.table).routes.get(prefix).cloned()
    }

    pub(super) fn withdrawals(&self, prefix: &str) -> u32 {
        let table = lock(&self.table);
        table.withdrawals.get(prefix).copied().unwrap_or_default()
    }

    pub(super) fn wait_told(&self, prefix: &str) -> Result<Told> {
        let what = format!("{} to be told {prefix}", self.peer.address);
        wait::try_until(&what, PATIENCE, || self.told(prefix)).context("no route")
    }

    pub(super) fn wait_gone(&self, prefix: &str) -> Result<()> {
        let what = format!("{} to be told that {prefix} is gone", self.peer.address);
        let gone = || self.told(prefix).is_none().then_some(());
        wait::try_until(&what, PATIENCE, gone).context("the route stays")
    }

    pub(super) fn check_alive(&self) -> Result<()> {
        let ended = lock(&self.table).ended.clone();
        ensure!(
            ended.is_none(),
            "the session of {} ended: {ended:?}",
            self.peer.address
        );
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.raw.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    /// `None` when an UPDATE makes no sense.
    fn note(&mut self, body: &[u8]) -> Option<()> {
        let mut rest = body;
        let withdrawn = block(&mut rest)?;
        let mut fields = block(&mut rest)?;
        let mut announced = prefixes(rest, false)?;
        let mut gone = prefixes(withdrawn, false)?;
        let mut attributes = Told::new();
        while let [flags, code, after @ ..] = fields {
            fields = after;
            let value = if flags & 0x10 == 0 {
                let (&length, after) = fields.split_first()?;
                fields = after;
                take(&mut fields, length.into())?
            } else {
                block(&mut fields)?
            };
            match code {
                14 => {
                    let length = usize::from(*value.get(3)?);
                    let ipv6 = value.get(1)? == &2;
                    announced.extend(prefixes(value.get(5 + length..)?, ipv6)?);
                }
                15 => gone.extend(prefixes(value.get(3..)?, value.get(1)? == &2)?),
                _ => attributes.push((flags & 0xe0, *code, value.to_vec())),
            }
        }
        if !fields.is_empty() {
            return None;
        }
        for prefix in gone {
            *self.withdrawals.entry(prefix.clone()).or_default() += 1;
            self.routes.remove(&prefix);
        }
        for prefix in announced {
            self.routes.insert(prefix, attributes.clone());
        }
        Some(())
    }
}

fn take<'a>(octets: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = octets.split_at_checked(length)?;
    *octets = rest;
    Some(taken)
}

/// A length of two octets and what it says.
fn block<'a>(octets: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(octets, 2)?;
    take(
        octets,
        usize::from(u16::from_be_bytes(length.try_into().ok()?)),
    )
}

fn prefixes(mut octets: &[u8], ipv6: bool) -> Option<Vec<String>> {
    let mut found = Vec::new();
    while let Some((&bits, rest)) = octets.split_first() {
        octets = rest;
        let address = take(&mut octets, usize::from(bits).div_ceil(8))?;
        let mut whole = [0_u8; 16];
        whole.get_mut(..address.len())?.copy_from_slice(address);
        found.push(if ipv6 {
            format!("{}/{bits}", Ipv6Addr::from(whole))
        } else {
            let [a, b, c, d, ..] = whole;
            format!("{a}.{b}.{c}.{d}/{bits}")
        });
    }
    Some(found)
}
