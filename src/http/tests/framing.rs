//! Responses as they come over the wire: whole, in pieces, too large, and wrong.

use std::time::Duration;

use http::Method;
use tokio::io::AsyncWriteExt as _;

use super::server::*;
use crate::http::{Coding, codes, encode};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n\
    5;ext=\"v\"\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-Trailer: t\r\n\r\n";

#[test]
fn a_get_is_exact_and_its_answer_complete() {
    run(async {
        let seen = reply(ok).await;
        let outcome = client().send(to(seen, "/a?b=c#d")).await;
        assert_eq!(
            body(&outcome),
            format!("GET /a?b=c HTTP/1.1\r\nHost: {seen}\r\n\r\n")
        );
        let response = &outcome.response;
        assert_eq!((response.version, response.error_code), ("HTTP/1.1", 0));
        assert_eq!(response.remote_address, Some(seen));
        assert!(response.headers.get("content-length").is_some());
        assert_eq!(outcome.exchanges.len(), 1);
        let exchange = &outcome.exchanges[0];
        assert_eq!(exchange.sent_bytes, response.body.len() as u64);
        assert!(exchange.received_bytes > exchange.sent_bytes);
    });
}

#[test]
fn a_post_announces_its_body() {
    run(async {
        let seen = reply(ok).await;
        let text = body(&client().send(post(seen, "/", "hello")).await);
        assert!(text.ends_with("Content-Length: 5\r\n\r\nhello"), "{text}");
        let text = body(&client().send(post(seen, "/", "")).await);
        assert!(text.ends_with("Content-Length: 0\r\n\r\n"), "{text}");
        let large = "x".repeat(300_000);
        let text = body(&client().send(post(seen, "/", large.clone())).await);
        assert!(text.ends_with(&format!("\r\n\r\n{large}")));
    });
}

#[test]
fn an_answer_cut_at_any_byte_reads_the_same() {
    run(async {
        for answer in [CHUNKED.to_owned(), ok("hello world")] {
            for at in 1..answer.len() {
                let (first, second) = answer.as_bytes().split_at(at);
                let (first, second) = (first.to_vec(), second.to_vec());
                let server = listen(move |mut stream, _| {
                    let (first, second) = (first.clone(), second.clone());
                    async move {
                        head(&mut stream).await;
                        stream.write_all(&first).await.unwrap();
                        for _ in 0..3 {
                            tokio::task::yield_now().await;
                        }
                        let _ = stream.write_all(&second).await;
                        head(&mut stream).await;
                    }
                })
                .await;
                assert_eq!(body(&get(server).await), "hello world", "cut at {at}");
            }
        }
    });
}

