//! `process.limit`: lowers limits of processes while they run: their own, and those of a control group around them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bound::Bound;
use super::find::{Find, Found};
use super::freeze::see;
use super::nest::{Nest, plan};
use super::rlimit::{LimitName, Lowered, inspect, recover};
use crate::fault::outcome::{recorded, remaining, worst};
use crate::fault::{Context, Fault, Healed, Kind, Preflight, Sight, Survives, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limits {
    /// Which processes.
    pub find: Find,
    /// Which limits of each process, and how low.
    pub limits: Vec<(LimitName, u64)>,
    /// Which limits of all of them together, by a control group.
    #[serde(default)]
    pub bounds: Vec<Bound>,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "process.limit",
    tier: Tier::Journal,
    fixture: false,
    build: |spec, context| {
        Ok(Box::new(Limited {
            options: spec.read()?,
            context: context.clone(),
            lowered: Vec::new(),
            nests: Vec::new(),
        }))
    },
    recover: |undo| {
        let undo: Undo = recorded(undo)?;
        let nests = undo.nests.iter().rev().map(Nest::heal);
        worst(std::iter::once(recover(&undo.lowered)).chain(nests))
    },
    probe: || Ok("prlimit".to_owned()),
};

struct Limited {
    options: Limits,
    context: Context,
    lowered: Vec<Lowered>,
    nests: Vec<Nest>,
}

#[derive(Deserialize)]
struct Undo {
    lowered: Vec<Lowered>,
    nests: Vec<Nest>,
}

impl Fault for Limited {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let found = self.options.find.targets(&self.context)?;
        let of = |one| {
            let limits = self.options.limits.iter();
            let plan =
                |(name, to): &(LimitName, u64)| Lowered::plan(one, *name, *to, &self.context);
            limits.map(plan).collect::<Result<Vec<_>, _>>()
        };
        self.lowered = remaining(found.iter().map(of))?.concat();
        self.nests = plan(&found, &self.options.bounds, &self.context)?;
        let mut preflight = preflight(&found, &self.lowered);
        if !self.nests.is_empty() {
            let bounds = self.options.bounds.iter().map(|one| one.effect());
            let effects: Vec<_> = self
                .lowered
                .iter()
                .map(Lowered::effect)
                .chain(bounds)
                .collect();
            preflight.effect = effects.join(", ");
            let mut undo: Vec<_> = self.nests.iter().map(Nest::undo_words).collect();
            if !self.lowered.is_empty() {
                undo.push(preflight.undo);
            }
            preflight.undo = undo.join(", ");
            preflight
                .resources
                .extend(self.nests.iter().flat_map(Nest::resources));
        }
        Ok(preflight)
    }

    fn undo(&self) -> Value {
        json!({"lowered": self.lowered, "nests": self.nests})
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        remaining(self.lowered.iter().map(|one| one.inject(&self.context)))?;
        remaining(self.nests.iter().map(Nest::inject)).map(drop)
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        if self.nests.is_empty() {
            return inspect(&self.lowered);
        }
        let sight = see(&self.nests)?;
        if self.lowered.is_empty() {
            return Ok(sight);
        }
        let lowered = inspect(&self.lowered)?;
        Ok(Sight {
            installed: sight.installed && lowered.installed,
            hits: sight.hits,
            detail: format!("{}, {}", sight.detail, lowered.detail),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let nests = self.nests.iter().rev().map(Nest::heal);
        let lowered = self.lowered.iter().rev().map(|one| one.heal(&self.context));
        worst(nests.chain(lowered))
    }
}

/// What would be touched.
pub(in crate::fault) fn preflight(found: &[Found], lowered: &[Lowered]) -> Preflight {
    let effects: Vec<_> = lowered.iter().map(Lowered::effect).collect();
    Preflight {
        targets: found.iter().map(Found::label).collect(),
        effect: effects.join(", "),
        undo: "prlimit, with what was before".to_owned(),
        tier: Tier::Journal,
        survives: Survives::Process,
        resources: lowered.iter().map(Lowered::resource).collect(),
        provisional: false,
    }
}
