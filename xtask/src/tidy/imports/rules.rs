//! The boundaries, as tables.

/// A crate that is named in these places only.
pub(super) struct CrateRule {
    pub(super) names: &'static [&'static str],
    pub(super) only_in: &'static [&'static str],
}

pub(super) const CRATES: &[CrateRule] = &[
    CrateRule {
        names: &["aya", "aya_log", "aya_obj"],
        only_in: &["router-ctl/src/dataplane/", "router-common/src/"],
    },
    CrateRule {
        names: &["aya_ebpf", "aya_log_ebpf"],
        only_in: &["router-ebpf/src/"],
    },
    CrateRule {
        names: &[
            "netlink_packet_core",
            "netlink_packet_route",
            "netlink_sys",
            "rtnetlink",
        ],
        only_in: &["router-ctl/src/kernel/"],
    },
    CrateRule {
        names: &["tokio", "futures_util"],
        only_in: &[
            "router-ctl/src/daemon/",
            "router-ctl/src/kernel/",
            "router-ctl/src/api/",
            "router-ctl/src/cli/client.rs",
            "router-ctl/src/dataplane/log.rs",
        ],
    },
    CrateRule {
        names: &["axum"],
        only_in: &["router-ctl/src/api/"],
    },
    CrateRule {
        names: &["hyper", "hyper_util", "http_body_util"],
        only_in: &["router-ctl/src/api/", "router-ctl/src/cli/client.rs"],
    },
    CrateRule {
        names: &["serde", "serde_json"],
        only_in: &[
            "router-ctl/src/config/",
            "router-ctl/src/api/",
            "router-ctl/src/cli/",
            "router-ctl/src/daemon/journal.rs",
        ],
    },
    CrateRule {
        names: &["toml"],
        only_in: &["router-ctl/src/config/toml"],
    },
    CrateRule {
        names: &["clap"],
        only_in: &["router-ctl/src/cli/", "xtask/src/"],
    },
    CrateRule {
        names: &["mimalloc"],
        only_in: &["router-ctl/src/main.rs"],
    },
    CrateRule {
        names: &["anyhow"],
        only_in: &[
            "router-ctl/src/daemon/",
            "router-ctl/src/cli/",
            "router-ctl/src/main.rs",
            "xtask/src/",
        ],
    },
    CrateRule {
        names: &["tracing", "tracing_subscriber"],
        only_in: &[
            "router-ctl/src/daemon/",
            "router-ctl/src/api/",
            "router-ctl/src/cli/",
            "router-ctl/src/dataplane/",
            "router-ctl/src/kernel/",
        ],
    },
    CrateRule {
        names: &["libc", "nix", "socket2"],
        only_in: &[
            "router-ctl/src/daemon/",
            "router-ctl/src/api/",
            "router-ctl/src/cli/",
            "router-ctl/src/dataplane/",
            "router-ctl/src/kernel/",
        ],
    },
    CrateRule {
        names: &["regex"],
        only_in: &["router-ctl/src/policy/"],
    },
    CrateRule {
        names: &["router_common"],
        only_in: &["router-ctl/src/", "router-ebpf/src/"],
    },
    CrateRule {
        names: &["router_ebpf"],
        only_in: &["router-ebpf/src/"],
    },
    CrateRule {
        names: &["router_ctl"],
        only_in: &["router-ctl/src/main.rs"],
    },
];

/// System calls that one file makes for all.
pub(super) struct ItemRule {
    pub(super) paths: &'static [&'static [&'static str]],
    pub(super) only_in: &'static [&'static str],
}

pub(super) const ITEMS: &[ItemRule] = &[ItemRule {
    paths: &[
        &["libc", "SYS_bpf"],
        &["libc", "syscall"],
        &["libc", "mmap"],
        &["libc", "munmap"],
        &["libc", "mprotect"],
        &["nix", "sys", "mman"],
    ],
    only_in: &["router-ctl/src/dataplane/bpf.rs"],
}];

