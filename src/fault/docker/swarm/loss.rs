//! What losses have in common: what is lost, who used it, taking it away and giving it back.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::edit;
use crate::docker::models::{Service, ServiceSpec};
use crate::docker::{Endpoint, Engine, EngineError};
use crate::fault::docker::trouble::{ANSWER, PATIENCE};
use crate::fault::outcome::worst;
use crate::fault::{Healed, Trouble};

/// How long tasks that are ending may keep it: the grace that containers have, and some.
pub(super) const KEPT: Duration = Duration::from_secs(40);

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Loss<T> {
    /// A manager's engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its name or id.
    pub name: String,
    /// Whether it is removed, and not only taken away from the services that use it.
    pub removed: bool,
    /// What else there is to say.
    #[serde(flatten)]
    pub thing: T,
}

impl<T> Loss<T> {
    /// Of these options.
    #[must_use]
    pub const fn new(engine: Option<String>, name: String, removed: bool, thing: T) -> Self {
        Self {
            engine,
            name,
            removed,
            thing,
        }
    }
}

/// Something of a swarm as it is: all that is needed to make it anew, but no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) definition: Value,
}

/// Something that a swarm keeps, and services refer to.
pub(super) trait Thing: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// The kind's name.
    const NAME: &'static str;
    /// What it is, in a word: `secret`.
    const WORD: &'static str;
    /// Where a reference has the id: `SecretID`.
    const KEY: &'static str;

    /// By name or id.
    fn find(engine: &Engine, name: &str) -> Result<Found, EngineError>;

    /// Whether it can be lost and come back. Changes nothing.
    fn check(&mut self, _engine: &Engine, _found: &Found) -> Result<(), Trouble> {
        Ok(())
    }

    /// Makes it anew; returns its id.
    fn make(&self, engine: &Engine, found: &Found) -> Result<String, Trouble>;

    /// Removes it.
    fn remove(&self, engine: &Engine, id: &str) -> Result<(), EngineError>;

    /// Whether it is there, when an engine says so and it was to be removed.
    fn there(&self, _engine: &Engine, _found: &Found) -> Result<bool, EngineError> {
        Ok(true)
    }

    /// Whether a swarm keeps it, whose services may use it; a network may be an engine's only.
    fn of_swarm(_found: &Found) -> bool {
        true
    }

    /// What a service refers to.
    fn references(_spec: &ServiceSpec) -> Vec<Value> {
        Vec::new()
    }

    /// Lets a service refer to these.
    fn refer(_spec: &mut ServiceSpec, _references: Vec<Value>) {}

    /// Takes it away from others than services, before it is removed.
    fn part(&self, _engine: &Engine, _id: &str) -> Result<(), EngineError> {
        Ok(())
    }

    /// Gives it back to them.
    fn join(&self, _engine: &Engine, _id: &str) -> Result<(), Trouble> {
        Ok(())
    }
}

/// A reference of a service: whose, the how manyth, and what it said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    at: usize,
    reference: Value,
}

/// The record of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "T: Thing")]
pub(super) struct Record<T: Thing> {
    pub(super) endpoint: Endpoint,
    pub(super) loss: Loss<T>,
    pub(super) found: Found,
    pub(super) users: Vec<User>,
}

/// The key of a service in the ledger: nobody changes what is being removed.
pub(super) fn definition(id: &str) -> String {
    format!("definition of service {id}")
}

/// Who refers to it.
pub(super) fn users<T: Thing>(engine: &Engine, found: &Found) -> Result<Vec<User>, EngineError> {
    if !T::of_swarm(found) {
        return Ok(Vec::new());
    }
    let services = engine.call(
        ANSWER,
        |docker| async move { docker.list_services(None).await },
    )?;
    let mut all = Vec::new();
    for service in services {
        let spec = service.spec.unwrap_or_default();
        for (at, reference) in T::references(&spec).into_iter().enumerate() {
            if reference[T::KEY] == *found.id {
                all.push(User {
                    id: service.id.clone().unwrap_or_default(),
                    name: spec.name.clone().unwrap_or_default(),
                    at,
                    reference,
                });
            }
        }
    }
    Ok(all)
}

impl<T: Thing> Record<T> {
    pub(super) fn label(&self) -> String {
        format!("{} {}", T::WORD, self.found.name)
    }

