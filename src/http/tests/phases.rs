//! Where time goes, and what a failure in each phase is called.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket};

use super::server::*;
use crate::http::codes;

const SHORT: Duration = Duration::from_millis(60);

#[test]
fn waiting_and_receiving_are_told_apart() {
    run(async {
        let server = listen(|mut stream, _| async move {
            head(&mut stream).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.write_all(b"x").await.unwrap();
            head(&mut stream).await;
        })
        .await;
        let outcome = get(server).await;
        let timings = outcome.response.timings;
        assert!(timings.waiting >= Duration::from_millis(95), "{timings:?}");
        assert!(
            timings.receiving >= Duration::from_millis(45),
            "{timings:?}"
        );
        assert!(timings.sending < Duration::from_millis(90), "{timings:?}");
        assert!(timings.total() >= timings.duration());
    });
}

#[test]
fn a_timeout_says_what_was_waited_for() {
    run(async {
        let silent = listen(|mut stream, _| async move {
            head(&mut stream).await;
            head(&mut stream).await;
        })
        .await;
        let half = always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel").await;
        let deaf = listen(|stream, _| async move {
            tokio::time::sleep(Duration::from_secs(9)).await;
            drop(stream);
        })
        .await;
        let table = [
            (to(silent, "/"), "first byte"),
            (to(half, "/"), "receiving"),
            (post(deaf, "/", vec![0; 32 << 20]), "sending"),
            (at(&format!("https://{silent}/")), "TLS handshake"),
        ];
        for (mut request, phase) in table {
            request.timeout = SHORT;
            let outcome = client().send(request).await;
            let (code, text) = result(&outcome).unwrap_err();
            assert_eq!(code, codes::TIMEOUT, "{text}");
            assert!(text.contains(phase) && text.contains("60ms"), "{text}");
            let exchange = &outcome.exchanges[0];
            assert_eq!((exchange.status, exchange.error_code), (0, codes::TIMEOUT));
            assert!(exchange.timings.total() >= SHORT, "{:?}", exchange.timings);
        }
    });
}

#[test]
fn connecting_into_a_full_backlog_times_out() {
    run(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener: TcpListener = socket.listen(1).unwrap();
        let server = listener.local_addr().unwrap();
        let mut held = Vec::new();
        for _ in 0..8 {
            let connecting = tokio::net::TcpStream::connect(server);
            held.push(tokio::time::timeout(SHORT, connecting).await);
        }
        let mut request = to(server, "/");
        request.timeout = SHORT;
        let outcome = client().send(request).await;
        assert_eq!(code(&outcome), codes::DIAL_TIMEOUT);
        assert!(outcome.response.timings.connecting >= SHORT);
    });
}

#[test]
fn a_stopped_request_is_cut_with_its_time() {
    run(async {
        let server = listen(|mut stream, _| async move {
            head(&mut stream).await;
            head(&mut stream).await;
        })
        .await;
        let client = client();
        let outcome = client
            .send_until(&to(server, "/"), tokio::time::sleep(SHORT))
            .await;
        assert_eq!(code(&outcome), codes::CUT);
        assert!(outcome.response.timings.waiting >= SHORT / 2);
        assert_eq!(outcome.exchanges[0].error_code, codes::CUT);
    });
}

#[test]
fn nobody_listening_is_refused() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let outcome = get(address).await;
        let (code, text) = result(&outcome).unwrap_err();
        assert_eq!(code, codes::REFUSED);
        assert!(text.contains("connection refused"), "{text}");
        assert_eq!(outcome.response.remote_address, None);
    });
}

#[test]
fn every_address_of_a_name_is_tried() {
    run(async {
        let Ok(listener) = TcpListener::bind("[::1]:0").await else {
            return;
        };
        let port = listener.local_addr().unwrap().port();
        tokio::task::spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            stream.write_all(ok("six").as_bytes()).await.unwrap();
        });
        let request = at(&format!("http://localhost:{port}/"));
        assert_eq!(body(&client().send(request).await), "six");
    });
}

#[test]
fn a_reset_is_a_reset() {
    run(async {
        let server = listen(|mut stream, _| async move {
            head(&mut stream).await;
            stream.set_zero_linger().unwrap();
        })
        .await;
        assert_eq!(code(&get(server).await), codes::RESET);
    });
}

#[test]
fn a_server_that_does_not_read_breaks_the_pipe() {
    run(async {
        let server = listen(|stream, _| async move {
            stream.set_zero_linger().unwrap();
        })
        .await;
        let outcome = client().send(post(server, "/", vec![0; 32 << 20])).await;
        let code = code(&outcome);
        assert!(code == codes::BROKEN_PIPE || code == codes::RESET, "{code}");
    });
}

#[test]
fn what_cannot_be_sent_is_said() {
    run(async {
        let outcome = client().send(at("ftp://127.0.0.1/")).await;
        assert_eq!(code(&outcome), codes::INVALID_REQUEST);
        let server = always(ok("x")).await;
        let mut request = to(server, "/");
        request
            .headers
            .push(("x".into(), b"a\r\nb: c".to_vec().into()));
        assert_eq!(code(&client().send(request).await), codes::INVALID_REQUEST);
    });
}

#[test]
fn a_status_from_400_on_has_a_code_and_no_error() {
    run(async {
        let server = always("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").await;
        let outcome = get(server).await;
        assert_eq!(result(&outcome), Ok((503, String::new())));
        assert_eq!(outcome.response.error_code, 1503);
        assert_eq!(outcome.exchanges[0].error_code, 1503);
    });
}
