//! What is said when something is missing or in the way, and that nothing is left behind.

use std::fs;

use router_common::settings::Settings;
use router_ctl::dataplane::{Dataplane, OpenOptions, unload};

use crate::fixture::{BPFFS, Place, names, run, veth};

fn refusal(place: &Place) -> String {
    place
        .try_open()
        .map(|_| ())
        .expect_err("the data plane does not open")
        .to_string()
}

#[test]
fn a_directory_outside_bpffs_is_refused_with_the_mount_to_make() {
    let options = OpenOptions {
        bpffs: "/tmp/router".into(),
    };
    let error = router_ctl::dataplane::open(&options)
        .map(|_| ())
        .expect_err("not a BPF file system");
    assert!(error.to_string().contains("mount -t bpf bpf"), "{error}");
}

#[test]
fn a_name_with_a_dot_is_refused_in_words() {
    let mut place = Place::new();
    place.directory = format!("{BPFFS}/router-test.dot").into();
    assert!(refusal(&place).contains("no names with dots"));
}

#[test]
fn two_routers_do_not_share_a_directory() {
    let place = Place::new();
    let _first = place.open();
    assert!(refusal(&place).contains("another router-ctl runs on"));
    let error = unload(&place.directory).expect_err("a router runs on it");
    assert!(error.to_string().contains("stop it first"), "{error}");
}

#[test]
fn routers_side_by_side_have_maps_of_their_own() {
    let places = [Place::new(), Place::beside()];
    let _routers = places.each_ref().map(Place::open);
    let seeds = places.each_ref().map(|place| {
        let settings = place.array::<Settings>("SETTINGS");
        settings.get(&0, 0).expect("settings").hash_seed
    });
    assert_ne!(seeds[0], seeds[1]);
}

#[test]
fn an_incomplete_or_foreign_set_of_maps_is_refused_and_unload_clears_it() {
    let place = Place::new();
    drop(place.open());
    fs::rename(place.pin("LPM_V4"), place.pin("aside")).expect("pins can be renamed");
    assert!(refusal(&place).contains("incomplete"));
    fs::rename(place.pin("LPM_V6"), place.pin("LPM_V4")).expect("pins can be renamed");
    fs::rename(place.pin("aside"), place.pin("LPM_V6")).expect("pins can be renamed");
    let error = refusal(&place);
    assert!(
        error.contains("LPM_V4: the pinned map is not what this version needs"),
        "{error}"
    );
    unload(&place.directory).expect("unloaded");
    assert!(!place.open().report().adopted);
}

#[test]
fn a_half_filled_directory_is_no_obstacle_and_another_version_is_reported() {
    let place = Place::new();
    let version = router_common::ABI_VERSION;
    fs::create_dir_all(place.directory.join(format!("v{version}_new/rest"))).expect("a directory");
    let other = place.directory.join("v0");
    fs::create_dir_all(&other).expect("a directory");
    let router = place.open();
    assert_eq!(router.report().other_versions, [other]);
    assert_eq!(
        names(&place.directory),
        ["v0".to_owned(), format!("v{version}")]
    );
}

#[test]
fn unload_leaves_nothing_and_spares_what_is_not_ours() {
    let place = Place::new();
    let port = veth("up0");
    let mut router = place.open();
    router.put_port(&port).expect("attached");
    drop(router);
    assert!(run("ip", &["link", "show", "up0"]).contains("xdp"));
    let foreign = place.directory.join("theirs");
    fs::create_dir(&foreign).expect("a directory");

    let report = unload(&place.directory).expect("unloaded");
    assert_eq!(report.detached, [port.index]);
    assert_eq!(
        report.unpinned.len(),
        router_common::map::ALL.len() + 2,
        "{report:?}"
    );
    assert!(!run("ip", &["link", "show", "up0"]).contains("xdp"));
    assert_eq!(names(&place.directory), ["theirs"]);

    fs::remove_dir(&foreign).expect("it is still there");
    let report = unload(&place.directory).expect("there is nothing to do");
    assert_eq!(report, router_ctl::dataplane::UnloadReport::default());
    assert!(!place.directory.exists());
}
