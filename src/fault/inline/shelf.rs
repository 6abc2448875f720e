//! The proxies that one agent holds, by the number of the fixture that made them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fault::Trouble;
use crate::fault::http_proxy::HttpProxy;
use crate::fault::proxy::{Plane, Proxy};

/// Threads that move bytes, at most: the host has other things to do.
const MOST_THREADS: usize = 4;

/// One per agent, in what its faults share.
#[derive(Default)]
pub struct Shelf(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    plane: Option<Plane>,
    proxies: HashMap<u64, Arc<Proxy>>,
    http_proxies: HashMap<u64, Arc<HttpProxy>>,
}

impl Shelf {
    /// The threads that carry TCP and UDP, started when they are first needed.
    pub fn plane(&self) -> Result<Plane, Trouble> {
        let mut inner = self.lock();
        if let Some(plane) = &inner.plane {
            return Ok(plane.clone());
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let plane = Plane::start(cores.min(MOST_THREADS))
            .map_err(|error| Trouble::system("cannot start the proxy's threads", error))?;
        inner.plane = Some(plane.clone());
        Ok(plane)
    }

    pub fn put(&self, id: u64, proxy: Proxy) {
        self.lock().proxies.insert(id, Arc::new(proxy));
    }

    pub fn put_http(&self, id: u64, proxy: HttpProxy) {
        self.lock().http_proxies.insert(id, Arc::new(proxy));
    }

    /// The proxy that fixture `id` made, while it is there.
    pub fn proxy(&self, id: u64) -> Option<Arc<Proxy>> {
        self.lock().proxies.get(&id).cloned()
    }

    /// The HTTP proxy that fixture `id` made, while it is there.
    pub fn http_proxy(&self, id: u64) -> Option<Arc<HttpProxy>> {
        self.lock().http_proxies.get(&id).cloned()
    }

    /// Takes a proxy off; closing it is the caller's, outside the lock.
    pub fn take(&self, id: u64) -> Option<Arc<Proxy>> {
        self.lock().proxies.remove(&id)
    }

    pub fn take_http(&self, id: u64) -> Option<Arc<HttpProxy>> {
        self.lock().http_proxies.remove(&id)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
