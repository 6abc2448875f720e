//! `prometheus=URL`: remote write 1.0, protobuf in a snappy block, one request a second.

use std::sync::Once;
use std::time::{Duration, Instant, SystemTime};

use reqwest::{Client, redirect};
use tokio::runtime::Runtime;
use url::Url;

use super::credentials;
use super::exposition::{Sample, Totals};
use super::{About, Destination, Second};
use crate::output::Summary;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Waits between attempts at one second's samples; then they are given up.
const RETRIES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// After so many failures in a row nobody is there; it is asked again once in ten seconds.
const GONE: Duration = Duration::from_secs(10);

/// The way to a receiver.
pub(super) struct RemoteWrite {
    url: Url,
    client: Client,
    runtime: Runtime,
    started: SystemTime,
    totals: Totals,
    /// Seconds that did not get there, and why the last of them did not.
    missing: u64,
    trouble: Option<String>,
    /// Until when nothing is tried.
    rest: Option<Instant>,
}

/// Why a request came to nothing.
enum Refusal {
    /// It may go through later.
    Later(String),
    /// It never will.
    Never(String),
}

impl RemoteWrite {
    pub(super) fn new(url: Url, about: &About) -> Result<Self, String> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Whoever was first has installed one that does as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let headers = credentials::headers(&url, |name| std::env::var(name).ok())?;
        let mut builder = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("rchaos/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE);
        if url.scheme() == "http" {
            // A machine without certificates can still write over plain HTTP.
            builder = builder.tls_certs_only([]);
        }
        let failed = |error: &dyn std::fmt::Display| format!("no way to Prometheus: {error}");
        let client = builder.build().map_err(|error| failed(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self {
            url,
            client,
            runtime,
            started: about.started,
            totals: Totals::default(),
            missing: 0,
            trouble: None,
            rest: None,
        })
    }

    /// The URL without credentials.
    pub(super) fn shown(&self) -> String {
        let mut url = self.url.clone();
        // Both fail only for URLs without a host, which were refused.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.to_string()
    }

    fn send(&mut self, samples: &[Sample], at: Duration) -> Result<(), String> {
        let time = self.started + at;
        let millis = time.duration_since(SystemTime::UNIX_EPOCH);
        let millis = i64::try_from(millis.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
        let body = encode(samples, millis);
        let body = snap::raw::Encoder::new()
            .compress_vec(&body)
            .map_err(|error| error.to_string())?;
        let mut waits = RETRIES.iter();
        loop {
            let attempt = post(&self.client, &self.url, body.clone());
            match (self.runtime.block_on(attempt), waits.next()) {
                (Ok(()), _) => return Ok(()),
                (Err(Refusal::Later(_)), Some(wait)) => std::thread::sleep(*wait),
                (Err(Refusal::Later(text)), None) => {
                    self.rest = Some(Instant::now() + GONE);
                    return Err(text);
                }
                (Err(Refusal::Never(text)), _) => return Err(text),
            }
        }
    }
}

async fn post(client: &Client, url: &Url, body: Vec<u8>) -> Result<(), Refusal> {
    let request = client
        .post(url.clone())
        .header("content-encoding", "snappy")
        .header("content-type", "application/x-protobuf")
        .header("x-prometheus-remote-write-version", "0.1.0")
        .body(body);
    let response = request.send().await;
    let response = response.map_err(|error| Refusal::Later(innermost(&error)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let said = response.text().await.unwrap_or_default();
    let said: String = said.trim().chars().take(200).collect();
    let text = format!("it answered {status}: {said}");
    // As the specification of remote write has it.
    if status.is_server_error() || status.as_u16() == 429 {
        Err(Refusal::Later(text))
    } else {
        Err(Refusal::Never(text))
    }
}

/// The innermost cause: what those around it say is known from the message.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

impl Destination for RemoteWrite {
    fn second(&mut self, second: &Second) -> Result<(), String> {
        self.totals.add(second);
        if second.points.is_empty() {
            return Ok(());
        }
        let resting = self.rest.is_some_and(|until| Instant::now() < until);
        if resting {
            self.missing += 1;
            return Ok(());
        }
        self.rest = None;
        let samples = self.totals.changed(second);
        if let Err(text) = self.send(&samples, second.at) {
            if self.missing == 0 {
                tracing::warn!("output prometheus={}: {text}", self.shown());
            }
            self.missing += 1;
            self.trouble = Some(text);
        }
        Ok(())
    }

    fn end(&mut self, _: &Summary, _: u64) -> Result<(), String> {
        match &self.trouble {
            None => Ok(()),
            Some(text) => Err(format!("{} seconds are missing: {text}", self.missing)),
        }
    }
}

/// A `prometheus.WriteRequest` with one sample a series.
fn encode(samples: &[Sample], millis: i64) -> Vec<u8> {
    let mut out = Vec::new();
    for sample in samples {
        let mut series = Vec::new();
        let name = ("__name__", sample.name.as_str());
        let labels = sample.labels.iter();
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut labels: Vec<_> = std::iter::once(name).chain(labels).collect();
        labels.sort_unstable();
        for (name, value) in labels {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, value.as_bytes());
            field(&mut series, 1, &label);
        }
        let mut point = vec![1 << 3 | 1];
        point.extend_from_slice(&sample.value.to_le_bytes());
        point.push(2 << 3);
        varint(&mut point, millis.cast_unsigned());
        field(&mut series, 2, &point);
        field(&mut out, 1, &series);
    }
    out
}

/// A field of bytes with its length.
fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "the lowest seven bits")]
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 128")]
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_encoded_as_protobuf_has_it() {
        let sample = Sample {
            name: "a".into(),
            labels: vec![("Z".into(), "b".into())],
            value: 1.0,
        };
        let expected: &[u8] = &[
            0x0a, 0x25, // timeseries
            0x0a, 0x06, 0x0a, 0x01, b'Z', 0x12, 0x01,
            b'b', // capitals sort before underscores
            0x0a, 0x0d, 0x0a, 0x08, b'_', b'_', b'n', b'a', b'm', b'e', b'_', b'_', 0x12, 0x01,
            b'a', //
            0x12, 0x0c, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0xac, 0x02,
        ];
        assert_eq!(encode(&[sample], 300), expected);
    }
}
