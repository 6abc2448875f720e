//! What settings of a swarm have in common: read, changed, read back, and put back if they are still ours.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::loss::definition;
use crate::base::text::quoted;
use crate::docker::{Endpoint, Engine, EngineError};
use crate::fault::docker::trouble::{PATIENCE, precondition, trouble};
use crate::fault::outcome::recorded;
use crate::fault::{
    Built, Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Spec, Survives, Tier,
    Trouble,
};

/// A setting of something in a swarm.
pub(super) trait Setting: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// The kind's name.
    const NAME: &'static str;
    /// What has it, in a word: `service`.
    const WORD: &'static str;

    /// The engine, a manager's; the usual one for `None`.
    fn engine(&self) -> Option<&str>;

    /// Name or id of what has it.
    fn name(&self) -> &str;

    /// What is touched of it: `replicas`.
    fn part(&self) -> &'static str;

    /// The id, and the setting as it is.
    fn get(&self, engine: &Engine, name: &str) -> Result<(String, Value), EngineError>;

    /// Whether it can be changed, and put back afterwards. Changes nothing.
    fn check(&self, _: &Engine, _id: &str, _before: &Value) -> Result<(), Trouble> {
        Ok(())
    }

    /// What it is to be; null where that is not known before it was done.
    fn wanted(&self, before: &Value) -> Value;

    /// Sets it.
    fn set(&self, engine: &Engine, id: &str, value: &Value) -> Result<(), EngineError>;

    /// Makes the change. Default: sets what is wanted.
    fn begin(&self, engine: &Engine, id: &str, wanted: &Value) -> Result<(), EngineError> {
        self.set(engine, id, wanted)
    }

    /// Whether what is there now came of the change, where it is not known what that would be.
    fn begun(&self, _: &Engine, _id: &str) -> Result<bool, EngineError> {
        Ok(false)
    }

    /// How long it may take.
    fn longest(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// In words: `scaled to 6 replicas`.
    fn effect(&self) -> String;

    /// Whether there is something to put back.
    fn stays(&self) -> bool {
        true
    }
}

/// The record of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "S: Setting")]
struct Record<S: Setting> {
    endpoint: Endpoint,
    setting: S,
    id: String,
    /// Its name: what is made anew meanwhile has another id.
    name: String,
    before: Value,
    ours: Value,
}

struct Set<S: Setting> {
    setting: S,
    record: Option<Record<S>>,
}

/// The kind of faults that change it.
pub(super) const fn kind<S: Setting>() -> Kind {
    Kind {
        name: S::NAME,
        tier: Tier::Journal,
        fixture: false,
        build: build::<S>,
        recover: recover::<S>,
        probe: crate::fault::docker::part::probe,
    }
}

pub(super) fn build<S: Setting>(spec: &Spec, _: &Context) -> Built {
    Ok(Box::new(Set::<S> {
        setting: spec.read()?,
        record: None,
    }))
}

pub(super) fn recover<S: Setting>(undo: &Value) -> Result<Healed, Trouble> {
    match recorded::<Option<Record<S>>>(undo)? {
        None => Ok(Healed::Unchanged),
        Some(record) => record.heal(),
    }
}

impl<S: Setting> Record<S> {
    fn label(&self) -> String {
        format!("{} {}", S::WORD, self.setting.name())
    }

    fn heal(&self) -> Result<Healed, Trouble> {
        if !self.setting.stays() {
            return Ok(Healed::Unchanged);
        }
        let healed = Engine::patiently(&self.endpoint, PATIENCE, |engine| {
            let known = |name: &str| match self.setting.get(engine, name) {
                Err(EngineError::Missing(_)) => Ok(None),
                found => found.map(Some),
            };
            let found = match known(&self.id)? {
                None => known(&self.name)?,
                found => found,
            };
            let Some((id, now)) = found else {
                return Ok(Healed::Vanished);
            };
            if now == self.before {
                return Ok(Healed::Unchanged);
            }
            let ours = match self.ours.is_null() {
                true => self.setting.begun(engine, &id)?,
                false => now == self.ours,
            };
            if !ours {
                return Ok(Healed::Drifted(format!(
                    "{} of {} is {}, which somebody else has set; it was {}",
                    self.setting.part(),
                    self.label(),
                    shown(&now),
                    shown(&self.before)
                )));
            }
            self.setting.set(engine, &id, &self.before)?;
            Ok(Healed::Restored)
        });
        healed.map_err(|error| {
            Trouble::Failed(format!(
                "{} of {} could not be put back to {}: {error}",
                self.setting.part(),
                self.label(),
                shown(&self.before)
            ))
        })
    }
}

/// A value in messages; a whole definition is long, and its environment nobody's business.
fn shown(value: &Value) -> String {
    match value["TaskTemplate"].is_object() {
        true => format!(
            "that of version {}",
            crc32fast::hash(value.to_string().as_bytes())
        ),
        false => value.to_string(),
    }
}

impl<S: Setting> Fault for Set<S> {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let setting = self.setting.clone();
        let endpoint = Endpoint::find(setting.engine()).map_err(precondition)?;
        let engine = Engine::connect(&endpoint).map_err(precondition)?;
        let (id, before) = setting
            .get(&engine, setting.name())
            .map_err(|error| match error {
                EngineError::Missing(_) => Trouble::Precondition(format!(
                    "{}: there is no {} {} at {}",
                    S::NAME,
                    S::WORD,
                    quoted(setting.name()),
                    endpoint.url
                )),
                error => Trouble::Precondition(format!("{}: {error}", S::NAME)),
            })?;
        setting.check(&engine, &id, &before)?;
        let ours = setting.wanted(&before);
        let key = format!("{} of {} {id}", setting.part(), S::WORD);
        let undo = match setting.stays() {
            true => format!("{} is put back to {}", setting.part(), shown(&before)),
            false => "none: the swarm brings it about".to_owned(),
        };
        let mut resources = vec![Resource::new(key, Sharing::Alone)];
        // What touches all of it goes with nothing else.
        if S::WORD == "service" && resources[0].key != definition(&id) {
            resources.push(Resource::new(definition(&id), Sharing::Stacks));
        }
        let record = self.record.insert(Record {
            endpoint,
            name: setting.name().to_owned(),
            setting,
            id,
            before,
            ours,
        });
        Ok(Preflight {
            targets: vec![record.label()],
            effect: record.setting.effect(),
            undo,
            tier: Tier::Journal,
            survives: Survives::Swarm,
            resources,
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.record)
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let Some(record) = &mut self.record else {
            return Ok(());
        };
        let engine = Engine::connect(&record.endpoint).map_err(precondition)?;
        let (setting, id) = (&record.setting, &record.id);
        let wrong = |error| trouble(S::NAME, error);
        setting.begin(&engine, id, &record.ours).map_err(wrong)?;
        let (_, now) = setting.get(&engine, id).map_err(wrong)?;
        if record.ours.is_null() {
            record.ours = now.clone();
        }
        if now == record.ours {
            return Ok(());
        }
        let text = format!(
            "{} is {} after it was set to {}",
            setting.part(),
            shown(&now),
            shown(&record.ours)
        );
        Err(Trouble::Failed(format!("{}: {text}", S::NAME)))
    }

    fn max_duration(&self) -> Duration {
        self.setting.longest()
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        // Read back once, when it was set; drift is told when it is healed.
        Ok(Sight {
            installed: true,
            hits: None,
            detail: self.setting.effect(),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        match &self.record {
            None => Ok(Healed::Unchanged),
            Some(record) => record.heal(),
        }
    }
}
