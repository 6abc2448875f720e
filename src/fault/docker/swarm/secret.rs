//! `docker.secret`: a secret of a script's own, and the loss of one. What it says never reaches a record: engines do
//! not tell it, and rchaos does not keep it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::loss::{Found, Loss, Thing};
use super::lost::kind;
use super::store::{self, Store, Stored};
use crate::docker::models::{SecretSpec, ServiceSpec};
use crate::docker::{Engine, EngineError};
use crate::fault::docker::trouble::ANSWER;
use crate::fault::{Kind, Trouble};

/// The secrets of a swarm.
#[derive(Debug, Clone)]
pub struct Secrets;

impl Store for Secrets {
    const FIXTURE: &'static str = "docker.secret";
    const WORD: &'static str = "secret";
    const LIST: &'static str = "Secrets";
    const OPEN: bool = false;

    fn get(engine: &Engine, name: &str) -> Result<Value, EngineError> {
        let name = name.to_owned();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_secret(&name).await
        })?;
        Ok(json!(found))
    }

    fn create(engine: &Engine, definition: SecretSpec) -> Result<String, EngineError> {
        let made = engine.call(ANSWER, |docker| async move {
            docker.create_secret(definition).await
        });
        made.map(|made| made.id)
    }

    fn delete(engine: &Engine, name: &str) -> Result<(), EngineError> {
        let name = name.to_owned();
        engine.call(
            ANSWER,
            |docker| async move { docker.delete_secret(&name).await },
        )
    }
}

/// One that a script makes.
pub type Secret = Stored<Secrets>;

/// The kind of one that a script makes.
pub const KIND: Kind = store::kind::<Secrets>();

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

    /// What the file says, if it is as it was.
    fn data(&self, file: &Path) -> Result<Vec<u8>, String> {
        let wrong = |error: std::io::Error| {
            format!(
                "{}: {error}; put it back, and run `rchaos recover`",
                file.display()
            )
        };
        if Some(Stamp::of(file).map_err(wrong)?) != self.stamp {
            return Err(format!(
                "{} has changed since it was removed; make it with `docker secret create`, and run \
                 `rchaos recover`",
                file.display()
            ));
        }
        std::fs::read(file).map_err(wrong)
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

/// A loss, as scripts ask for it.
pub type LostSecret = Loss<SecretLoss>;

/// The kind of a loss.
pub const LOSS: Kind = kind::<SecretLoss>();

impl Thing for SecretLoss {
    const NAME: &'static str = "docker.secret_loss";
    const WORD: &'static str = Secrets::WORD;
    const KEY: &'static str = "SecretID";

    fn find(engine: &Engine, name: &str) -> Result<Found, EngineError> {
        store::find::<Secrets>(engine, name)
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
        store::remake::<Secrets>(engine, found, |definition| {
            if let Some(file) = &self.file {
                definition.data = Some(BASE64_STANDARD.encode(self.data(file)?));
            }
            Ok(())
        })
    }

    fn remove(&self, engine: &Engine, id: &str) -> Result<(), EngineError> {
        Secrets::delete(engine, id)
    }

    fn references(spec: &ServiceSpec) -> Vec<Value> {
        store::references::<Secrets>(spec)
    }

    fn refer(spec: &mut ServiceSpec, references: Vec<Value>) {
        store::refer::<Secrets>(spec, references);
    }
}
