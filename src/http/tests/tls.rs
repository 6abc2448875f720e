//! TLS: trust, names, client certificates, tunnels, and connections kept under it.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use url::Url;

use super::server::*;
use crate::http::{Proxy, Request, TlsOptions, TlsVersion, VersionPreference, codes};

/// An authority of the test's own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, both PEM.
pub struct Identity {
    cert: String,
    key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    pub fn issue(&self, names: &[&str]) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        Identity {
            cert: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// What a server shows, offers and demands.
pub fn acceptor(identity: &Identity, alpn: &[&str], clients: Option<&Authority>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let pem = authority.pem();
            roots
                .add(CertificateDer::from_pem_slice(&pem).unwrap())
                .unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(identity.cert.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

async fn answer(mut stream: TlsStream<TcpStream>) {
    let mut seen = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        seen.push(byte);
        if seen.ends_with(b"\r\n\r\n") {
            seen.clear();
            if stream.write_all(ok("safe").as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// An HTTP/1.1 server that answers "safe" to every request.
async fn serve(acceptor: TlsAcceptor) -> SocketAddr {
    listen(move |stream, _| {
        let accepting = acceptor.accept(stream);
        async move {
            if let Ok(stream) = accepting.await {
                answer(stream).await;
            }
        }
    })
    .await
}

pub fn trusting(url: &str, authority: &Authority) -> Request {
    let mut request = at(url);
    request.tls = Some(Rc::new(TlsOptions {
        ca: Some(authority.pem()),
        ..TlsOptions::default()
    }));
    request
}

#[test]
fn a_trusted_server_is_talked_to_and_kept() {
    run(async {
        let authority = Authority::new();
        let identity = authority.issue(&["localhost"]);
        let server = serve(acceptor(&identity, &[], None)).await;
        let request = trusting(&format!("https://localhost:{}/", server.port()), &authority);
        let client = client();
        let outcome = client.send(request.clone()).await;
        assert_eq!(body(&outcome), "safe");
        assert!(!outcome.response.timings.tls.is_zero());
        assert_eq!(outcome.response.version, "HTTP/1.1");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let outcome = client.send(request.clone()).await;
        assert!(outcome.exchanges[0].reused, "{:?}", outcome.exchanges[0]);
        assert!(outcome.response.timings.tls.is_zero());
        let mut other = request;
        other.tls = Some(Rc::new((**other.tls.as_ref().unwrap()).clone()));
        assert!(!client.send(other).await.exchanges[0].reused);
    });
}

#[test]
fn a_stranger_is_refused_unless_insecure() {
    run(async {
        let identity = Authority::new().issue(&["localhost"]);
        let server = serve(acceptor(&identity, &[], None)).await;
        let mut request = trusting(
            &format!("https://localhost:{}/", server.port()),
            &Authority::new(),
        );
        let outcome = client().send(request.clone()).await;
        assert_eq!(code(&outcome), codes::CERTIFICATE, "{outcome:?}");
        request.tls = Some(Rc::new(TlsOptions {
            insecure: true,
            ..TlsOptions::default()
        }));
        assert_eq!(body(&client().send(request).await), "safe");
    });
}

#[test]
fn a_certificate_for_another_name_has_its_code() {
    run(async {
        let authority = Authority::new();
        let identity = authority.issue(&["shop.test"]);
        let server = serve(acceptor(&identity, &[], None)).await;
        let mut request = trusting(&format!("https://{server}/"), &authority);
        let outcome = client().send(request.clone()).await;
        assert_eq!(code(&outcome), codes::CERTIFICATE_NAME, "{outcome:?}");
        request.tls = Some(Rc::new(TlsOptions {
            ca: Some(authority.pem()),
            server_name: Some("shop.test".into()),
            ..TlsOptions::default()
        }));
        assert_eq!(body(&client().send(request).await), "safe");
    });
}

#[test]
fn addresses_can_be_names_of_certificates() {
    run(async {
        let authority = Authority::new();
        let identity = authority.issue(&["127.0.0.1"]);
        let server = serve(acceptor(&identity, &[], None)).await;
        let request = trusting(&format!("https://{server}/"), &authority);
        assert_eq!(body(&client().send(request).await), "safe");
    });
}

#[test]
fn a_client_certificate_is_shown() {
    run(async {
        let authority = Authority::new();
        let identity = authority.issue(&["127.0.0.1"]);
        let server = serve(acceptor(&identity, &[], Some(&authority))).await;
        let mut request = trusting(&format!("https://{server}/"), &authority);
        let outcome = client().send(request.clone()).await;
        assert_eq!(code(&outcome) / 100, 13, "{outcome:?}");
        let own = authority.issue(&["me"]);
        let mut options = TlsOptions {
            ca: Some(authority.pem()),
            cert: Some(own.cert.into_bytes()),
            key: Some(own.key.into_bytes()),
            min_version: TlsVersion::Tls13,
            ..TlsOptions::default()
        };
        request.tls = Some(Rc::new(options.clone()));
        assert_eq!(body(&client().send(request.clone()).await), "safe");
        options.key = None;
        request.tls = Some(Rc::new(options));
        let (code, text) = result(&client().send(request).await).unwrap_err();
        assert!(code == codes::TLS && text.contains("`key`"), "{text}");
    });
}

#[test]
fn options_that_make_no_sense_are_said() {
    run(async {
        let server = always(ok("x")).await;
        let mut request = at(&format!("https://{server}/"));
        request.tls = Some(Rc::new(TlsOptions {
            ca: Some(b"not pem".to_vec()),
            ..TlsOptions::default()
        }));
        let (code, text) = result(&client().send(request).await).unwrap_err();
        assert!(code == codes::TLS && text.contains("`ca`"), "{text}");
    });
}

#[test]
fn a_server_without_tls_is_not_understood() {
    run(async {
        let server = once("HTTP/1.1 400 Bad\r\n\r\n").await;
        let plain = listen(|mut stream, _| async move {
            let _ = stream.read_u8().await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await;
            let _ = stream.read_u8().await;
        })
        .await;
        for address in [plain, server] {
            let mut request = at(&format!("https://{address}/"));
            request.timeout = Duration::from_millis(300);
            let code = code(&client().send(request).await);
            assert!(
                code / 100 == 13 || code == codes::TIMEOUT || code == codes::RESET,
                "{code}"
            );
        }
    });
}

#[test]
fn a_kept_connection_closed_under_tls_is_replaced() {
    run(async {
        let authority = Authority::new();
        let acceptor = acceptor(&authority.issue(&["127.0.0.1"]), &[], None);
        let server = listen(move |stream, _| {
            let accepting = acceptor.accept(stream);
            async move {
                let mut stream = accepting.await.unwrap();
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                stream.write_all(ok("safe").as_bytes()).await.unwrap();
                let _ = stream.shutdown().await;
            }
        })
        .await;
        let client = client();
        let request = trusting(&format!("https://{server}/"), &authority);
        assert_eq!(body(&client.send(request.clone()).await), "safe");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let outcome = client.send(request).await;
        assert_eq!(body(&outcome), "safe");
        assert_eq!(outcome.exchanges[0].reconnects, 1);
    });
}

#[test]
fn a_tunnel_carries_tls() {
    run(async {
        let authority = Authority::new();
        let acceptor = acceptor(&authority.issue(&["shop.test"]), &[], None);
        let proxy = listen(move |mut stream, _| {
            let acceptor = acceptor.clone();
            async move {
                let asked = head(&mut stream).await.unwrap();
                assert!(
                    asked.starts_with("CONNECT shop.test:8443 HTTP/1.1\r\n"),
                    "{asked}"
                );
                assert_eq!(
                    header(&asked, "proxy-authorization"),
                    Some("Basic YW5uOnB3")
                );
                stream.write_all(b"HTTP/1.1 200 Go\r\n\r\n").await.unwrap();
                answer(acceptor.accept(stream).await.unwrap()).await;
            }
        })
        .await;
        let mut request = trusting("https://shop.test:8443/", &authority);
        request.proxy = Some(Rc::new(Proxy {
            url: Url::parse(&format!("http://{proxy}")).unwrap(),
            auth: Some(("ann".into(), "pw".into())),
        }));
        let client = client();
        assert_eq!(body(&client.send(request.clone()).await), "safe");
        assert!(client.send(request).await.exchanges[0].reused);
    });
}

#[test]
fn http2_alone_is_refused_where_it_is_not_offered() {
    run(async {
        let authority = Authority::new();
        let identity = authority.issue(&["127.0.0.1"]);
        let server = serve(acceptor(&identity, &[], None)).await;
        let mut request = trusting(&format!("https://{server}/"), &authority);
        request.version = VersionPreference::Http2;
        assert_eq!(code(&client().send(request).await), codes::H2);
    });
}
