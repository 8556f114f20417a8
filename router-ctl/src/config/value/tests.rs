use super::*;

fn refusal(kind: Type, text: &str) -> String {
    let refused = kind.text(text).unwrap_err();
    format!("{} | {}", refused.message, refused.hint.unwrap_or_default())
}

#[test]
fn words_are_ordered_as_people_count() {
    let mut words =
        ["eth10", "eth2", "eth2.100", "eth2.20", "bond0"].map(|word| Value::Word(word.to_owned()));
    words.sort();
    assert_eq!(
        words.map(|word| word.to_string()),
        ["bond0", "eth2", "eth2.20", "eth2.100", "eth10"]
    );
}

#[test]
fn values_are_canonical() {
    let text = |kind: Type, text: &str| kind.text(text).unwrap().to_string();
    assert_eq!(text(Type::Address, "2001:DB8:0::0001"), "2001:db8::1");
    assert_eq!(text(Type::PrefixV4, "203.0.113.7/24"), "203.0.113.0/24");
    assert_eq!(text(Type::PrefixV6, "2001:DB8::1/32"), "2001:db8::/32");
    assert_eq!(text(Type::Neighbor, "FE80:0::1%eth0"), "fe80::1%eth0");
    assert_eq!(text(Type::Neighbor, "2001:DB8::1"), "2001:db8::1");
    assert_eq!(text(Type::Neighbor, "eth0.100"), "eth0.100");
    assert_eq!(text(Type::AsPath, " 65001   65001 "), "65001 65001");
    assert_eq!(text(Type::NumberChange, "+010"), "+10");
    assert_eq!(text(Type::Community, "65535:65281"), "no-export");
}

/// A type, what is written, and `message | hint`.
const REFUSALS: &[(Type, &str, &str)] = &[
    (
        Type::Asn,
        "65001",
        "expected AS number, found \"65001\" | write 65001 without quotes",
    ),
    (
        Type::RemoteAs,
        "intern",
        "expected AS number, internal or external, found \"intern\" | ",
    ),
    (
        Type::Address,
        "10.0.0.1/24",
        "expected IPv4 or IPv6 address, found \"10.0.0.1/24\" | without the length: 10.0.0.1",
    ),
    (
        Type::Address,
        "224.0.0.1",
        "224.0.0.1 is not a unicast address | ",
    ),
    (
        Type::Address,
        "fe80::1%eth0",
        "fe80::1 with the zone \"eth0\" is not supported | use a global address",
    ),
    (
        Type::AddressV4,
        "::1",
        "::1 is an IPv6 address, expected an IPv4 address | ",
    ),
    (
        Type::AddressV6,
        "10.0.0.1",
        "10.0.0.1 is an IPv4 address, expected an IPv6 address | ",
    ),
    (
        Type::PrefixV4,
        "10.0.0.1",
        "expected IPv4 prefix, found \"10.0.0.1\" | with a length: 10.0.0.1/32",
    ),
    (
        Type::PrefixV4,
        "::/0",
        "::/0 is not an IPv4 prefix | the other address family has a node of its own beside this one",
    ),
    (
        Type::RouterId,
        "0.0.0.0",
        "0.0.0.0 is not a router id (RFC 6286 §2.1) | ",
    ),
    (
        Type::HostName,
        "a_b",
        "\"a_b\" is not a host name | letters, digits and hyphens, at most 63 in a label",
    ),
    (
        Type::Interface,
        "an-interface-name",
        "\"an-interface-name\" is not an interface name | 1–15 characters, without blanks, / : and %",
    ),
    (
        Type::Name,
        "two words",
        "\"two words\" is not a name | 1–64 letters, digits, hyphens, underscores and dots",
    ),
    (Type::Password, "a b", "a password holds no blanks | "),
    (
        Type::Source,
        "10.0.0.1/24",
        "expected IPv4 or IPv6 address, or interface name, found \"10.0.0.1/24\" | without the length: 10.0.0.1",
    ),
    (
        Type::Neighbor,
        "fe80::1%",
        "\"\" is not an interface name | 1–15 characters, without blanks, / : and %",
    ),
    (
        Type::Neighbor,
        "10.0.0.1%eth0",
        "expected IPv4 or IPv6 address, address%interface or interface name, found \"10.0.0.1%eth0\" | ",
    ),
    (
        Type::Prefix,
        "10.0.0.1",
        "expected IPv4 or IPv6 prefix, found \"10.0.0.1\" | with a length: 10.0.0.1/32",
    ),
    (
        Type::AsPath,
        "65001 x",
        "expected AS numbers, like \"65001 65001\", found \"65001 x\" | ",
    ),
    (
        Type::AsPath,
        "65001 23456",
        "AS 23456 is reserved and belongs to nobody | private numbers are 64512–65534 and 4200000000–4294967294",
    ),
    (
        Type::NumberChange,
        "+-1",
        "expected number, +N or -N, found \"+-1\" | ",
    ),
    (
        Type::NextHop,
        "::1",
        "expected IPv4 address, peer-address or unchanged, found \"::1\" | ",
    ),
    (
        Type::Community,
        "65536:1",
        "expected community, like 65001:100 or no-export, found \"65536:1\" | ",
    ),
    (
        Type::LargeCommunity,
        "1:2",
        "expected large community, like 65001:1:2, found \"1:2\" | ",
    ),
    (
        Type::CommunityRange,
        "1:9-1",
        "expected range of communities, like 64511:1-9, found \"1:9-1\" | ",
    ),
    (
        Type::RouteTarget,
        "1",
        "expected ASN:NN or IPv4:NN, found \"1\" | ",
    ),
    (Type::Text(3), "four", "4 octets, at most 3 are allowed | "),
    (Type::Text(3), "", "is empty | leave it out instead"),
];

