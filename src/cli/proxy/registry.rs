//! The proxies of the server by name, with Toxiproxy's rules for creating and changing them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::decode::{self, ProxyInput};
use super::error::ApiError;
use crate::fault::proxy::{
    Address, FaultStatus, ListenError, Plane, Protocol, Proxy, ProxyOptions, Toxic, ToxicError,
    Traffic,
};

/// All proxies. One request changes them at a time.
pub struct Registry {
    plane: Plane,
    seed: u64,
    proxies: Mutex<Proxies>,
}

type Proxies = BTreeMap<String, Entry>;

struct Entry {
    proxy: Proxy,
    /// As written until it has been started, then as bound.
    listen: String,
    upstream: String,
}

/// A proxy as the API shows it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub name: String,
    pub listen: String,
    pub upstream: String,
    pub enabled: bool,
    pub protocol: Protocol,
    pub toxics: Vec<Toxic>,
}

impl Entry {
    fn show(&self) -> Shown {
        Shown {
            name: self.proxy.name().to_owned(),
            listen: self.listen.clone(),
            upstream: self.upstream.clone(),
            enabled: self.proxy.is_started(),
            protocol: self.proxy.protocol(),
            toxics: self.proxy.toxics(),
        }
    }

    fn start(&mut self) -> Result<(), ApiError> {
        if !self.proxy.is_started() {
            // A text that is no address is accepted until the proxy is to listen on it.
            Address::parse(&self.listen)
                .map_err(|error| ListenError::Address(self.proxy.protocol(), error))?;
            self.proxy.start()?;
            self.listen = self.proxy.listen();
        }
        Ok(())
    }

    /// Whether these addresses are others than the present ones.
    fn differs(&self, listen: &str, upstream: &str) -> Result<bool, ApiError> {
        let same = listen == self.listen || {
            let targets = Address::parse(listen)?.resolve()?;
            targets
                .first()
                .is_some_and(|target| target.to_string() == self.listen)
        };
        Ok(!same || upstream != self.upstream)
    }
}

