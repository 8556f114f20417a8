//! The suites, in the order in which they run. To add one, add a row.

use std::time::Duration;

use crate::setup::Part;

/// One row.
pub(crate) struct Suite {
    /// What is typed after `cargo xtask test`.
    pub(crate) name: &'static str,
    /// The heading in the output.
    pub(crate) title: &'static str,
    pub(crate) needs: &'static [Part],
    pub(crate) runs: Runs,
}

pub(crate) enum Runs {
    /// Formatting, tidy and lints.
    Checks,
    /// `cargo test` over the workspace.
    Tests(Tests),
    /// Every fuzz target, for so many seconds each.
    Fuzz { seconds: u64 },
}

/// What is given to `cargo test --workspace`, and after `--` to the test binaries.
pub(crate) struct Tests {
    pub(crate) targets: &'static [&'static str],
    pub(crate) arguments: &'static [&'static str],
    /// What is not done by then is stopped and has failed. Tests have deadlines of their own; this is for the
    /// one that forgot.
    pub(crate) limit: Duration,
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

const BUILD: &[Part] = &[Part::Toolchain];
const LAB: &[Part] = &[Part::Toolchain, Part::Host];
const LAB_WITH_PEERS: &[Part] = &[Part::Toolchain, Part::Host, Part::Peers];

pub(crate) const ALL: &[Suite] = &[
    Suite {
        name: "check",
        title: "formatting, tidy, lints",
        needs: &[Part::Toolchain, Part::Lints],
        runs: Runs::Checks,
    },
    Suite {
        name: "unit",
        title: "unit tests of every crate",
        needs: BUILD,
        runs: Runs::Tests(Tests {
            targets: &["--lib", "--bins"],
            arguments: &[],
            limit: minutes(10),
        }),
    },
    Suite {
        name: "differential",
        title: "decoding beside two other decoders",
        needs: BUILD,
        runs: Runs::Tests(Tests {
            targets: &["--test=differential"],
            arguments: &[],
            limit: minutes(5),
        }),
    },
    Suite {
        name: "xdp",
        title: "XDP: bytes in, bytes out, through BPF_PROG_TEST_RUN",
        needs: LAB,
        runs: Runs::Tests(Tests {
            targets: &["--test=xdp"],
            arguments: &[],
            limit: minutes(5),
        }),
    },
    Suite {
        name: "dataplane",
        title: "data plane: maps, pins and attachments of a real kernel",
        needs: LAB,
        runs: Runs::Tests(Tests {
            targets: &["--test=dataplane"],
            arguments: &[],
            limit: minutes(5),
        }),
    },
    Suite {
        name: "lab",
        title: "lab: namespaces, links, frames and waiting",
        needs: LAB_WITH_PEERS,
        runs: Runs::Tests(Tests {
            targets: &["--test=lab"],
            arguments: &[],
            limit: minutes(5),
        }),
    },
    Suite {
        name: "scenarios",
        title: "scenarios: the daemon in namespaces",
        needs: LAB,
        runs: Runs::Tests(Tests {
            targets: &["--test=scenarios"],
            arguments: &["--test-threads=2", "--skip=restart", "--skip=bad_input"],
            limit: minutes(10),
        }),
    },
    Suite {
        name: "interop",
        title: "interop with BIRD 2, FRR, GoBGP and OpenBGPD",
        needs: LAB_WITH_PEERS,
        runs: Runs::Tests(Tests {
            targets: &["--test=interop"],
            // The table of features and peers is what one of the tests prints.
            arguments: &["--test-threads=2", "--show-output"],
            limit: minutes(15),
        }),
    },
    Suite {
        name: "restart",
        title: "restart under traffic",
        needs: LAB,
        runs: Runs::Tests(Tests {
            targets: &["--test=scenarios"],
            arguments: &["--test-threads=1", "restart"],
            limit: minutes(5),
        }),
    },
    Suite {
        name: "badinput",
        title: "bad input: configurations, environments and messages",
        needs: LAB,
        runs: Runs::Tests(Tests {
            targets: &["--test=scenarios"],
            arguments: &["--test-threads=2", "bad_input"],
            limit: minutes(5),
        }),
    },
    Suite {
        name: "fuzz",
        title: "fuzz smoke: every decoder target for some seconds",
        needs: &[],
        runs: Runs::Fuzz { seconds: 10 },
    },
];
