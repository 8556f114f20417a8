//! The body of an UPDATE. What is announced is canonical: encoded and decoded again it is the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use router_fuzz::bgp::types::{Asn, Family, FamilySet, PathAttributes, RouteUpdate};
use router_fuzz::bgp::wire::header::{EXTENDED_LIMIT, HEADER, Inbox};
use router_fuzz::bgp::wire::update::{
    DecodeOptions, Encoding, decode, encode_announce, encode_withdraw,
};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let options = options(choice);
    let Ok(update) = decode(body, &options) else {
        return;
    };
    for routes in &update.routes {
        assert_eq!(routes.announced.is_empty(), routes.attributes.is_none());
        assert!(options.families.contains(routes.family));
        let prefixes = routes.announced.iter().chain(&routes.withdrawn);
        for nlri in prefixes {
            assert_eq!(nlri.prefix, nlri.prefix.trunc());
            assert_eq!(Family::of(nlri.prefix), routes.family);
        }
        if let Some(attributes) = &routes.attributes {
            look_at(attributes);
            comes_back(routes, attributes, &options);
        }
        withdrawn_comes_back(routes, &options);
    }
});

fn options(choice: u8) -> DecodeOptions {
    let bit = |at: u8| choice >> at & 1 != 0;
    let some = |all: bool| -> FamilySet {
        if all {
            Family::ALL.into_iter().collect()
        } else {
            FamilySet::NONE
        }
    };
    DecodeOptions {
        four_octet_as: !bit(0),
        internal: bit(1),
        peer_as: Asn(65001),
        families: if bit(2) {
            FamilySet::from_iter([Family::Ipv4Unicast])
        } else {
            some(true)
        },
        add_path: some(bit(3)),
        extended_next_hop: !bit(4),
        enforce_first_as: bit(5),
        reject_as_sets: bit(6),
        allow_martian_next_hop: bit(7),
        link_local_next_hop: true,
        overrides: Vec::new(),
    }
}

fn look_at(attributes: &PathAttributes) {
    let view = attributes.view();
    assert!(view.origin().is_some());
    drop(view.as_path().to_string());
    let codes: Vec<_> = view.iter().map(|(code, _, _)| code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b));
    assert!(view.communities().is_sorted_by(|a, b| a < b));
    assert!(view.large_communities().is_sorted_by(|a, b| a < b));
    assert_eq!(attributes.edit().finish(), attributes.raw);
}

fn encoding(options: &DecodeOptions) -> Encoding {
    Encoding {
        four_octet_as: true,
        max_message: EXTENDED_LIMIT,
        add_path_v4: options.add_path.contains(Family::Ipv4Unicast),
        add_path_v6: options.add_path.contains(Family::Ipv6Unicast),
    }
}

fn read(bytes: &[u8], options: &DecodeOptions) -> Vec<RouteUpdate> {
    let options = DecodeOptions {
        four_octet_as: true,
        extended_next_hop: true,
        // A merged path may begin with another AS than the one that an old speaker wrote.
        enforce_first_as: false,
        ..options.clone()
    };
    let mut inbox = Inbox::default();
    let mut rest = bytes;
    let mut routes = Vec::new();
    while let Some((_, message)) = inbox
        .next(&mut rest, EXTENDED_LIMIT)
        .expect("our own header")
    {
        let update = decode(&message[HEADER..], &options).expect("our own UPDATE");
        routes.extend(update.routes);
    }
    routes
}

fn comes_back(routes: &RouteUpdate, attributes: &PathAttributes, options: &DecodeOptions) {
    let mut bytes = Vec::new();
    let (family, nlri) = (routes.family, &routes.announced);
    if encode_announce(&mut bytes, family, attributes, nlri, &encoding(options)).is_err() {
        return;
    }
    let mut announced = Vec::new();
    for again in read(&bytes, options) {
        assert_eq!(again.attributes.as_ref(), Some(attributes));
        announced.extend(again.announced);
    }
    assert_eq!(announced, routes.announced);
}

fn withdrawn_comes_back(routes: &RouteUpdate, options: &DecodeOptions) {
    let mut bytes = Vec::new();
    encode_withdraw(
        &mut bytes,
        routes.family,
        &routes.withdrawn,
        &encoding(options),
    );
    let read = read(&bytes, options).into_iter();
    let withdrawn: Vec<_> = read.flat_map(|again| again.withdrawn).collect();
    assert_eq!(withdrawn, routes.withdrawn);
}
