use proptest::prelude::*;

use super::*;

fn header(length: u16, code: u8) -> [u8; HEADER] {
    let mut octets = [0xff; HEADER];
    octets[16..18].copy_from_slice(&length.to_be_bytes());
    octets[18] = code;
    octets
}

#[track_caller]
fn refused(octets: [u8; HEADER], limit: usize, subcode: u8, data: &[u8]) {
    let notification = Header::decode(&octets, limit).unwrap_err().notification;
    assert_eq!((notification.code, notification.subcode), (1, subcode));
    assert_eq!(notification.data, data);
}

#[test]
fn a_marker_that_is_not_all_ones_is_refused() {
    let mut octets = header(19, 4);
    octets[7] = 0xfe;
    refused(octets, STANDARD_LIMIT, 1, &[]);
}

#[test]
fn lengths_that_do_not_suit_are_refused_with_the_length() {
    let lengths = [
        (18, 4),
        (0, 4),
        (20, 4),
        (28, 1),
        (22, 2),
        (20, 3),
        (22, 5),
        (4097, 2),
    ];
    for (length, code) in lengths {
        refused(
            header(length, code),
            STANDARD_LIMIT,
            2,
            &length.to_be_bytes(),
        );
    }
}

#[test]
fn with_long_messages_only_open_and_keepalive_stay_short() {
    assert!(Header::decode(&header(65535, 2), EXTENDED_LIMIT).is_ok());
    assert!(Header::decode(&header(65535, 3), EXTENDED_LIMIT).is_ok());
    refused(header(4097, 1), EXTENDED_LIMIT, 2, &4097u16.to_be_bytes());
    refused(header(4097, 4), EXTENDED_LIMIT, 2, &4097u16.to_be_bytes());
}

#[test]
fn an_unknown_type_is_refused_with_the_type() {
    refused(header(19, 6), STANDARD_LIMIT, 3, &[6]);
    refused(header(19, 0), STANDARD_LIMIT, 3, &[0]);
}

proptest! {
    #[test]
    fn messages_come_out_whole_however_they_arrive(
        lengths in prop::collection::vec(23..600usize, 1..20),
        cuts in prop::collection::vec(1..700usize, 1..40),
    ) {
        let messages: Vec<Vec<u8>> = lengths
            .iter()
            .map(|&length| {
                let mut message = header(u16::try_from(length).unwrap(), 2).to_vec();
                message.resize(length, 7);
                message
            })
            .collect();
        let stream = messages.concat();
        let mut inbox = Inbox::default();
        let mut received = Vec::new();
        let mut rest = &stream[..];
        let mut cuts = cuts.iter().cycle();
        while !rest.is_empty() {
            let (mut chunk, tail) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            while let Some((header, message)) = inbox.next(&mut chunk, STANDARD_LIMIT).unwrap() {
                prop_assert_eq!(header.length, message.len());
                received.push(message.to_vec());
            }
            prop_assert!(inbox.len() < STANDARD_LIMIT);
            rest = tail;
        }
        prop_assert_eq!(received, messages);
        prop_assert!(inbox.is_empty());
    }

    #[test]
    fn an_inbox_never_keeps_more_than_one_message(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 0..8),
    ) {
        let mut inbox = Inbox::default();
        for chunk in chunks {
            let mut rest = &chunk[..];
            while let Ok(Some(_)) = inbox.next(&mut rest, STANDARD_LIMIT) {}
            prop_assert!(inbox.len() <= STANDARD_LIMIT);
            if !rest.is_empty() {
                // An error ends the connection.
                break;
            }
        }
    }
}
