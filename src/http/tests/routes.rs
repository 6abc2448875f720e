//! Redirects, challenges, cookies and proxies: what is sent where.

use std::rc::Rc;

use http::Method;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use super::server::*;
use crate::http::{Auth, Proxy, codes};

/// `/n` leads to `/n-1`; `/0` shows the request.
fn countdown(request: &str) -> String {
    let path = request.split(' ').nth(1).unwrap();
    match path[1..].parse::<u32>() {
        Ok(0) | Err(_) => ok(request),
        Ok(n) => format!(
            "HTTP/1.1 302 Found\r\nLocation: /{}\r\nContent-Length: 4\r\n\r\ngone",
            n - 1
        ),
    }
}

#[test]
fn redirects_are_followed_and_counted() {
    run(async {
        let server = reply(countdown).await;
        let client = client();
        let outcome = client.send(post(server, "/3", "body")).await;
        assert!(body(&outcome).starts_with("GET /0 HTTP/1.1\r\n"));
        assert!(!body(&outcome).contains("Content-Length"));
        let statuses: Vec<u16> = outcome.exchanges.iter().map(|e| e.status).collect();
        assert_eq!(statuses, [302, 302, 302, 200]);
        assert_eq!(outcome.exchanges[0].method, Method::POST);
        assert_eq!(outcome.response.url.path(), "/0");
        assert!(
            outcome.exchanges[1..]
                .iter()
                .all(|exchange| exchange.reused)
        );
    });
}

#[test]
fn the_limit_returns_the_redirect_itself() {
    run(async {
        let server = reply(countdown).await;
        for (limit, hops) in [(0, 1), (2, 3)] {
            let mut request = to(server, "/9");
            request.redirects = limit;
            let outcome = client().send(request).await;
            assert_eq!(result(&outcome), Ok((302, "gone".into())));
            assert_eq!(outcome.exchanges.len(), hops);
        }
        let outcome = client().send(to(server, "/10")).await;
        assert_eq!(result(&outcome).unwrap().0, 200);
    });
}

#[test]
fn a_redirect_to_nowhere_fails_after_its_exchange() {
    run(async {
        let server =
            always("HTTP/1.1 302 Found\r\nLocation: ftp://a/\r\nContent-Length: 0\r\n\r\n").await;
        let outcome = get(server).await;
        assert_eq!(code(&outcome), codes::INVALID_REQUEST);
        assert_eq!(outcome.exchanges[0].status, 302);
    });
}

#[test]
fn a_307_repeats_the_body_elsewhere_without_credentials() {
    run(async {
        let target = reply(ok).await;
        let server = reply(move |_| {
            format!("HTTP/1.1 307 X\r\nLocation: http://{target}/\r\nContent-Length: 0\r\n\r\n")
        })
        .await;
        let mut request = post(server, "/", "hello");
        request.auth = Some(Auth::Bearer("secret".into()));
        let text = body(&client().send(request).await);
        assert!(
            text.starts_with("POST / ") && text.ends_with("hello"),
            "{text}"
        );
        assert_eq!(header(&text, "authorization"), None);
    });
}

#[test]
fn cookies_come_back_until_reset() {
    run(async {
        let server = reply(|request| {
            let seen = header(request, "cookie").unwrap_or("-").to_owned();
            let length = seen.len();
            format!("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: {length}\r\n\r\n{seen}")
        })
        .await;
        let client = client();
        assert_eq!(body(&client.send(to(server, "/")).await), "-");
        assert_eq!(body(&client.send(to(server, "/")).await), "a=1");
        let mut request = to(server, "/");
        request.cookies = vec![("b".into(), "2".into()), ("a".into(), "3".into())];
        assert_eq!(body(&client.send(request.clone()).await), "b=2; a=3");
        request.headers = vec![("Cookie".into(), b"c=4".to_vec().into())];
        assert_eq!(body(&client.send(request).await), "c=4; b=2; a=3");
        let mut request = to(server, "/");
        request.use_jar = false;
        assert_eq!(body(&client.send(request).await), "-");
        let url = Url::parse(&format!("http://{server}/")).unwrap();
        assert_eq!(client.cookies().get(&url, "a"), Some("1"));
        client.reset_cookies();
        assert_eq!(body(&client.send(to(server, "/")).await), "-");
    });
}

