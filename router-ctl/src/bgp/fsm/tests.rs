use super::*;

const STATES: [State; 6] = [
    State::Idle,
    State::Connect,
    State::Active,
    State::OpenSent,
    State::OpenConfirm,
    State::Established,
];

const EVENTS: [Event; 19] = [
    Event::Start,
    Event::StartLater,
    Event::StartPassive,
    Event::Stop,
    Event::ConnectRetryExpired,
    Event::HoldExpired,
    Event::KeepaliveExpired,
    Event::SendHoldExpired,
    Event::Connected,
    Event::DialFailed,
    Event::ConnectionLost,
    Event::OpenReceived,
    Event::KeepaliveReceived,
    Event::UpdateReceived,
    Event::RouteRefreshReceived,
    Event::NotificationReceived,
    Event::BadMessage,
    Event::CollisionLost,
    Event::Replaced,
];

fn steps() -> impl Iterator<Item = (State, Event, State, &'static [Do])> {
    STATES.into_iter().flat_map(|state| {
        EVENTS.into_iter().map(move |event| {
            let (next, actions) = step(state, event);
            (state, event, next, actions)
        })
    })
}

#[test]
fn leaving_established_is_always_told() {
    for (state, event, next, actions) in steps() {
        let leaves = state == State::Established && next != state;
        assert_eq!(actions.contains(&Do::Down), leaves, "{state} {event:?}");
        let enters = next == State::Established && next != state;
        assert_eq!(actions.contains(&Do::Up), enters, "{state} {event:?}");
    }
}

#[test]
fn a_connection_is_closed_whenever_its_machine_ends() {
    for (state, event, next, actions) in steps() {
        if state >= State::OpenSent && next < State::OpenSent {
            assert_eq!(next, State::Idle);
            let closed = actions.contains(&Do::Close);
            assert_eq!(closed, event != Event::ConnectionLost, "{state} {event:?}");
        }
    }
}

#[test]
fn a_notification_is_followed_by_the_close() {
    for (state, event, _, actions) in steps() {
        let at = actions
            .iter()
            .position(|action| matches!(action, Do::SendNotification(_)));
        if let Some(at) = at {
            assert_eq!(actions.get(at + 1), Some(&Do::Close), "{state} {event:?}");
        }
    }
}

#[test]
fn only_an_established_session_delivers() {
    for (state, event, _, actions) in steps() {
        if actions.contains(&Do::Deliver) {
            assert_eq!(state, State::Established);
            assert!(matches!(
                event,
                Event::UpdateReceived | Event::RouteRefreshReceived
            ));
        }
    }
}

#[test]
fn every_message_out_of_place_has_the_subcode_of_its_state() {
    let unexpected = [
        (State::OpenSent, Event::KeepaliveReceived, 1),
        (State::OpenSent, Event::UpdateReceived, 1),
        (State::OpenSent, Event::RouteRefreshReceived, 1),
        (State::OpenConfirm, Event::OpenReceived, 2),
        (State::OpenConfirm, Event::UpdateReceived, 2),
        (State::OpenConfirm, Event::RouteRefreshReceived, 2),
        (State::Established, Event::OpenReceived, 3),
    ];
    for (state, event, subcode) in unexpected {
        let (next, actions) = step(state, event);
        let notice = Notice::UnexpectedMessage(subcode);
        assert_eq!(next, State::Idle);
        assert_eq!(actions.first(), Some(&Do::SendNotification(notice)));
    }
}

#[test]
fn stop_ends_in_idle_from_everywhere() {
    for state in STATES {
        assert_eq!(step(state, Event::Stop).0, State::Idle);
    }
}

#[test]
fn the_way_up() {
    let mut state = State::Idle;
    let way = [
        (Event::Start, State::Connect),
        (Event::DialFailed, State::Active),
        (Event::ConnectRetryExpired, State::Connect),
        (Event::Connected, State::OpenSent),
        (Event::OpenReceived, State::OpenConfirm),
        (Event::KeepaliveReceived, State::Established),
        (Event::UpdateReceived, State::Established),
    ];
    for (event, next) in way {
        state = step(state, event).0;
        assert_eq!(state, next);
    }
}
