//! What scripts make for themselves on an engine: labelled as theirs, and removed at the end of its scope.

use std::collections::HashMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::select::LANDS;
use super::trouble::{PATIENCE, precondition, trouble};
use crate::docker::{Endpoint, Engine, EngineError};
use crate::fault::outcome::recorded;
use crate::fault::{
    Built, Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Spec, Survives, Tier,
    Trouble,
};

/// The label by which a fixture is known: the agent that made it, and its number there.
pub const OWNER: &str = "rchaos.run";

/// Labels, as engines have them.
pub(super) type Labels = HashMap<String, String>;

/// One kind of fixture: what it is, and how it is made and removed.
pub(super) trait Make: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// The kind's name.
    const NAME: &'static str;
    /// What it is, in a word: `network`.
    const WORD: &'static str;

    /// The engine; the usual one for `None`.
    fn engine(&self) -> Option<&str>;

    /// Its name on the engine; empty until it has one.
    fn name(&mut self) -> &mut String;

    /// How long it may take to be there.
    fn longest(&self) -> Duration {
        LANDS
    }

    /// Whether it can be made, the name left aside.
    fn check(&self, _: &Engine) -> Result<(), Trouble> {
        Ok(())
    }

    /// Whether what is there under its name was made by this owner.
    fn ours(&self, labels: &Labels, owner: &str) -> bool {
        labels.get(OWNER).is_some_and(|one| one == owner)
    }

    /// Makes it, with these labels.
    fn make(&self, engine: &Engine, labels: Labels) -> Result<(), EngineError>;

    /// The labels of what is there under its name.
    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError>;

    /// Removes it.
    fn remove(&self, engine: &Engine) -> Result<(), EngineError>;

    /// What scripts may want to know of it.
    fn facts(&self, engine: &Engine) -> Result<Value, EngineError>;

    /// As it is written to the journal: without what nobody may read there.
    fn recorded(&self) -> Self {
        self.clone()
    }
}

/// The record of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "M: Make")]
struct Record<M: Make> {
    endpoint: Endpoint,
    owner: String,
    made: M,
}

impl<M: Make> Record<M> {
    fn label(&self) -> String {
        format!("{} {}", M::WORD, self.made.clone().name())
    }

    /// Whether it is there, and ours.
    fn ours(&self, engine: &Engine) -> Result<Option<bool>, EngineError> {
        let labels = self.made.there(engine)?;
        Ok(labels.map(|labels| self.made.ours(&labels, &self.owner)))
    }

    fn heal(&self) -> Result<Healed, Trouble> {
        let label = self.label();
        let healed = Engine::patiently(&self.endpoint, PATIENCE, |engine| {
            match self.ours(engine)? {
                // Nothing, or another run's.
                None | Some(false) => return Ok(Healed::Unchanged),
                Some(true) => {}
            }
            match self.made.remove(engine) {
                Ok(()) | Err(EngineError::Missing(_)) => {}
                // Another removal is under way.
                Err(error) if error.is(409) && self.made.there(engine)?.is_none() => {}
                Err(error) => return Err(error),
            }
            Ok(Healed::Restored)
        });
        healed.map_err(|error| Trouble::Failed(format!("{label} could not be removed: {error}")))
    }
}

/// A fixture on an engine.
struct Fixture<M: Make> {
    record: Record<M>,
    facts: Value,
}

/// The kind of such fixtures.
pub(super) const fn kind<M: Make>() -> Kind {
    Kind {
        name: M::NAME,
        tier: Tier::Journal,
        fixture: true,
        build: build::<M>,
        recover: recover::<M>,
        probe: super::part::probe,
    }
}

/// The inert fixture of a kind.
pub(super) fn build<M: Make>(spec: &Spec, context: &Context) -> Built {
    let mut made: M = spec.read()?;
    let owner = format!("{}-{}", context.agent, context.id);
    if made.name().is_empty() {
        *made.name() = format!("rchaos-{owner}");
    }
    let endpoint = Endpoint::find(made.engine()).map_err(precondition)?;
    Ok(Box::new(Fixture {
        record: Record {
            endpoint,
            owner,
            made,
        },
        facts: json!({}),
    }))
}

/// Removes what a record names.
pub(super) fn recover<M: Make>(undo: &Value) -> Result<Healed, Trouble> {
    recorded::<Record<M>>(undo)?.heal()
}

impl<M: Make> Fault for Fixture<M> {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let record = &self.record;
        let engine = Engine::connect(&record.endpoint).map_err(precondition)?;
        let label = record.label();
        if record.made.there(&engine).map_err(precondition)?.is_some() {
            let text = format!(
                "{}: there is a {label} already; choose another name, or remove it",
                M::NAME
            );
            return Err(Trouble::Precondition(text));
        }
        record.made.check(&engine)?;
        Ok(Preflight {
            targets: vec![label.clone()],
            effect: "made".to_owned(),
            undo: "removed".to_owned(),
            tier: Tier::Journal,
            survives: Survives::Boot,
            resources: vec![Resource::new(
                format!("{label} at {}", record.endpoint.url),
                Sharing::Alone,
            )],
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        let Record {
            endpoint, owner, ..
        } = self.record.clone();
        json!(Record {
            endpoint,
            owner,
            made: self.record.made.recorded(),
        })
    }

    fn max_duration(&self) -> Duration {
        self.record.made.longest()
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let record = &self.record;
        let engine = Engine::connect(&record.endpoint).map_err(precondition)?;
        let labels = HashMap::from([(OWNER.to_owned(), record.owner.clone())]);
        let failed = |error: EngineError| match trouble(M::NAME, error) {
            // Of what it is made from, not of it.
            Trouble::Vanished(text) => Trouble::Precondition(format!("{}: {text}", M::NAME)),
            other => other,
        };
        record.made.make(&engine, labels).map_err(failed)?;
        self.facts = record.made.facts(&engine).map_err(failed)?;
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        // Read back once, when it was made: an engine that hangs must not hold up who looks.
        Ok(Sight {
            installed: true,
            hits: None,
            detail: "is there".to_owned(),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        self.record.heal()
    }

    fn facts(&self) -> Value {
        self.facts.clone()
    }
}
