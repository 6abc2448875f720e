//! `netfault.proxy`: a TCP or UDP proxy for as long as its scope lasts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listen::{self, Trace};
use super::shelf::Shelf;
use crate::fault::proxy::{Address, Plane, Protocol, ProxyOptions};
use crate::fault::{Context, Fault, Healed, Kind, Preflight, Sight, Spec, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProxyFixture {
    /// Its name; part of every random draw.
    pub name: String,
    /// Where clients call: `127.0.0.1:15432`, port 0 lets the system choose, or `unix:/path`.
    pub listen: String,
    /// Whom it calls for them.
    pub upstream: String,
    /// What it carries.
    pub protocol: Protocol,
    /// After how much silence a UDP client's session ends.
    pub idle_timeout: Duration,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "netfault.proxy",
    tier: Tier::Inline,
    fixture: true,
    build: |spec, context| Ok(Box::new(Held::new(spec, context)?)),
    recover: listen::recover,
    probe: || {
        Plane::start(1)
            .map(|_| "epoll, timerfd, eventfd".to_owned())
            .map_err(|error| error.to_string())
    },
};

struct Held {
    options: ProxyFixture,
    context: Context,
    listen: Address,
    upstream: Address,
    trace: Trace,
    bound: Option<String>,
}

impl Held {
    fn new(spec: &Spec, context: &Context) -> Result<Self, Trouble> {
        let options: ProxyFixture = spec.read()?;
        let listen = listen::address("listen", &options.listen)?;
        let upstream = listen::address("upstream", &options.upstream)?;
        let unix = matches!(listen, Address::Unix(_)) || matches!(upstream, Address::Unix(_));
        if options.protocol == Protocol::Udp && unix {
            let text = "a udp proxy has no unix sockets; write \"127.0.0.1:53\"";
            return Err(Trouble::Misuse(text.to_owned()));
        }
        Ok(Self {
            trace: Trace::of(&listen),
            options,
            context: context.clone(),
            listen,
            upstream,
            bound: None,
        })
    }
}

impl Fault for Held {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let options = &self.options;
        listen::try_out(&self.listen, options.protocol)?;
        self.trace = Trace::of(&self.listen);
        let (name, upstream) = (&options.name, &options.upstream);
        Ok(listen::preflight(
            name,
            &self.listen,
            upstream,
            options.protocol,
        ))
    }

    fn undo(&self) -> Value {
        self.trace.undo()
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let shelf = self.context.shared.get::<Shelf>();
        let options = ProxyOptions {
            name: self.options.name.clone(),
            listen: self.listen.clone(),
            upstream: self.upstream.clone(),
            protocol: self.options.protocol,
            idle_timeout: self.options.idle_timeout,
            seed: self.context.seed,
        };
        let proxy = shelf.plane()?.proxy(options, Vec::new());
        let started = proxy.start();
        started.map_err(|error| Trouble::Precondition(error.to_string()))?;
        self.bound = Some(proxy.listen());
        shelf.put(self.context.id, proxy);
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let proxy = self.context.shared.get::<Shelf>().proxy(self.context.id);
        let proxy = proxy.ok_or_else(|| Trouble::Vanished("the proxy is closed".to_owned()))?;
        let accepted = proxy.traffic().accepted;
        Ok(Sight {
            installed: proxy.is_started(),
            hits: None,
            detail: format!(
                "listening on {}, {accepted} connections so far",
                proxy.listen()
            ),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let taken = self.context.shared.get::<Shelf>().take(self.context.id);
        let Some(proxy) = taken else {
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
