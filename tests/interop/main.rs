//! The daemon in namespaces: real links, real sessions, real frames. Needs root.