#[test]
fn a_refusal_says_what_to_write_instead() {
    for (kind, text, expected) in REFUSALS {
        assert_eq!(refusal(*kind, text), *expected);
    }
}

#[test]
fn reserved_numbers_are_refused() {
    for (kind, number) in [
        (Type::Asn, 0),
        (Type::Asn, 23456),
        (Type::Asn, 65535),
        (Type::RemoteAs, 4_294_967_295),
        (Type::HoldTime, 2),
        (Type::Integer(1, 9), 10),
        (Type::Integer(1, 9), -1),
    ] {
        assert_eq!(
            kind.number(number).unwrap_err().code,
            Code::OutOfRange,
            "{number}"
        );
    }
    assert_eq!(Type::HoldTime.number(0), Ok(Value::Number(0)));
}

#[test]
fn a_key_is_written_like_text_even_if_it_is_a_number() {
    assert_eq!(Type::Integer(1, 9).key("07"), Ok(Value::Number(7)));
    assert_eq!(
        Type::Asn.key("4200000000"),
        Ok(Value::Number(4_200_000_000))
    );
    for (kind, text, message) in [
        (Type::Integer(1, 9), "10", "10 is outside of 1–9"),
        (Type::Integer(1, 9), "x", "expected 1–9, found \"x\""),
        (Type::Asn, "-1", "expected AS number, found \"-1\""),
    ] {
        assert_eq!(kind.key(text).unwrap_err().message, message);
    }
}

#[test]
fn a_value_is_found_by_what_is_written() {
    for (kind, text) in [
        (Type::Integer(1, 99), "10"),
        (Type::Neighbor, "2001:db8::1"),
        (Type::Neighbor, "fe80::1%eth0"),
        (Type::PrefixV4, "10.0.0.0/8"),
        (Type::Name, "10"),
    ] {
        let value = kind.key(text).unwrap();
        assert!(
            Value::spelled(&value.to_string()).contains(&value),
            "{text}"
        );
    }
}
