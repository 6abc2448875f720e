//! `docker.limit`: lowers what a container may use, and puts back exactly what was.

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::part::{self, Act, Part};
use super::select::Container;
use super::throttle::{Throttle, Valve};
use super::trouble::ANSWER;
use crate::docker::models::ContainerInspectResponse;
use crate::fault::outcome::worst;
use crate::fault::{Context, Healed, Kind, Resource, Sharing, Stack, Stacks, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limit {
    /// What is set.
    pub limits: Limits,
    /// What it may read and write.
    #[serde(default)]
    pub throttle: Throttle,
}

/// The kind.
pub const KIND: Kind = part::kind::<Limit>();

/// How it was, and how many processors the engine's host has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Before {
    limits: Limits,
    processors: usize,
    #[serde(default)]
    valves: Vec<Valve>,
}

fn key(container: &Container) -> String {
    format!("limits of container {}", container.id)
}

impl Act for Limit {
    type Before = Before;

    const NAME: &'static str = "docker.limit";

    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        context: &Context,
    ) -> Result<Before, Trouble> {
        let found = Limits::of(&now.host_config.clone().unwrap_or_default());
        // Another limit of this agent is not how it was before.
        let stacks = context.shared.get::<Stacks<Limits>>();
        let limits = stacks.baseline(&key(container)).unwrap_or(found);
        let wanted = &self.limits;
        let both = wanted.over(&limits);
        if let (Some(Some(memory)), Some(Some(all))) = (both.memory, both.memory_and_swap)
            && memory > all
        {
            return Err(Trouble::Misuse(format!(
                "{}: {}: memory and swap together are below memory",
                Self::NAME,
                container.label()
            )));
        }
        let engine = crate::docker::Engine::connect(&container.engine);
        let engine = engine.map_err(super::trouble::precondition)?;
        let info = engine.call(ANSWER, |docker| async move { docker.info().await });
        let info = info.map_err(super::trouble::precondition)?;
        let processors = info.ncpu.and_then(|number| usize::try_from(number).ok());
        let mut valves = Vec::new();
        if !self.throttle.is_empty() {
            valves = self.throttle.plan(Self::NAME, container, now)?;
            let stacks = context.shared.get::<Stacks<Option<u64>>>();
            for valve in &mut valves {
                valve.before = stacks.baseline(&valve.name()).unwrap_or(valve.before);
            }
        }
        Ok(Before {
            valves,
            limits: wanted.same_fields(&limits),
            processors: processors.unwrap_or(1),
        })
    }

    fn effect(&self) -> String {
        format!("limited to {}", self.label())
    }

    fn undo(&self) -> String {
        match (self.sets_limits(), self.throttle.is_empty()) {
            (true, true) => "docker update, with what was before",
            (true, false) => "docker update and its control group, with what was before",
            (false, _) => "what was before is written to its control group",
        }
        .to_owned()
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        vec![Resource::new(key(container), Sharing::Stacks)]
    }

    fn inject(part: &mut Part<Self>, context: &Context) -> Result<(), Trouble> {
        open_valves(&part.before.valves, context)?;
        if !part.act.sets_limits() {
            return Ok(());
        }
        let stacks = context.shared.get::<Stacks<Limits>>();
        let before = || {
            let now = part.now()?;
            Ok(Limits::of(&now.host_config.unwrap_or_default()))
        };
        let apply = |_: &Stack<Limits>| update(part, &part.act.limits);
        let (key, limits) = (key(&part.container), part.act.limits.clone());
        stacks.push(&key, context.id, limits, before, apply)?;
        Ok(())
    }

    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble> {
        let now = Limits::of(&part.glance()?.host_config.unwrap_or_default());
        let wanted = &part.act.limits;
        let there = wanted.same_fields(&now);
        let mut holds = wanted.holds(&now, part.before.processors);
        let mut detail = there.label();
        if !part.act.throttle.is_empty() {
            let valves = &part.before.valves;
            // Gone with the group, when the container was started again.
            let set = valves.iter().all(|one| matches!(one.read(), Ok(Some(_))));
            holds &= set;
            let joint = if detail.is_empty() { "" } else { ", " };
            let word = if set {
                part.act.throttle.label()
            } else {
                "no limit of block I/O".to_owned()
            };
            detail = format!("{detail}{joint}{word}");
        }
        Ok((holds, format!("has {detail}")))
    }

    fn heal(part: &Part<Self>, context: Option<&Context>) -> Result<Healed, Trouble> {
        let valves = close_valves(&part.before.valves, context);
        let limits = match part.act.sets_limits() {
            true => heal_limits(part, context),
            false => Ok(Healed::Unchanged),
        };
        worst([valves, limits].into_iter())
    }
}