    pub(super) fn take_away(&self, engine: &Engine) -> Result<(), EngineError> {
        let id = &self.found.id;
        let without = |spec: &ServiceSpec| {
            let mut all = T::references(spec);
            all.retain(|one| one[T::KEY] != **id);
            all
        };
        let mut told: Vec<&str> = Vec::new();
        for user in &self.users {
            if !told.contains(&user.id.as_str()) {
                told.push(&user.id);
                edit::change(engine, &user.id, |spec| T::refer(spec, without(spec)))?;
            }
        }
        if !self.loss.removed {
            return Ok(());
        }
        self.loss.thing.part(engine, id)?;
        let end = Instant::now() + KEPT;
        loop {
            match self.loss.thing.remove(engine, id) {
                Err(EngineError::Refused { text, .. }) if Instant::now() < end && in_use(&text) => {
                    std::thread::sleep(Duration::from_millis(250));
                }
                done => return done,
            }
        }
    }

    pub(super) fn heal(&self) -> Result<Healed, Trouble> {
        let engine = Engine::patiently(&self.endpoint, PATIENCE, |engine| {
            // Whether it answers as a manager: one that is starting does not yet.
            if T::of_swarm(&self.found) {
                engine.call(
                    ANSWER,
                    |docker| async move { docker.list_nodes(None).await },
                )?;
            }
            Ok(engine.clone())
        });
        let engine = engine.map_err(|error| self.failed(&error.to_string()))?;
        let failed = |error: EngineError| self.failed(&error.to_string());
        let optional = |name: &str| match T::find(&engine, name) {
            Err(EngineError::Missing(_)) => Ok(None),
            found => found.map(Some).map_err(failed),
        };
        let mut by_id = optional(&self.found.id)?;
        if let (true, Some(found)) = (self.loss.removed, &by_id)
            && !self.loss.thing.there(&engine, found).map_err(failed)?
        {
            by_id = None;
        }
        let other = optional(&self.found.name)?;
        let other = other.filter(|other| other.id != self.found.id);
        let (id, healed) = if let Some(found) = by_id {
            (found.id, Healed::Unchanged)
        } else if let Some(other) = other {
            if other.definition != self.found.definition {
                return Ok(Healed::Drifted(format!(
                    "another {} is called {} now; remove it and run `rchaos recover`",
                    T::WORD,
                    self.found.name
                )));
            }
            // Made by a heal that was interrupted.
            (other.id, Healed::Restored)
        } else if self.loss.removed {
            let made = self.loss.thing.make(&engine, &self.found);
            (made?, Healed::Restored)
        } else {
            return Ok(Healed::Vanished);
        };
        if self.loss.removed {
            self.loss.thing.join(&engine, &id)?;
        }
        let given = self.users.iter().map(|user| self.give(&engine, user, &id));
        worst(std::iter::once(Ok(healed)).chain(given))
    }

    fn failed(&self, error: &str) -> Trouble {
        Trouble::Failed(format!("{} could not be put back: {error}", self.label()))
    }

    /// Gives it back to a service.
    fn give(&self, engine: &Engine, user: &User, id: &str) -> Result<Healed, Trouble> {
        let failed = |error: EngineError| {
            let text = format!("service {}: {error}", user.name);
            self.failed(&text)
        };
        let found = edit::still(engine, &user.id, &user.name).map_err(failed)?;
        let Some(Service {
            id: Some(service),
            spec: Some(spec),
            ..
        }) = found
        else {
            return Ok(Healed::Vanished);
        };
        let mut wanted = user.reference.clone();
        wanted[T::KEY] = json!(id);
        let now = T::references(&spec);
        if now.contains(&wanted) {
            return Ok(Healed::Unchanged);
        }
        let place = |one: &Value| match one.pointer("/File/Name") {
            Some(file) => Some(file) == wanted.pointer("/File/Name"),
            None => one[T::KEY] == id,
        };
        if let Some(other) = now.iter().find(|one| place(one)) {
            return Ok(Healed::Drifted(format!(
                "service {} has {other}, which somebody else has set; it had {}",
                user.name, user.reference
            )));
        }
        let with = |spec: &mut ServiceSpec| {
            let mut all = T::references(spec);
            if !all.contains(&wanted) {
                all.insert(user.at.min(all.len()), wanted.clone());
            }
            T::refer(spec, all);
        };
        edit::change(engine, &service, with).map_err(failed)?;
        Ok(Healed::Restored)
    }
}

/// Engines tell this only in words.
pub(super) fn in_use(text: &str) -> bool {
    ["in use", "active endpoints"]
        .iter()
        .any(|one| text.contains(one))
}
