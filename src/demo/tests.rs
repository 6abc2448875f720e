//! The shop over real loopback sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::{DemoError, Shop, ShopOptions, serve};

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A client of one connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: shop\r\n{headers}content-length: {length}\r\n\r\n"
        );
        let stream = self.0.get_mut();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        self.read(method)
    }

    fn read(&mut self, method: &str) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).unwrap() > 0, "closed early");
        }
        let mut answer = Answer {
            status: head[9..12].parse().unwrap(),
            head,
            body: Vec::new(),
        };
        let length = answer.header("content-length").unwrap_or("0");
        let length = length.parse::<usize>().unwrap();
        if method != "HEAD" {
            answer.body.resize(length, 0);
            self.0.read_exact(&mut answer.body).unwrap();
        }
        answer
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "", b"")
    }
}

fn quick() -> ShopOptions {
    ShopOptions {
        store_delay: Duration::ZERO,
        upstream_timeout: Duration::from_millis(200),
        ..ShopOptions::default()
    }
}

fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn the_first_read_of_an_item_misses_and_the_second_hits() {
    let shop = Shop::start(quick()).unwrap();
    let mut client = Client::new(shop.address());
    for expected in ["miss", "hit"] {
        let answer = client.get("/items/7");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-cache"), Some(expected));
        assert_eq!(answer.json()["id"], 7);
    }
    assert_eq!(client.get("/items/101").status, 404);
    assert_eq!(client.get("/items/seven").status, 400);
    let page = client.get("/items?page=5").json();
    assert_eq!(page["items"].as_array().unwrap().len(), 20);
    assert_eq!(page["pages"], 5);
    assert_eq!(client.get("/items?page=6").status, 404);
    assert_eq!(client.get("/items?page=x").status, 400);
}

#[test]
fn an_order_is_stored_and_read_back() {
    let shop = Shop::start(quick()).unwrap();
    let mut client = Client::new(shop.address());
    let made = client.send("POST", "/orders", "", br#"{"item": 3, "quantity": 2}"#);
    assert_eq!(made.status, 201);
    let path = made.header("location").unwrap().to_owned();
    assert_eq!(client.get(&path).json(), made.json());
    assert_eq!(client.get("/orders/99").status, 404);
    let bad: [&[u8]; 6] = [
        b"",
        b"{",
        br#"{"item": 3}"#,
        br#"{"item": 0, "quantity": 1}"#,
        br#"{"item": 3, "quantity": 101}"#,
        b"\xff\xfe",
    ];
    for body in bad {
        let answer = client.send("POST", "/orders", "", body);
        assert_eq!(answer.status, 400, "{body:?}");
        assert!(answer.json()["error"].is_string());
    }
}

#[test]
fn without_its_cache_the_shop_bypasses_it() {
    let shop = Shop::start(ShopOptions {
        cache: Some(closed_port()),
        ..quick()
    })
    .unwrap();
    let mut client = Client::new(shop.address());
    let answer = client.get("/items/1");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-cache"), Some("bypass"));
    let health = client.get("/health");
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["cache"], "down");
}

