//! The hash that picks a bucket. One function for the XDP program and for user space.
