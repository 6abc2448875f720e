//! Which containers are meant, and which those are now.

use std::collections::HashMap;
use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::trouble::{ANSWER, precondition};
use crate::base::text::quoted;
use crate::docker::models::{ContainerInspectResponse, ContainerSummary};
use crate::docker::parameters::ListContainersOptionsBuilder;
use crate::docker::{Endpoint, Engine, EngineError};
use crate::fault::process::{Find, Found, container_of};
use crate::fault::{Context, Pick, Trouble};

/// The label that keeps every fault away, with the value `true`.
pub const PROTECT: &str = "rchaos.protect";

/// Which containers; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Containers {
    /// The engine's endpoint; the usual one where left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// The name, id, or beginning of the id of just one; in any state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one: Option<String>,
    /// The name, or `re:` and a regular expression that is found in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels: `app` or `app=api`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<String>,
    /// The compose project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compose: Option<String>,
    /// The service, of compose or of a swarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The state, as the engine calls it; `running` where left out, `any` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// A network that it is connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Names that do not match, as `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<String>,
    /// Which of those that match.
    pub pick: Pick,
    /// Whether nobody may match; then the fault does nothing.
    pub allow_empty: bool,
}

/// A container that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Its engine.
    pub engine: Endpoint,
    /// Its id, in full.
    pub id: String,
    /// Its name, without the slash.
    pub name: String,
    /// Its state, as the engine calls it: `running`.
    pub state: String,
    /// The name of its image.
    pub image: String,
    /// Its labels; not kept in records.
    #[serde(skip)]
    pub labels: HashMap<String, String>,
}

impl Container {
    /// As plan and messages name it: `container shop-api`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("container {}", self.name)
    }

    /// Its main process here.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: it does not run, or not on this host.
    pub fn process(&self) -> Result<Found, Trouble> {
        let id = self.id.clone();
        let engine = Engine::connect(&self.engine).map_err(precondition)?;
        let asked = engine.call(ANSWER, |docker| async move {
            docker.inspect_container(&id, None).await
        });
        let pid = asked.map_err(precondition)?.state.and_then(|one| one.pid);
        let pid = pid.and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
        if pid == 0 {
            let text = format!("{} is not running", self.label());
            return Err(Trouble::Precondition(text));
        }
        let find = Find {
            pid: Some(pid),
            ..Find::default()
        };
        let here = container_of(pid).is_none_or(|id| id == self.id);
        let found = find.all()?.into_iter().next().filter(|_| here);
        found.ok_or_else(|| {
            Trouble::Precondition(format!(
                "{} has no process on this host (pid {pid}): the engine at {} runs elsewhere, \
                 or the agent is in another pid namespace; start an agent there",
                self.label(),
                self.engine.url
            ))
        })
    }
}

/// A pattern of names: the name itself, or `re:` and a regular expression.
///
/// # Errors
///
/// What is wrong with the expression.
pub fn pattern(text: &str) -> Result<Regex, String> {
    let expression = match text.strip_prefix("re:") {
        Some(expression) => expression.to_owned(),
        None => format!("^{}$", regex::escape(text)),
    };
    Regex::new(&expression).map_err(|_| format!("{} is no regular expression", quoted(&expression)))
}

impl Containers {
    /// Just one, by name or id.
    #[must_use]
    pub fn one(name: impl Into<String>) -> Self {
        Self {
            one: Some(name.into()),
            ..Self::default()
        }
    }

    /// Where its engine answers.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: the endpoint is none, or its context is not there.
    pub fn endpoint(&self) -> Result<Endpoint, Trouble> {
        Endpoint::find(self.engine.as_deref()).map_err(precondition)
    }

