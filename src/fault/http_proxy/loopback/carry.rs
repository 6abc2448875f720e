//! What passes without a rule, and what happens when one of the ends goes wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Instant;

use super::{Client, LONG, ok, options, read, says, through, upstream};
use crate::fault::http_proxy::{HttpProxy, Origin, OriginTls, Version};
use crate::fault::proxy::Address;

#[test]
fn a_connection_is_kept_on_both_sides_and_headers_pass_as_they_are() {
    let (address, asked) = says("hello");
    let proxy = through(&address, Vec::new());
    let mut client = Client::new(&proxy);
    for n in 0..3 {
        client.send(&format!(
            "GET /items?n={n} HTTP/1.1\r\nHost: shop\r\nX-MiXed: a\r\nx-mixed: b\r\nKeep-Alive: 5\r\n\r\n"
        ));
        let answer = client.read();
        assert_eq!((answer.status(), answer.text()), (200, "hello"));
        assert!(answer.headers.contains(&"X-Served: yes".to_owned()));
        let (connection, request) = asked.recv().unwrap();
        assert_eq!(connection, 0);
        assert_eq!(request.first, format!("GET /items?n={n} HTTP/1.1"));
        assert_eq!(request.header("host"), Some("shop"));
        assert!(
            request.headers.contains(&"X-MiXed: a".to_owned()),
            "{request:?}"
        );
        assert!(
            request.headers.contains(&"x-mixed: b".to_owned()),
            "{request:?}"
        );
        assert_eq!(request.header("keep-alive"), None);
    }
    assert_eq!((proxy.requests(), proxy.unreachable()), (3, 0));
}

#[test]
fn chunked_bodies_stream_both_ways() {
    let (address, asked) = upstream(|request| {
        let text = request.text();
        let size = text.len();
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{text}\r\n0\r\n\r\n"
        )
    });
    let proxy = through(&address, Vec::new());
    let mut client = Client::new(&proxy);
    for _ in 0..2 {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        client.send("4\r\nover\r\n7\r\n there!\r\n0\r\n\r\n");
        let answer = client.read();
        assert_eq!(answer.text(), "over there!");
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        assert_eq!(asked.recv().unwrap().1.text(), "over there!");
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let (address, asked) = says("taken");
    let proxy = through(&address, Vec::new());
    let mut client = Client::new(&proxy);
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(read(&mut client.0, true).unwrap().unwrap().status(), 100);
    client.send("body");
    assert_eq!(client.read().text(), "taken");
    assert_eq!(asked.recv().unwrap().1.text(), "body");
}

#[test]
fn an_upgrade_becomes_a_pipe() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
        let request = read(&mut reader, true).unwrap().unwrap();
        assert_eq!(request.header("upgrade"), Some("echo"));
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let _ = std::io::copy(&mut reader, &mut stream);
    });
    let proxy = through(&address, Vec::new());
    let mut client = Client::new(&proxy);
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n",
    );
    let answer = read(&mut client.0, true).unwrap().unwrap();
    assert_eq!(
        (answer.status(), answer.header("upgrade")),
        (101, Some("echo"))
    );
    for text in ["ping", "pong"] {
        client.send(text);
        let mut back = [0; 4];
        client.0.read_exact(&mut back).unwrap();
        assert_eq!(back, text.as_bytes());
    }
}

#[test]
fn head_and_empty_answers_keep_their_shape() {
    let (address, _asked) = upstream(|request| {
        if request.first.starts_with("HEAD") {
            "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_owned()
        } else {
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
        }
    });
    let proxy = through(&address, Vec::new());
    let mut client = Client::new(&proxy);
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = read(&mut client.0, true).unwrap().unwrap();
    assert_eq!(answer.header("content-length"), Some("1234"));
    assert_eq!(client.get("/").status(), 204);
}

#[test]
fn an_upstream_that_cannot_be_reached_is_a_502_that_says_why() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gone.local_addr().unwrap().to_string();
    drop(gone);
    let proxy = through(&address, Vec::new());
    let answer = Client::new(&proxy).get("/");
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("refused"), "{}", answer.text());
    assert!(answer.text().contains(&address), "{}", answer.text());
    assert_eq!(proxy.unreachable(), 1);
    let lost = through("http://no.such.invalid", Vec::new());
    assert_eq!(Client::new(&lost).get("/").status(), 502);
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    let (address, _asked) = upstream(|request| match request.first.as_str() {
        "GET /none HTTP/1.1" => String::new(),
        _ => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_owned(),
    });
    let proxy = through(&address, Vec::new());
    let mut client = Client::new(&proxy);
    client.send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = read(&mut client.0, true).unwrap().unwrap();
    assert_eq!(head.header("content-length"), Some("100"));
    let rest = client.rest().unwrap_or_default();
    assert!(rest.is_empty() || rest == b"half", "{rest:?}");
    assert_eq!(Client::new(&proxy).get("/none").status(), 502);
}

