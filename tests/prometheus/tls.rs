//! A server behind TLS that asks its clients who they are.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::support::Rchaos;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name and its key, both PEM.
fn issue(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let cert = params.signed_by(&key, authority).unwrap();
    (cert.pem(), key.serialize_pem())
}

/// Shows one metric to clients of the authority, for as long as the tests run.
fn serve(authority: &Authority) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (cert, key) = issue(authority, "127.0.0.1");
    let mut roots = RootCertStore::empty();
    let pem = authority.pem();
    let own = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    roots.add(own).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            // A client that is turned away is no failure of the server.
            thread::spawn(move || drop(answer(stream, config)));
        }
    });
    address
}

fn answer(stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            let text = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsafe 1\n";
            reader.get_mut().write_all(text)?;
        }
        line.clear();
    }
    Ok(())
}

#[test]
fn trust_and_a_certificate_of_its_own_are_used() {
    let authority = authority();
    let (cert, key) = issue(&authority, "client");
    let script = format!(
        "local url = 'https://{}'\n\
         local own = {{ ca = 'ca.pem', cert = 'cert.pem', key = 'key.pem' }}\n\
         local function told(tls)\n\
           local ok, got = pcall(function() return prometheus.scrape(url, {{ tls = tls }}):value('safe') end)\n\
           log.info('@ ' .. tostring(ok) .. ' ' .. tostring(got))\n\
         end\n\
         told(own)\n\
         told {{ cert = 'cert.pem', key = 'key.pem', insecure = true, min_version = '1.3' }}\n\
         told {{ ca = 'ca.pem' }}\n\
         told {{ ca = 'other.pem', cert = 'cert.pem', key = 'key.pem' }}",
        serve(&authority)
    );
    let finished = Rchaos::script(&script)
        .file("ca.pem", authority.pem())
        .file("other.pem", self::authority().pem())
        .file("cert.pem", cert)
        .file("key.pem", key)
        .run()
        .exits(0);
    let marks = finished.marks();
    assert_eq!(marks[..2], ["true 1", "true 1"], "{}", finished.all());
    assert!(marks[2].contains("cannot reach"), "{}", marks[2]);
    assert!(marks[3].contains("certificate"), "{}", marks[3]);
}
