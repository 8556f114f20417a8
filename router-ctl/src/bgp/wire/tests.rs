use proptest::prelude::*;

use super::*;
use crate::bgp::wire::header::{EXTENDED_LIMIT, STANDARD_LIMIT};

fn decoded(bytes: &[u8]) -> Message<'_> {
    let header = Header::decode(bytes.first_chunk().unwrap(), STANDARD_LIMIT).unwrap();
    assert_eq!(header.length, bytes.len());
    decode(header, bytes).unwrap()
}

#[test]
fn a_keepalive_is_a_header() {
    let mut bytes = Vec::new();
    encode_keepalive(&mut bytes);
    assert_eq!(bytes.len(), HEADER);
    assert_eq!(decoded(&bytes), Message::Keepalive);
}

#[test]
fn route_refreshes_survive_the_wire() {
    for family in Family::ALL {
        for kind in [RefreshKind::Request, RefreshKind::Begin, RefreshKind::End] {
            let mut bytes = Vec::new();
            route_refresh::encode(&mut bytes, family, kind);
            assert_eq!(bytes.len(), 23);
            assert_eq!(decoded(&bytes), Message::RouteRefresh(Some((family, kind))));
        }
    }
}

#[test]
fn route_refreshes_that_we_do_not_know_are_ignored() {
    let refresh = |body: &[u8]| {
        let mut bytes = Vec::new();
        writer::message(&mut bytes, MessageType::RouteRefresh, |out| {
            out.extend_from_slice(body);
        });
        let header = Header::decode(bytes.first_chunk().unwrap(), STANDARD_LIMIT).unwrap();
        decode(header, &bytes).map(|message| message == Message::RouteRefresh(None))
    };
    assert_eq!(refresh(&[0, 1, 9, 1]), Ok(true));
    assert_eq!(refresh(&[0, 1, 0, 128]), Ok(true));
    // With a filter that follows it is still a request.
    assert_eq!(refresh(&[0, 1, 0, 1, 1, 64, 0, 0]), Ok(false));
    let error = refresh(&[0, 1, 1, 1, 0]).unwrap_err().notification;
    assert_eq!((error.code, error.subcode), (7, 1));
    assert_eq!(error.data.len(), 24);
}

proptest! {
    #[test]
    fn any_message_is_decoded_without_panic(
        code in 0..7u8,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = vec![0xff; 16];
        let length = u16::try_from(HEADER + body.len()).unwrap();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.push(code);
        bytes.extend_from_slice(&body);
        if let Ok(header) = Header::decode(bytes.first_chunk().unwrap(), EXTENDED_LIMIT) {
            let _ = decode(header, &bytes);
        }
    }
}
