//! The BPF toolchain: a Rust compiler that may use unstable options, the source of its standard library, and
//! bpf-linker. Debian carries the compiler and an LLVM of the same version as packages; elsewhere it is a
//! rustup nightly. docs/adr/0003-ebpf-toolchain.md says why.

use std::path::Path;

use anyhow::{Result, bail};

use super::{State, Step, apt};
use crate::machine;
use crate::run::{capture, command, finds, run, search_path};

const LINKER_VERSION: &str = "0.13.0";
const DEBIAN_PACKAGES: &[&str] = &[
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "llvm-22-dev",
    "libpolly-22-dev",
    "zlib1g-dev",
    "libzstd-dev",
    "g++",
];
const DEBIAN_LLVM: &str = "/usr/lib/llvm-22/bin";

pub(super) fn bpf_steps() -> Vec<Step> {
    let compiler = if machine::has_debian_recipe() {
        Step {
            name: "Debian's Rust with library source, LLVM 22",
            look: || State::lacking(&apt::missing(DEBIAN_PACKAGES), "installed"),
            make: || apt::install(DEBIAN_PACKAGES, &[]),
            takes: "one or two minutes",
            remedy: "run as root on a machine that reaches a Debian mirror",
        }
    } else {
        Step {
            name: "nightly Rust with library source",
            look: look_for_nightly,
            make: install_nightly,
            takes: "about a minute",
            remedy: "install rustup (https://rustup.rs), which brings toolchains with their source",
        }
    };
    vec![
        compiler,
        Step {
            name: "bpf-linker",
            look: look_for_linker,
            make: install_linker,
            takes: "one or two minutes",
            remedy: "see what cargo said above; it needs a C++ compiler and crates.io",
        },
    ]
}

fn look_for_nightly() -> State {
    let sysroot = capture(command("rustc").args(["+nightly", "--print", "sysroot"]));
    let Ok(sysroot) = sysroot else {
        return State::Missing("the nightly toolchain".into());
    };
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core");
    if library.is_dir() {
        State::Present("installed".into())
    } else {
        State::Missing("rust-src of the nightly toolchain".into())
    }
}

fn install_nightly() -> Result<()> {
    if !finds("rustup") {
        bail!("no rustup here, and this is not a Debian whose packages would do");
    }
    let nightly = ["toolchain", "install", "nightly", "--profile", "minimal"];
    run(command("rustup")
        .args(nightly)
        .args(["--component", "rust-src"]))
}

fn look_for_linker() -> State {
    let version = capture(command("bpf-linker").arg("--version")).unwrap_or_default();
    match version.trim().rsplit(' ').next() {
        Some(LINKER_VERSION) => State::Present(LINKER_VERSION.into()),
        Some("") | None => State::Missing(LINKER_VERSION.into()),
        Some(other) => State::Missing(format!("{LINKER_VERSION}, found {other}")),
    }
}

fn install_linker() -> Result<()> {
    let mut install = command("cargo");
    install.args([
        "install",
        "bpf-linker",
        "--version",
        LINKER_VERSION,
        "--locked",
    ]);
    if machine::has_debian_recipe() {
        install
            .args(["--no-default-features", "--features", "llvm-22"])
            .env("PATH", search_path(Some(DEBIAN_LLVM)));
    }
    run(&mut install)
}

pub(super) fn lint_steps() -> Vec<Step> {
    vec![Step {
        name: "rustfmt and clippy",
        look: || {
            let works = |tool: &str| capture(command("cargo").args([tool, "--version"])).is_ok();
            let missing: Vec<_> = ["fmt", "clippy"]
                .into_iter()
                .filter(|tool| !works(tool))
                .collect();
            State::lacking(&missing, "installed")
        },
        make: || {
            if !finds("rustup") {
                bail!("no rustup here to add components with");
            }
            run(command("rustup").args(["component", "add", "rustfmt", "clippy"]))
        },
        takes: "some seconds",
        remedy: "install the rustfmt and clippy that belong to this cargo",
    }]
}
