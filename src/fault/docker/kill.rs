//! `docker.kill`: sends a signal to a container; what it ended is started again.

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::life::{Alive, bring_back, ended, resource, see};
use super::part::{self, Act, Part};
use super::select::Container;
use super::trouble::ANSWER;
use crate::docker::models::ContainerInspectResponse;
use crate::docker::parameters::KillContainerOptionsBuilder;
use crate::fault::process::SignalName;
use crate::fault::{Context, Healed, Kind, Resource, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kill {
    /// Which signal.
    pub signal: SignalName,
    /// Whether its main process is hit past the engine, as a crash would: then its restart policy acts.
    pub crash: bool,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: Kill::NAME,
    tier: Tier::Journal,
    fixture: false,
    build: |spec, context| {
        let on: part::On<Kill> = spec.read()?;
        if [Signal::STOP, Signal::TSTP].contains(&on.act.signal.0) {
            return Err(Trouble::Misuse(format!(
                "docker.kill: {} would leave it stopped for good; write :pause()",
                on.act.signal.label()
            )));
        }
        part::build::<Kill>(spec, context)
    },
    recover: part::recover::<Kill>,
    probe: part::probe,
};

impl Act for Kill {
    type Before = Alive;

    const NAME: &'static str = "docker.kill";

    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        _: &Context,
    ) -> Result<Alive, Trouble> {
        if self.crash {
            container.process()?;
        }
        Alive::look(Self::NAME, container, now)
    }

    fn effect(&self) -> String {
        let past = if self.crash { ", past the engine" } else { "" };
        format!("sent {}{past}", self.signal.label())
    }

    fn undo(&self) -> String {
        "started again, unless its restart policy did".to_owned()
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        vec![resource(container)]
    }

    fn inject(part: &mut Part<Self>, _: &Context) -> Result<(), Trouble> {
        let signal = part.act.signal;
        if part.act.crash {
            part.container.process()?.identity.signal(signal.0)?;
        } else {
            let id = part.id();
            let options = KillContainerOptionsBuilder::new().signal(&signal.label());
            let options = Some(options.build());
            part.ask(|engine| {
                engine.call(ANSWER, |docker| async move {
                    docker.kill_container(&id, options).await
                })
            })?;
        }
        // Only this one cannot be ignored.
        match signal.0 == Signal::KILL {
            true => ended(part),
            false => Ok(()),
        }
    }

    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble> {
        see(part)
    }

    fn heal(part: &Part<Self>, _: Option<&Context>) -> Result<Healed, Trouble> {
        bring_back(part, &part.before)
    }
}
