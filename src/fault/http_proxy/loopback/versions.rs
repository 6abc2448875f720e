//! HTTP/2 and TLS on either side.

use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

use super::{Client, abort, options, rule, says, through};
use crate::fault::http_proxy::serve::LocalExecutor;
use crate::fault::http_proxy::{HttpProxy, Origin, OriginTls, Version};

/// A TLS server for `localhost` that offers these protocols and says which it was spoken to in
/// and for which host; gives its port and its certificate.
fn secure(protocols: &[&[u8]]) -> (u16, String) {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = signed.cert.pem();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.unwrap())
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        LocalSet::new().block_on(&runtime, async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let io = TokioIo::new(stream);
                tokio::task::spawn_local(async move {
                    if is_http2 {
                        let builder = http2::Builder::new(LocalExecutor);
                        drop(builder.serve_connection(io, service_fn(say)).await);
                    } else {
                        let builder = http1::Builder::new();
                        drop(builder.serve_connection(io, service_fn(say)).await);
                    }
                });
            }
        });
    });
    (port, pem)
}

async fn say(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let version = request.version();
    let host = request.uri().authority().map(ToString::to_string);
    let header = request.headers().get("host");
    let host = host.or(header.map(|host| host.to_str().unwrap().to_owned()));
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let host = host.unwrap_or_default();
    let text = format!("{version:?} {host} {path} {}", body.len());
    Ok(Response::new(Full::new(Bytes::from(text))))
}

fn to(port: u16, tls: &OriginTls, version: Version) -> HttpProxy {
    let mut options = options("http://127.0.0.1:1");
    let url = format!("https://localhost:{port}");
    options.origin = Origin::parse(&url, tls, version).unwrap();
    HttpProxy::start(&options, Vec::new()).unwrap()
}

#[test]
fn a_tls_upstream_is_spoken_to_in_the_version_it_offers() {
    for (offered, version, wanted) in [
        (&[&b"h2"[..], b"http/1.1"][..], Version::Auto, "HTTP/2.0"),
        (&[&b"http/1.1"[..]][..], Version::Auto, "HTTP/1.1"),
        (&[][..], Version::Auto, "HTTP/1.1"),
        (&[&b"h2"[..], b"http/1.1"][..], Version::Http1, "HTTP/1.1"),
    ] {
        let (port, ca) = secure(offered);
        let tls = OriginTls {
            ca: Some(ca),
            ..OriginTls::default()
        };
        let proxy = to(port, &tls, version);
        let mut client = Client::new(&proxy);
        for n in 0..3 {
            client.send(&format!(
                "POST /{n} HTTP/1.1\r\nHost: me\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc"
            ));
            let answer = client.read();
            let wanted = format!("{wanted} localhost:{port} /{n} 3");
            assert_eq!((answer.status(), answer.text()), (200, wanted.as_str()));
        }
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_a_502_unless_it_is_accepted() {
    let (port, _) = secure(&[b"http/1.1"]);
    let insecure = OriginTls {
        insecure: true,
        ..OriginTls::default()
    };
    let proxy = to(port, &insecure, Version::Auto);
    assert_eq!(Client::new(&proxy).get("/").status(), 200);
    let (_, other) = secure(&[b"http/1.1"]);
    let strict = OriginTls {
        ca: Some(other),
        ..OriginTls::default()
    };
    let answer = Client::new(&to(port, &strict, Version::Auto)).get("/");
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("certificate"), "{}", answer.text());
}

#[test]
fn http2_by_prior_knowledge_works_on_both_sides() {
    let (address, asked) = says("deep");
    let inner = through(&address, vec![rule("busy", "/busy", abort(503, "busy"))]);
    let mut options = options("http://127.0.0.1:1");
    let url = format!("http://{}", inner.listen());
    options.origin = Origin::parse(&url, &OriginTls::default(), Version::Http2).unwrap();
    let outer = HttpProxy::start(&options, Vec::new()).unwrap();
    let mut client = Client::new(&outer);
    for _ in 0..3 {
        assert_eq!(client.get("/x").text(), "deep");
        let (connection, request) = asked.recv().unwrap();
        assert_eq!(connection, 0);
        assert_eq!(request.header("host"), Some("shop"));
    }
    let answer = client.get("/busy");
    assert_eq!((answer.status(), answer.text()), (503, "busy"));
    assert_eq!(answer.header("x-rchaos-fault"), Some("busy"));
}