impl Limit {
    fn sets_limits(&self) -> bool {
        self.limits != Limits::default()
    }

    /// In words: `0.5 processors, 1 MiB/s written`.
    #[must_use]
    pub fn label(&self) -> String {
        let all = [self.limits.label(), self.throttle.label()];
        let all = all.into_iter().filter(|one| !one.is_empty());
        all.collect::<Vec<_>>().join(", ")
    }
}

/// The newest limit of a number, else what was before.
fn newest(stack: &Stack<Option<u64>>) -> Option<u64> {
    stack
        .layers()
        .next_back()
        .copied()
        .unwrap_or(stack.baseline)
}

fn open_valves(valves: &[Valve], context: &Context) -> Result<(), Trouble> {
    let stacks = context.shared.get::<Stacks<Option<u64>>>();
    for valve in valves {
        let apply = |stack: &Stack<Option<u64>>| valve.write(newest(stack));
        let baseline = || valve.read();
        stacks.push(&valve.name(), context.id, Some(valve.ours), baseline, apply)?;
    }
    Ok(())
}

fn close_valves(valves: &[Valve], context: Option<&Context>) -> Result<Healed, Trouble> {
    worst(valves.iter().rev().map(|valve| {
        let Some(context) = context else {
            return valve.heal(valve.before);
        };
        let stacks = context.shared.get::<Stacks<Option<u64>>>();
        let restore = |rest: &Stack<Option<u64>>| {
            let back = newest(rest);
            // Another limit lies over this one.
            if rest.layers().next_back().is_some() && valve.read().is_ok_and(|now| now == back) {
                return Ok(Healed::Unchanged);
            }
            valve.heal(back)
        };
        let healed = stacks.pop(&valve.name(), context.id, restore)?;
        Ok(healed.unwrap_or(Healed::Unchanged))
    }))
}

fn heal_limits(part: &Part<Limit>, context: Option<&Context>) -> Result<Healed, Trouble> {
    let ours = &part.act.limits;
    let Some(context) = context else {
        return put_back(part, ours, &part.before.limits);
    };
    let stacks = context.shared.get::<Stacks<Limits>>();
    let restore = |rest: &Stack<Limits>| {
        let whole = rest
            .layers()
            .fold(rest.baseline.clone(), |under, layer| layer.over(&under));
        let back = ours.same_fields(&whole);
        put_back(part, ours, &back)
    };
    let healed = stacks.pop(&key(&part.container), context.id, restore)?;
    Ok(healed.unwrap_or(Healed::Unchanged))
}

/// Restores what was, if it is ours still.
fn put_back(part: &Part<Limit>, ours: &Limits, before: &Limits) -> Result<Healed, Trouble> {
    let processors = part.before.processors;
    let now = Limits::of(&part.now()?.host_config.unwrap_or_default());
    if before.holds(&now, processors) {
        return Ok(Healed::Unchanged);
    }
    if !ours.each_of(before, &now, processors) {
        return Ok(Healed::Drifted(format!(
            "{} has {}, which somebody else has set; it had {}",
            part.label(),
            ours.same_fields(&now).label(),
            before.label()
        )));
    }
    let nano = now.nano;
    let back = Limits {
        nano,
        ..before.clone()
    };
    update(part, &back)?;
    let now = Limits::of(&part.now()?.host_config.unwrap_or_default());
    if before.holds(&now, processors) {
        return Ok(Healed::Restored);
    }
    Err(Trouble::Failed(format!(
        "{} keeps {} instead of {}; run `docker update` on it",
        part.label(),
        before.same_fields(&now).label(),
        before.label()
    )))
}

fn update(part: &Part<Limit>, limits: &Limits) -> Result<(), Trouble> {
    let now = Limits::of(&part.now()?.host_config.unwrap_or_default());
    let limits = Limits {
        nano: now.nano,
        ..limits.clone()
    };
    let body = limits.update(part.before.processors);
    let done = part.patient(Limit::NAME, |engine| {
        let (id, body) = (part.id(), body.clone());
        engine.call(ANSWER, |docker| async move {
            docker.update_container(&id, body).await
        })
    });
    done.map_err(|error| match error {
        // Podman has no such call before version 5.
        Trouble::Vanished(text) if text.trim().eq_ignore_ascii_case("not found") => {
            Trouble::Precondition(format!(
                "{}: the engine at {} cannot change the limits of a container that is there",
                Limit::NAME,
                part.container.engine.url
            ))
        }
        Trouble::Failed(text) if text.contains("device or resource busy") => {
            Trouble::Failed(format!("{text}: it uses more memory than that already"))
        }
        error => error,
    })
}
