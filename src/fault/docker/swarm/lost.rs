//! The fault: what services of a swarm need is lost, taken away from them or removed, until it is put back as it was.

use std::time::Duration;

use serde_json::{Value, json};

use super::loss::{KEPT, Loss, Record, Thing, definition, users};
use crate::base::text::quoted;
use crate::docker::{Endpoint, Engine, EngineError};
use crate::fault::docker::trouble::{ANSWER, precondition, trouble};
use crate::fault::outcome::recorded;
use crate::fault::{
    Built, Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Spec, Survives, Tier,
    Trouble,
};

struct Lost<T: Thing> {
    loss: Loss<T>,
    record: Option<Record<T>>,
}

/// The kind of a loss.
pub(super) const fn kind<T: Thing>() -> Kind {
    Kind {
        name: T::NAME,
        tier: Tier::Journal,
        fixture: false,
        build: build::<T>,
        recover: recover::<T>,
        probe: crate::fault::docker::part::probe,
    }
}

fn build<T: Thing>(spec: &Spec, _: &Context) -> Built {
    Ok(Box::new(Lost::<T> {
        loss: spec.read()?,
        record: None,
    }))
}

fn recover<T: Thing>(undo: &Value) -> Result<Healed, Trouble> {
    match recorded::<Option<Record<T>>>(undo)? {
        None => Ok(Healed::Unchanged),
        Some(record) => record.heal(),
    }
}

impl<T: Thing> Lost<T> {
    fn look(&mut self) -> Result<&Record<T>, Trouble> {
        let endpoint = Endpoint::find(self.loss.engine.as_deref()).map_err(precondition)?;
        let engine = Engine::connect(&endpoint).map_err(precondition)?;
        let found = T::find(&engine, &self.loss.name).map_err(|error| match error {
            EngineError::Missing(_) => Trouble::Precondition(format!(
                "{}: there is no {} {} at {}",
                T::NAME,
                T::WORD,
                quoted(&self.loss.name),
                endpoint.url
            )),
            error => Trouble::Precondition(format!("{}: {error}", T::NAME)),
        })?;
        if self.loss.removed {
            self.loss.thing.check(&engine, &found)?;
        }
        let users = users::<T>(&engine, &found).map_err(precondition)?;
        if users.is_empty() && !self.loss.removed {
            return Err(Trouble::Precondition(format!(
                "{}: no service uses {} {}",
                T::NAME,
                T::WORD,
                found.name
            )));
        }
        Ok(self.record.insert(Record {
            endpoint,
            loss: self.loss.clone(),
            found,
            users,
        }))
    }
}

impl<T: Thing> Fault for Lost<T> {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let record = self.look()?;
        let mut names: Vec<&str> = record.users.iter().map(|user| &*user.name).collect();
        names.dedup();
        let from = match names.len() {
            0 => String::new(),
            1 => format!("taken from service {}", names[0]),
            _ => format!("taken from services {}", names.join(", ")),
        };
        let (effect, undo) = match (record.loss.removed, from.is_empty()) {
            (true, true) => ("removed".to_owned(), "made anew as it was"),
            (true, false) => (
                format!("{from} and removed"),
                "made anew as it was, and given back to them",
            ),
            (false, _) => (from, "given back to them as it was"),
        };
        let key = format!("{} {}", T::WORD, record.found.id);
        let mut resources = vec![Resource::new(key, Sharing::Alone)];
        if T::WORD == "service" {
            resources.push(Resource::new(definition(&record.found.id), Sharing::Alone));
        }
        for user in &record.users {
            resources.push(Resource::new(definition(&user.id), Sharing::Stacks));
        }
        Ok(Preflight {
            targets: vec![record.label()],
            effect,
            undo: undo.to_owned(),
            tier: Tier::Journal,
            survives: Survives::Swarm,
            resources,
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.record)
    }

    fn max_duration(&self) -> Duration {
        KEPT + ANSWER
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let Some(record) = &self.record else {
            return Ok(());
        };
        let engine = Engine::connect(&record.endpoint).map_err(precondition)?;
        let wrong = |error| trouble(T::NAME, error);
        record.take_away(&engine).map_err(wrong)?;
        let left = users::<T>(&engine, &record.found).map_err(wrong)?;
        if let Some(user) = left.first() {
            return Err(Trouble::Failed(format!(
                "{}: service {} has {} still",
                T::NAME,
                user.name,
                record.label()
            )));
        }
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        // Read back once, when it was taken away; what others did is told when it is healed.
        let removed = self.loss.removed;
        Ok(Sight {
            installed: true,
            hits: None,
            detail: if removed { "removed" } else { "taken away" }.to_owned(),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        match &self.record {
            None => Ok(Healed::Unchanged),
            Some(record) => record.heal(),
        }
    }
}
