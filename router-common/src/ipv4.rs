//! IPv4 header arithmetic.
