use super::*;
use crate::tidy::tree::fixture;

/// Findings of one file, as text.
fn check_file(path: &str, text: &str, expected: &[&str]) {
    let found: Vec<_> = check(&fixture(&[(path, text)]))
        .into_iter()
        .map(|finding| finding.reason)
        .collect();
    assert_eq!(found, expected, "{path}: {text}");
}

#[test]
fn a_crate_is_named_where_it_belongs() {
    check_file("router-ctl/src/dataplane/ebpf.rs", "use aya::Ebpf;", &[]);
    check_file(
        "router-ctl/src/router/mod.rs",
        "use aya::Ebpf;",
        &["aya is named only in router-ctl/src/dataplane/, router-common/src/"],
    );
    check_file(
        "router-ctl/src/rib/table.rs",
        "fn f() -> anyhow::Result<()> { Ok(()) }",
        &[
            "anyhow is named only in router-ctl/src/daemon/, router-ctl/src/cli/, router-ctl/src/main.rs, xtask/src/",
        ],
    );
    check_file("tests/lab/netns.rs", "use rtnetlink::Handle;", &[]);
}

#[test]
fn a_module_of_ours_may_have_the_name_of_a_crate() {
    check_file(
        "router-ctl/src/config/mod.rs",
        "pub mod toml;\nfn f() { toml::parse() }",
        &[],
    );
    check_file(
        "router-ctl/src/cli/check.rs",
        "use crate::config::toml;\nfn f() { toml::parse() }",
        &[],
    );
    check_file(
        "router-ctl/src/cli/check.rs",
        "fn f() { toml::from_str() }",
        &["toml is named only in router-ctl/src/config/toml"],
    );
}

#[test]
fn raw_calls_are_made_in_one_file() {
    let text = "fn f() { unsafe { libc::syscall(libc::SYS_bpf) } }";
    check_file("router-ctl/src/dataplane/bpf.rs", text, &[]);
    check_file(
        "router-ctl/src/dataplane/ebpf.rs",
        text,
        &[
            "libc::syscall is called only in router-ctl/src/dataplane/bpf.rs",
            "libc::SYS_bpf is called only in router-ctl/src/dataplane/bpf.rs",
        ],
    );
}

#[test]
fn pure_modules_read_no_clock_and_open_nothing() {
    check_file(
        "router-ctl/src/bgp/session.rs",
        "use std::time::Instant;\nfn f(now: Instant) {}",
        &[],
    );
    check_file(
        "router-ctl/src/bgp/session.rs",
        "fn f() { Instant::now(); }",
        &["Instant::now: time is an argument"],
    );
    check_file(
        "router-ctl/src/host.rs",
        "use std::{fmt, fs::File};",
        &["std::fs::File: pure code reads no files"],
    );
    check_file(
        "router-ctl/src/daemon/mod.rs",
        "fn f() { Instant::now(); }",
        &[],
    );
    check_file(
        "router-ctl/src/rib/mod.rs",
        "#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }",
        &[],
    );
}

#[test]
fn modules_know_the_layers_below_them() {
    check_file(
        "router-ctl/src/rib/table.rs",
        "use crate::bgp::types::Asn;",
        &[],
    );
    check_file(
        "router-ctl/src/bgp/session.rs",
        "use crate::rib::Rib;",
        &["bgp does not know rib: crate::rib::Rib"],
    );
    check_file(
        "router-ctl/src/kernel/link.rs",
        "use crate::{host::Link, bgp::types};",
        &["kernel does not know bgp: crate::bgp::types"],
    );
    check_file(
        "router-ctl/src/router/effect.rs",
        "use crate::dataplane::{Port, ebpf::Ebpf};",
        &["router does not know dataplane: crate::dataplane::ebpf::Ebpf"],
    );
    check_file(
        "router-ctl/src/fib/table.rs",
        "use super::super::rib::Rib;\nuse super::plan;",
        &["fib does not know rib: super::super::rib::Rib"],
    );
}

#[test]
fn one_file_writes_to_packets() {
    let text = "fn f() { frame.write(0, mac) }";
    check_file("router-ebpf/src/rewrite.rs", text, &[]);
    check_file(
        "router-ebpf/src/packet.rs",
        text,
        &["`.write(` stands only in router-ebpf/src/rewrite.rs, router-ebpf/src/frame.rs"],
    );
}

#[test]
fn tools_import_none_of_our_crates() {
    check_file(
        "xtask/Cargo.toml",
        "[dependencies]\nclap.workspace = true\nrouter-common.workspace = true\n",
        &["must not depend on router-common"],
    );
    check_file(
        "router-ctl/Cargo.toml",
        "name = \"router-ctl\"\nrouter-common.workspace = true\n",
        &[],
    );
    check_file(
        "xtask/src/main.rs",
        "use router_ctl::cli;",
        &["router_ctl is named only in router-ctl/src/main.rs"],
    );
}
