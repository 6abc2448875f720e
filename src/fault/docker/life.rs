//! Containers that were ended: whether they may be, and bringing them back.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::part::{Act, Part, started, status};
use super::select::Container;
use super::trouble::ANSWER;
use crate::docker::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status};
use crate::fault::{Healed, Resource, Sharing, Trouble};

/// How long a restart policy may take.
const POLICY: Duration = Duration::from_secs(10);

/// A container that ran.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Alive {
    /// When it was started, as its engine writes it.
    pub(super) started: String,
    /// Whether a swarm replaces it: then it is not ours to start.
    pub(super) replaced: bool,
}

impl Alive {
    /// Whether it runs, and stays when it ends.
    pub(super) fn look(
        what: &str,
        container: &Container,
        now: &ContainerInspectResponse,
    ) -> Result<Self, Trouble> {
        let label = container.label();
        if status(now) != Status::RUNNING {
            let text = format!("{what}: {label} is not running but {}", status(now));
            return Err(Trouble::Precondition(text));
        }
        let host = now.host_config.as_ref();
        if host.and_then(|host| host.auto_remove) == Some(true) {
            return Err(Trouble::Precondition(format!(
                "{what}: {label} would be gone for good, because it was started with --rm; \
                 write :remove(), which makes it anew"
            )));
        }
        let labels = now.config.as_ref().and_then(|one| one.labels.as_ref());
        let task = "com.docker.swarm.task.id";
        Ok(Self {
            started: started(now),
            replaced: labels.is_some_and(|labels| labels.contains_key(task)),
        })
    }
}

/// For the ledger: whether a container runs. Nobody else may end or freeze it meanwhile.
pub(super) fn resource(container: &Container) -> Resource {
    Resource::new(
        format!("life of container {}", container.id),
        Sharing::Alone,
    )
}

/// Starts it, unless it is back already or somebody else's.
pub(super) fn bring_back<A: Act>(part: &Part<A>, before: &Alive) -> Result<Healed, Trouble> {
    let end = Instant::now() + POLICY;
    loop {
        let now = part.now()?;
        match status(&now) {
            Status::RUNNING => return Ok(Healed::Unchanged),
            Status::PAUSED => {
                let name = &part.container.name;
                return Ok(Healed::Drifted(format!(
                    "{} is paused, which somebody else did; run `docker unpause {name}`",
                    part.label()
                )));
            }
            _ if before.replaced => return Ok(Healed::Unchanged),
            // Its policy, or the engine, is at it.
            Status::RESTARTING | Status::REMOVING | Status::STOPPING if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(100));
            }
            _ => return start(part),
        }
    }
}

/// Starts a container, and reads back that it runs.
pub(super) fn start<A: Act>(part: &Part<A>) -> Result<Healed, Trouble> {
    let id = part.id();
    part.patient(A::NAME, |engine| {
        let id = id.clone();
        engine.call(Duration::from_secs(60), |docker| async move {
            docker.start_container(&id, None).await
        })
    })?;
    let now = part.now()?;
    if matches!(status(&now), Status::RUNNING | Status::RESTARTING) {
        return Ok(Healed::Restored);
    }
    let code = now.state.and_then(|state| state.exit_code).unwrap_or(-1);
    let name = &part.container.name;
    Err(Trouble::Failed(format!(
        "{} was started again and ended at once with code {code}; look at `docker logs {name}`, \
         then run `docker start {name}`",
        part.label()
    )))
}

/// Waits until it does not run, or runs anew; false if it goes on.
pub(super) fn fell<A: Act>(
    part: &Part<A>,
    before: &Alive,
    limit: Duration,
) -> Result<bool, Trouble> {
    let end = Instant::now() + limit;
    loop {
        if down(&part.now()?, before) {
            return Ok(true);
        }
        if Instant::now() > end {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until it does not run, or runs anew.
pub(super) fn ended<A: Act<Before = Alive>>(part: &Part<A>) -> Result<(), Trouble> {
    if fell(part, &part.before, Duration::from_secs(10))? {
        return Ok(());
    }
    let text = format!("{} runs on, as if nothing had happened", part.label());
    Err(Trouble::Failed(text))
}

/// Reads back that it has ended since.
pub(super) fn see<A: Act<Before = Alive>>(part: &Part<A>) -> Result<(bool, String), Trouble> {
    let now = part.glance()?;
    // What was done stays done, whatever it is like now.
    let there = part.done || down(&now, &part.before);
    Ok((there, shown(&now, &part.before)))
}

/// Whether it has ended since: it does not run, or was started again.
pub(super) fn down(now: &ContainerInspectResponse, before: &Alive) -> bool {
    let running = matches!(status(now), Status::RUNNING | Status::PAUSED);
    !running || started(now) != before.started
}

/// In words: `exited (137)`, `running again`.
pub(super) fn shown(now: &ContainerInspectResponse, before: &Alive) -> String {
    let state = status(now);
    if matches!(state, Status::RUNNING) && started(now) != before.started {
        return "running again".to_owned();
    }
    let code = now.state.as_ref().and_then(|state| state.exit_code);
    match (state, code) {
        (Status::EXITED, Some(code)) => format!("exited ({code})"),
        (state, _) => state.to_string(),
    }
}

/// Asks with the time that an answer may take beside the effect's own.
pub(super) fn beside(effect: Duration) -> Duration {
    effect + ANSWER
}