impl Registry {
    /// No proxies yet; `seed` is that of all their draws.
    pub fn new(plane: Plane, seed: u64) -> Self {
        Self {
            plane,
            seed,
            proxies: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Proxies> {
        self.proxies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, input: &ProxyInput, toxics: Vec<Toxic>) -> Entry {
        let listen = input.listen.clone().unwrap_or_default();
        let upstream = input.upstream.clone().unwrap_or_default();
        let options = ProxyOptions {
            name: input.name.clone().unwrap_or_default(),
            listen: address(&listen),
            upstream: address(&upstream),
            protocol: input.protocol.unwrap_or_default(),
            idle_timeout: ProxyOptions::IDLE_TIMEOUT,
            seed: self.seed,
        };
        Entry {
            proxy: self.plane.proxy(options, toxics),
            listen,
            upstream,
        }
    }

    /// All proxies, by name.
    pub fn all(&self) -> Vec<Shown> {
        self.lock().values().map(Entry::show).collect()
    }

    /// The proxy of that name.
    pub fn show(&self, name: &str) -> Result<Shown, ApiError> {
        self.with(name, |entry| Ok(entry.show()))
    }

    /// Makes a proxy, with these toxics from its first connection on.
    pub fn create(&self, input: &ProxyInput, toxics: Vec<Toxic>) -> Result<Shown, ApiError> {
        input.complete("")?;
        let name = input.name.clone().unwrap_or_default();
        let protocol = input.protocol.unwrap_or_default();
        if let Some(toxic) = toxics.iter().find(|toxic| !toxic.fault.suits(protocol)) {
            return Err(ToxicError::Unsuited(toxic.fault.kind(), protocol).into());
        }
        let mut proxies = self.lock();
        if proxies.contains_key(&name) {
            return Err(ApiError::ProxyExists);
        }
        let mut entry = self.entry(input, toxics);
        if input.enabled.unwrap_or(true) {
            entry.start()?;
        }
        let shown = entry.show();
        proxies.insert(name, entry);
        Ok(shown)
    }

    /// Makes or replaces the proxies of a list, one after the other; what is the same already
    /// stays as it is. Gives those that were done, and what stopped it.
    pub fn populate(&self, body: &[u8]) -> (Vec<Shown>, Option<ApiError>) {
        let inputs = match decode::proxies(body) {
            Ok(inputs) => inputs,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut proxies = self.lock();
        let mut done = Vec::new();
        for input in &inputs {
            match self.put(&mut proxies, input) {
                Ok(shown) => done.push(shown),
                Err(error) => return (done, Some(error)),
            }
        }
        (done, None)
    }

    fn put(&self, proxies: &mut Proxies, input: &ProxyInput) -> Result<Shown, ApiError> {
        let name = input.name.clone().unwrap_or_default();
        let listen = input.listen.clone().unwrap_or_default();
        let upstream = input.upstream.as_deref().unwrap_or_default();
        if let Some(old) = proxies.get(&name) {
            let same_protocol = input.protocol.unwrap_or_default() == old.proxy.protocol();
            if same_protocol && !old.differs(&listen, upstream)? {
                return Ok(old.show());
            }
            old.proxy.stop();
        }
        let mut entry = self.entry(input, Vec::new());
        if input.enabled.unwrap_or(true) {
            entry.start()?;
        }
        let shown = entry.show();
        proxies.insert(name, entry);
        Ok(shown)
    }

    /// Changes addresses and whether it listens. Other addresses drop its connections.
    pub fn update(&self, name: &str, input: &ProxyInput) -> Result<Shown, ApiError> {
        self.with(name, |entry| {
            let protocol = entry.proxy.protocol();
            if input.protocol.is_some_and(|wanted| wanted != protocol) {
                let text = "protocol cannot be changed; delete the proxy and make it again";
                return Err(ApiError::BadBody(text.to_owned()));
            }
            let enabled = input.enabled.unwrap_or(entry.proxy.is_started());
            let listen = input.listen.clone().unwrap_or_else(|| entry.listen.clone());
            let upstream = input
                .upstream
                .clone()
                .unwrap_or_else(|| entry.upstream.clone());
            if entry.differs(&listen, &upstream)? {
                let (to, call) = (address(&listen), address(&upstream));
                entry.proxy.readdress(to, call);
                (entry.listen, entry.upstream) = (listen, upstream);
            }
            if enabled {
                entry.start()?;
            } else {
                entry.proxy.stop();
            }
            Ok(entry.show())
        })
    }

    /// Removes a proxy.
    pub fn delete(&self, name: &str) -> Result<(), ApiError> {
        self.lock()
            .remove(name)
            .map(drop)
            .ok_or(ApiError::ProxyNotFound)
    }

    /// Starts every proxy and removes every toxic.
    pub fn reset(&self) -> Result<(), ApiError> {
        for entry in self.lock().values_mut() {
            entry.start()?;
            entry.proxy.clear();
        }
        Ok(())
    }

    /// Adds a toxic to a proxy.
    pub fn add_toxic(&self, name: &str, body: &[u8]) -> Result<Toxic, ApiError> {
        self.with(name, |entry| {
            let taken = |name: &str| entry.proxy.toxic(name).is_some();
            let toxic = decode::toxic(&decode::value(body)?, taken)?;
            entry.proxy.add(toxic.clone())?;
            Ok(toxic)
        })
    }

    /// A toxic of a proxy.
    pub fn toxic(&self, name: &str, toxic: &str) -> Result<Toxic, ApiError> {
        self.with(name, |entry| {
            Ok(entry.proxy.toxic(toxic).ok_or(ToxicError::NotFound)?)
        })
    }

    /// Changes a toxic's settings and share.
    pub fn update_toxic(&self, name: &str, toxic: &str, body: &[u8]) -> Result<Toxic, ApiError> {
        self.with(name, |entry| {
            let old = entry.proxy.toxic(toxic).ok_or(ToxicError::NotFound)?;
            let (toxicity, fault) = decode::change(body, &old)?;
            Ok(entry.proxy.update(toxic, toxicity, fault)?)
        })
    }

    /// Removes a toxic.
    pub fn remove_toxic(&self, name: &str, toxic: &str) -> Result<(), ApiError> {
        self.with(name, |entry| Ok(entry.proxy.remove(toxic)?))
    }

    /// Every fault of every proxy with whom it met.
    pub fn faults(&self) -> Vec<(String, FaultStatus)> {
        let proxies = self.lock();
        let of = |(name, entry): (&String, &Entry)| {
            let named = |status| (name.clone(), status);
            entry
                .proxy
                .faults()
                .into_iter()
                .map(named)
                .collect::<Vec<_>>()
        };
        proxies.iter().flat_map(of).collect()
    }

    /// The traffic of every proxy.
    pub fn traffic(&self) -> Vec<(Shown, Traffic)> {
        let proxies = self.lock();
        proxies
            .values()
            .map(|entry| (entry.show(), entry.proxy.traffic()))
            .collect()
    }

    fn with<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Entry) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        act(self.lock().get_mut(name).ok_or(ApiError::ProxyNotFound)?)
    }
}

/// An address, or one that nothing can listen on or call: Toxiproxy takes any text, and finds
/// out when the proxy is started or a client connects.
fn address(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|_| Address::Tcp {
        host: text.to_owned(),
        port: 0,
    })
}
