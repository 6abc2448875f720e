//! `docker.secret`: a secret of a script's own, and the loss of one. What it says never reaches a record: engines do
//! not tell it, and rchaos does not keep it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::loss::{Found, Loss, Thing};
use super::lost;
use crate::docker::models::{SecretSpec, ServiceSpec};
use crate::docker::{Engine, EngineError};
use crate::fault::docker::fixture::{self, Labels, Make};
use crate::fault::docker::trouble::{ANSWER, trouble};
use crate::fault::{Kind, Tier, Trouble};

/// Of a loss: where the data is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretLoss {
    /// The file from which it is made anew; none where it is only taken away from services.
    pub file: Option<PathBuf>,
    /// How the file was before.
    #[serde(default)]
    stamp: Option<Stamp>,
}

impl SecretLoss {
    /// With the file that it is made anew from.
    #[must_use]
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, stamp: None }
    }
}

/// A file that holds what an engine does not tell: how large it was and when it was written, not what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified: Option<Duration>,
}

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        let about = std::fs::metadata(path)?;
        let modified = about.modified().ok();
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
        Ok(Self {
            bytes: about.len(),
            modified: modified.and_then(since),
        })
    }
}

/// The kind of a loss.
pub const LOSS: Kind = Kind {
    name: SecretLoss::NAME,
    tier: Tier::Journal,
    fixture: false,
    build: lost::build::<SecretLoss>,
    recover: lost::recover::<SecretLoss>,
    probe: crate::fault::docker::part::probe,
};

impl Thing for SecretLoss {
    const NAME: &'static str = "docker.secret_loss";
    const WORD: &'static str = "secret";
    const KEY: &'static str = "SecretID";

    fn find(engine: &Engine, name: &str) -> Result<Found, EngineError> {
        let wanted = name.to_owned();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_secret(&wanted).await
        })?;
        let spec = found.spec.unwrap_or_default();
        Ok(Found {
            id: found.id.unwrap_or_default(),
            name: spec.name.clone().unwrap_or_default(),
            definition: json!(spec),
        })
    }

    fn check(&mut self, _: &Engine, found: &Found) -> Result<(), Trouble> {
        if !found.definition["Driver"].is_null() {
            return Ok(());
        }
        let Some(file) = &self.file else {
            return Err(Trouble::Misuse(format!(
                "{}: an engine never tells what secret {} says, so it could not be made anew; write \
                 :remove {{ file = \"/path/with/its/data\" }}, or :detach()",
                Self::NAME,
                found.name
            )));
        };
        let unreadable = |error| {
            let text = format!("{}: {}: {error}", Self::NAME, file.display());
            Trouble::Precondition(text)
        };
        std::fs::File::open(file).map_err(unreadable)?;
        self.stamp = Some(Stamp::of(file).map_err(unreadable)?);
        Ok(())
    }

    fn make(&self, engine: &Engine, found: &Found) -> Result<String, Trouble> {
        let what = format!("secret {} could not be made anew", found.name);
        let failed = |text: String| Trouble::Failed(format!("{what}: {text}"));
        let mut spec: SecretSpec = serde_json::from_value(found.definition.clone())
            .map_err(|error| failed(error.to_string()))?;
        if let Some(file) = &self.file {
            let wrong = |error: std::io::Error| {
                failed(format!(
                    "{}: {error}; put it back, and run `rchaos recover`",
                    file.display()
                ))
            };
            if Some(Stamp::of(file).map_err(wrong)?) != self.stamp {
                return Err(failed(format!(
                    "{} has changed since it was removed; make it with `docker secret create`, and run \
                     `rchaos recover`",
                    file.display()
                )));
            }
            let data = std::fs::read(file).map_err(wrong)?;
            spec.data = Some(BASE64_STANDARD.encode(data));
        }
        let made = engine.call(
            ANSWER,
            |docker| async move { docker.create_secret(spec).await },
        );
        made.map(|made| made.id)
            .map_err(|error| trouble(&what, error))
    }

    fn remove(&self, engine: &Engine, id: &str) -> Result<(), EngineError> {
        remove(engine, id)
    }

    fn references(spec: &ServiceSpec) -> Vec<Value> {
        let task = spec.task_template.as_ref();
        let container = task.and_then(|task| task.container_spec.as_ref());
        let all = container.and_then(|one| one.secrets.as_ref());
        all.into_iter().flatten().map(|one| json!(one)).collect()
    }

    fn refer(spec: &mut ServiceSpec, references: Vec<Value>) {
        let all = references.into_iter().map(serde_json::from_value);
        let container = spec.task_template.get_or_insert_default();
        let container = container.container_spec.get_or_insert_default();
        container.secrets = all.collect::<Result<_, _>>().ok();
    }
}

fn remove(engine: &Engine, name: &str) -> Result<(), EngineError> {
    let name = name.to_owned();
    engine.call(
        ANSWER,
        |docker| async move { docker.delete_secret(&name).await },
    )
}

/// Options of one that a script makes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Secret {
    /// A manager's engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its name; empty for one that the agent gives.
    pub name: String,
    /// What it says, in base64; empty in records.
    pub data: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// The kind of one that a script makes.
pub const KIND: Kind = Kind {
    name: Secret::NAME,
    tier: Tier::Journal,
    fixture: true,
    build: fixture::build::<Secret>,
    recover: fixture::recover::<Secret>,
    probe: crate::fault::docker::part::probe,
};

impl Make for Secret {
    const NAME: &'static str = "docker.secret";
    const WORD: &'static str = "secret";

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn make(&self, engine: &Engine, ours: Labels) -> Result<(), EngineError> {
        let mut labels: Labels = self.labels.clone().into_iter().collect();
        labels.extend(ours);
        let spec = SecretSpec {
            name: Some(self.name.clone()),
            labels: Some(labels),
            data: Some(self.data.clone()),
            ..SecretSpec::default()
        };
        let made = engine.call(
            ANSWER,
            |docker| async move { docker.create_secret(spec).await },
        );
        made.map(|_| ())
    }

    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError> {
        let name = self.name.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_secret(&name).await
        });
        match found {
            Ok(found) => Ok(Some(
                found.spec.and_then(|it| it.labels).unwrap_or_default(),
            )),
            Err(EngineError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, engine: &Engine) -> Result<(), EngineError> {
        remove(engine, &self.name)
    }

    fn facts(&self, engine: &Engine) -> Result<Value, EngineError> {
        let found = SecretLoss::find(engine, &self.name)?;
        Ok(json!({"name": found.name, "id": found.id}))
    }

    fn recorded(&self) -> Self {
        Self {
            data: String::new(),
            ..self.clone()
        }
    }
}

/// A loss, as scripts ask for it.
pub type LostSecret = Loss<SecretLoss>;