#[test]
fn an_answer_byte_by_byte_reads_the_same() {
    run(async {
        let server = listen(|mut stream, _| async move {
            head(&mut stream).await;
            for byte in CHUNKED.bytes() {
                stream.write_all(&[byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            head(&mut stream).await;
        })
        .await;
        assert_eq!(body(&get(server).await), "hello world");
    });
}

#[test]
fn a_large_body_arrives_whole() {
    run(async {
        let large = "0123456789abcdef".repeat(200_000);
        assert_eq!(body(&get(always(ok(&large)).await).await), large);
        let mut chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
        for piece in large.as_bytes().chunks(100_000) {
            let piece = std::str::from_utf8(piece).unwrap();
            chunked.push_str(&format!("{:x}\r\n{piece}\r\n", piece.len()));
        }
        chunked.push_str("0\r\n\r\n");
        let server = always(chunked).await;
        let client = client();
        let outcome = client.send(to(server, "/")).await;
        assert_eq!(body(&outcome), large);
        let again = client.send(to(server, "/")).await;
        assert!(again.exchanges[0].reused);
    });
}

#[test]
fn a_body_ends_with_the_connection() {
    run(async {
        let server = once("HTTP/1.0 200 OK\r\n\r\nuntil the end").await;
        let outcome = get(server).await;
        assert_eq!(body(&outcome), "until the end");
        assert_eq!(outcome.response.version, "HTTP/1.0");
    });
}

#[test]
fn interim_responses_are_skipped_and_upgrades_refused() {
    run(async {
        let server = always(format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{}",
            ok("final")
        ))
        .await;
        assert_eq!(body(&get(server).await), "final");
        let server = always("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").await;
        assert_eq!(code(&get(server).await), codes::MALFORMED);
        let server = always("HTTP/1.1 100 Continue\r\n\r\n".repeat(100)).await;
        assert_eq!(code(&get(server).await), codes::MALFORMED);
    });
}

#[test]
fn responses_without_body_leave_the_connection_usable() {
    run(async {
        let server = always("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await;
        let client = client();
        for reused in [false, true] {
            let mut request = to(server, "/");
            request.method = Method::HEAD;
            let outcome = client.send(request).await;
            assert_eq!(body(&outcome), "");
            assert_eq!(outcome.exchanges[0].reused, reused);
        }
        for status in [204, 304] {
            let server = always(format!("HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\n")).await;
            assert_eq!(result(&get(server).await), Ok((status, String::new())));
        }
    });
}

#[test]
fn what_is_not_http_is_malformed() {
    run(async {
        for answer in [
            "SSH-2.0-OpenSSH_9\r\n",
            "\u{0}\u{1}\u{2}\u{3}\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nNo Colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno trailer\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ] {
            let outcome = get(always(answer).await).await;
            assert_eq!(code(&outcome), codes::MALFORMED, "{answer:?}");
            assert_eq!(outcome.response.status, 0);
        }
    });
}

#[test]
fn closing_early_is_told_apart() {
    run(async {
        assert_eq!(code(&get(once("").await).await), codes::CLOSED);
        for answer in [
            "HTTP/1.1 200",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
            "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\nhel",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
        ] {
            let code = code(&get(once(answer).await).await);
            assert_eq!(code, codes::CLOSED_MID_RESPONSE, "{answer:?}");
        }
    });
}

#[test]
fn heads_have_bounds() {
    run(async {
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(300 * 1024));
        assert_eq!(code(&get(always(long).await).await), codes::HEAD_TOO_LARGE);
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(257));
        assert_eq!(code(&get(always(many).await).await), codes::HEAD_TOO_LARGE);
        let fits = "X: y\r\n".repeat(255);
        let fits = format!("HTTP/1.1 200 OK\r\n{fits}Content-Length: 0\r\n\r\n");
        let outcome = get(always(fits).await).await;
        assert_eq!(outcome.response.headers.len(), 256);
    });
}

#[test]
fn bodies_have_a_bound_unless_discarded() {
    run(async {
        let large = "x".repeat(100_000);
        let chunked = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n{large}\r\n0\r\n\r\n"
        );
        let closing = format!("HTTP/1.0 200 OK\r\n\r\n{large}");
        for answer in [ok(&large), chunked, closing] {
            let server = once(answer).await;
            let mut request = to(server, "/");
            request.max_body = 99_999;
            let outcome = client().send(request.clone()).await;
            assert_eq!(code(&outcome), codes::BODY_TOO_LARGE);
            request.discard_body = true;
            let outcome = client().send(request).await;
            assert_eq!(result(&outcome), Ok((200, String::new())));
            assert!(outcome.exchanges[0].received_bytes > 100_000);
        }
        let lie = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
        assert_eq!(code(&get(always(lie).await).await), codes::BODY_TOO_LARGE);
    });
}

#[test]
fn compressed_bodies_are_undone_on_request() {
    run(async {
        let chain = [Coding::Gzip, Coding::Br];
        let (packed, value) = encode(b"hello hello hello", &chain).unwrap();
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {value}\r\nContent-Length: {}\r\n\r\n",
            packed.len()
        )
        .into_bytes();
        answer.extend(&packed);
        let server = always(answer).await;
        assert_eq!(body(&get(server).await), "hello hello hello");
        let mut request = to(server, "/");
        request.decompress = false;
        assert_eq!(client().send(request).await.response.body, packed);
        let broken = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
        let outcome = get(always(broken).await).await;
        assert_eq!(code(&outcome), codes::DECOMPRESSION);
        assert_eq!(outcome.exchanges[0].error_code, codes::DECOMPRESSION);
    });
}

#[test]
fn an_early_answer_is_read_while_writing() {
    run(async {
        let server = listen(|mut stream, _| async move {
            head(&mut stream).await;
            let early =
                "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig";
            stream.write_all(early.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(10)).await;
        })
        .await;
        let request = post(server, "/", vec![b'x'; 32 << 20]);
        let outcome = client().send(request).await;
        assert_eq!(result(&outcome), Ok((413, "big".into())));
        assert_eq!(outcome.response.error_code, 1413);
        assert!(outcome.exchanges[0].sent_bytes < 32 << 20);
    });
}

#[test]
fn an_answer_before_a_reset_is_still_read() {
    run(async {
        let server = listen(|mut stream, _| async move {
            head(&mut stream).await;
            let early = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig";
            stream.write_all(early.as_bytes()).await.unwrap();
        })
        .await;
        let request = post(server, "/", vec![b'x'; 8 << 20]);
        assert_eq!(
            result(&client().send(request).await),
            Ok((413, "big".into()))
        );
    });
}
