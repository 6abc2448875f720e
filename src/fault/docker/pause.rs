//! `docker.pause`: freezes all processes of a container.

use serde::{Deserialize, Serialize};

use super::part::{self, Act, Part, status};
use super::select::Container;
use super::trouble::ANSWER;
use crate::docker::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status};
use crate::fault::{Context, Healed, Kind, Resource, Trouble};

/// Its options: none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pause {}

/// The kind.
pub const KIND: Kind = part::kind::<Pause>();

impl Act for Pause {
    type Before = ();

    const NAME: &'static str = "docker.pause";

    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        _: &Context,
    ) -> Result<(), Trouble> {
        if status(now) == Status::RUNNING {
            return Ok(());
        }
        Err(Trouble::Precondition(format!(
            "{}: {} is not running but {}",
            Self::NAME,
            container.label(),
            status(now)
        )))
    }

    fn effect(&self) -> String {
        "all its processes are frozen".to_owned()
    }

    fn undo(&self) -> String {
        "unpaused".to_owned()
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        vec![super::life::resource(container)]
    }

    fn inject(part: &mut Part<Self>, _: &Context) -> Result<(), Trouble> {
        let id = part.id();
        part.ask(|engine| {
            engine.call(
                ANSWER,
                |docker| async move { docker.pause_container(&id).await },
            )
        })
    }

    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble> {
        let state = status(&part.glance()?);
        Ok((state == Status::PAUSED, state.to_string()))
    }

    fn heal(part: &Part<Self>, _: Option<&Context>) -> Result<Healed, Trouble> {
        match status(&part.now()?) {
            Status::RUNNING => return Ok(Healed::Unchanged),
            Status::PAUSED => {}
            other => {
                let name = &part.container.name;
                return Ok(Healed::Drifted(format!(
                    "{} is {other}, which somebody else did; run `docker start {name}`",
                    part.label()
                )));
            }
        }
        let id = part.id();
        part.patient(Self::NAME, |engine| {
            let id = id.clone();
            engine.call(ANSWER, |docker| async move {
                docker.unpause_container(&id).await
            })
        })?;
        match status(&part.now()?) {
            Status::PAUSED => Err(Trouble::Failed(format!(
                "{} stays paused; run `docker unpause {}`",
                part.label(),
                part.container.name
            ))),
            _ => Ok(Healed::Restored),
        }
    }
}
