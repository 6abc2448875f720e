//! Limits of processes, lowered with `prlimit` and put back exactly.

use std::fs;
use std::sync::Arc;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde::{Deserialize, Serialize};

use super::find::Found;
use super::identity::Identity;
use crate::fault::outcome::worst;
use crate::fault::{Context, Healed, Sharing, Sight, Stack, Stacks, Trouble};

/// A limit that a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// Descriptors.
    OpenFiles,
    /// Processes and threads of its user.
    Processes,
    /// Size of a file that it writes, in bytes.
    FileSize,
    /// Its address space, in bytes.
    AddressSpace,
    /// Memory that it locks, in bytes.
    LockedMemory,
}

impl LimitName {
    /// Name in scripts, row of `/proc/PID/limits`, and the kernel's own.
    fn row(self) -> (&'static str, &'static str, Resource) {
        match self {
            Self::OpenFiles => ("open_files", "Max open files", Resource::Nofile),
            Self::Processes => ("processes", "Max processes", Resource::Nproc),
            Self::FileSize => ("file_size", "Max file size", Resource::Fsize),
            Self::AddressSpace => ("address_space", "Max address space", Resource::As),
            Self::LockedMemory => ("locked_memory", "Max locked memory", Resource::Memlock),
        }
    }

    /// As scripts write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }
}

/// A limit: what counts, and how far the process may raise it. None is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::fault) struct Limit {
    soft: Option<u64>,
    hard: Option<u64>,
}

impl Limit {
    /// That of a process; `None` when it is gone.
    fn read(pid: i32, name: LimitName) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
        let rest = text
            .lines()
            .find_map(|line| line.strip_prefix(name.row().1))?;
        let mut fields = rest.split_ascii_whitespace();
        let soft = fields.next()?.parse().ok();
        let hard = fields.next()?.parse().ok();
        Some(Self { soft, hard })
    }

    fn write(self, identity: &Identity, name: LimitName) -> Result<bool, Trouble> {
        // Held while the pid is used, so that it stays that process's.
        let Some(_held) = identity.open()? else {
            return Ok(false);
        };
        let new = Rlimit {
            current: self.soft,
            maximum: self.hard,
        };
        match prlimit(Pid::from_raw(identity.pid), name.row().2, new) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => {
                let what = format!("cannot set {} of process {}", name.name(), identity.pid);
                Err(Trouble::system(what, error))
            }
        }
    }

    fn shown(self) -> String {
        self.soft
            .map_or_else(|| "unlimited".to_owned(), |soft| soft.to_string())
    }

    fn lowered(self, to: u64) -> Self {
        Self {
            soft: Some(self.soft.map_or(to, |soft| soft.min(to))),
            ..self
        }
    }
}

/// One limit of one process, lowered: what undoes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::fault) struct Lowered {
    pub identity: Identity,
    pub name: LimitName,
    before: Limit,
    set: Limit,
}

impl Lowered {
    /// What will be: the limit of a process lowered to `to`, unless it is lower.
    pub(in crate::fault) fn plan(
        found: &Found,
        name: LimitName,
        to: u64,
        context: &Context,
    ) -> Result<Self, Trouble> {
        let identity = found.identity.clone();
        let key = key(&identity, name);
        let now = Limit::read(identity.pid, name)
            .ok_or_else(|| Trouble::Vanished(format!("{} has ended", found.label())))?;
        // Another fault of this agent is not how it was before.
        let stacks: Arc<Stacks<Limit>> = context.shared.get();
        let before = stacks.baseline(&key).unwrap_or(now);
        Ok(Self {
            set: now.lowered(to),
            identity,
            name,
            before,
        })
    }

    /// For the ledger.
    pub(in crate::fault) fn resource(&self) -> crate::fault::Resource {
        crate::fault::Resource::new(key(&self.identity, self.name), Sharing::Stacks)
    }

