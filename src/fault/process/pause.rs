//! `process.pause`: stops processes with SIGSTOP and lets them go on with SIGCONT, or freezes their control group.

use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::find::{Find, Found};
use super::freeze::Frozen;
use super::identity::Identity;
use super::nest::Nest;
use crate::fault::outcome::{recorded, remaining, until, worst};
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Stack, Stacks, Survives,
    Tier, Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pause {
    /// Which processes.
    pub find: Find,
    /// Whether a control group holds them instead of a signal.
    #[serde(default)]
    pub freeze: bool,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "process.pause",
    tier: Tier::Journal,
    fixture: false,
    build: |spec, context| {
        let options: Pause = spec.read()?;
        if options.freeze {
            return Ok(Box::new(Frozen::new(options.find, context)));
        }
        Ok(Box::new(Paused {
            options,
            context: context.clone(),
            found: Vec::new(),
        }))
    },
    recover: |undo| match recorded(undo)? {
        Undo::Stopped(all) => worst(all.iter().map(Target::resume)),
        Undo::Frozen(all) => worst(all.iter().rev().map(Nest::heal)),
    },
    probe: || Ok("SIGSTOP and pidfd".to_owned()),
};

/// What a record holds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Undo {
    Stopped(Vec<Target>),
    Frozen(Vec<Nest>),
}

struct Paused {
    options: Pause,
    context: Context,
    found: Vec<(Found, bool)>,
}

/// One process and how it was before.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Target {
    identity: Identity,
    /// Whether somebody else had stopped it already.
    stopped_before: bool,
}

impl Target {
    fn resume(&self) -> Result<Healed, Trouble> {
        if self.stopped_before {
            return Ok(Healed::Unchanged);
        }
        let Some(before) = self.identity.state() else {
            return Ok(Healed::Vanished);
        };
        // Also to one that runs: a stop that is still on its way to a busy process is taken back by this.
        self.identity.signal(Signal::CONT)?;
        if !until(|| self.identity.state() != Some('T')) {
            let pid = self.identity.pid;
            return Err(Trouble::Failed(format!(
                "process {pid} stays stopped; run `kill -CONT {pid}`"
            )));
        }
        Ok(match before {
            'T' => Healed::Restored,
            _ => Healed::Unchanged,
        })
    }
}

impl Paused {
    fn key(identity: &Identity) -> String {
        format!("process {}@{} run-state", identity.pid, identity.start)
    }

    fn targets(&self) -> impl Iterator<Item = Target> {
        self.found.iter().map(|(found, stopped_before)| Target {
            identity: found.identity.clone(),
            stopped_before: *stopped_before,
        })
    }

    fn stacks(&self) -> std::sync::Arc<Stacks<RunState>> {
        self.context.shared.get()
    }
}

/// What a pause lays over a process: stopped or not.
type RunState = bool;

impl Fault for Paused {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let found = self.options.find.targets(&self.context)?;
        self.found = found
            .into_iter()
            .map(|found| {
                // Another pause of this agent is not how it was before.
                let stopped = self.stacks().baseline(&Self::key(&found.identity));
                let stopped = stopped.unwrap_or_else(|| found.identity.state() == Some('T'));
                (found, stopped)
            })
            .collect();
        let labels = || self.found.iter().map(|(found, _)| found.label());
        Ok(Preflight {
            targets: labels().collect(),
            effect: "stopped with SIGSTOP".to_owned(),
            undo: "SIGCONT".to_owned(),
            tier: Tier::Journal,
            survives: Survives::Process,
            resources: self
                .found
                .iter()
                .map(|(found, _)| Resource::new(Self::key(&found.identity), Sharing::Stacks))
                .collect(),
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.targets().collect::<Vec<_>>())
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let stacks = self.stacks();
        remaining(self.targets().map(|target| {
            let identity = &target.identity;
            let stop = |_: &Stack<RunState>| match identity.signal(Signal::STOP)? {
                true => Ok(()),
                false => Err(Trouble::Vanished(format!(
                    "process {} has ended",
                    identity.pid
                ))),
            };
            let before = || Ok(target.stopped_before);
            stacks.push(&Self::key(identity), self.context.id, true, before, stop)
        }))?;
        until(|| {
            self.targets()
                .all(|target| matches!(target.identity.state(), Some('T') | None))
        });
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let states: Vec<_> = self.targets().map(|one| one.identity.state()).collect();
        if !states.is_empty() && states.iter().all(Option::is_none) {
            return Err(Trouble::Vanished("the processes have ended".to_owned()));
        }
        let shown: Vec<_> = states.iter().flatten().map(char::to_string).collect();
        Ok(Sight {
            installed: states.iter().flatten().all(|state| *state == 'T'),
            hits: None,
            detail: format!("state {}", shown.join(", ")),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let (stacks, id) = (self.stacks(), self.context.id);
        worst(self.targets().map(|target| {
            let resume = |stack: &Stack<RunState>| match stack.layers().next() {
                Some(_) => Ok(Healed::Unchanged),
                None => target.resume(),
            };
            let healed = stacks.pop(&Self::key(&target.identity), id, resume)?;
            Ok(healed.unwrap_or(Healed::Unchanged))
        }))
    }
}
