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
}

#[test]
fn a_refusal_says_what_to_write_instead() {
    let rows = [
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
        (Type::Text(3), "four", "4 octets, at most 3 are allowed | "),
        (Type::Text(3), "", "is empty | leave it out instead"),
    ];
    for (kind, text, expected) in rows {
        assert_eq!(refusal(kind, text), expected);
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
