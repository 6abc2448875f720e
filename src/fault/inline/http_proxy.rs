//! `netfault.http_proxy`: an HTTP reverse proxy for as long as its scope lasts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listen::{self, Trace};
use super::shelf::Shelf;
use crate::fault::http_proxy::{HttpProxy, HttpProxyOptions, Origin, OriginTls, Version};
use crate::fault::proxy::{Address, Protocol};
use crate::fault::{Context, Fault, Healed, Kind, Preflight, Sight, Spec, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HttpProxyFixture {
    /// Its name; part of every random draw.
    pub name: String,
    /// Where clients call: `127.0.0.1:18080`, port 0 lets the system choose, or `unix:/path`.
    pub listen: String,
    /// Whom it calls for them: `http://127.0.0.1:8080`, `https://shop.example`, `unix:/path`.
    pub upstream: String,
    /// How the upstream's certificate is checked.
    pub tls: OriginTls,
    /// The version of HTTP towards the upstream.
    pub version: Version,
    /// The host header sent upstream; none is the client's over http, the upstream's over https.
    pub host: Option<String>,
    /// Whether answers name the faults that acted, in `x-rchaos-fault`.
    pub mark: bool,
}

impl HttpProxyFixture {
    /// The upstream, read.
    ///
    /// # Errors
    ///
    /// No upstream, or TLS options that cannot be used.
    pub fn origin(&self) -> Result<Origin, Trouble> {
        Origin::parse(&self.upstream, &self.tls, self.version)
            .map_err(|error| Trouble::Misuse(format!("option `upstream`: {error}")))
    }
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "netfault.http_proxy",
    tier: Tier::Inline,
    fixture: true,
    build: |spec, context| Ok(Box::new(Held::new(spec, context)?)),
    recover: listen::recover,
    probe: || Ok("needs nothing".to_owned()),
};

struct Held {
    options: HttpProxyFixture,
    context: Context,
    listen: Address,
    origin: Origin,
    trace: Trace,
    bound: Option<String>,
}

impl Held {
    fn new(spec: &Spec, context: &Context) -> Result<Self, Trouble> {
        let options: HttpProxyFixture = spec.read()?;
        let listen = listen::address("listen", &options.listen)?;
        Ok(Self {
            trace: Trace::of(&listen),
            origin: options.origin()?,
            options,
            context: context.clone(),
            listen,
            bound: None,
        })
    }
}

impl Fault for Held {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        listen::try_out(&self.listen, Protocol::Tcp)?;
        self.trace = Trace::of(&self.listen);
        let (name, upstream) = (&self.options.name, &self.options.upstream);
        let mut preflight = listen::preflight(name, &self.listen, upstream, Protocol::Tcp);
        preflight.effect = "http passes through rchaos".to_owned();
        Ok(preflight)
    }

    fn undo(&self) -> Value {
        self.trace.undo()
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let options = HttpProxyOptions {
            name: self.options.name.clone(),
            listen: self.listen.clone(),
            origin: self.origin.clone(),
            host: self.options.host.clone(),
            mark: self.options.mark,
            seed: self.context.seed,
        };
        let proxy = HttpProxy::start(&options, Vec::new())
            .map_err(|error| Trouble::Precondition(error.to_string()))?;
        self.bound = Some(proxy.listen());
        let shelf = self.context.shared.get::<Shelf>();
        shelf.put_http(self.context.id, proxy);
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let shelf = self.context.shared.get::<Shelf>();
        let proxy = shelf.http_proxy(self.context.id);
        let proxy = proxy.ok_or_else(|| Trouble::Vanished("the proxy is closed".to_owned()))?;
        let (listen, requests) = (proxy.listen(), proxy.requests());
        Ok(Sight {
            installed: proxy.is_serving(),
            hits: None,
            detail: format!("listening on {listen}, {requests} requests so far"),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let shelf = self.context.shared.get::<Shelf>();
        let Some(proxy) = shelf.take_http(self.context.id) else {
            return Ok(Healed::Unchanged);
        };
        // A fault that is being healed may still look at it: the listener ends now all the same.
        proxy.stop();
        Ok(Healed::Restored)
    }

    fn facts(&self) -> Value {
        json!({"id": self.context.id, "listen": self.bound})
    }
}
