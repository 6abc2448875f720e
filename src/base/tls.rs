//! What TLS clients share: the trusted roots, certificates from PEM, and trusting anybody.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

/// The certificates (PEM) of `ca`, or the system's without it.
///
/// # Errors
///
/// No certificate in it, or none on this system.
pub fn roots(ca: Option<&[u8]>) -> Result<Arc<RootCertStore>, String> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let Some(pem) = ca else {
        if let Some(store) = SYSTEM.get() {
            return Ok(store.clone());
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err("no trusted certificates on this system; set `ca`".to_owned());
        }
        return Ok(SYSTEM.get_or_init(|| Arc::new(store)).clone());
    };
    let mut store = RootCertStore::empty();
    for certificate in certificates("ca", pem)? {
        store
            .add(certificate)
            .map_err(|error| format!("`ca`: {error}"))?;
    }
    Ok(Arc::new(store))
}

/// The certificates in PEM text, at least one; `option` names it in errors.
///
/// # Errors
///
/// Not PEM, or no certificate in it.
pub fn certificates(option: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("`{option}` is not PEM: {error}"))?;
    if all.is_empty() {
        return Err(format!("`{option}` has no certificate; pass PEM text"));
    }
    Ok(all)
}

/// `insecure`: any certificate will do, though its owner must still hold its key.
#[derive(Debug)]
pub struct AnyCertificate(pub Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
