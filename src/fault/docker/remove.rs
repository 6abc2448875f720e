//! `docker.remove`: removes a container, and makes it anew from what the engine said of it. Volumes stay.

use serde::{Deserialize, Serialize};

use super::disconnect::{join, leave, networks, settings};
use super::life::{resource, start};
use super::part::{self, Act, Part, status};
use super::select::Container;
use super::trouble::ANSWER;
use crate::base::text::quoted;
use crate::docker::EngineError;
use crate::docker::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum as Status,
};
use crate::docker::parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use crate::fault::{Context, Healed, Kind, Resource, Trouble};

/// Its options: none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Remove {}

/// The kind.
pub const KIND: Kind = part::kind::<Remove>();

impl Act for Remove {
    type Before = Box<ContainerInspectResponse>;

    const NAME: &'static str = "docker.remove";

    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        _: &Context,
    ) -> Result<Self::Before, Trouble> {
        let labels = now.config.as_ref().and_then(|one| one.labels.as_ref());
        let task = "com.docker.swarm.task.id";
        if labels.is_some_and(|labels| labels.contains_key(task)) {
            return Err(Trouble::Precondition(format!(
                "{}: {} is a task of a swarm, which replaces it; write :kill()",
                Self::NAME,
                container.label()
            )));
        }
        Ok(Box::new(now.clone()))
    }

    fn effect(&self) -> String {
        "killed and removed; its volumes stay".to_owned()
    }

    fn undo(&self) -> String {
        "made anew from its own description, and started if it ran; what it wrote outside volumes is lost".to_owned()
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        vec![resource(container)]
    }

    fn inject(part: &mut Part<Self>, _: &Context) -> Result<(), Trouble> {
        let id = part.id();
        let options = RemoveContainerOptionsBuilder::new().force(true).v(false);
        let options = Some(options.build());
        part.ask(|engine| {
            engine.call(ANSWER, |docker| async move {
                docker.remove_container(&id, options).await
            })
        })
    }

    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble> {
        let gone = matches!(part.glance(), Err(Trouble::Vanished(_)));
        let word = if gone { "removed" } else { "is there" };
        Ok((gone, word.to_owned()))
    }

    fn heal(part: &Part<Self>, _: Option<&Context>) -> Result<Healed, Trouble> {
        let again = match find(part, &part.id())? {
            // As it was: it was never removed.
            Some(_) => return Ok(Healed::Unchanged),
            None => find(part, &part.container.name)?,
        };
        let ran = status(&part.before) == Status::RUNNING;
        let mut new = part.clone();
        let healed = match again {
            None => {
                new.container.id = create(part)?;
                Healed::Restored
            }
            Some(other) if image(&other) == image(&part.before) => {
                new.container.id = other.id.clone().unwrap_or_default();
                match status(&other) {
                    // Made by a heal that was interrupted.
                    Status::CREATED if ran => Healed::Restored,
                    _ => return Ok(Healed::Unchanged),
                }
            }
            Some(other) => {
                return Ok(Healed::Drifted(format!(
                    "another container is called {} now, of image {}; remove it and run `rchaos recover`",
                    part.container.name,
                    quoted(&image(&other).unwrap_or_default())
                )));
            }
        };
        connect_all(&new)?;
        if ran {
            start(&new)?;
        }
        Ok(healed)
    }
}

fn image(of: &ContainerInspectResponse) -> Option<String> {
    of.config.as_ref().and_then(|config| config.image.clone())
}

fn find(part: &Part<Remove>, name: &str) -> Result<Option<ContainerInspectResponse>, Trouble> {
    part.patient(Remove::NAME, |engine| {
        let name = name.to_owned();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_container(&name, None).await
        });
        match found {
            Ok(found) => Ok(Some(found)),
            Err(EngineError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    })
}

/// Makes the container; returns its id.
fn create(part: &Part<Remove>) -> Result<String, Trouble> {
    let before = &part.before;
    let unreadable = |error: serde_json::Error| {
        Trouble::Failed(format!("{}: its description: {error}", part.label()))
    };
    let config = serde_json::to_value(&before.config).map_err(unreadable)?;
    let mut body: ContainerCreateBody = serde_json::from_value(config).map_err(unreadable)?;
    body.host_config.clone_from(&before.host_config);
    if body.hostname.as_deref() == part.container.id.get(..12) {
        // Its own id was its name; the new one has another.
        body.hostname = None;
    }
    keep_volumes(&mut body, before);
    plain_limits(&mut body);
    let name = part.container.name.clone();
    let created = part.patient(Remove::NAME, |engine| {
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let body = body.clone();
        engine.call(ANSWER, |docker| async move {
            docker.create_container(Some(options), body).await
        })
    })?;
    Ok(created.id)
}

/// Podman calls limits `RLIMIT_NOFILE` when it tells them, and takes `nofile` only.
fn plain_limits(body: &mut ContainerCreateBody) {
    let host = body.host_config.as_mut();
    for limit in host
        .and_then(|host| host.ulimits.as_mut())
        .into_iter()
        .flatten()
    {
        let name = limit.name.take();
        limit.name = name.map(|name| match name.strip_prefix("RLIMIT_") {
            Some(short) => short.to_ascii_lowercase(),
            None => name,
        });
    }
}

/// Volumes without a name of their own are known by the one that the engine gave them.
fn keep_volumes(body: &mut ContainerCreateBody, before: &ContainerInspectResponse) {
    let Some(host) = &mut body.host_config else {
        return;
    };
    let mut binds = host.binds.clone().unwrap_or_default();
    for mount in before.mounts.iter().flatten() {
        let (Some(name), Some(to)) = (&mount.name, &mount.destination) else {
            continue;
        };
        let mounted = host.mounts.iter().flatten();
        let known = binds
            .iter()
            .any(|bind| bind.split(':').nth(1) == Some(to.as_str()))
            || mounted
                .filter(|one| one.source.is_some())
                .any(|one| one.target.as_ref() == Some(to));
        if mount.typ.as_deref() == Some("volume") && !known {
            let mode = if mount.rw == Some(false) { ":ro" } else { "" };
            binds.push(format!("{name}:{to}{mode}"));
        }
    }
    // One without a source would be made anew.
    if let Some(mounts) = &mut host.mounts {
        mounts.retain(|one| {
            one.source.is_some() || one.typ.is_none_or(|it| it.to_string() != "volume")
        });
    }
    host.binds = Some(binds);
}

/// Connects it to the networks that it was in, under the names and addresses that it had.
fn connect_all(new: &Part<Remove>) -> Result<(), Trouble> {
    let now = new.now()?;
    let joined = networks(&now);
    for (network, before) in networks(&new.before) {
        // These three take nothing but a connection.
        if ["bridge", "host", "none"].contains(&network.as_str()) && joined.contains_key(&network) {
            continue;
        }
        if joined.contains_key(&network) {
            leave(new, &network)?;
        }
        join(
            new,
            &network,
            &settings(&before, &new.before.id.clone().unwrap_or_default()),
        )?;
    }
    Ok(())
}
