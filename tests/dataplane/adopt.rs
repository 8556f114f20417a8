//! A restart adopts what is pinned: the same maps, the same links, a new program in them.

use nix::sched::{CloneFlags, unshare};
use router_common::port::{PortConfig, PortKey};
use router_common::settings::Settings;
use router_ctl::dataplane::{Dataplane, PortStatus, XdpMode};

use crate::fixture::{Place, bind, port, run, sentences, two_paths, veth};

#[test]
fn a_restart_finds_what_was_installed_and_the_seed() {
    let place = Place::new();
    let mut router = place.open();
    let mut ops = two_paths();
    ops.extend([bind("10.0.0.0/8", 2), bind("2001:db8::/32", 3)]);
    assert_eq!(sentences(&router.apply(&ops)), []);
    let before = router.dump().expect("a dump");
    let seed = |place: &Place| {
        place
            .array::<Settings>("SETTINGS")
            .get(&0, 0)
            .expect("settings")
    };
    let settings = seed(&place);
    drop(router);

    let router = place.open();
    assert!(router.report().adopted);
    assert_eq!(router.dump().expect("a dump"), before);
    assert_eq!(seed(&place), settings);
    assert_eq!(settings.engine, Settings::ENGINE_LPM_TRIE);
}

#[test]
fn a_restart_keeps_the_link_and_replaces_the_program() {
    let place = Place::new();
    let port = veth("up0");
    let mut router = place.open();
    router.put_port(&port).expect("attached");
    let before = place.link();
    drop(router);

    let mut router = place.open();
    let after = place.link();
    assert_eq!(after.id(), before.id());
    assert_ne!(after.program_id(), before.program_id());
    let adopted = PortStatus {
        index: port.index,
        name: "up0".to_owned(),
        mode: XdpMode::Native,
        adopted: true,
    };
    assert_eq!(router.ports(), [adopted]);
    assert_eq!(router.report().ports, router.ports());
    router.put_port(&port).expect("put again");
    assert_eq!(place.link().id(), before.id());
}

#[test]
fn ports_whose_interface_is_gone_are_cleared() {
    let place = Place::new();
    let port = veth("up0");
    let mut router = place.open();
    router.put_port(&port).expect("attached");
    drop(router);
    run("ip", &["link", "delete", "up0"]);

    let router = place.open();
    assert_eq!(router.report().gone, [port.index]);
    assert_eq!(router.ports(), []);
    let entries = aya::maps::MapData::from_pin(place.pin("PORTS")).expect("a map");
    let entries: aya::maps::HashMap<_, PortKey, PortConfig> =
        aya::maps::Map::from_map_data(entries)
            .expect("a map")
            .try_into()
            .expect("a hash map");
    assert_eq!(entries.keys().count(), 0);
}

#[test]
fn a_directory_of_another_namespace_is_refused_while_its_ports_live() {
    let place = Place::new();
    let port = veth("up0");
    let mut router = place.open();
    router.put_port(&port).expect("attached");
    drop(router);
    let link = place.link();

    std::thread::scope(|scope| {
        let elsewhere = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a namespace");
            place
                .try_open()
                .map(|_| ())
                .expect_err("refused")
                .to_string()
        });
        let error = elsewhere.join().expect("no panic");
        assert!(error.contains("another network namespace"), "{error}");
    });
    assert_eq!(place.link().id(), link.id());

    run("ip", &["link", "delete", "up0"]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a namespace");
            drop(place.open());
        });
    });
}

#[test]
fn a_port_put_in_the_other_mode_after_a_restart_changes_mode() {
    let place = Place::new();
    let native = veth("up0");
    let mut router = place.open();
    router.put_port(&native).expect("attached");
    drop(router);

    let mut router = place.open();
    let generic = port("up0", XdpMode::Generic);
    router.put_port(&generic).expect("attached");
    let status: Vec<_> = router
        .ports()
        .into_iter()
        .map(|port| (port.mode, port.adopted))
        .collect();
    assert_eq!(status, [(XdpMode::Generic, false)]);
    assert!(run("ip", &["link", "show", "up0"]).contains("xdpgeneric"));
}
