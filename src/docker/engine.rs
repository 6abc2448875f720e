//! A connection to an engine for callers that block: requests run on one small runtime of their own.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::runtime::Handle;

use super::endpoint::Endpoint;
use super::error::EngineError;

/// How long an engine may take to say which version it speaks.
const GREETING: Duration = Duration::from_secs(10);

/// An engine that answered.
#[derive(Clone)]
pub struct Engine {
    endpoint: Endpoint,
    docker: Docker,
    runtime: Handle,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Engine").field(&self.endpoint.url).finish()
    }
}

impl Engine {
    /// The engine at this endpoint, with the newest version of the language that both speak. Kept for the next
    /// caller.
    ///
    /// # Errors
    ///
    /// Nobody answers there, or not to us.
    pub fn connect(endpoint: &Endpoint) -> Result<Self, EngineError> {
        static KNOWN: Mutex<BTreeMap<Endpoint, Engine>> = Mutex::new(BTreeMap::new());
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = known().get(endpoint) {
            return Ok(engine.clone());
        }
        let runtime = runtime()?;
        let docker = open(endpoint).map_err(|error| EngineError::of(&endpoint.url, &error))?;
        let new = Self {
            endpoint: endpoint.clone(),
            docker,
            runtime,
        };
        let docker = new.call(GREETING, |docker| async move {
            docker.negotiate_version().await
        })?;
        let engine = Self { docker, ..new };
        known().insert(endpoint.clone(), engine.clone());
        Ok(engine)
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks, and waits for the answer, at most so long.
    ///
    /// # Errors
    ///
    /// What the engine says, that it is gone, or that time is up.
    pub fn call<R, F>(
        &self,
        limit: Duration,
        ask: impl FnOnce(Docker) -> F,
    ) -> Result<R, EngineError>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let (answer, answered) = channel();
        let asking = ask(self.docker.clone());
        self.runtime.spawn(async move {
            let result = tokio::time::timeout(limit, asking).await;
            let _ = answer.send(result);
        });
        // The limit holds in the runtime; this is for a runtime that is starved itself.
        let url = &self.endpoint.url;
        let late = || EngineError::Late(format!("{url} did not answer within {limit:?}"));
        match answered.recv_timeout(limit + Duration::from_secs(5)) {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(error))) => Err(EngineError::of(url, &error)),
            Ok(Err(_)) | Err(RecvTimeoutError::Timeout) => Err(late()),
            Err(RecvTimeoutError::Disconnected) => {
                Err(EngineError::Garbled("the request has panicked".to_owned()))
            }
        }
    }

    /// Does something again and again for at most so long while nobody answers: an engine may be starting again.
    ///
    /// # Errors
    ///
    /// The last error, or the first that time does not mend.
    pub fn patiently<R>(
        endpoint: &Endpoint,
        limit: Duration,
        mut work: impl FnMut(&Self) -> Result<R, EngineError>,
    ) -> Result<R, EngineError> {
        let end = Instant::now() + limit;
        loop {
            match Self::connect(endpoint).and_then(|engine| work(&engine)) {
                Err(error) if error.may_pass() && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                result => return result,
            }
        }
    }
}

fn open(endpoint: &Endpoint) -> Result<Docker, Error> {
    let (url, version) = (&endpoint.url, API_DEFAULT_VERSION);
    // Limits are those of each call.
    let most = 3600;
    match &endpoint.tls {
        _ if url.starts_with("unix://") => Docker::connect_with_unix(url, most, version),
        Some(folder) => {
            // The process may have one already.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let file = |name: &str| folder.join(name);
            let (key, cert, ca) = (file("key.pem"), file("cert.pem"), file("ca.pem"));
            Docker::connect_with_ssl(url, &key, &cert, &ca, most, version)
        }
        None => Docker::connect_with_http(url, most, version),
    }
}

/// The runtime of all engines: one thread, which lasts as long as the process.
fn runtime() -> Result<Handle, EngineError> {
    static RUNTIME: OnceLock<Option<Handle>> = OnceLock::new();
    let start = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .ok()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("engines".to_owned())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))
            .ok()?;
        Some(handle)
    };
    let none = || EngineError::Garbled("no thread for requests to container engines".to_owned());
    RUNTIME.get_or_init(start).clone().ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Endpoint {
        Endpoint {
            url: url.to_owned(),
            tls: None,
        }
    }

    #[test]
    fn nobody_there_is_said_with_the_address() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("unix://{}/none.sock", folder.path().display());
        let error = Engine::connect(&at(&url)).unwrap_err();
        assert!(error.may_pass(), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains(&url) && text.contains("is it running?"),
            "{text}"
        );
        let error = Engine::connect(&at("tcp://127.0.0.1:1")).unwrap_err();
        assert!(error.to_string().contains("tcp://127.0.0.1:1"), "{error}");
    }
}
