//! Ports: attached in the asked mode or not at all, and one sentence says why.

use router_ctl::dataplane::{Dataplane, XdpMode};
use router_ctl::host::IfIndex;

use crate::fixture::{Place, numbered_veth, port, run, veth};

fn refusal(router: &mut impl Dataplane, port: &router_ctl::dataplane::Port) -> String {
    let error = router.put_port(port).expect_err("the port is refused");
    assert_eq!(router.ports(), [], "a refused port leaves nothing");
    error.to_string()
}

#[test]
fn a_driver_without_native_xdp_is_refused_and_generic_is_what_to_say() {
    let place = Place::new();
    let mut router = place.open();
    assert_eq!(
        refusal(&mut router, &port("lo", XdpMode::Native)),
        "lo: its driver has no native XDP; set xdp = \"generic\" (slower), or \"off\" to leave it to the kernel"
    );
    router
        .put_port(&port("lo", XdpMode::Generic))
        .expect("attached");
    assert!(run("ip", &["link", "show", "lo"]).contains("xdpgeneric"));
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let place = Place::new();
    let mut router = place.open();
    let mut missing = port("lo", XdpMode::Native);
    missing.name = "eth9".to_owned();
    missing.index = IfIndex(4711);
    assert_eq!(
        refusal(&mut router, &missing),
        "eth9: no such interface; `ip link` shows those there are"
    );
}

#[test]
fn another_program_in_the_way_is_named() {
    let (place, other) = (Place::new(), Place::beside());
    let port = numbered_veth("up0", "471100");
    let mut holder = other.open();
    holder.put_port(&port).expect("attached");
    let mut router = place.open();
    let error = refusal(&mut router, &port);
    let id = other.link().program_id();
    let expected =
        format!("up0: the program of another router is attached (router_ingress, id {id})");
    assert!(error.starts_with(&expected), "{error}");

    holder.remove_port(port.index).expect("detached");
    let program = other.pin("router_ingress").display().to_string();
    run(
        "bpftool",
        &[
            "net",
            "attach",
            "xdpgeneric",
            "pinned",
            &program,
            "dev",
            "up0",
        ],
    );
    let error = refusal(&mut router, &port);
    assert!(error.contains("attached without a BPF link"), "{error}");
    run("ip", &["link", "set", "dev", "up0", "xdpgeneric", "off"]);
    router.put_port(&port).expect("the way is free");
}

#[test]
fn a_port_that_lost_its_program_is_attached_again() {
    let place = Place::new();
    let mut router = place.open();
    let port = veth("up0");
    router.put_port(&port).expect("attached");
    let id = place.link().id().to_string();
    run("bpftool", &["link", "detach", "id", &id]);
    assert!(!run("ip", &["link", "show", "up0"]).contains("xdp"));
    router.put_port(&port).expect("attached");
    assert!(run("ip", &["link", "show", "up0"]).contains("xdp"));
    assert_ne!(place.link().id().to_string(), id);
}

#[test]
fn a_port_is_taken_away_even_when_its_interface_is_gone() {
    let place = Place::new();
    let mut router = place.open();
    let ports = [veth("up0"), veth("up1")];
    for port in &ports {
        router.put_port(port).expect("attached");
    }
    router.remove_port(ports[0].index).expect("removed");
    assert!(!run("ip", &["link", "show", "up0"]).contains("xdp"));
    assert!(run("ip", &["link", "show", "up1"]).contains("xdp"));
    run("ip", &["link", "delete", "up1"]);
    router.remove_port(ports[1].index).expect("removed");
    router
        .remove_port(ports[1].index)
        .expect("there is nothing to remove");
    assert_eq!(router.ports(), []);
}
