//! An edge router as it is measured: upstreams that are told nothing, because an upstream hears no other's routes.

use lab::topology::Spoke;
use router_ctl::bgp::types::Asn;

const ROUTER_AS: u32 = 65000;

pub(crate) fn asn(upstream: &Spoke) -> Asn {
    Asn(ROUTER_AS + 1 + u32::from(upstream.number))
}

/// XDP on `ports` interfaces; `timing` stands below each neighbour, `rest` at the end.
pub(crate) fn config(upstreams: &[Spoke], ports: usize, timing: &str, rest: &str) -> String {
    let mut text = format!(
        "[protocols.bgp]\nsystem-as = {ROUTER_AS}\n[protocols.bgp.parameters]\nrouter-id = \"10.0.0.1\"\n\
         ebgp-requires-policy = false\nbestpath.as-path.multipath-relax = true\n\
         [policy.prefix-list.NONE]\nrule.10 = {{ action = \"deny\", prefix = \"0.0.0.0/0\", le = 32 }}\n\
         [policy.prefix-list6.NONE]\nrule.10 = {{ action = \"deny\", prefix = \"::/0\", le = 128 }}\n"
    );
    let mut add = |block: String| text.push_str(&block);
    for port in 0..ports {
        add(format!(
            "[interfaces.ethernet.eth{port}]\nxdp = \"native\"\n"
        ));
    }
    for spoke in upstreams {
        let (address, asn) = (spoke.peer_v4(), asn(spoke));
        let neighbor = format!("protocols.bgp.neighbor.\"{address}\"");
        add(format!(
            "[{neighbor}]\nremote-as = {asn}\npassive = true\n{timing}\n"
        ));
        for family in ["ipv4-unicast", "ipv6-unicast"] {
            add(format!(
                "[{neighbor}.address-family.{family}]\nprefix-list.export = \"NONE\"\n"
            ));
        }
    }
    text.push_str(rest);
    text
}