#[test]
fn a_cookie_of_a_redirect_is_sent_to_its_target() {
    run(async {
        let server = reply(|request| match request.starts_with("GET /in") {
            true => "HTTP/1.1 303 X\r\nSet-Cookie: s=1\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
                .into(),
            false => ok(header(request, "cookie").unwrap_or("-")),
        })
        .await;
        assert_eq!(body(&client().send(to(server, "/in")).await), "s=1");
    });
}

#[test]
fn basic_and_bearer_are_sent_at_once() {
    run(async {
        let server = reply(|request| ok(header(request, "authorization").unwrap_or("-"))).await;
        let mut request = to(server, "/");
        request.auth = Some(Auth::Basic {
            user: "ann".into(),
            password: "pw".into(),
        });
        assert_eq!(
            body(&client().send(request.clone()).await),
            "Basic YW5uOnB3"
        );
        request.auth = Some(Auth::Bearer("t".into()));
        assert_eq!(body(&client().send(request).await), "Bearer t");
        let request = at(&format!("http://ann:pw@{server}/"));
        assert_eq!(body(&client().send(request).await), "Basic YW5uOnB3");
    });
}

#[test]
fn digest_answers_one_challenge() {
    run(async {
        let server = reply(|request| match header(request, "authorization") {
            Some(value) if value.contains("username=\"ann\"") => ok(value),
            _ => "HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n\
                  Content-Length: 0\r\n\r\n".into(),
        })
        .await;
        let digest = |user: &str| {
            let mut request = post(server, "/p?q=1", "body");
            request.auth = Some(Auth::Digest {
                user: user.into(),
                password: "pw".into(),
                cnonce: 1,
            });
            request
        };
        let outcome = client().send(digest("ann")).await;
        assert!(body(&outcome).contains("uri=\"/p?q=1\""));
        let statuses: Vec<u16> = outcome.exchanges.iter().map(|e| e.status).collect();
        assert_eq!(statuses, [401, 200]);
        assert_eq!(outcome.exchanges[0].error_code, 1401);
        let outcome = client().send(digest("bob")).await;
        assert_eq!((outcome.response.status, outcome.exchanges.len()), (401, 2));
    });
}

#[test]
fn a_proxy_gets_the_absolute_form() {
    run(async {
        let proxy = reply(ok).await;
        let mut request = at("http://shop.test:81/a?b");
        request.proxy = Some(Rc::new(Proxy {
            url: Url::parse(&format!("http://ann:pw@{proxy}")).unwrap(),
            auth: None,
        }));
        let outcome = client().send(request).await;
        let text = body(&outcome);
        assert!(text.starts_with("GET http://shop.test:81/a?b HTTP/1.1\r\nHost: shop.test:81\r\n"));
        assert_eq!(header(&text, "proxy-authorization"), Some("Basic YW5uOnB3"));
        assert_eq!(outcome.response.remote_address, Some(proxy));
    });
}

#[test]
fn a_proxy_that_refuses_the_tunnel_is_named() {
    run(async {
        let proxy = listen(|mut stream, _| async move {
            let request = head(&mut stream).await.unwrap();
            assert!(
                request.starts_with("CONNECT shop.test:443 HTTP/1.1\r\n"),
                "{request}"
            );
            let answer = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let mut request = at("https://shop.test/");
        request.proxy = Some(Rc::new(Proxy {
            url: Url::parse(&format!("http://{proxy}")).unwrap(),
            auth: None,
        }));
        let (code, text) = result(&client().send(request).await).unwrap_err();
        assert_eq!(code, codes::PROXY);
        assert!(text.contains("407"), "{text}");
    });
}
