//! `process.pause` by a control group that is frozen: nobody is sent a signal, and parents do not see it.

use std::time::Duration;

use serde_json::{Value, json};

use super::bound::Bound;
use super::find::{Find, Found};
use super::nest::{Nest, plan};
use crate::fault::outcome::{remaining, worst};
use crate::fault::{Context, Fault, Healed, Preflight, Sight, Survives, Tier, Trouble};

/// Processes that are frozen.
pub(super) struct Frozen {
    find: Find,
    context: Context,
    nests: Vec<Nest>,
}

impl Frozen {
    pub(super) fn new(find: Find, context: &Context) -> Self {
        Self {
            find,
            context: context.clone(),
            nests: Vec::new(),
        }
    }
}

impl Fault for Frozen {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let found = self.find.targets(&self.context)?;
        self.nests = plan(&found, &[Bound::Frozen], &self.context)?;
        let undo: Vec<_> = self.nests.iter().map(Nest::undo_words).collect();
        Ok(Preflight {
            targets: found.iter().map(Found::label).collect(),
            effect: "frozen in a control group".to_owned(),
            undo: format!("thawed, and {}", undo.join(", ")),
            tier: Tier::Journal,
            survives: Survives::Process,
            resources: self.nests.iter().flat_map(Nest::resources).collect(),
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.nests)
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        remaining(self.nests.iter().map(Nest::inject)).map(drop)
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        see(&self.nests)
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        worst(self.nests.iter().rev().map(Nest::heal))
    }
}

/// Reads groups back.
pub(super) fn see(nests: &[Nest]) -> Result<Sight, Trouble> {
    let (mut inside, mut alive, mut stands) = (0, 0, true);
    for nest in nests {
        let (here, all, stand) = nest.look();
        (inside, alive, stands) = (inside + here, alive + all, stands && stand);
    }
    if alive == 0 && !nests.is_empty() {
        return Err(Trouble::Vanished("the processes have ended".to_owned()));
    }
    Ok(Sight {
        installed: stands && inside == alive,
        hits: nests
            .iter()
            .filter_map(Nest::hits)
            .reduce(|all, one| all + one),
        detail: format!("{inside} of {alive} in the control group"),
    })
}
