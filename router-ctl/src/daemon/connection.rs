//! One TCP connection of a neighbour: what waits to be written, and how it ends.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::bgp::session::ConnectionId;

/// What a connection is ready for.
pub(super) enum Ready {
    Read,
    Write,
}

/// Whether what arrives may be read now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    On,
    Paused,
}

pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) stream: TcpStream,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    output: VecDeque<Arc<[u8]>>,
    /// Octets of the first element that are on the wire already.
    written: usize,
}

impl Connection {
    /// # Errors
    /// When the connection is gone already.
    pub(super) fn new(id: ConnectionId, stream: TcpStream) -> io::Result<Self> {
        let (local, remote) = (stream.local_addr()?, stream.peer_addr()?);
        Ok(Self {
            id,
            stream,
            local,
            remote,
            output: VecDeque::new(),
            written: 0,
        })
    }

    pub(super) fn queue(&mut self, bytes: Arc<[u8]>) {
        self.output.push_back(bytes);
    }

    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Writes what the socket takes; returns the octets that left.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) fn write(&mut self) -> io::Result<usize> {
        let mut left = 0;
        while let Some(front) = self.output.front() {
            match self.stream.try_write(&front[self.written..]) {
                Ok(length) => {
                    left += length;
                    self.written += length;
                    if self.written == front.len() {
                        self.output.pop_front();
                        self.written = 0;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(left)
    }

    /// Writes all that waits and says that nothing follows.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        while self.has_output() {
            self.stream.writable().await?;
            self.write()?;
        }
        self.stream.shutdown().await
    }

    fn poll_ready(&self, reading: Reading, context: &mut Context<'_>) -> Option<Ready> {
        // An error shows up in the read or write that follows.
        if self.has_output() && self.stream.poll_write_ready(context).is_ready() {
            return Some(Ready::Write);
        }
        (reading == Reading::On && self.stream.poll_read_ready(context).is_ready())
            .then_some(Ready::Read)
    }
}

/// The first connection that is ready for something, by its position.
pub(super) fn poll_any(
    connections: &[Connection],
    reading: Reading,
    context: &mut Context<'_>,
) -> Poll<(usize, Ready)> {
    for (position, connection) in connections.iter().enumerate() {
        if let Some(ready) = connection.poll_ready(reading, context) {
            return Poll::Ready((position, ready));
        }
    }
    Poll::Pending
}
