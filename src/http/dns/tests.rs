//! The resolver against a name server of the test's own.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::net::UdpSocket;
use tokio::task::LocalSet;

use super::*;

/// What the name server does with a name.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let name_end = 12 + query[12..].iter().position(|&byte| byte == 0)? + 1;
    let name = String::from_utf8_lossy(&query[12..name_end]).into_owned();
    let kind = query[name_end + 1];
    let question = &query[12..name_end + 4];
    let mut reply = query[..2].to_vec();
    let record = |ttl: u32| {
        let mut record = vec![0xc0, 12, 0, 1, 0, 1];
        record.extend(ttl.to_be_bytes());
        record.extend([0, 4, 127, 0, 0, 9]);
        record
    };
    // SOA with a minimum of 60 s, which makes an absence cacheable.
    let mut soa = vec![0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0];
    soa.extend([0; 16]);
    soa.extend(60u32.to_be_bytes());
    let (code, records, authority) = if name.contains("silent") {
        return None;
    } else if name.contains("broken") {
        (2, Vec::new(), Vec::new())
    } else if name.contains("absent") {
        (3, Vec::new(), soa)
    } else if kind != 1 {
        (0, Vec::new(), soa)
    } else {
        (
            0,
            record(if name.contains("brief") { 1 } else { 60 }),
            Vec::new(),
        )
    };
    let count = |bytes: &[u8]| u8::from(!bytes.is_empty());
    reply.extend([
        0x81,
        0x80 | code,
        0,
        1,
        0,
        count(&records),
        0,
        count(&authority),
        0,
        0,
    ]);
    reply.extend(question);
    reply.extend(records);
    reply.extend(authority);
    Some(reply)
}

async fn name_server() -> (SocketAddr, Rc<Cell<usize>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let queries = Rc::new(Cell::new(0));
    let counted = queries.clone();
    tokio::task::spawn_local(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            counted.set(counted.get() + 1);
            if let Some(reply) = answer(&buffer[..length]) {
                let _ = socket.send_to(&reply, from).await;
            }
        }
    });
    (address, queries)
}

/// As [`build`], with another name server and little patience.
fn asking(server: SocketAddr) -> Dns {
    let mut connection = ConnectionConfig::udp();
    connection.port = server.port();
    let name_server = NameServerConfig::new(server.ip(), true, vec![connection]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    tune(options);
    options.timeout = Duration::from_millis(200);
    options.attempts = 1;
    let dns = Dns::default();
    assert!(dns.resolver.set(builder.build().unwrap()).is_ok());
    dns
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn literals_and_localhost_need_no_resolver() {
    run(async {
        let dns = Dns::default();
        let v6 = Ipv6Addr::LOCALHOST;
        let addresses = dns.resolve(Host::Ipv6(v6)).await.unwrap();
        assert_eq!(addresses, [IpAddr::V6(v6)]);
        let addresses = dns.resolve(Host::Domain("localhost")).await.unwrap();
        assert_eq!(addresses, [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(v6)]);
        assert!(dns.resolver.get().is_none());
    });
}

#[test]
fn a_name_is_asked_for_once_within_its_ttl() {
    run(async {
        let (server, queries) = name_server().await;
        let dns = asking(server);
        let expected = [IpAddr::V4([127, 0, 0, 9].into())];
        for name in ["lasting.test.", "brief.test."] {
            let addresses = dns.resolve(Host::Domain(name)).await.unwrap();
            assert_eq!(addresses, expected);
        }
        let asked = queries.get();
        dns.resolve(Host::Domain("lasting.test.")).await.unwrap();
        assert_eq!(queries.get(), asked);
        tokio::time::sleep(Duration::from_millis(2100)).await;
        dns.resolve(Host::Domain("lasting.test.")).await.unwrap();
        assert_eq!(queries.get(), asked);
        dns.resolve(Host::Domain("brief.test.")).await.unwrap();
        assert!(queries.get() > asked);
    });
}

#[test]
fn an_absent_name_is_remembered_too() {
    run(async {
        let (server, queries) = name_server().await;
        let dns = asking(server);
        let name = Host::Domain("absent.test.");
        let failure = dns.resolve(name.clone()).await.unwrap_err();
        assert_eq!(failure.code, codes::NO_SUCH_HOST, "{}", failure.text);
        assert!(
            failure.text.contains("\"absent.test.\""),
            "{}",
            failure.text
        );
        let asked = queries.get();
        dns.resolve(name).await.unwrap_err();
        assert_eq!(queries.get(), asked);
    });
}

#[test]
fn a_silent_or_broken_name_server_is_not_an_absent_name() {
    run(async {
        let (server, _) = name_server().await;
        let dns = asking(server);
        for name in ["silent.test.", "broken.test."] {
            let failure = dns.resolve(Host::Domain(name)).await.unwrap_err();
            assert_eq!(failure.code, codes::DNS, "{}", failure.text);
        }
    });
}
