use std::net::TcpStream;

use super::*;

/// `lo`, which has this index in every network namespace.
const LOOPBACK: IfIndex = IfIndex(1);
const KEY: &str = "secret";

fn connect(to: SocketAddr, key: Option<&str>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    if let Some(key) = key {
        tcp_md5::set(&socket, IpNet::from(to.ip()), key)?;
    }
    socket.connect_timeout(&to.into(), Duration::from_millis(1500))?;
    Ok(socket.into())
}

/// The IPv4 and the IPv6 listener of any port, and what they accept.
fn listeners() -> (Vec<Listener>, Vec<SocketAddr>, mpsc::Receiver<Accepted>) {
    let sockets = open(0).unwrap();
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let addresses = sockets.addresses().into_iter().zip(loopback);
    let addresses = addresses
        .map(|(address, ip)| SocketAddr::new(ip, address.port()))
        .collect();
    let (accepted, inbox) = mpsc::channel(8);
    (sockets.run(&accepted), addresses, inbox)
}

fn keys(peers: &str) -> BTreeMap<IpNet, String> {
    [(peers.parse().unwrap(), KEY.to_owned())].into()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_key_connects_with_it_only() {
    let (mut listeners, addresses, _inbox) = listeners();
    for (listener, (to, peers)) in listeners
        .iter_mut()
        .zip(addresses.into_iter().zip(["127.0.0.0/8", "::1/128"]))
    {
        assert!(listener.set_keys(keys(peers)).is_empty());
        connect(to, Some(KEY)).unwrap_or_else(|error| panic!("{to}: {error}"));
        assert!(connect(to, None).is_err(), "{to}: without a key");
        assert!(connect(to, Some("other")).is_err(), "{to}: another key");
        assert!(listener.set_keys(BTreeMap::new()).is_empty());
        connect(to, None).unwrap_or_else(|error| panic!("{to}, key removed: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_is_told() {
    let (mut listeners, _, _inbox) = listeners();
    let long = [("10.0.0.1/32".parse().unwrap(), "k".repeat(81))].into();
    let refused = listeners[0].set_keys(long);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0, "10.0.0.1/32".parse().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_has_a_listener_of_its_own_with_other_keys() {
    let (listeners, addresses, _inbox) = listeners();
    let (general, to) = (&listeners[1], addresses[1]);
    let (accepted, mut inbox) = mpsc::channel(8);
    let mut link = general.beside(LOOPBACK, &accepted).unwrap();
    assert_eq!(link.link(), Some(LOOPBACK));
    let _connection = connect(to, None).unwrap();
    let accepted = tokio::time::timeout(Duration::from_secs(5), inbox.recv()).await;
    assert!(accepted.is_ok(), "the listener of the link is preferred");
    link.set_keys(keys("::1/128"));
    assert!(connect(to, None).is_err());
    let _signed = connect(to, Some(KEY)).unwrap();
    drop(link);
    let _general = connect(to, None).unwrap();
}
