//! Nothing is left behind: not after a panic, not by a process that was killed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::{Lab, wait};

#[test]
fn a_panic_leaves_no_namespace_no_file_and_no_process() -> Result<()> {
    let mut name = String::new();
    let mut pid = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut lab = Lab::new("panics").unwrap();
        lab.full_name().clone_into(&mut name);
        let node = lab.node("n1").unwrap();
        let mut sleep = Command::new("sleep");
        sleep.arg("1000");
        let process = node.spawn("sleep", sleep).unwrap();
        pid = process.pid();
        assert!(node.netns_path().exists());
        panic!("on purpose");
    }));
    assert!(outcome.is_err());
    assert_eq!(things_named(&name), Vec::<PathBuf>::new());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    Ok(())
}

#[test]
fn a_panic_inside_a_node_reaches_the_caller() -> Result<()> {
    let mut lab = Lab::new("inner")?;
    let node = lab.node("n1")?;
    let outcome = catch_unwind(AssertUnwindSafe(|| node.run(|| panic!("inside"))));
    let words = outcome.unwrap_err();
    assert_eq!(words.downcast_ref::<&str>(), Some(&"inside"));
    Ok(())
}

#[test]
fn a_kept_lab_stays_until_it_is_removed() -> Result<()> {
    let (name, pid) = {
        let mut lab = Lab::new("kept")?;
        let node = lab.node("n1")?;
        let mut sleep = Command::new("sleep");
        sleep.arg("1000");
        let process = node.spawn("sleep", sleep)?;
        lab.keep()?;
        (lab.full_name().to_owned(), process.pid())
    };
    let process = PathBuf::from(format!("/proc/{pid}"));
    assert_eq!(things_named(&name).len(), 2, "a namespace and a directory");
    assert!(process.exists());

    let kept = lab::leftovers::kept();
    let id = kept
        .iter()
        .find(|id| name.starts_with(*id))
        .context("not listed as kept")?;
    lab::leftovers::remove(id)?;
    assert_eq!(things_named(&name), Vec::<PathBuf>::new());
    // Its parent has not waited for it, so it stays as a zombie: without memory, files or namespace.
    wait::until(
        "the kept process to be dead",
        Duration::from_secs(5),
        || {
            let status = fs::read_to_string(process.join("status")).unwrap_or_default();
            (status.is_empty() || status.contains("State:\tZ")).then_some(())
        },
    );
    Ok(())
}

#[test]
fn what_a_killed_process_left_behind_is_purged_with_its_processes() -> Result<()> {
    // While its owner lives, nobody else's purge may touch it.
    let mut owner = Command::new("sleep").arg("1000").spawn()?;
    let name = format!("router-lab-{}-0-killed", owner.id());
    let files = Path::new("/run/router-lab").join(&name);
    fs::create_dir_all(&files)?;
    run("ip", &["netns", "add", &format!("{name}-n1")])?;
    let namespace = format!("--net=/run/netns/{name}-n1");
    let mut inside = Command::new("nsenter")
        .args([&namespace, "sleep", "1000"])
        .spawn()?;
    let comm = format!("/proc/{}/comm", inside.id());
    wait::until("the process to be inside", Duration::from_secs(5), || {
        (fs::read_to_string(&comm).ok()? == "sleep\n").then_some(())
    });

    lab::leftovers::purge();
    assert_eq!(things_named(&name).len(), 2, "the owner lives");
    owner.kill()?;
    owner.wait()?;
    lab::leftovers::purge();

    assert_eq!(things_named(&name), Vec::<PathBuf>::new());
    assert!(!inside.wait()?.success(), "killed");
    Ok(())
}

fn run(program: &str, args: &[&str]) -> Result<()> {
    let status = Command::new(program).args(args).status()?;
    anyhow::ensure!(status.success(), "{program} {args:?} ended with {status}");
    Ok(())
}

#[test]
fn nodes_of_one_lab_have_different_names() -> Result<()> {
    let mut lab = Lab::new("names")?;
    lab.node("n1")?;
    assert!(lab.node("n1").is_err());
    assert!(lab.node("no spaces").is_err());
    assert!(Lab::new("").is_err());
    Ok(())
}

fn things_named(name: &str) -> Vec<PathBuf> {
    ["/run/netns", "/run/router-lab", "/sys/fs/bpf"]
        .iter()
        .flat_map(|directory| fs::read_dir(directory).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().contains(name))
        .collect()
}
