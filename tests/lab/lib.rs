//! The lab: namespaces, links, peers and frames for the tests.
