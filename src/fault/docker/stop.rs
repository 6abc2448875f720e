//! `docker.stop`: asks a container to end, and kills it if it does not; healing starts it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::life::{Alive, beside, bring_back, ended, resource, see};
use super::part::{self, Act, Part};
use super::select::{Container, LANDS};
use crate::base::units::show_duration;
use crate::docker::models::ContainerInspectResponse;
use crate::docker::parameters::StopContainerOptionsBuilder;
use crate::fault::{Context, Healed, Kind, Resource, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stop {
    /// How long it has before it is killed; whole seconds.
    pub timeout: Duration,
}

/// The kind.
pub const KIND: Kind = part::kind::<Stop>();

/// As the engine takes it.
pub(super) fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

impl Act for Stop {
    type Before = Alive;

    const NAME: &'static str = "docker.stop";

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
        format!("stopped, and killed after {time}")
    }

    fn undo(&self) -> String {
        "started again".to_owned()
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        vec![resource(container)]
    }

    fn longest(&self) -> Duration {
        self.timeout + LANDS
    }

    fn inject(part: &mut Part<Self>, _: &Context) -> Result<(), Trouble> {
        let (id, timeout) = (part.id(), part.act.timeout);
        let options = StopContainerOptionsBuilder::new().t(seconds(timeout));
        let options = Some(options.build());
        part.ask(|engine| {
            engine.call(beside(timeout), |docker| async move {
                docker.stop_container(&id, options).await
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
