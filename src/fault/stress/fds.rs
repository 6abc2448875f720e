//! `stress.fds`: leaves a process only so many descriptors, by lowering its limit.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::outcome::{recorded, remaining, worst};
use crate::fault::place::processes;
use crate::fault::process::{LimitName, Lowered, limits_preflight, limits_recover, limits_seen};
use crate::fault::{Context, Fault, Healed, Kind, Preflight, Sight, Target, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fds {
    /// Whose descriptors; all processes of a container.
    pub target: Target,
    /// How many more it can open.
    pub leave: u64,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.fds",
    tier: Tier::Journal,
    fixture: false,
    build: |spec, context| {
        Ok(Box::new(Short {
            options: spec.read()?,
            context: context.clone(),
            lowered: Vec::new(),
        }))
    },
    recover: |undo| limits_recover(&recorded::<Vec<Lowered>>(undo)?),
    probe: || Ok("prlimit".to_owned()),
};

struct Short {
    options: Fds,
    context: Context,
    lowered: Vec<Lowered>,
}

/// The limit under which just `leave` numbers are free: the kernel gives the lowest one, and counts by number.
fn limit(open: &BTreeSet<u64>, leave: u64) -> u64 {
    let mut free = 0;
    let mut number = 0;
    loop {
        if !open.contains(&number) {
            if free == leave {
                return number;
            }
            free += 1;
        }
        number += 1;
    }
}

fn open_numbers(pid: i32) -> Result<BTreeSet<u64>, Trouble> {
    let entries =
        std::fs::read_dir(format!("/proc/{pid}/fd")).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Trouble::Vanished(format!("process {pid} has ended")),
            _ => Trouble::system(format!("descriptors of process {pid}"), error),
        })?;
    let names = entries.flatten().map(|entry| entry.file_name());
    Ok(names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect())
}

impl Fault for Short {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let target = &self.options.target;
        if matches!(target, Target::Host) {
            let text = format!(
                "{}: option `target`: name a process or a container",
                KIND.name
            );
            return Err(Trouble::Misuse(text));
        }
        let found = processes(KIND.name, Some(target), &self.context)?;
        let lowered = found.iter().map(|one| {
            let limit = limit(&open_numbers(one.identity.pid)?, self.options.leave);
            Lowered::plan(one, LimitName::OpenFiles, limit, &self.context)
        });
        self.lowered = remaining(lowered)?;
        Ok(limits_preflight(&found, &self.lowered))
    }

    fn undo(&self) -> Value {
        json!(self.lowered)
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        remaining(self.lowered.iter().map(|one| one.inject(&self.context))).map(drop)
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        limits_seen(&self.lowered)
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        worst(self.lowered.iter().rev().map(|one| one.heal(&self.context)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_count_as_free() {
        let open = BTreeSet::from([0, 1, 2, 5, 9]);
        assert_eq!(limit(&open, 0), 3);
        assert_eq!(limit(&open, 1), 4);
        assert_eq!(limit(&open, 2), 6);
        assert_eq!(limit(&open, 5), 10);
    }
}
