//! What faults on containers have in common: one part for each container, each with its record.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::select::{Container, Containers};
use super::trouble::{ANSWER, PATIENCE, precondition, trouble};
use crate::docker::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status};
use crate::docker::{Endpoint, Engine, EngineError};
use crate::fault::outcome::{recorded, worst};
use crate::fault::{
    Built, Context, Fault, Healed, Kind, Preflight, Resource, Sight, Spec, Survives, Tier, Trouble,
};

/// What one kind of fault does to one container.
pub(super) trait Act: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// What the undo must know of the time before.
    type Before: Serialize + DeserializeOwned + Clone + Send;

    /// The kind's name.
    const NAME: &'static str;

    /// Whether it can be done to this container, and how that is before. Changes nothing.
    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        context: &Context,
    ) -> Result<Self::Before, Trouble>;

    /// In words, for `plan`.
    fn effect(&self) -> String;

    /// In words, for `plan`.
    fn undo(&self) -> String;

    /// What is touched of a container.
    fn resources(&self, container: &Container) -> Vec<Resource>;

    /// How long it may take to land.
    fn longest(&self) -> Duration {
        super::select::LANDS
    }

    /// Does it.
    fn inject(part: &mut Part<Self>, context: &Context) -> Result<(), Trouble>;

    /// Reads it back: whether it is in place, and what was read.
    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble>;

    /// Undoes it, with the context of the agent that did it, or from the record alone.
    fn heal(part: &Part<Self>, context: Option<&Context>) -> Result<Healed, Trouble>;

    /// How often it acted, where that is not the number of containers.
    fn hits(_: &[Part<Self>]) -> Option<u64> {
        None
    }
}

/// How long a look may take.
const GLANCE: Duration = Duration::from_secs(1);

/// How long nobody looks after an engine that did not answer a look.
const QUIET: Duration = Duration::from_secs(10);

/// Until when nobody looks.
static QUIET_UNTIL: Mutex<Option<Instant>> = Mutex::new(None);

/// The options as they travel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct On<A> {
    /// Which containers.
    pub which: Containers,
    /// What is done to each.
    #[serde(flatten)]
    pub act: A,
}

/// One container, what is done to it, and how it was before: the record of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "A: Act")]
pub(super) struct Part<A: Act> {
    pub(super) container: Container,
    pub(super) act: A,
    pub(super) before: A::Before,
    /// Whether it was done, as far as is known.
    #[serde(default)]
    pub(super) done: bool,
}

impl<A: Act> Part<A> {
    pub(super) fn id(&self) -> String {
        self.container.id.clone()
    }

    pub(super) fn label(&self) -> String {
        self.container.label()
    }

    fn endpoint(&self) -> &Endpoint {
        &self.container.engine
    }

    /// The container as it is now.
    pub(super) fn now(&self) -> Result<ContainerInspectResponse, Trouble> {
        let id = self.id();
        self.patient(A::NAME, |engine| {
            let id = id.clone();
            engine.call(ANSWER, |docker| async move {
                docker.inspect_container(&id, None).await
            })
        })
    }

    /// As [`Self::now`], for looks that must not take long: others wait for the thread that looks.
    pub(super) fn glance(&self) -> Result<ContainerInspectResponse, Trouble> {
        let quiet = || QUIET_UNTIL.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet().is_some_and(|until| Instant::now() < until) {
            let text = format!("the engine at {} does not answer", self.endpoint().url);
            return Err(Trouble::Failed(text));
        }
        let id = self.id();
        self.ask(|engine| {
            let seen = engine.call(GLANCE, |docker| async move {
                docker.inspect_container(&id, None).await
            });
            if let Err(EngineError::Late(_)) = &seen {
                *quiet() = Some(Instant::now() + QUIET);
            }
            seen
        })
    }

    /// Asks its engine, once.
    pub(super) fn ask<R>(
        &self,
        ask: impl FnOnce(&Engine) -> Result<R, EngineError>,
    ) -> Result<R, Trouble> {
        let engine = Engine::connect(self.endpoint()).map_err(precondition)?;
        ask(&engine).map_err(|error| trouble(&self.label(), error))
    }

    /// Asks its engine, and waits for one that is starting again.
    pub(super) fn patient<R>(
        &self,
        what: &str,
        ask: impl FnMut(&Engine) -> Result<R, EngineError>,
    ) -> Result<R, Trouble> {
        Engine::patiently(self.endpoint(), PATIENCE, ask).map_err(|error| match error {
            error if error.may_pass() => Trouble::Failed(format!("{what}: {error}")),
            error => trouble(&format!("{what}: {}", self.label()), error),
        })
    }
}

