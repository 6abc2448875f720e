//! `docker.custom`: a fault of a script's own, made and undone by commands inside the container.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::exec::{Ended, Exec};
use super::part::{self, Act, Part, status};
use super::select::{Container, LANDS};
use crate::docker::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status};
use crate::fault::{Context, Healed, Kind, Resource, Sharing, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Custom {
    /// What it is called; faults of one name are on a container one at a time.
    pub label: String,
    /// What makes it.
    pub inject: Exec,
    /// What undoes it; also where it was undone before.
    pub undo: Exec,
    /// What ends with 0 while it is in place; without it, ending with 0 is all that `inject` shows.
    pub check: Option<Exec>,
}

/// The kind.
pub const KIND: Kind = part::kind::<Custom>();

impl Act for Custom {
    type Before = ();

    const NAME: &'static str = "docker.custom";

    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        _: &Context,
    ) -> Result<(), Trouble> {
        let (label, name) = (container.label(), Self::NAME);
        if status(now) != Status::RUNNING {
            let text = format!("{name}: {label} is not running but {}", status(now));
            return Err(Trouble::Precondition(text));
        }
        let part = Part::<Self> {
            container: container.clone(),
            act: self.clone(),
            before: (),
            done: false,
        };
        if let Some(check) = &self.check
            && run(&part, check)?.code == Some(0)
        {
            return Err(Trouble::Precondition(format!(
                "{name}: {label} has it already: `{}` ends with code 0",
                check.line()
            )));
        }
        Ok(())
    }

    fn effect(&self) -> String {
        format!("`{}` inside", self.inject.line())
    }

    fn undo(&self) -> String {
        format!("`{}` inside", self.undo.line())
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        let key = format!("{} of container {}", self.label, container.id);
        vec![Resource::new(key, Sharing::Alone)]
    }

    fn longest(&self) -> Duration {
        self.inject.timeout + LANDS
    }

    fn inject(part: &mut Part<Self>, _: &Context) -> Result<(), Trouble> {
        let ended = run(part, &part.act.inject)?;
        if ended.code != Some(0) {
            return Err(failed(part, &part.act.inject, &ended));
        }
        // Once: every further look would cost the container a process.
        match &part.act.check {
            Some(check) if run(part, check)?.code != Some(0) => Err(Trouble::Failed(format!(
                "{}: `{}` has run, and `{}` says that the fault is not there",
                part.label(),
                part.act.inject.line(),
                check.line()
            ))),
            _ => Ok(()),
        }
    }

    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble> {
        let now = status(&part.glance()?);
        if now != Status::RUNNING {
            return Ok((false, format!("is {now}")));
        }
        Ok((part.done, "command has run".to_owned()))
    }

    fn heal(part: &Part<Self>, _: Option<&Context>) -> Result<Healed, Trouble> {
        let now = status(&part.now()?);
        if now != Status::RUNNING {
            return Ok(Healed::Drifted(format!(
                "{} is {now}, so that `{}` cannot run in it; start it and run `rchaos recover`",
                part.label(),
                part.act.undo.line()
            )));
        }
        let check = part.act.check.as_ref();
        if let Some(check) = check
            && run(part, check)?.code != Some(0)
        {
            return Ok(Healed::Unchanged);
        }
        let ended = run(part, &part.act.undo)?;
        if ended.code != Some(0) {
            return Err(failed(part, &part.act.undo, &ended));
        }
        match check.map(|check| run(part, check)).transpose()? {
            Some(ended) if ended.code == Some(0) => Err(Trouble::Failed(format!(
                "{}: `{}` has run, and `{}` says that the fault is there still",
                part.label(),
                part.act.undo.line(),
                part.act.check.as_ref().map_or_else(String::new, Exec::line)
            ))),
            _ => Ok(Healed::Restored),
        }
    }
}

fn run(part: &Part<Custom>, exec: &Exec) -> Result<Ended, Trouble> {
    part.ask(|engine| exec.run(engine, &part.container.id))
}

fn failed(part: &Part<Custom>, exec: &Exec, ended: &Ended) -> Trouble {
    let (label, line) = (part.label(), exec.line());
    Trouble::Failed(format!("{label}: `{line}` {}", ended.shown()))
}
