use std::io::Read;
use std::net::TcpStream as Client;

use super::*;
use crate::daemon::listener;

const PATIENCE: Duration = Duration::from_secs(10);

struct World {
    orders: mpsc::UnboundedSender<Order>,
    events: mpsc::UnboundedReceiver<Event>,
    address: SocketAddr,
}

struct Expected {
    connections: mpsc::Receiver<TcpStream>,
    commands: mpsc::UnboundedReceiver<Command>,
}

impl World {
    fn new() -> Self {
        let sockets = listener::open(0).unwrap();
        let port = sockets.addresses()[0].port();
        let (orders, order_inbox) = mpsc::unbounded_channel();
        let (event_end, events) = mpsc::unbounded_channel();
        tokio::spawn(Door::new(order_inbox, event_end).run());
        let world = Self {
            orders,
            events,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        };
        world.order(Order::Listen(sockets));
        world
    }

    fn order(&self, order: Order) {
        assert!(self.orders.send(order).is_ok(), "the door is gone");
    }

    fn connect(&self) -> Client {
        let client = Client::connect(self.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// 127.0.0.1 is expected.
    fn expect(&self, password: Option<String>, accept: Option<Ticket>) -> Expected {
        let (connection_end, connections) = mpsc::channel(4);
        let (command_end, commands) = mpsc::unbounded_channel();
        let guest = Guest {
            incarnation: Incarnation::of_test(1),
            transport: Transport {
                remote: [127, 0, 0, 1].into(),
                scope: None,
                port: 179,
                source: None,
                ttl: 1,
                minimum_ttl: None,
                password,
                mss: None,
            },
            connections: connection_end,
            commands: command_end,
        };
        self.order(Order::Expect { guest, accept });
        Expected {
            connections,
            commands,
        }
    }

    async fn stranger(&mut self) -> Ticket {
        match tokio::time::timeout(PATIENCE, self.events.recv()).await {
            Ok(Some(Event::Stranger {
                ticket,
                local,
                remote,
            })) => {
                assert_eq!(local, self.address);
                assert_eq!(remote.ip(), self.address.ip());
                ticket
            }
            other => panic!("{other:?}"),
        }
    }
}

/// All that comes until the connection is closed.
fn told(mut client: Client) -> Vec<u8> {
    let mut octets = Vec::new();
    client.read_to_end(&mut octets).unwrap();
    octets
}

fn rejection() -> Vec<u8> {
    let mut message = Vec::new();
    Notification::new(6, 5).encode(&mut message);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_refused_when_the_router_says_so() {
    let mut world = World::new();
    let client = world.connect();
    let ticket = world.stranger().await;
    world.order(Order::Refuse(ticket));
    assert_eq!(told(client), rejection());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_of_whom_nobody_decides_does_not_wait_for_ever() {
    let mut world = World::new();
    let client = world.connect();
    let ticket = world.stranger().await;
    assert_eq!(told(client), rejection());
    // Its ticket is worth nothing any more.
    let mut expected = world.expect(None, Some(ticket));
    let _client = world.connect();
    let connection = expected.connections.recv().await.unwrap();
    assert_eq!(
        connection.peer_addr().unwrap(),
        _client.local_addr().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_strangers_wait_and_no_more() {
    let mut world = World::new();
    let mut waiting = Vec::new();
    for _ in 0..STRANGERS {
        waiting.push(world.connect());
        world.stranger().await;
    }
    assert_eq!(told(world.connect()), rejection());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_becomes_a_neighbour_and_later_connections_are_its_own() {
    let mut world = World::new();
    let first = world.connect();
    let ticket = world.stranger().await;
    let mut expected = world.expect(None, Some(ticket));
    let second = world.connect();
    for client in [first, second] {
        let connection = expected.connections.recv().await.unwrap();
        assert_eq!(
            connection.peer_addr().unwrap(),
            client.local_addr().unwrap()
        );
    }
    world.order(Order::Forget(Incarnation::of_test(1)));
    let _third = world.connect();
    world.stranger().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_whose_key_cannot_be_set_is_not_let_in_and_hears_why() {
    let world = World::new();
    let mut expected = world.expect(Some("k".repeat(81)), None);
    match expected.commands.recv().await {
        Some(Command::Trouble(Some(why))) => assert!(why.contains("TCP MD5 key"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(told(world.connect()), rejection());
    let mut expected = world.expect(None, None);
    match expected.commands.recv().await {
        Some(Command::Trouble(None)) => {}
        other => panic!("{other:?}"),
    }
    let _client = world.connect();
    assert!(expected.connections.recv().await.is_some());
}
