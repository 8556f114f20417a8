//! The data plane in ordinary collections.
