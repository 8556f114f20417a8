//! The messages of router discovery (RFC 4861 §4.1, §4.2).

use super::Received;
use crate::host::MacAddress;

pub(super) const SOLICITATION: u8 = 133;
pub(super) const ADVERTISEMENT: u8 = 134;
const SOLICITATION_HEADER: usize = 8;
const ADVERTISEMENT_HEADER: usize = 16;
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
/// A packet with it has passed no router.
const ONLY_FROM_THE_LINK: u8 = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Solicitation,
    Advertisement,
}

/// A router that is nobody's default: lifetime 0, and nothing else said. The checksum is the kernel's.
pub(super) fn advertisement(mac: Option<MacAddress>) -> Vec<u8> {
    let mut message = vec![0; ADVERTISEMENT_HEADER];
    message[0] = ADVERTISEMENT;
    if let Some(MacAddress(mac)) = mac {
        message.extend([SOURCE_LINK_LAYER_ADDRESS, 1]);
        message.extend(mac);
    }
    message
}

/// Asks the other routers of a link to advertise themselves now. The checksum is the kernel's.
pub(super) fn solicitation() -> Vec<u8> {
    let mut message = vec![0; SOLICITATION_HEADER];
    message[0] = SOLICITATION;
    message
}

/// What a message is, if it is valid (RFC 4861 §6.1.1, §6.1.2; the kernel has checked the checksum).
pub(super) fn parse(received: &Received) -> Option<Message> {
    let message = received.message.as_slice();
    let &[kind, code, ..] = message else {
        return None;
    };
    if code != 0 || received.hop_limit != ONLY_FROM_THE_LINK {
        return None;
    }
    match kind {
        SOLICITATION => {
            let options = options(message.get(SOLICITATION_HEADER..)?)?;
            let anonymous = received.source.is_unspecified();
            (!anonymous || !options.contains(&SOURCE_LINK_LAYER_ADDRESS))
                .then_some(Message::Solicitation)
        }
        ADVERTISEMENT => {
            options(message.get(ADVERTISEMENT_HEADER..)?)?;
            received
                .source
                .is_unicast_link_local()
                .then_some(Message::Advertisement)
        }
        _ => None,
    }
}

/// The types of the options; `None` when one has length 0 or runs past the end.
fn options(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut kinds = Vec::new();
    while !rest.is_empty() {
        let &[kind, length, ..] = rest else {
            return None;
        };
        if length == 0 {
            return None;
        }
        rest = rest.get(usize::from(length) * 8..)?;
        kinds.push(kind);
    }
    Some(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::IfIndex;

    fn received(source: &str, message: &[u8]) -> Received {
        Received {
            link: IfIndex(3),
            source: source.parse().unwrap(),
            hop_limit: 255,
            message: message.to_vec(),
        }
    }

    #[test]
    fn our_advertisement_makes_us_nobodys_default_router() {
        let message = advertisement(Some(MacAddress([2, 0, 0, 0, 0, 7])));
        assert_eq!(
            message,
            [
                134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // header, all unspecified
                1, 1, 2, 0, 0, 0, 0, 7, // source link-layer address
            ]
        );
        assert_eq!(advertisement(None).len(), 16);
        let heard = received("fe80::1", &message);
        assert_eq!(parse(&heard), Some(Message::Advertisement));
    }

    #[test]
    fn an_advertisement_is_from_the_link_and_well_formed() {
        let good = advertisement(Some(MacAddress([2; 6])));
        let changed = |change: fn(&mut Vec<u8>)| {
            let mut message = good.clone();
            change(&mut message);
            parse(&received("fe80::1", &message))
        };
        assert_eq!(changed(|_| ()), Some(Message::Advertisement));
        assert_eq!(changed(|message| message[1] = 1), None, "code");
        assert_eq!(changed(|message| message.truncate(15)), None, "too short");
        assert_eq!(
            changed(|message| message[17] = 0),
            None,
            "option of length 0"
        );
        assert_eq!(changed(|message| message[17] = 2), None, "option too long");
        assert_eq!(
            changed(|message| message.truncate(17)),
            None,
            "half an option"
        );
        assert_eq!(changed(|message| message[0] = 135), None, "another type");
        for source in ["2001:db8::1", "::", "ff02::1"] {
            assert_eq!(parse(&received(source, &good)), None, "{source}");
        }
        let routed = Received {
            hop_limit: 254,
            ..received("fe80::1", &good)
        };
        assert_eq!(parse(&routed), None);
        assert_eq!(parse(&received("fe80::1", &[])), None);
    }

    #[test]
    fn a_solicitation_may_be_anonymous_and_then_names_no_address() {
        let bare = [133, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(solicitation(), bare);
        let named = [bare.as_slice(), &[1, 1, 2, 0, 0, 0, 0, 7]].concat();
        for (source, message, valid) in [
            ("fe80::1", bare.as_slice(), true),
            ("::", &bare, true),
            ("fe80::1", &named, true),
            ("::", &named, false),
            ("fe80::1", &bare[..7], false),
        ] {
            let parsed = parse(&received(source, message));
            assert_eq!(parsed, valid.then_some(Message::Solicitation), "{source}");
        }
    }
}
