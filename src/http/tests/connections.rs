//! Keeping, reusing and closing connections.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::server::*;
use crate::http::{Client, Shared, codes};

#[test]
fn a_connection_is_used_again() {
    run(async {
        let server = always(ok("x")).await;
        let client = client();
        for (index, reused) in [false, true, true].into_iter().enumerate() {
            let outcome = client.send(to(server, "/")).await;
            let exchange = &outcome.exchanges[0];
            assert_eq!(exchange.reused, reused, "{index}");
            assert_eq!(exchange.reconnects, 0);
            assert_eq!(exchange.timings.connecting.is_zero(), reused);
            assert!(!exchange.timings.waiting.is_zero());
        }
        client.close_idle();
        let outcome = client.send(to(server, "/")).await;
        assert!(!outcome.exchanges[0].reused);
    });
}

#[test]
fn clients_do_not_share_connections() {
    run(async {
        let server = always(ok("x")).await;
        let shared = Shared::new();
        for _ in 0..2 {
            let client = Client::new(shared.clone());
            assert!(!client.send(to(server, "/")).await.exchanges[0].reused);
        }
    });
}

#[test]
fn close_is_obeyed_in_both_directions() {
    run(async {
        let server =
            always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        let one = client();
        for _ in 0..2 {
            assert!(!one.send(to(server, "/")).await.exchanges[0].reused);
        }
        let server = reply(|request| ok(header(request, "connection").unwrap_or("-"))).await;
        let one = client();
        for _ in 0..2 {
            let mut request = to(server, "/");
            request.keep_alive = false;
            let outcome = one.send(request).await;
            assert_eq!(body(&outcome), "close");
            assert!(!outcome.exchanges[0].reused);
            let mut request = to(server, "/");
            request.headers = vec![("connection".into(), b"Close".to_vec().into())];
            let outcome = one.send(request).await;
            assert_eq!(body(&outcome), "Close");
            assert!(!outcome.exchanges[0].reused);
        }
    });
}

#[test]
fn bytes_nobody_asked_for_close_the_connection() {
    run(async {
        let server = always(format!("{}{}", ok("first"), ok("second"))).await;
        let client = client();
        for _ in 0..3 {
            let outcome = client.send(to(server, "/")).await;
            assert_eq!(body(&outcome), "first");
            assert!(!outcome.exchanges[0].reused);
        }
    });
}

#[test]
fn an_idle_connection_found_closed_is_replaced() {
    run(async {
        let server = listen(|mut stream, _| async move {
            head(&mut stream).await;
            stream.write_all(ok("x").as_bytes()).await.unwrap();
        })
        .await;
        let client = client();
        client.send(to(server, "/")).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let outcome = client.send(to(server, "/")).await;
        assert_eq!(body(&outcome), "x");
        let exchange = &outcome.exchanges[0];
        assert_eq!((exchange.reconnects, exchange.reused), (1, false));
    });
}

#[test]
fn an_idle_connection_with_late_bytes_is_replaced() {
    run(async {
        let server = listen(|mut stream, _| async move {
            head(&mut stream).await;
            stream.write_all(ok("x").as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.write_all(ok("smuggled").as_bytes()).await.unwrap();
            head(&mut stream).await;
        })
        .await;
        let client = client();
        client.send(to(server, "/")).await;
        tokio::time::sleep(Duration::from_millis(80)).await;
        let outcome = client.send(to(server, "/")).await;
        assert_eq!(body(&outcome), "x");
        assert_eq!(outcome.exchanges[0].reconnects, 1);
    });
}

#[test]
fn a_request_that_was_written_is_never_sent_again() {
    run(async {
        let requests = Rc::new(Cell::new(0));
        let counted = requests.clone();
        let server = listen(move |mut stream, _| {
            let counted = counted.clone();
            async move {
                while head(&mut stream).await.is_some() {
                    counted.set(counted.get() + 1);
                    if counted.get() == 2 {
                        stream.set_zero_linger().unwrap();
                        return;
                    }
                    stream.write_all(ok("x").as_bytes()).await.unwrap();
                }
            }
        })
        .await;
        let client = client();
        client.send(to(server, "/")).await;
        let outcome = client.send(to(server, "/")).await;
        assert_eq!(code(&outcome), codes::RESET);
        assert!(outcome.exchanges[0].reused);
        assert_eq!((requests.get(), outcome.exchanges[0].reconnects), (2, 0));
    });
}

#[test]
fn dropping_a_request_closes_its_connection() {
    run(async {
        let closed = Rc::new(Cell::new(false));
        let seen = closed.clone();
        let server = listen(move |mut stream, _| {
            let seen = seen.clone();
            async move {
                head(&mut stream).await;
                let rest = stream.read_u8().await;
                seen.set(rest.is_err());
            }
        })
        .await;
        let client = client();
        let request = client.send(to(server, "/"));
        let cut = tokio::time::timeout(Duration::from_millis(50), request).await;
        assert!(cut.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(closed.get());
    });
}

#[test]
fn a_client_alone_is_small() {
    assert!(size_of::<Client>() <= 200, "{}", size_of::<Client>());
}

#[test]
fn idle_connections_own_no_buffers() {
    run(async {
        let server = always(ok("x")).await;
        let shared = Shared::new();
        let clients: Vec<_> = (0..20).map(|_| Client::new(shared.clone())).collect();
        for client in &clients {
            client.send(to(server, "/")).await;
        }
        assert!(shared.spare_buffers() <= 2, "{}", shared.spare_buffers());
    });
}