/// A fault on containers.
struct Parts<A: Act> {
    options: On<A>,
    context: Context,
    parts: Vec<Part<A>>,
}

/// The kind of faults that do this.
pub(super) const fn kind<A: Act>() -> Kind {
    Kind {
        name: A::NAME,
        tier: Tier::Journal,
        fixture: false,
        build: build::<A>,
        recover: recover::<A>,
        probe,
    }
}

/// The inert fault of a kind.
pub(super) fn build<A: Act>(spec: &Spec, context: &Context) -> Built {
    Ok(Box::new(Parts::<A> {
        options: spec.read()?,
        context: context.clone(),
        parts: Vec::new(),
    }))
}

/// Undoes from a record alone.
pub(super) fn recover<A: Act>(undo: &Value) -> Result<Healed, Trouble> {
    let parts: Vec<Part<A>> = recorded(undo)?;
    worst(
        parts
            .iter()
            .rev()
            .map(|part| gone_is_gone(A::heal(part, None))),
    )
}

/// Whether an engine answers; for `rchaos doctor`.
pub(super) fn probe() -> Result<String, String> {
    let endpoint = Endpoint::find(None).map_err(|error| error.to_string())?;
    let engine = Engine::connect(&endpoint).map_err(|error| error.to_string())?;
    let version = engine.call(ANSWER, |docker| async move { docker.version().await });
    let version = version.map_err(|error| error.to_string())?;
    let text = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    Ok(format!(
        "engine {} with API {} at {}",
        text(version.version),
        text(version.api_version),
        endpoint.url
    ))
}

fn gone_is_gone(healed: Result<Healed, Trouble>) -> Result<Healed, Trouble> {
    match healed {
        Err(Trouble::Vanished(_)) => Ok(Healed::Vanished),
        // Too late for a precondition: something is left.
        Err(Trouble::Precondition(text)) => Err(Trouble::Failed(text)),
        healed => healed,
    }
}

impl<A: Act> Fault for Parts<A> {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        self.parts = Vec::new();
        for container in self.options.which.targets(&self.context)? {
            let id = container.id.clone();
            let engine = Engine::connect(&container.engine).map_err(precondition)?;
            let now = engine.call(ANSWER, |docker| async move {
                docker.inspect_container(&id, None).await
            });
            let now = now.map_err(precondition)?;
            let before = self.options.act.look(&container, &now, &self.context)?;
            self.parts.push(Part {
                container,
                act: self.options.act.clone(),
                before,
                done: false,
            });
        }
        let containers = || self.parts.iter().map(|part| &part.container);
        let act = &self.options.act;
        Ok(Preflight {
            targets: containers().map(Container::label).collect(),
            effect: act.effect(),
            undo: act.undo(),
            tier: Tier::Journal,
            survives: Survives::Boot,
            resources: containers().flat_map(|one| act.resources(one)).collect(),
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.parts)
    }

    fn max_duration(&self) -> Duration {
        self.options.act.longest() * u32::try_from(self.parts.len().max(1)).unwrap_or(1)
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        for part in &mut self.parts {
            A::inject(part, &self.context)?;
            part.done = true;
        }
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let (mut installed, mut details, mut gone) = (true, Vec::new(), Vec::new());
        for part in &self.parts {
            match A::see(part) {
                Ok((there, detail)) => {
                    installed &= there;
                    details.push(format!("{} {detail}", part.container.name));
                }
                Err(Trouble::Vanished(_)) => gone.push(format!("{} is gone", part.label())),
                // An engine that is away for a while changes nothing about what was done.
                Err(error) => details.push(format!("{}: not seen: {error}", part.container.name)),
            }
        }
        if details.is_empty() && !gone.is_empty() {
            return Err(Trouble::Vanished(gone.join(", ")));
        }
        details.extend(gone);
        Ok(Sight {
            installed,
            hits: A::hits(&self.parts),
            detail: details.join(", "),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let context = Some(&self.context);
        let parts = self.parts.iter().rev();
        worst(parts.map(|part| gone_is_gone(A::heal(part, context))))
    }

    fn facts(&self) -> Value {
        let one = |part: &Part<A>| json!({"id": part.container.id, "name": part.container.name});
        let all: Vec<_> = self.parts.iter().map(one).collect();
        json!({"containers": all})
    }
}

/// The state of a container, as its engine calls it.
pub(super) fn status(now: &ContainerInspectResponse) -> Status {
    let status = now.state.as_ref().and_then(|state| state.status);
    status.unwrap_or(Status::EMPTY)
}

/// When it was started last.
pub(super) fn started(now: &ContainerInspectResponse) -> String {
    let started = now.state.as_ref().and_then(|one| one.started_at.clone());
    started.unwrap_or_default()
}
