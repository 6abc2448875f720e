//! `docker.restart`: ends a container and starts it at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::life::{Alive, beside, bring_back, ended, resource, see};
use super::part::{self, Act, Part};
use super::select::{Container, LANDS};
use super::stop::seconds;
use crate::base::units::show_duration;
use crate::docker::models::ContainerInspectResponse;
use crate::docker::parameters::RestartContainerOptionsBuilder;
use crate::fault::{Context, Healed, Kind, Resource, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Restart {
    /// How long it has to end before it is killed; whole seconds.
    pub timeout: Duration,
}

/// The kind.
pub const KIND: Kind = part::kind::<Restart>();

impl Act for Restart {
    type Before = Alive;

    const NAME: &'static str = "docker.restart";

    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        _: &Context,
    ) -> Result<Alive, Trouble> {
        Alive::look(Self::NAME, container, now)
    }

    fn effect(&self) -> String {
        let time = show_duration(self.timeout);
        format!("stopped (killed after {time}) and started again")
    }

    fn undo(&self) -> String {
        "none, unless it did not come back: then it is started".to_owned()
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        vec![resource(container)]
    }

    fn longest(&self) -> Duration {
        self.timeout + LANDS
    }

    fn inject(part: &mut Part<Self>, _: &Context) -> Result<(), Trouble> {
        let (id, timeout) = (part.id(), part.act.timeout);
        let options = RestartContainerOptionsBuilder::new().t(seconds(timeout));
        let options = Some(options.build());
        part.ask(|engine| {
            engine.call(beside(timeout), |docker| async move {
                docker.restart_container(&id, options).await
            })
        })?;
        ended(part)
    }

    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble> {
        see(part)
    }

    fn heal(part: &Part<Self>, _: Option<&Context>) -> Result<Healed, Trouble> {
        bring_back(part, &part.before)
    }
}
