use super::*;

#[test]
fn values_are_read_and_written_alike() {
    for text in ["0", "200", "+10", "-4294967295"] {
        let value: NumberChange = text.parse().unwrap();
        assert_eq!(value.to_string(), text);
    }
    for text in ["", "+", "-", "+-1", "1x", "4294967296", "++1"] {
        assert!(text.parse::<NumberChange>().is_err(), "{text}");
    }
    for text in ["65000:100", "65000:70000", "192.0.2.1:100", "4200000000:7"] {
        let value: ExtendedValue = text.parse().unwrap();
        assert_eq!(value.to_string(), text);
        assert_eq!(value.route_target().to_string(), format!("rt:{text}"));
        assert_eq!(value.site_of_origin().to_string(), format!("soo:{text}"));
    }
    for text in [
        "",
        "1",
        ":",
        "1:",
        ":1",
        "192.0.2.1:70000",
        "4200000000:70000",
        "a:1",
    ] {
        assert!(text.parse::<ExtendedValue>().is_err(), "{text}");
    }
}

#[test]
fn communities_are_read_by_number_and_by_name() {
    for (text, number) in [
        ("65000:100", Some(65000 << 16 | 100)),
        ("no-export", Some(0xffff_ff01)),
        ("local-as", Some(0xffff_ff03)),
        ("graceful-shutdown", Some(0xffff_0000)),
        ("internet", Some(0)),
        ("65536:1", None),
        ("1:65536", None),
        ("1", None),
        ("+1:1", None),
        ("no_export", None),
    ] {
        assert_eq!(parse_community(text).map(|each| each.0), number, "{text}");
    }
    assert_eq!(
        parse_large_community("4200000000:1:2"),
        Some(LargeCommunity([4_200_000_000, 1, 2]))
    );
    for text in ["1:2", "1:2:3:4", "1:2:", "1:2:x"] {
        assert_eq!(parse_large_community(text), None, "{text}");
    }
    assert!(parse_extended_community("RT:1:2").is_some());
    assert_eq!(parse_extended_community("color:1:2"), None);
}

#[test]
fn a_range_of_communities_is_a_scale_of_one_as() {
    let range: CommunityRange = "64511:1-9".parse().unwrap();
    assert_eq!(range.to_string(), "64511:1-9");
    for (community, value) in [
        ("64511:1", Some(1)),
        ("64511:9", Some(9)),
        ("64511:0", None),
        ("64511:10", None),
        ("64512:5", None),
    ] {
        let community = parse_community(community).unwrap();
        assert_eq!(range.value(community), value, "{community}");
    }
    assert_eq!(range.community(7).to_string(), "64511:7");
    for text in ["64511:9-1", "64511:1", "64511:1-", "1-9", "64511:1-65536"] {
        assert!(text.parse::<CommunityRange>().is_err(), "{text}");
    }
}

#[test]
fn differences_stop_at_the_ends_of_the_range() {
    for (change, old, new) in [
        (NumberChange::To(5), 7, 5),
        (NumberChange::Plus(5), 7, 12),
        (NumberChange::Plus(5), u32::MAX - 1, u32::MAX),
        (NumberChange::Minus(5), 7, 2),
        (NumberChange::Minus(5), 3, 0),
    ] {
        assert_eq!(change.apply(old), new);
    }
}
