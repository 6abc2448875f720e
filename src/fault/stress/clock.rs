//! `stress.clock`: sets the wall clock of programs that were started with a clock of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::outcome::{recorded, until, worst};
use crate::fault::place::processes;
use crate::fault::process::{Found, Identity, clock};
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Survives, Target, Tier,
    Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Clock {
    /// Whose clock.
    pub target: Target,
    /// How many seconds it is ahead; behind where that is below zero.
    pub offset: f64,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.clock",
    tier: Tier::Journal,
    fixture: false,
    build: |spec, context| {
        Ok(Box::new(Wrong {
            options: spec.read()?,
            context: context.clone(),
            set: Vec::new(),
        }))
    },
    recover: |undo| {
        let all: Vec<Set> = recorded(undo)?;
        worst(all.iter().rev().map(Set::put_back))
    },
    probe: || clock::library().map(|path| path.display().to_string()),
};

struct Wrong {
    options: Clock,
    context: Context,
    set: Vec<Set>,
}

/// One file, what it says, and what it said before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Set {
    file: PathBuf,
    text: String,
    before: String,
    /// Whose it is; whoever it has forked has it too.
    process: Identity,
}

fn read(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    Some(text.trim().to_owned())
}

impl Set {
    fn write(&self, text: &str) -> Result<(), Trouble> {
        clock::set(&self.file, text).map_err(|error| Trouble::system(self.file.display(), error))
    }

    /// From what we set to what was; what somebody else has set stays.
    fn put_back(&self) -> Result<Healed, Trouble> {
        let Some(now) = read(&self.file) else {
            return Ok(Healed::Vanished);
        };
        if now == self.before {
            return Ok(Healed::Unchanged);
        }
        if now != self.text {
            return Ok(Healed::Drifted(format!(
                "{} says {now}, which neither rchaos nor the time before has set; it was {}",
                self.file.display(),
                self.before
            )));
        }
        self.write(&self.before)?;
        Ok(Healed::Restored)
    }
}

impl Wrong {
    fn plan(&self, found: &[Found]) -> Result<Vec<Set>, Trouble> {
        let mut all: Vec<Set> = Vec::new();
        for one in found {
            let process = one.identity.clone();
            // One that has just been started may not have come so far yet.
            until(|| clock::file_of(&process).is_some());
            let Some(file) = clock::file_of(&process) else {
                return Err(Trouble::Precondition(format!(
                    "{}: {} has no clock of its own; start it by process.spawn {{ clock = {{ wall = true }}, … }}",
                    KIND.name,
                    one.label()
                )));
            };
            let loaded = || {
                let maps = fs::read_to_string(format!("/proc/{}/maps", process.pid));
                maps.map_or(true, |maps| maps.contains("libfaketime"))
            };
            if !until(loaded) {
                return Err(Trouble::Precondition(format!(
                    "{}: {} has not loaded libfaketime: it is linked statically, or changes its user",
                    KIND.name,
                    one.label()
                )));
            }
            if all.iter().any(|set| set.file == file) {
                continue;
            }
            let before = read(&file)
                .ok_or_else(|| Trouble::Vanished(format!("{} has ended", one.label())))?;
            all.push(Set {
                text: clock::shown(self.options.offset),
                file,
                before,
                process,
            });
        }
        Ok(all)
    }
}

impl Fault for Wrong {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let target = &self.options.target;
        if matches!(target, Target::Host) {
            let text = format!(
                "{}: option `target`: name a program of process.spawn",
                KIND.name
            );
            return Err(Trouble::Misuse(text));
        }
        let found = processes(KIND.name, Some(target), &self.context)?;
        self.set = self.plan(&found)?;
        let key = |set: &Set| format!("clock {}", set.file.display());
        Ok(Preflight {
            targets: found.iter().map(Found::label).collect(),
            effect: format!(
                "the wall clock is {} s off",
                clock::shown(self.options.offset)
            ),
            undo: "the offset before".to_owned(),
            tier: Tier::Journal,
            survives: Survives::Process,
            resources: self
                .set
                .iter()
                .map(|set| Resource::new(key(set), Sharing::Alone))
                .collect(),
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.set)
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        self.set.iter().try_for_each(|set| set.write(&set.text))
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        if !self.set.is_empty() && self.set.iter().all(|set| !set.process.alive()) {
            return Err(Trouble::Vanished("the processes have ended".to_owned()));
        }
        let stands = |set: &Set| read(&set.file).as_ref() == Some(&set.text);
        Ok(Sight {
            installed: self.set.iter().all(stands),
            hits: None,
            detail: format!("{} s", clock::shown(self.options.offset)),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        worst(self.set.iter().rev().map(Set::put_back))
    }
}