#[test]
fn a_kept_connection_that_was_closed_is_replaced_without_an_error() {
    let (address, asked) = upstream(|_| {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".to_owned()
    });
    let proxy = through(&address, Vec::new());
    let mut client = Client::new(&proxy);
    for n in 0..3 {
        assert_eq!(client.get("/").text(), "ok");
        assert_eq!(asked.recv().unwrap().0, n);
    }
}

#[test]
fn a_stop_ends_open_connections_at_once() {
    let (address, _asked) = upstream(|_| {
        std::thread::sleep(LONG);
        String::new()
    });
    let proxy = through(&address, Vec::new());
    let mut idle = Client::new(&proxy);
    let mut waiting = Client::new(&proxy);
    waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    while proxy.requests() == 0 {
        std::thread::yield_now();
    }
    let begin = Instant::now();
    drop(proxy);
    assert_eq!(idle.rest().unwrap(), b"");
    assert_eq!(waiting.rest().unwrap(), b"");
    assert!(begin.elapsed() < LONG / 4);
}

#[test]
fn bad_requests_and_ends_of_connections_do_no_harm() {
    let (address, _asked) = says("still here");
    let proxy = through(&address, Vec::new());
    for bad in [
        "",
        "\r\n",
        "PRI * HTTP/2.0\r\n",
        "nonsense\r\n\r\n",
        "GET / HTTP/9\r\n\r\n",
        "\u{0}\u{1}",
    ] {
        let mut client = Client::new(&proxy);
        client.send(bad);
        client
            .0
            .get_ref()
            .shutdown(std::net::Shutdown::Write)
            .unwrap();
        let _ = client.rest();
    }
    assert_eq!(Client::new(&proxy).get("/").text(), "still here");
    assert_eq!(proxy.unreachable(), 0);
}

#[test]
fn large_bodies_pass_in_bounded_memory() {
    let size = 64 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
        read(&mut reader, false).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        for _ in 0..size >> 20 {
            stream.write_all(&vec![b'x'; 1 << 20]).unwrap();
        }
    });
    let proxy = through(&address, Vec::new());
    let mut client = Client::new(&proxy);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut total = 0;
    assert_eq!(read(&mut client.0, true).unwrap().unwrap().status(), 200);
    let mut piece = vec![0; 1 << 20];
    while total < size {
        let count = client.0.read(&mut piece).unwrap();
        assert!(count > 0 && piece[..count].iter().all(|byte| *byte == b'x'));
        total += count;
    }
}

#[test]
fn unix_sockets_are_served_on_both_sides_and_tidied_up() {
    let home = tempfile::tempdir().unwrap();
    let (front, back) = (home.path().join("front"), home.path().join("back"));
    let listener = UnixListener::bind(&back).unwrap();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
        read(&mut reader, false).unwrap();
        stream.write_all(ok("unix").as_bytes()).unwrap();
    });
    let mut options = options("http://127.0.0.1:1");
    options.listen = Address::parse(front.to_str().unwrap()).unwrap();
    let back = format!("unix:{}", back.display());
    options.origin = Origin::parse(&back, &OriginTls::default(), Version::Auto).unwrap();
    let proxy = HttpProxy::start(&options, Vec::new()).unwrap();
    let mut stream = UnixStream::connect(&front).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut reader = std::io::BufReader::new(stream);
    assert_eq!(read(&mut reader, false).unwrap().unwrap().text(), "unix");
    drop(proxy);
    assert!(!front.exists());
}

#[test]
fn a_port_in_use_is_refused() {
    let (address, _asked) = says("x");
    let mut options = options("http://127.0.0.1:1");
    options.listen = Address::parse(&address).unwrap();
    let Err(error) = HttpProxy::start(&options, Vec::new()) else {
        panic!("it listens on a port in use");
    };
    let wanted = format!("listen tcp {address}: bind: address already in use");
    assert_eq!(error.to_string(), wanted);
}
