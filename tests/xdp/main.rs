//! Bytes in, bytes out: the XDP program against the list of packet cases, one packet at a time, through
//! `BPF_PROG_TEST_RUN`. Needs root and the object, no network. A test is named after its case; one file per
//! section of the list. After every packet the books must balance, and a passed packet must be what it was.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

mod bench;
mod counters;
mod ecmp;
mod forwarding;
mod frame;
mod host;
mod ipv4;
mod ipv6;
mod link_layer;
mod lookup;
mod mapped;
mod next_hop;
mod object;
mod random;