/// Modules of router-ctl that are values: they take bytes, events and time, and return what to do.
pub(super) const PURE: &[&str] = &[
    "host", "prefix", "bgp", "policy", "rib", "fib", "config", "router",
];

/// What a pure module does not name, and why.
pub(super) const PURE_FORBIDS: &[(&[&str], &str)] = &[
    (&["std", "fs"], "pure code reads no files"),
    (&["std", "io"], "pure code does no input or output"),
    (&["std", "env"], "pure code reads no environment"),
    (&["std", "os"], "pure code knows no file descriptors"),
    (&["std", "process"], "pure code starts no processes"),
    (&["std", "thread"], "pure code starts no threads"),
    (&["std", "net", "TcpStream"], "pure code opens no sockets"),
    (&["std", "net", "TcpListener"], "pure code opens no sockets"),
    (&["std", "net", "UdpSocket"], "pure code opens no sockets"),
    (&["std", "time", "SystemTime"], "time is an argument"),
    (&["Instant", "now"], "time is an argument"),
    (&["std", "time", "Instant", "now"], "time is an argument"),
    (&["SystemTime", "now"], "time is an argument"),
    (&["std", "sync", "Mutex"], "routing state has one owner"),
    (&["std", "sync", "RwLock"], "routing state has one owner"),
    (&["std", "sync", "Condvar"], "routing state has one owner"),
    (&["std", "sync", "mpsc"], "pure code has no channels"),
];

/// Each module of router-ctl, and which others, or which values of others, it may know.
pub(super) const MODULES: &[(&str, &[&str])] = &[
    ("host", &[]),
    ("prefix", &[]),
    ("bgp", &[]),
    ("policy", &["bgp", "prefix"]),
    ("rib", &["bgp", "policy", "prefix"]),
    ("fib", &["host", "prefix"]),
    ("config", &["bgp", "host", "policy"]),
    (
        "router",
        &[
            "bgp",
            "config",
            "fib",
            "host",
            "policy",
            "prefix",
            "rib",
            "dataplane::Forwarding",
            "dataplane::Port",
            "dataplane::PortStatus",
            "dataplane::XdpMode",
        ],
    ),
    ("dataplane", &["fib", "host", "prefix"]),
    ("kernel", &["host"]),
    (
        "api",
        &["bgp", "config", "dataplane", "host", "prefix", "router"],
    ),
    ("cli", &["api", "bgp", "config", "daemon", "dataplane"]),
    (
        "daemon",
        &[
            "api",
            "bgp",
            "config",
            "dataplane",
            "fib",
            "host",
            "kernel",
            "policy",
            "prefix",
            "rib",
            "router",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// A way to write memory, and the files of router-ebpf that use it: rewrite.rs says what is written to a packet,
/// frame.rs knows how to reach its bytes, count.rs adds to counters.
pub(super) struct WriteRule {
    pub(super) text: &'static str,
    pub(super) only_in: &'static [&'static str],
}

pub(super) const WRITES: &[WriteRule] = &[
    WriteRule {
        text: ".write(",
        only_in: &["router-ebpf/src/rewrite.rs", "router-ebpf/src/frame.rs"],
    },
    WriteRule {
        text: "bpf_xdp_adjust",
        only_in: &["router-ebpf/src/rewrite.rs", "router-ebpf/src/frame.rs"],
    },
    WriteRule {
        text: "bpf_xdp_store_bytes",
        only_in: &["router-ebpf/src/frame.rs"],
    },
    WriteRule {
        text: " as *mut ",
        only_in: &["router-ebpf/src/frame.rs", "router-ebpf/src/count.rs"],
    },
];

/// Which crates of ours a manifest may name. Manifests that are not listed may name any.
pub(super) const MANIFESTS: &[(&str, &[&str])] = &[
    ("router-common/Cargo.toml", &[]),
    ("router-ebpf/Cargo.toml", &["router-common"]),
    ("router-ctl/Cargo.toml", &["router-common"]),
    ("xtask/Cargo.toml", &[]),
];
