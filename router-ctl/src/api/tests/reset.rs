//! Sessions are reset through the API.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::send;
use crate::api::tests::fixture::{Fake, Server};
use crate::router::event::ResetKind;
use crate::router::query::PeerId;

/// What the router was asked for, and what the answer names.
fn reset(wanted: &str, body: &str) -> (StatusCode, Value, Vec<(u16, ResetKind)>) {
    let fake = Fake::default();
    let asked = fake.resets.clone();
    let server = Server::start(fake);
    let reply = send(
        &server,
        "POST",
        &format!("/api/v1/reset/bgp/{wanted}"),
        body,
    );
    let asked = asked.lock().unwrap();
    let asked = asked.iter().map(|(PeerId(peer), how)| (*peer, how.clone()));
    (reply.status, reply.json(), asked.collect())
}

#[test]
fn a_neighbour_is_reset_by_address_description_or_the_beginning_of_one() {
    for wanted in ["10.0.0.2", "first%20transit,%20contract%204711", "first"] {
        let (status, body, asked) = reset(wanted, "");
        assert_eq!(status, StatusCode::OK, "{wanted}: {body}");
        assert_eq!(asked, [(2, ResetKind::Hard(None))], "{wanted}");
        assert_eq!(
            body,
            json!({"reset": [{
                "neighbor": "10.0.0.2",
                "description": "first transit, contract 4711",
                "action": "hard"
            }]})
        );
    }
}

#[test]
fn the_body_says_how() {
    let text = "new cable".to_owned();
    for (body, how, action) in [
        (json!({}), ResetKind::Hard(None), "hard"),
        (
            json!({"message": text}),
            ResetKind::Hard(Some(text)),
            "hard",
        ),
        (json!({"soft": "in"}), ResetKind::SoftIn, "soft-in"),
        (json!({"soft": "out"}), ResetKind::SoftOut, "soft-out"),
    ] {
        let (status, answer, asked) = reset("10.0.0.2", &body.to_string());
        assert_eq!(status, StatusCode::OK, "{body}: {answer}");
        assert_eq!(asked, [(2, how)], "{body}");
        assert_eq!(answer["reset"][0]["action"], action);
    }
}

#[test]
fn groups_and_all_are_several() {
    let (_, body, asked) = reset("all", "");
    let peers: Vec<u16> = asked.iter().map(|(peer, _)| *peer).collect();
    assert_eq!(peers, [2, 3, 4, 5, 7, 10, 102], "{body}");
    let (_, body, asked) = reset("TRANSIT", "");
    let peers: Vec<u16> = asked.iter().map(|(peer, _)| *peer).collect();
    assert_eq!(
        peers,
        [2, 3],
        "one is configured, one came from a range: {body}"
    );
}

#[test]
fn what_makes_no_sense_resets_nothing() {
    for (wanted, body, status) in [
        ("10.0.0.99", "", StatusCode::NOT_FOUND),
        ("10.0.0.", "", StatusCode::BAD_REQUEST),
        ("10.0.0.2", r#"{"soft": "both"}"#, StatusCode::BAD_REQUEST),
        ("10.0.0.2", r#"{"hard": true}"#, StatusCode::BAD_REQUEST),
        (
            "10.0.0.2",
            r#"{"soft": "in", "message": "x"}"#,
            StatusCode::BAD_REQUEST,
        ),
        ("10.0.0.2", "not json", StatusCode::BAD_REQUEST),
    ] {
        let (answered, reply, asked) = reset(wanted, body);
        assert_eq!(answered, status, "{wanted} {body}: {reply}");
        assert!(asked.is_empty(), "{wanted} {body}");
        assert!(reply["error"]["message"].is_string());
    }
}
