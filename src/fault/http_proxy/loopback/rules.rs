//! Every rule on real requests, with its effect measured.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::{Client, LONG, Message, abort, read, rule, says, through, upstream};
use crate::fault::http_proxy::kinds::{Delay, Patch, Reset};
use crate::fault::http_proxy::{HttpFault, Rule, RuleError};

fn own(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    pairs.iter().map(own).collect()
}

#[test]
fn an_abort_answers_for_the_upstream_and_only_where_it_is_meant() {
    let (address, asked) = says("real");
    let proxy = through(&address, vec![rule("busy", "/cart/*", abort(503, "busy"))]);
    let mut client = Client::new(&proxy);
    let answer = client.get("/cart/7");
    assert_eq!((answer.status(), answer.text()), (503, "busy"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("x-rchaos-fault"), Some("busy"));
    let answer = client.get("/items");
    assert_eq!((answer.status(), answer.text()), (200, "real"));
    assert_eq!(answer.header("x-rchaos-fault"), None);
    assert_eq!(asked.recv().unwrap().1.first, "GET /items HTTP/1.1");
    assert!(asked.try_recv().is_err());
    let status = &proxy.rules()[0];
    assert_eq!((status.matched, status.hit), (1, 1));
}

#[test]
fn the_first_two_requests_fail_and_a_retry_succeeds() {
    let (address, _asked) = says("real");
    let first = Rule {
        first: Some(2),
        ..rule("twice", "/**", abort(503, ""))
    };
    let proxy = through(&address, vec![first]);
    let statuses: Vec<u16> = (0..5)
        .map(|_| Client::new(&proxy).get("/").status())
        .collect();
    assert_eq!(statuses, [503, 503, 200, 200, 200]);
    let removed = proxy.remove("twice").unwrap();
    assert_eq!((removed.matched, removed.hit), (5, 2));
    assert!(proxy.remove("twice").is_none());
}

#[test]
fn the_seed_decides_which_requests_are_hit() {
    let (address, _asked) = says("real");
    let run = || {
        let half = Rule {
            toxicity: 0.5,
            ..rule("half", "/**", abort(500, ""))
        };
        let proxy = through(&address, vec![half]);
        let mut client = Client::new(&proxy);
        let all: Vec<u16> = (0..60).map(|_| client.get("/").status()).collect();
        all
    };
    let first = run();
    let hits = first.iter().filter(|status| **status == 500).count();
    assert!((15..45).contains(&hits), "{hits}");
    assert_eq!(first, run());
}

#[test]
fn a_delay_holds_up_its_own_requests_and_several_add_up() {
    let (address, _asked) = says("late");
    let delay = |ms| {
        HttpFault::Delay(Delay {
            delay: Duration::from_millis(ms),
            jitter: Duration::ZERO,
        })
    };
    let proxy = through(
        &address,
        vec![rule("a", "/slow", delay(60)), rule("b", "/**", delay(40))],
    );
    let mut client = Client::new(&proxy);
    let begin = Instant::now();
    let answer = client.get("/slow");
    let taken = begin.elapsed();
    assert_eq!(answer.header("x-rchaos-fault"), Some("a, b"));
    assert!(
        taken >= Duration::from_millis(100) && taken < LONG / 10,
        "{taken:?}"
    );
    assert_eq!(client.get("/fast").header("x-rchaos-fault"), Some("b"));
}

#[test]
fn a_reset_breaks_the_connection_at_once_or_in_the_middle_of_an_answer() {
    let (address, asked) = says("0123456789");
    let reset = |after| HttpFault::Reset(Reset { after });
    let rules = vec![
        rule("now", "/now", reset(None)),
        rule("half", "/half", reset(Some(5))),
    ];
    let proxy = through(&address, rules);
    let mut client = Client::new(&proxy);
    client.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    let error = read(&mut client.0, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(asked.try_recv().is_err());

    let mut client = Client::new(&proxy);
    client.send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = read(&mut client.0, true).unwrap().unwrap();
    assert_eq!(head.header("content-length"), Some("10"));
    let mut body = Vec::new();
    let error = std::io::Read::read_to_end(&mut client.0, &mut body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(body, b"01234");
    assert_eq!(asked.recv().unwrap().1.first, "GET /half HTTP/1.1");
}

#[test]
fn a_patch_changes_answers() {
    let (address, asked) = says("in stock: 5, in stock: 7");
    let patch = HttpFault::Patch(Patch {
        status: Some(203),
        set: own(&[("X-Cache", "miss")]),
        remove: vec!["x-served".to_owned()],
        replace: own(&[("in stock", "sold out")]),
        ..Patch::default()
    });
    let body = HttpFault::Patch(Patch {
        body: Some("{}".to_owned()),
        ..Patch::default()
    });
    let proxy = through(
        &address,
        vec![rule("p", "/items", patch), rule("b", "/empty", body)],
    );
    let mut client = Client::new(&proxy);
    client.send("GET /items HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    let answer = client.read();
    assert_eq!(
        (answer.status(), answer.text()),
        (203, "sold out: 5, sold out: 7")
    );
    assert_eq!(answer.header("x-cache"), Some("miss"));
    assert_eq!(answer.header("x-served"), None);
    assert_eq!(asked.recv().unwrap().1.header("accept-encoding"), None);
    let answer = client.get("/empty");
    assert_eq!(
        (answer.text(), answer.header("content-length")),
        ("{}", Some("2"))
    );
}

#[test]
fn a_patch_changes_requests() {
    let (address, asked) = upstream(|request: &Message| super::ok(request.text()));
    let patch = HttpFault::Patch(Patch {
        upstream: true,
        set: own(&[("Authorization", "expired")]),
        remove: vec!["x-user".to_owned()],
        replace: own(&[("\"quantity\":1", "\"quantity\":1000")]),
        ..Patch::default()
    });
    let proxy = through(&address, vec![rule("p", "/**", patch)]);
    let mut client = Client::new(&proxy);
    client.send("POST /orders HTTP/1.1\r\nHost: a\r\nX-User: 1\r\nContent-Length: 14\r\n\r\n{\"quantity\":1}");
    assert_eq!(client.read().text(), "{\"quantity\":1000}");
    let request = asked.recv().unwrap().1;
    assert_eq!(request.header("authorization"), Some("expired"));
    assert_eq!(request.header("x-user"), None);
    assert_eq!(request.text(), "{\"quantity\":1000}");
}

#[test]
fn rules_come_and_go_under_load_and_names_are_unique() {
    let (address, _asked) = says("real");
    let proxy = through(&address, Vec::new());
    let address = proxy.listen();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let finished = done.clone();
    let clients = (0..3).map(|_| {
        let (address, finished) = (address.clone(), finished.clone());
        std::thread::spawn(move || {
            let stream = std::net::TcpStream::connect(address).unwrap();
            let mut client = Client(std::io::BufReader::new(stream));
            let mut count = 0;
            while !finished.load(std::sync::atomic::Ordering::Relaxed) {
                let answer = client.get("/");
                assert!([200, 503].contains(&answer.status()));
                count += 1;
            }
            count
        })
    });
    let clients: Vec<_> = clients.collect();
    for _ in 0..10_000 {
        proxy.add(rule("r", "/**", abort(503, ""))).unwrap();
        proxy.remove("r").unwrap();
    }
    proxy.add(rule("r", "/**", abort(503, ""))).unwrap();
    assert_eq!(
        proxy.add(rule("r", "/", abort(503, ""))),
        Err(RuleError::Exists)
    );
    std::thread::sleep(Duration::from_millis(50));
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for client in clients {
        assert!(client.join().unwrap() > 0);
    }
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_option_that_says_it() {
    let refused = |path: &str, fault: HttpFault| {
        let mut all = rule("r", "/**", abort(200, ""));
        all.matches.path = Some(path.to_owned());
        all.fault = fault;
        all.validate().unwrap_err().0
    };
    assert_eq!(refused("cart", abort(503, "")), "path");
    assert_eq!(refused("/", abort(99, "")), "status");
    assert_eq!(refused("/", abort(101, "")), "status");
    let patch = |patch| HttpFault::Patch(patch);
    assert_eq!(refused("/", patch(Patch::default())), "set_headers");
    let length = own(&[("content-length", "5")]);
    let set = Patch {
        set: length,
        ..Patch::default()
    };
    assert_eq!(refused("/", patch(set)), "set_headers");
    let empty = Patch {
        replace: own(&[("", "x")]),
        ..Patch::default()
    };
    assert_eq!(refused("/", patch(empty)), "replace");
}
