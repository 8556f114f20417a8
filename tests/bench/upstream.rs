//! One upstream as a process of its own, so that it can be killed: a BGP speaker that sends an encoded table and
//! keeps the session, and beside it BFD, both in one process. The bench binary runs itself under this name.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use lab::{Node, Process};
use router_ctl::bfd::{Key, Request, Settings};
use router_ctl::bgp::types::{Asn, RouterId};
use router_ctl::daemon::bfd;

use crate::speaker::Speaker;

/// First argument of the bench binary when it is to be an upstream.
pub(crate) const NAME: &str = "upstream";
/// A router that says nothing for so long has gone: the upstream has nothing left to do.
const SILENCE: Duration = Duration::from_secs(600);
/// KEEPALIVE: the marker, the length, the type (RFC 4271 §4.4).
const KEEPALIVE: [u8; 19] = [
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 19, 4,
];

#[derive(Clone, Debug, Parser)]
#[command(name = "upstream")]
pub(crate) struct Upstream {
    #[arg(long)]
    pub(crate) local: Ipv4Addr,
    #[arg(long)]
    pub(crate) router: Ipv4Addr,
    #[arg(long)]
    pub(crate) asn: u32,
    /// Seconds.
    #[arg(long)]
    pub(crate) hold_time: u16,
    /// Interval in milliseconds; three packets in a row may be lost. Without it there is no BFD.
    #[arg(long)]
    pub(crate) bfd: Option<u64>,
    /// Messages that are sent once the session is up.
    #[arg(long)]
    pub(crate) feed: PathBuf,
}

impl Upstream {
    /// Starts it inside a node.
    pub(crate) fn spawn(&self, node: &Node) -> anyhow::Result<Process> {
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command.arg(NAME);
        for (name, value) in [
            ("--local", self.local.to_string()),
            ("--router", self.router.to_string()),
            ("--asn", self.asn.to_string()),
            ("--hold-time", self.hold_time.to_string()),
        ] {
            command.args([name, &value]);
        }
        if let Some(interval) = self.bfd {
            command.args(["--bfd", &interval.to_string()]);
        }
        command.arg("--feed").arg(&self.feed);
        node.spawn(NAME, command)
    }

    /// Is it, until the session ends or the process is killed.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let feed = fs::read(&self.feed)
            .with_context(|| format!("reading the feed {}", self.feed.display()))?;
        // The reports are of no interest, but BFD ends when nobody takes them.
        let (sender, _reports) = tokio::sync::mpsc::unbounded_channel();
        let bfd = self
            .bfd
            .map(|interval| self.start_bfd(interval, sender))
            .transpose()?;
        let asn = Asn(self.asn);
        let (local, router) = (IpAddr::V4(self.local), IpAddr::V4(self.router));
        let speaker =
            Speaker::connect_with(local, router, asn, RouterId(self.local), self.hold_time)?;
        let (mut reading, mut writing) = speaker.split()?;
        let reader = std::thread::spawn(move || reading.receive(SILENCE, |_| false).map(drop));
        writing.send(&feed)?;
        while !reader.is_finished() {
            writing.send(&KEEPALIVE)?;
            std::thread::sleep(Duration::from_secs(self.hold_time.into()) / 3);
        }
        drop(bfd);
        match reader.join() {
            Ok(ended) => ended,
            Err(_) => anyhow::bail!("the reading thread panicked"),
        }
    }

    fn start_bfd(
        &self,
        milliseconds: u64,
        reports: tokio::sync::mpsc::UnboundedSender<router_ctl::router::event::Event>,
    ) -> anyhow::Result<bfd::Handle> {
        let handle = bfd::spawn(reports)?;
        let key = Key {
            remote: self.router.into(),
            local: Some(self.local.into()),
            interface: None,
            multihop: false,
        };
        let interval = Duration::from_millis(milliseconds);
        let settings = Settings {
            transmit: interval,
            receive: interval,
            ..Settings::default()
        };
        handle.requests().send(Request::Put(key, settings));
        Ok(handle)
    }
}