    /// All that match and may be touched, by name.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: no engine answers, there is no such container, or it is protected.
    pub fn all(&self) -> Result<Vec<Container>, Trouble> {
        let engine = Engine::connect(&self.endpoint()?).map_err(precondition)?;
        if let Some(name) = &self.one {
            return self.just(&engine, name).map(|one| vec![one]);
        }
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let listed = engine.call(ANSWER, |docker| async move {
            docker.list_containers(Some(options)).await
        });
        let misuse = |problem| Trouble::Misuse(format!("docker.containers: {problem}"));
        let name = self.name.as_deref().map(pattern);
        let exclude = self.exclude.as_deref().map(pattern);
        let (name, exclude) = (name.transpose(), exclude.transpose());
        let (name, exclude) = (name.map_err(misuse)?, exclude.map_err(misuse)?);
        let own = own_container();
        let mut found = Vec::new();
        for one in listed.map_err(precondition)? {
            let one = Seen::of(one);
            let named = name.as_ref().is_none_or(|name| name.is_match(&one.name));
            let excluded = exclude
                .as_ref()
                .is_some_and(|name| name.is_match(&one.name));
            let ours = own.as_ref() == Some(&one.id);
            if named && !excluded && !ours && !one.protected() && self.fits(&one) {
                found.push(one.container(engine.endpoint()));
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn just(&self, engine: &Engine, name: &str) -> Result<Container, Trouble> {
        let asked = name.to_owned();
        let inspected = engine.call(ANSWER, |docker| async move {
            docker.inspect_container(&asked, None).await
        });
        let inspected = inspected.map_err(|error| match error {
            EngineError::Missing(_) => Trouble::Precondition(format!(
                "there is no container {} at {}",
                quoted(name),
                engine.endpoint().url
            )),
            error => precondition(error),
        })?;
        let labels = inspected.config.as_ref().and_then(|one| one.labels.clone());
        let one = container(engine.endpoint(), &inspected);
        if protected(&labels.unwrap_or_default()) {
            let label = one.label();
            let text = format!("{label} is protected by its label {PROTECT}=true");
            return Err(Trouble::Precondition(text));
        }
        if own_container().as_ref() == Some(&one.id) {
            let text = format!("{} is the one that rchaos runs in", one.label());
            return Err(Trouble::Precondition(text));
        }
        Ok(one)
    }

    fn fits(&self, one: &Seen) -> bool {
        let label = |key: &str| one.labels.get(key).map(String::as_str);
        let labelled = self
            .label
            .iter()
            .all(|wanted| match wanted.split_once('=') {
                Some((key, value)) => label(key) == Some(value),
                None => label(wanted).is_some(),
            });
        let project = self.compose.as_deref();
        let project = project.is_none_or(|it| label("com.docker.compose.project") == Some(it));
        let services = [
            "com.docker.compose.service",
            "com.docker.swarm.service.name",
        ];
        let service = self.service.as_deref().is_none_or(|wanted| {
            let mut services = services.iter();
            services.any(|key| label(key) == Some(wanted))
        });
        let status = self.status.as_deref().unwrap_or("running");
        let network = self.network.as_ref();
        labelled
            && project
            && service
            && (status == "any" || status == one.state)
            && network.is_none_or(|network| one.networks.contains(network))
    }

    /// Exactly the containers that a fault acts on: those that match, picked. Nobody where that is allowed.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: nobody matches, which names what was sought.
    pub fn targets(&self, context: &Context) -> Result<Vec<Container>, Trouble> {
        let mut all = self.all()?;
        let kept = |one: &Container| {
            let labels = one.labels.iter().map(|(key, value)| (&**key, &**value));
            context.protected.label(labels)
        };
        if let (Some(_), Some(label)) = (&self.one, all.first().and_then(kept)) {
            let text = format!(
                "{} is protected by rchaos.toml (labels: {label})",
                self.label()
            );
            return Err(Trouble::Precondition(text));
        }
        all.retain(|one| kept(one).is_none());
        if all.is_empty() && !self.allow_empty {
            let text = format!("no container matches {}", self.sought());
            return Err(Trouble::Precondition(text));
        }
        self.pick.choose(all, context)
    }

    /// What was asked for: `label "app=api", compose "shop"`.
    fn sought(&self) -> String {
        let text = |key: &str, value: &Option<String>| {
            let value = value.as_ref()?;
            Some(format!("{key} {}", quoted(value)))
        };
        let labels = self.label.iter();
        let labels = labels.map(|label| format!("label {}", quoted(label)));
        let parts = [
            text("name", &self.name),
            text("compose", &self.compose),
            text("service", &self.service),
            text("status", &self.status),
            text("network", &self.network),
            text("exclude", &self.exclude),
        ];
        let mut all: Vec<String> = parts.into_iter().flatten().chain(labels).collect();
        if all.is_empty() {
            all.push("everything that runs".to_owned());
        }
        all.join(", ")
    }

    /// As messages name them: `container shop-api`, `containers with label "app=api" (one of them)`.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.one {
            Some(name) => format!("container {name}"),
            None if self.pick == Pick::All => format!("containers with {}", self.sought()),
            None => format!("containers with {} ({})", self.sought(), self.pick.label()),
        }
    }
}

/// What a list says of a container.
struct Seen {
    id: String,
    name: String,
    state: String,
    image: String,
    labels: HashMap<String, String>,
    networks: Vec<String>,
}

impl Seen {
    fn of(one: ContainerSummary) -> Self {
        let names = one.names.unwrap_or_default();
        let networks = one.network_settings.and_then(|one| one.networks);
        Self {
            id: one.id.unwrap_or_default(),
            name: plain(names.first().map_or("", String::as_str)),
            state: one.state.map_or_else(String::new, |it| it.to_string()),
            image: one.image.unwrap_or_default(),
            labels: one.labels.unwrap_or_default(),
            networks: networks.unwrap_or_default().into_keys().collect(),
        }
    }

    fn protected(&self) -> bool {
        protected(&self.labels)
    }

    fn container(self, engine: &Endpoint) -> Container {
        Container {
            engine: engine.clone(),
            id: self.id,
            name: self.name,
            state: self.state,
            image: self.image,
            labels: self.labels,
        }
    }
}

/// A container as its engine describes it.
pub(super) fn container(engine: &Endpoint, inspected: &ContainerInspectResponse) -> Container {
    let state = inspected.state.as_ref().and_then(|state| state.status);
    let config = inspected.config.as_ref();
    let image = config.and_then(|one| one.image.clone());
    let labels = config.and_then(|one| one.labels.clone());
    Container {
        engine: engine.clone(),
        id: inspected.id.clone().unwrap_or_default(),
        name: plain(inspected.name.as_deref().unwrap_or_default()),
        state: state.map_or_else(String::new, |state| state.to_string()),
        image: image.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
    }
}

fn plain(name: &str) -> String {
    name.trim_start_matches('/').to_owned()
}

pub(super) fn protected(labels: &HashMap<String, String>) -> bool {
    labels.get(PROTECT).is_some_and(|value| value == "true")
}

fn own_container() -> Option<String> {
    container_of(i32::try_from(std::process::id()).ok()?)
}

/// How long a fault on containers may take to land.
pub(super) const LANDS: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
