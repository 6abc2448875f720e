//! TLS configurations, made once for each set of options, and what TLS errors mean.

use std::cell::RefCell;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig};

use super::codes;
use super::failure::Failure;
use super::request::{TlsOptions, TlsVersion, VersionPreference};
use crate::base::tls::{AnyCertificate, certificates, roots};

/// The configurations of one thread; those whose options are gone are forgotten.
#[derive(Default)]
pub(super) struct Configs(RefCell<Vec<Entry>>);

struct Entry {
    options: Option<Weak<TlsOptions>>,
    version: VersionPreference,
    config: Arc<ClientConfig>,
}

impl Configs {
    /// # Errors
    ///
    /// Options that cannot be used: no certificate in `ca`, a key without a certificate.
    pub fn get(
        &self,
        options: Option<&Rc<TlsOptions>>,
        version: VersionPreference,
    ) -> Result<Arc<ClientConfig>, Failure> {
        let mut entries = self.0.borrow_mut();
        entries.retain(|entry| {
            entry
                .options
                .as_ref()
                .is_none_or(|options| options.strong_count() > 0)
        });
        let found = entries.iter().find(|entry| {
            entry.version == version
                && match (&entry.options, options) {
                    (None, None) => true,
                    (Some(a), Some(b)) => std::ptr::eq(a.as_ptr(), Rc::as_ptr(b)),
                    _ => false,
                }
        });
        if let Some(entry) = found {
            return Ok(entry.config.clone());
        }
        let default = TlsOptions::default();
        let config = build(options.map_or(&default, |options| options), version)
            .map_err(|text| Failure::new(codes::TLS, text))?;
        let config = Arc::new(config);
        entries.push(Entry {
            options: options.map(Rc::downgrade),
            version,
            config: config.clone(),
        });
        Ok(config)
    }
}

fn build(options: &TlsOptions, version: VersionPreference) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = match options.min_version {
        TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?;
    let builder = if options.insecure {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
    } else {
        builder.with_root_certificates(roots(options.ca.as_deref())?)
    };
    let mut config = match (&options.cert, &options.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(certificates("cert", cert)?, private_key(key)?)
            .map_err(|error| format!("client certificate: {error}"))?,
        (Some(_), None) => return Err("a client certificate needs its key; set `key`".to_owned()),
        (None, Some(_)) => return Err("a client key needs its certificate; set `cert`".to_owned()),
    };
    // A virtual user is a stranger to the server: what another learnt must not shorten its way.
    config.resumption = Resumption::disabled();
    let protocols: &[&[u8]] = match version {
        VersionPreference::Auto => &[b"h2", b"http/1.1"],
        VersionPreference::Http1 => &[b"http/1.1"],
        VersionPreference::Http2 => &[b"h2"],
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|error| format!("`key` has no usable private key; pass unencrypted PEM: {error}"))
}

/// The name to ask for and to look for in the certificate.
pub(super) fn server_name(
    host: &str,
    options: Option<&Rc<TlsOptions>>,
) -> Result<ServerName<'static>, Failure> {
    let name = options
        .and_then(|options| options.server_name.as_deref())
        .unwrap_or(host);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(name.to_owned()).map_err(|_| {
        Failure::new(
            codes::TLS,
            format!(
                "{} cannot be a TLS server name",
                crate::base::text::quoted(name)
            ),
        )
    })
}

/// The failure behind an i/o error, if TLS caused it.
pub(super) fn classify(error: &io::Error) -> Option<Failure> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let code = match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => codes::CERTIFICATE_NAME,
        rustls::Error::InvalidCertificate(_) => codes::CERTIFICATE,
        _ => codes::TLS,
    };
    Some(Failure::new(code, format!("TLS: {error}")))
}
