//! `docker.build`: an image of a script's own, built from a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fixture::{self, Labels, Make};
use super::tar::Archive;
use super::trouble::ANSWER;
use crate::docker::parameters::{BuildImageOptionsBuilder, RemoveImageOptionsBuilder};
use crate::docker::{Engine, EngineError};
use crate::fault::{Kind, Trouble};

/// Its options.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Image {
    /// The engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its tag; empty for one that the agent gives.
    pub name: String,
    /// The folder that is sent; from the root of the agent's host.
    pub context: PathBuf,
    /// The file with the recipe, in the folder.
    pub dockerfile: String,
    /// Arguments of the recipe.
    pub args: BTreeMap<String, String>,
    /// The stage that is wanted; the last one where left out.
    pub target: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// The kind.
pub const KIND: Kind = fixture::kind::<Image>();

impl Image {
    fn tag(&self) -> String {
        match self.name.contains(':') {
            true => self.name.clone(),
            false => format!("{}:latest", self.name),
        }
    }
}

impl Make for Image {
    const NAME: &'static str = "docker.build";
    const WORD: &'static str = "image";

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn longest(&self) -> Duration {
        self.timeout + ANSWER
    }

    fn check(&self, _: &Engine) -> Result<(), Trouble> {
        let recipe = self.context.join(&self.dockerfile);
        if recipe.is_file() {
            return Ok(());
        }
        let text = format!("{}: there is no file {}", Self::NAME, recipe.display());
        Err(Trouble::Precondition(text))
    }

    fn make(&self, engine: &Engine, labels: Labels) -> Result<(), EngineError> {
        let packed = Archive::of(Path::new(&self.context)).map_err(|error| {
            let folder = self.context.display();
            EngineError::Garbled(format!("cannot read folder {folder}: {error}"))
        })?;
        let (tag, args) = (self.tag(), self.args.clone().into_iter().collect());
        let mut options = BuildImageOptionsBuilder::new()
            .dockerfile(&self.dockerfile)
            .t(&tag)
            .rm(true)
            .forcerm(true)
            .buildargs(&args)
            .labels(&labels);
        if let Some(target) = &self.target {
            options = options.target(target);
        }
        let options = options.build();
        let told = engine.call(self.timeout, |docker| async move {
            let body = bollard::body_full(packed.into());
            let told: Vec<_> = docker
                .build_image(options, None, Some(body))
                .try_collect()
                .await?;
            Ok(told)
        })?;
        let failed = told.into_iter().find_map(|one| one.error_detail);
        match failed.and_then(|error| error.message) {
            Some(text) => Err(EngineError::Refused { status: 500, text }),
            None => Ok(()),
        }
    }

    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError> {
        let tag = self.tag();
        let found = engine.call(
            ANSWER,
            |docker| async move { docker.inspect_image(&tag).await },
        );
        match found {
            Ok(found) => Ok(Some(
                found.config.and_then(|one| one.labels).unwrap_or_default(),
            )),
            Err(EngineError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, engine: &Engine) -> Result<(), EngineError> {
        let tag = self.tag();
        let options = RemoveImageOptionsBuilder::new().force(true).build();
        engine.call(ANSWER, |docker| async move {
            docker.remove_image(&tag, Some(options), None).await
        })?;
        Ok(())
    }

    fn facts(&self, engine: &Engine) -> Result<Value, EngineError> {
        let tag = self.tag();
        let found = engine.call(
            ANSWER,
            |docker| async move { docker.inspect_image(&tag).await },
        )?;
        Ok(json!({"name": self.tag(), "id": found.id}))
    }
}
