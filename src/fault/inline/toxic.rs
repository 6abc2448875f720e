//! `proxy.latency` and its kin: what a proxy does to connections, each as a fault.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shelf::Shelf;
use crate::fault::proxy::{self, FaultStatus, Proxy, Stream, Toxic, ToxicError};
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Spec, Survives, Tier,
    Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ToxicOptions {
    /// The number of the fixture, from its facts.
    pub proxy: u64,
    /// The direction it disturbs.
    pub stream: Stream,
    /// The share of connections that get it.
    pub toxicity: f32,
    /// What it does.
    pub fault: proxy::Fault,
}

/// The kind of this name: `proxy.latency`.
pub(super) const fn kind(name: &'static str) -> Kind {
    Kind {
        name,
        tier: Tier::Inline,
        fixture: false,
        build: |spec, context| Ok(Box::new(Held::new(spec, context)?)),
        // It was in the memory of a process that is gone.
        recover: |_| Ok(Healed::Vanished),
        probe: || Ok("needs nothing but a proxy".to_owned()),
    }
}

struct Held {
    options: ToxicOptions,
    context: Context,
    /// Its name among those of the proxy, once it is there.
    name: Option<String>,
}

impl Held {
    fn new(spec: &Spec, context: &Context) -> Result<Self, Trouble> {
        let options: ToxicOptions = spec.read()?;
        let wanted = format!("proxy.{}", options.fault.kind());
        if spec.kind != wanted {
            let text = format!("{} was sent as {}", wanted, spec.kind);
            return Err(Trouble::Misuse(text));
        }
        Ok(Self {
            options,
            context: context.clone(),
            name: None,
        })
    }

    fn proxy(&self) -> Option<Arc<Proxy>> {
        self.context.shared.get::<Shelf>().proxy(self.options.proxy)
    }

    fn status(&self) -> Option<FaultStatus> {
        let name = self.name.as_ref()?;
        let all = self.proxy()?.faults();
        all.into_iter().find(|status| status.toxic.name == *name)
    }
}

fn closed() -> Trouble {
    Trouble::Precondition("the proxy is closed: the scope that made it has ended".to_owned())
}

impl Fault for Held {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let proxy = self.proxy().ok_or_else(closed)?;
        let fault = &self.options.fault;
        if !fault.suits(proxy.protocol()) {
            let error = ToxicError::Unsuited(fault.kind(), proxy.protocol());
            return Err(Trouble::Misuse(error.to_string()));
        }
        let share = (f64::from(self.options.toxicity) * 1e5).round() / 1e3;
        let (kind, stream) = (fault.kind(), self.options.stream.name());
        Ok(Preflight {
            targets: vec![format!("proxy {} on {}", proxy.name(), proxy.listen())],
            effect: format!("{kind} {stream} on {share} % of the connections"),
            undo: "it is taken out, open connections included".to_owned(),
            tier: Tier::Inline,
            survives: Survives::Process,
            resources: vec![Resource::new(
                format!("proxy {} {stream}", self.options.proxy),
                Sharing::Stacks,
            )],
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!({"proxy": self.options.proxy})
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let proxy = self.proxy().ok_or_else(closed)?;
        let mut toxic = Toxic {
            name: self.context.name.clone(),
            stream: self.options.stream,
            toxicity: self.options.toxicity,
            fault: self.options.fault,
        };
        let mut added = proxy.add(toxic.clone());
        if added == Err(ToxicError::Exists) {
            // Two of a name stack like any others.
            toxic.name = format!("{} {}", toxic.name, self.context.id);
            added = proxy.add(toxic.clone());
        }
        added.map_err(|error| Trouble::Precondition(error.to_string()))?;
        self.name = Some(toxic.name);
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let status = self.status();
        let status = status.ok_or_else(|| Trouble::Vanished("the proxy is closed".to_owned()))?;
        let FaultStatus {
            connections,
            drawn,
            hit,
            bytes,
            ..
        } = status;
        Ok(Sight {
            installed: true,
            hits: Some(hit),
            detail: format!(
                "drawn for {drawn} of {connections} connections, met {hit}, {bytes} bytes"
            ),
        })
    }

    fn update(&mut self, spec: &Spec) -> Result<(), Trouble> {
        let Self { options, .. } = Self::new(spec, &self.context)?;
        if options.proxy != self.options.proxy {
            return Err(Trouble::Misuse("it is on another proxy".to_owned()));
        }
        if options.stream != self.options.stream {
            let stream = self.options.stream.name();
            let text = format!("its stream stays {stream}; heal it, and inject another");
            return Err(Trouble::Misuse(text));
        }
        let (Some(name), Some(proxy)) = (&self.name, self.proxy()) else {
            return Err(closed());
        };
        let changed = proxy.update(name, options.toxicity, options.fault);
        changed.map_err(|error| Trouble::Precondition(error.to_string()))?;
        self.options = options;
        Ok(())
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let (Some(name), Some(proxy)) = (&self.name, self.proxy()) else {
            return Ok(Healed::Vanished);
        };
        match proxy.remove(name) {
            Ok(()) => Ok(Healed::Restored),
            Err(_) => Ok(Healed::Unchanged),
        }
    }
}
