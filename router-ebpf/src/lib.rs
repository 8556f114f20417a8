//! The packet's stations as modules that compile for the host too, where they are fuzzed and unit-tested.

#![no_std]