    /// In words: `open_files 12 instead of 1024`.
    pub(in crate::fault) fn effect(&self) -> String {
        let (name, set, before) = (self.name.name(), self.set, self.before);
        format!("{name} {} instead of {}", set.shown(), before.shown())
    }

    pub(in crate::fault) fn inject(&self, context: &Context) -> Result<(), Trouble> {
        let stacks: Arc<Stacks<Limit>> = context.shared.get();
        let apply =
            |stack: &Stack<Limit>| match effective(stack).write(&self.identity, self.name)? {
                true => Ok(()),
                false => Err(Trouble::Vanished(format!(
                    "process {} has ended",
                    self.identity.pid
                ))),
            };
        let key = key(&self.identity, self.name);
        let before = || Ok(self.before);
        stacks.push(&key, context.id, self.set, before, apply)?;
        Ok(())
    }

    /// Takes this fault's part of it back.
    pub(in crate::fault) fn heal(&self, context: &Context) -> Result<Healed, Trouble> {
        let stacks: Arc<Stacks<Limit>> = context.shared.get();
        let key = key(&self.identity, self.name);
        let all = stacks.effective(&key, effective);
        let back = |rest: &Stack<Limit>| self.put(all.unwrap_or(self.set), effective(rest));
        let healed = stacks.pop(&key, context.id, back)?;
        Ok(healed.unwrap_or(Healed::Unchanged))
    }

    /// Undoes it in another process than the one that did it.
    pub(in crate::fault) fn recover(&self) -> Result<Healed, Trouble> {
        self.put(self.set, self.before)
    }

    /// From what we set to what should be; what somebody else has set stays.
    fn put(&self, ours: Limit, wanted: Limit) -> Result<Healed, Trouble> {
        let now = self
            .identity
            .alive()
            .then(|| Limit::read(self.identity.pid, self.name));
        let Some(now) = now.flatten() else {
            return Ok(Healed::Vanished);
        };
        if now == wanted {
            return Ok(Healed::Unchanged);
        }
        if now != ours {
            let (name, pid) = (self.name.name(), self.identity.pid);
            return Ok(Healed::Drifted(format!(
                "{name} of process {pid} is {}, which neither rchaos nor the time before has set; it was {}",
                now.shown(),
                wanted.shown()
            )));
        }
        if !wanted.write(&self.identity, self.name)? {
            return Ok(Healed::Vanished);
        }
        Ok(Healed::Restored)
    }

    fn stands(&self) -> Option<bool> {
        let now = self
            .identity
            .alive()
            .then(|| Limit::read(self.identity.pid, self.name));
        let now = now.flatten()?;
        Some(
            now.soft
                .is_some_and(|soft| self.set.soft.is_some_and(|set| soft <= set)),
        )
    }
}

/// Reads several back.
pub(in crate::fault) fn inspect(all: &[Lowered]) -> Result<Sight, Trouble> {
    let stands: Vec<bool> = all.iter().filter_map(Lowered::stands).collect();
    if stands.is_empty() && !all.is_empty() {
        return Err(Trouble::Vanished("the processes have ended".to_owned()));
    }
    let effects: Vec<_> = all.iter().map(Lowered::effect).collect();
    Ok(Sight {
        installed: stands.iter().all(|stands| *stands),
        hits: None,
        detail: effects.join(", "),
    })
}

/// Undoes several, newest first.
pub(in crate::fault) fn recover(all: &[Lowered]) -> Result<Healed, Trouble> {
    worst(all.iter().rev().map(Lowered::recover))
}

fn key(identity: &Identity, name: LimitName) -> String {
    let (pid, start) = (identity.pid, identity.start);
    format!("process {pid}@{start} {}", name.name())
}

fn effective(stack: &Stack<Limit>) -> Limit {
    let lowest = stack.layers().filter_map(|limit| limit.soft).min();
    lowest.map_or(stack.baseline, |soft| stack.baseline.lowered(soft))
}
