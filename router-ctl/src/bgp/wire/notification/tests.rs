use proptest::prelude::*;

use super::*;
use crate::bgp::wire::header::HEADER;

#[test]
fn a_shutdown_carries_its_text() {
    let notification = Notification::cease_with_text(2, Some("back at 5 \u{1f980}"));
    assert_eq!(notification.text().unwrap(), "back at 5 \u{1f980}");
    let shown = notification.to_string();
    assert_eq!(
        shown,
        "Cease/Administrative Shutdown (6/2): \"back at 5 \u{1f980}\""
    );
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    let text = format!("{}\u{e9}tail", "x".repeat(254));
    let notification = Notification::cease_with_text(4, Some(&text));
    assert_eq!(notification.data.len(), 255);
    assert_eq!(notification.text().unwrap(), "x".repeat(254));
}

#[test]
fn a_text_of_the_peer_is_shown_escaped() {
    let notification = Notification::with_data(6, 2, b"\x05a\n\x1b[2");
    assert!(notification.to_string().ends_with(r#""a\n\u{1b}[2""#));
    let lying = Notification::with_data(6, 2, b"\x09abc");
    assert_eq!(lying.text(), None);
}

#[test]
fn a_hard_reset_names_what_it_wraps() {
    let inner = Notification::cease_with_text(3, None);
    let wrapped = inner.clone().into_hard_reset();
    assert_eq!(wrapped.unwrapped(), Some(inner));
    assert_eq!(
        wrapped.to_string(),
        "Cease/Hard Reset (6/9): Cease/Peer De-configured (6/3)"
    );
    let empty = Notification::new(6, 9);
    assert_eq!(empty.unwrapped(), None);
}

#[test]
fn names_are_those_of_the_registry() {
    let names = |code, subcode| Notification::new(code, subcode).names();
    assert_eq!(names(2, 11), ("OPEN Message Error", Some("Role Mismatch")));
    assert_eq!(names(2, 8), ("OPEN Message Error", None));
    assert_eq!(names(4, 0), ("Hold Timer Expired", None));
    assert_eq!(names(6, 10), ("Cease", Some("BFD Down")));
    assert_eq!(names(99, 1), ("unknown code", None));
}

proptest! {
    #[test]
    fn notifications_survive_the_wire(
        code in any::<u8>(),
        subcode in any::<u8>(),
        data in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let notification = Notification { code, subcode, data };
        let mut bytes = Vec::new();
        notification.encode(&mut bytes);
        prop_assert_eq!(&Notification::decode(&bytes[HEADER..]), &notification);
        let _ = notification.to_string();
        let _ = notification.unwrapped();
    }
}
