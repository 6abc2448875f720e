//! `http_proxy.delay` and its kin: what an HTTP proxy does to requests, each as a fault.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shelf::Shelf;
use crate::fault::http_proxy::{HttpProxy, Rule, RuleError, RuleStatus};
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Spec, Survives, Tier,
    Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleOptions {
    /// The number of the fixture, from its facts.
    pub proxy: u64,
    /// The rule; its name is that of the fault.
    pub rule: Rule,
}

/// The kind of this name: `http_proxy.delay`.
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
    options: RuleOptions,
    context: Context,
    installed: bool,
}

impl Held {
    fn new(spec: &Spec, context: &Context) -> Result<Self, Trouble> {
        let mut options: RuleOptions = spec.read()?;
        let wanted = format!("http_proxy.{}", options.rule.fault.kind());
        if spec.kind != wanted {
            let text = format!("{} was sent as {}", wanted, spec.kind);
            return Err(Trouble::Misuse(text));
        }
        let valid = options.rule.validate();
        valid.map_err(|(option, text)| Trouble::Misuse(format!("option `{option}`: {text}")))?;
        options.rule.name.clone_from(&context.name);
        Ok(Self {
            options,
            context: context.clone(),
            installed: false,
        })
    }

    fn proxy(&self) -> Option<Arc<HttpProxy>> {
        let shelf = self.context.shared.get::<Shelf>();
        shelf.http_proxy(self.options.proxy)
    }

    fn status(&self) -> Option<RuleStatus> {
        let name = &self.options.rule.name;
        let all = self.proxy()?.rules();
        all.into_iter().find(|status| status.rule.name == *name)
    }
}

fn closed() -> Trouble {
    Trouble::Precondition("the proxy is closed: the scope that made it has ended".to_owned())
}

impl Fault for Held {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let proxy = self.proxy().ok_or_else(closed)?;
        let rule = &self.options.rule;
        let (kind, matches) = (rule.fault.kind(), rule.matches.label());
        let first = rule
            .first
            .map_or_else(String::new, |first| format!(", the first {first}"));
        let share = (rule.toxicity * 1e5).round() / 1e3;
        Ok(Preflight {
            targets: vec![format!("proxy {} on {}", proxy.name(), proxy.listen())],
            effect: format!("{kind} on {share} % of {matches}{first}"),
            undo: "the rule is taken out".to_owned(),
            tier: Tier::Inline,
            survives: Survives::Process,
            resources: vec![Resource::new(
                format!("http proxy {}", self.options.proxy),
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
        let mut added = proxy.add(self.options.rule.clone());
        if added == Err(RuleError::Exists) {
            // Two of a name stack like any others.
            let name = &self.options.rule.name;
            self.options.rule.name = format!("{name} {}", self.context.id);
            added = proxy.add(self.options.rule.clone());
        }
        added.map_err(|error| Trouble::Precondition(error.to_string()))?;
        self.installed = true;
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let status = self.status();
        let status = status.ok_or_else(|| Trouble::Vanished("the proxy is closed".to_owned()))?;
        let RuleStatus { matched, hit, .. } = status;
        Ok(Sight {
            installed: true,
            hits: Some(hit),
            detail: format!("acted on {hit} of {matched} requests that it is for"),
        })
    }

    fn update(&mut self, spec: &Spec) -> Result<(), Trouble> {
        let Self { mut options, .. } = Self::new(spec, &self.context)?;
        if options.proxy != self.options.proxy {
            return Err(Trouble::Misuse("it is on another proxy".to_owned()));
        }
        let proxy = self.proxy().filter(|_| self.installed).ok_or_else(closed)?;
        options.rule.name.clone_from(&self.options.rule.name);
        let changed = proxy.update(options.rule.clone());
        changed.map_err(|error| Trouble::Precondition(error.to_string()))?;
        self.options = options;
        Ok(())
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let Some(proxy) = self.proxy().filter(|_| self.installed) else {
            return Ok(Healed::Vanished);
        };
        match proxy.remove(&self.options.rule.name) {
            Some(_) => Ok(Healed::Restored),
            None => Ok(Healed::Unchanged),
        }
    }
}
