//! Embeds the XDP program under the feature `ebpf`: builds it with a compiler that can, or takes the object
//! that `ROUTER_EBPF_OBJECT` names. `ROUTER_EBPF_FEATURES=trace` asks for the build that logs each packet.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "bpfel-unknown-none";
const NO_TOOLCHAIN: &str = "no compiler for the XDP program was found: run `cargo xtask setup`, \
                            or build with --no-default-features for protocol work";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ROUTER_EBPF_OBJECT");
    println!("cargo::rerun-if-env-changed=ROUTER_EBPF_FEATURES");
    if env::var_os("CARGO_FEATURE_EBPF").is_none() {
        return;
    }
    if let Err(message) = embed() {
        println!("cargo::error={message}");
    }
}

fn embed() -> Result<(), String> {
    let embedded = variable("OUT_DIR")?.join("router.bpf.o");
    if let Some(object) = env::var_os("ROUTER_EBPF_OBJECT").map(PathBuf::from) {
        println!("cargo::rerun-if-changed={}", object.display());
        return copy(&object, &embedded);
    }
    let workspace = variable("CARGO_MANIFEST_DIR")?.join("..");
    for source in [
        ".cargo/config.toml",
        "Cargo.lock",
        "Cargo.toml",
        "router-common/Cargo.toml",
        "router-common/src",
        "router-ebpf/Cargo.toml",
        "router-ebpf/src",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }
    let toolchain = Toolchain::find()?;
    let target_dir = target_dir()?.join("bpf");
    fs::create_dir_all(&target_dir)
        .map_err(|error| format!("{}: {error}", target_dir.display()))?;
    // Builds of several profiles share the directory; the object is copied before another may replace it.
    let lock_path = target_dir.join("embed.lock");
    let lock =
        File::create(&lock_path).map_err(|error| format!("{}: {error}", lock_path.display()))?;
    lock.lock()
        .map_err(|error| format!("{}: {error}", lock_path.display()))?;
    toolchain.build(&workspace, &target_dir)?;
    copy(&target_dir.join(TARGET).join("release/router"), &embedded)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to)
        .map(drop)
        .map_err(|error| format!("{}: {error}", from.display()))
}

fn variable(name: &str) -> Result<PathBuf, String> {
    env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| format!("cargo did not set {name}"))
}

/// Cargo's target directory: the one above `OUT_DIR` that carries cargo's cache tag.
fn target_dir() -> Result<PathBuf, String> {
    let out = variable("OUT_DIR")?;
    out.ancestors()
        .find(|directory| directory.join("CACHEDIR.TAG").exists())
        .or_else(|| out.ancestors().nth(4))
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is in no target directory", out.display()))
}

/// A cargo and rustc that can build the core library for the BPF target, with the linker on its path.
struct Toolchain {
    cargo: Command,
    path: OsString,
}

impl Toolchain {
    fn find() -> Result<Self, String> {
        let path = search_path()?;
        if !env::split_paths(&path).any(|directory| directory.join("bpf-linker").exists()) {
            return Err(NO_TOOLCHAIN.to_owned());
        }
        let cargo = distribution().or_else(nightly).ok_or(NO_TOOLCHAIN)?;
        Ok(Self { cargo, path })
    }

    fn build(mut self, workspace: &Path, target_dir: &Path) -> Result<(), String> {
        let features = env::var_os("ROUTER_EBPF_FEATURES").unwrap_or_default();
        let command = self
            .cargo
            .current_dir(workspace)
            .env("PATH", self.path)
            .args([
                "build",
                "--release",
                "--package",
                "router-ebpf",
                "--bin",
                "router",
            ])
            .args(["--target", TARGET, "-Zbuild-std=core", "--target-dir"])
            .arg(target_dir)
            .arg("--features")
            .arg(features);
        let status = command
            .status()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        if status.success() {
            Ok(())
        } else {
            Err(
                "the XDP program (router-ebpf) does not build; its compiler's messages are above"
                    .to_owned(),
            )
        }
    }
}

/// Where bpf-linker and the LLVM it was built against are looked for.
fn search_path() -> Result<OsString, String> {
    let cargo_bin = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .map(|home| home.join("bin"));
    let inherited = env::var_os("PATH").unwrap_or_default();
    let directories = cargo_bin
        .into_iter()
        .chain([PathBuf::from("/usr/lib/llvm-22/bin")])
        .chain(env::split_paths(&inherited));
    env::join_paths(directories).map_err(|error| format!("PATH: {error}"))
}

/// Debian's compiler with Debian's source of the core library.
fn distribution() -> Option<Command> {
    let rustc = Path::new("/usr/bin/rustc");
    let cargo = Path::new("/usr/bin/cargo");
    if !cargo.exists() || !has_core_source(&mut clean(rustc)) {
        return None;
    }
    let mut command = clean(cargo);
    command.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
    Some(command)
}

/// A rustup nightly with the component rust-src.
fn nightly() -> Option<Command> {
    let run = |tool: &str| {
        let mut command = clean(Path::new("rustup"));
        command.args(["run", "nightly", tool]);
        command
    };
    has_core_source(&mut run("rustc")).then(|| run("cargo"))
}

fn has_core_source(rustc: &mut Command) -> bool {
    let Ok(output) = rustc.args(["--print", "sysroot"]).output() else {
        return false;
    };
    let sysroot = String::from_utf8_lossy(&output.stdout);
    output.status.success()
        && Path::new(sysroot.trim())
            .join("lib/rustlib/src/rust/library/core/src/lib.rs")
            .exists()
}

/// A command without what this build's cargo told us: its compiler, wrappers, flags and profile are not for
/// the other one. What says where to download from stays.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let of_cargo =
            text.starts_with("CARGO") || text.starts_with("RUST") || text.starts_with("DEP_");
        let of_the_build = matches!(
            text,
            "TARGET"
                | "HOST"
                | "OUT_DIR"
                | "PROFILE"
                | "OPT_LEVEL"
                | "DEBUG"
                | "NUM_JOBS"
                | "MAKEFLAGS"
                | "MFLAGS"
                | "LD_LIBRARY_PATH"
        );
        let of_the_host = [
            "CARGO_HOME",
            "CARGO_NET_",
            "CARGO_HTTP_",
            "CARGO_REGISTR",
            "RUSTUP_HOME",
            "RUSTUP_DIST_",
        ]
        .iter()
        .any(|kept| text.starts_with(kept));
        if (of_cargo || of_the_build) && !of_the_host {
            command.env_remove(&name);
        }
    }
    command
}