#[test]
fn without_its_store_the_shop_says_retry_and_then_recovers() {
    let shop = Shop::start(quick()).unwrap();
    let mut client = Client::new(shop.address());
    assert_eq!(client.get("/health").status, 200);
    shop.dial_store(closed_port()).unwrap();
    let answer = client.get("/items/1");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    let health = client.get("/health");
    assert_eq!(health.status, 503);
    assert_eq!(health.json()["store"], "down");
    let order = client.send("POST", "/orders", "", br#"{"item": 3, "quantity": 2}"#);
    assert_eq!(order.status, 503);
    shop.dial_store(shop.store_address()).unwrap();
    assert_eq!(client.get("/items/1").status, 200);
}

#[test]
fn a_store_that_never_answers_costs_the_time_limit() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let shop = Shop::start(ShopOptions {
        store: Some(silent.local_addr().unwrap()),
        ..quick()
    })
    .unwrap();
    let started = Instant::now();
    let answer = Client::new(shop.address()).get("/items/1");
    let took = started.elapsed();
    assert_eq!(answer.status, 503);
    assert!(took >= Duration::from_millis(190), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn connections_that_died_in_the_pool_are_replaced() {
    // A store that hangs up after each answer: every pooled connection is dead when next used.
    let fickle = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = fickle.local_addr().unwrap();
    let store = std::thread::spawn(move || {
        for stream in fickle.incoming().take(3) {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            stream.get_mut().write_all(b"VALUE {}\n").unwrap();
        }
    });
    let shop = Shop::start(ShopOptions {
        store: Some(address),
        ..quick()
    })
    .unwrap();
    let mut client = Client::new(shop.address());
    for order in 1..=3 {
        assert_eq!(client.get(&format!("/orders/{order}")).status, 200);
    }
    store.join().unwrap();
}

#[test]
fn the_store_takes_its_delay() {
    let shop = Shop::start(ShopOptions {
        store_delay: Duration::from_millis(60),
        upstream_timeout: Duration::from_secs(5),
        ..ShopOptions::default()
    })
    .unwrap();
    let started = Instant::now();
    assert_eq!(Client::new(shop.address()).get("/items/1").status, 200);
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[test]
fn metrics_count_what_was_asked() {
    let shop = Shop::start(quick()).unwrap();
    let mut client = Client::new(shop.address());
    for path in ["/items/1", "/items/1", "/items/2", "/nope"] {
        client.get(path);
    }
    let text = String::from_utf8(client.get("/metrics").body).unwrap();
    for line in [
        "http_requests_total{route=\"/items/:id\",status=\"200\"} 3",
        "http_requests_total{route=\"unknown\",status=\"404\"} 1",
        "cache_hits_total 1",
        "cache_misses_total 2",
        "http_requests_in_flight 1",
        "queue_depth 0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} not in\n{text}");
    }
}

#[test]
fn the_playground_answers() {
    let shop = Shop::start(quick()).unwrap();
    let mut client = Client::new(shop.address());
    assert!(client.get("/").body.starts_with(b"rchaos demo shop"));
    assert!(client.send("HEAD", "/", "", b"").body.is_empty());
    assert_eq!(
        client.get("/nope").json()["error"].as_str().unwrap(),
        "no such page; GET / lists them"
    );
    assert_eq!(client.get("/orders").header("allow"), Some("POST"));
    assert_eq!(client.get("/status/418").status, 418);
    assert_eq!(client.get("/status/204").status, 204);
    assert_eq!(client.get("/status/100").status, 400);
    assert_eq!(client.get("/slow?ms=1").status, 200);
    assert_eq!(client.get("/slow").status, 400);
    assert_eq!(
        client.get("/redirect/3").header("location"),
        Some("/redirect/2")
    );
    assert_eq!(client.get("/redirect/1").header("location"), Some("/"));
    let echoed = client.send(
        "POST",
        "/echo",
        "content-type: text/x\r\n",
        b"\xff\x00hello",
    );
    assert_eq!(echoed.body, b"\xff\x00hello");
    assert_eq!(echoed.header("content-type"), Some("text/x"));
    let set = client.get("/cookies/set?a=1");
    assert_eq!(set.header("set-cookie"), Some("a=1; Path=/"));
    assert_eq!(client.get("/cookies/set?a=%0d%0ax").status, 400);
    let cookies = client.send("GET", "/cookies", "cookie: a=1; b=2\r\n", b"");
    assert_eq!(cookies.json()["cookies"]["b"], "2");
    assert_eq!(client.get("/bytes/100000").body.len(), 100_000);
    assert_eq!(client.get("/bytes/99999999999999999999").status, 400);
    let gzip = client.get("/gzip");
    let mut plain = String::new();
    flate2::read::GzDecoder::new(&gzip.body[..])
        .read_to_string(&mut plain)
        .unwrap();
    assert!(plain.contains("\"gzipped\":true"));
    assert_eq!(client.get("/basic-auth/u/p").status, 401);
    let credentials = "authorization: Basic dTpw\r\n";
    let let_in = client.send("GET", "/basic-auth/u/p", credentials, b"");
    assert_eq!(let_in.status, 200);
}

#[test]
fn a_body_above_the_limit_is_refused() {
    let shop = Shop::start(quick()).unwrap();
    let mut client = Client::new(shop.address());
    let whole = vec![b'x'; 1024 * 1024];
    assert_eq!(
        client.send("POST", "/echo", "", &whole).body.len(),
        whole.len()
    );
    // Only the head: the server must not wait for a body it will not take.
    let head = b"POST /echo HTTP/1.1\r\nhost: shop\r\ncontent-length: 1048577\r\n\r\n";
    client.0.get_mut().write_all(head).unwrap();
    assert_eq!(client.read("POST").status, 413);
}

#[test]
fn garbage_harms_nobody_else() {
    let shop = Shop::start(quick()).unwrap();
    for address in [shop.address(), shop.cache_address(), shop.store_address()] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"\xff\x00 \r\n\r\nGET\nSET x\n").unwrap();
        drop(stream);
    }
    assert_eq!(Client::new(shop.address()).get("/health").status, 200);
}

#[test]
fn the_line_protocol_is_open_to_all() {
    let shop = Shop::start(quick()).unwrap();
    let mut stream = TcpStream::connect(shop.cache_address()).unwrap();
    stream
        .write_all(b"PING\nSET k some text\nGET k\r\nDEL k\nDEL k\nGET k\nNOPE\n")
        .unwrap();
    let lines: Vec<_> = BufReader::new(stream)
        .lines()
        .take(7)
        .map(Result::unwrap)
        .collect();
    let expected = ["PONG", "OK", "VALUE some text", "OK", "NONE", "NONE"];
    assert_eq!(lines[..6], expected);
    assert!(lines[6].starts_with("ERROR "));
}

#[test]
fn only_loopback_is_served_or_dialled() {
    let outside: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let listen = ShopOptions {
        listen: outside,
        ..quick()
    };
    let dial = ShopOptions {
        store: Some("192.0.2.1:80".parse().unwrap()),
        ..quick()
    };
    for options in [listen, dial] {
        let refused = Shop::start(options).unwrap_err();
        assert!(matches!(refused, DemoError::NotLoopback { .. }));
        assert!(refused.to_string().contains("not a loopback address"));
    }
    let shop = Shop::start(quick()).unwrap();
    assert!(shop.dial_cache("192.0.2.1:80".parse().unwrap()).is_err());
}

#[test]
fn a_taken_port_is_an_error_and_a_stopped_shop_frees_its_own() {
    let shop = Shop::start(quick()).unwrap();
    let again = ShopOptions {
        listen: shop.address(),
        ..quick()
    };
    let refused = Shop::start(again.clone()).unwrap_err();
    assert!(matches!(refused, DemoError::Listen { .. }), "{refused}");
    shop.stop();
    drop(Shop::start(again).unwrap());
}

#[test]
fn serving_ends_when_asked() {
    let mut seen = None;
    let stop = async { tokio::time::sleep(Duration::from_millis(20)).await };
    serve(&quick(), |addresses| seen = Some(addresses.shop), stop).unwrap();
    assert!(TcpStream::connect(seen.unwrap()).is_err());
}
