//! What a speaker has to say, as UPDATEs.

use std::collections::BTreeMap;

use router_ctl::bgp::attributes::AttributesEditor;
use router_ctl::bgp::types::{Asn, Family, NextHop, Nlri, Origin, PathAttributes, PathId};
use router_ctl::bgp::wire::as_path::AsPathBuilder;
use router_ctl::bgp::wire::update::{Encoding, encode_announce, encode_withdraw};

use super::{SpeakerOptions, State};

/// UPDATEs for what changed: prefixes with equal attributes share a message.
pub(super) fn pending(state: &mut State, options: &SpeakerOptions, encoding: &Encoding) -> Vec<u8> {
    let mut groups: BTreeMap<(bool, Vec<u32>), Vec<Nlri>> = BTreeMap::new();
    let mut withdrawn: BTreeMap<bool, Vec<Nlri>> = BTreeMap::new();
    for prefix in std::mem::take(&mut state.pending) {
        let nlri = Nlri {
            prefix,
            path_id: PathId(0),
        };
        let ipv6 = prefix.addr().is_ipv6();
        if !options.families.contains(&Family::of(prefix)) {
            continue;
        }
        match state.announced.get(&prefix) {
            Some(as_path) => groups
                .entry((ipv6, as_path.clone()))
                .or_default()
                .push(nlri),
            None => withdrawn.entry(ipv6).or_default().push(nlri),
        }
    }
    let mut out = Vec::new();
    for (ipv6, nlri) in withdrawn {
        encode_withdraw(&mut out, family(ipv6), &nlri, encoding);
    }
    for ((ipv6, as_path), nlri) in groups {
        let attributes = attributes(options, ipv6, &as_path);
        if let Err(error) = encode_announce(&mut out, family(ipv6), &attributes, &nlri, encoding) {
            panic!("{error}");
        }
    }
    out
}

fn family(ipv6: bool) -> Family {
    if ipv6 {
        Family::Ipv6Unicast
    } else {
        Family::Ipv4Unicast
    }
}

fn attributes(options: &SpeakerOptions, ipv6: bool, as_path: &[u32]) -> PathAttributes {
    let mut path = AsPathBuilder::new();
    for &asn in [options.asn].iter().chain(as_path) {
        path.push(Asn(asn));
    }
    let mut editor = AttributesEditor::empty();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(path.as_path());
    PathAttributes {
        next_hop: if ipv6 {
            NextHop::V6 {
                global: options.next_hop_v6,
                link_local: None,
            }
        } else {
            NextHop::V4(options.next_hop_v4)
        },
        raw: editor.finish(),
    }
}
