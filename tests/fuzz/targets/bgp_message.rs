//! A byte stream, cut into messages. What is decoded and can be encoded comes back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use router_fuzz::bgp::wire::header::{EXTENDED_LIMIT, HEADER, Inbox, STANDARD_LIMIT};
use router_fuzz::bgp::wire::notification::Notification;
use router_fuzz::bgp::wire::open::Open;
use router_fuzz::bgp::wire::{self, Message, route_refresh};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, stream)) = data.split_first() else {
        return;
    };
    let limit = if choice & 1 == 0 {
        STANDARD_LIMIT
    } else {
        EXTENDED_LIMIT
    };
    // The stream arrives in chunks of this many octets.
    let chunk = usize::from(choice >> 1) + 1;
    let mut inbox = Inbox::default();
    for mut rest in stream.chunks(chunk) {
        loop {
            match inbox.next(&mut rest, limit) {
                Ok(Some((header, message))) => {
                    assert_eq!(header.length, message.len());
                    if let Ok(message) = wire::decode(header, message) {
                        check(&message);
                    }
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
        assert!(rest.is_empty() && inbox.len() < limit);
    }
});

fn check(message: &Message<'_>) {
    let mut bytes = Vec::new();
    match message {
        Message::Open(open) => {
            open.encode(&mut bytes);
            open.capabilities
                .iter()
                .for_each(|each| drop(each.to_string()));
            // A long list of capabilities may be read (RFC 9072) but is never written.
            if Open::decode(&bytes[HEADER..]).as_ref() != Ok(open) {
                assert!(bytes.len() > 255);
            }
        }
        Message::Notification(notification) => {
            notification.encode(&mut bytes);
            drop(notification.to_string());
            if bytes.len() < STANDARD_LIMIT {
                assert_eq!(&Notification::decode(&bytes[HEADER..]), notification);
            }
        }
        Message::RouteRefresh(Some((family, kind))) => {
            route_refresh::encode(&mut bytes, *family, *kind);
            assert_eq!(route_refresh::decode(&bytes), Ok(Some((*family, *kind))));
        }
        Message::Update(_) | Message::Keepalive | Message::RouteRefresh(None) => {}
    }
}
