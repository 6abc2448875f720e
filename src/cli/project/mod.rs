//! `rchaos.toml`: what belongs to a folder of scripts rather than to one of them.

mod environment;
mod lock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::diagnostic::Failure;
use super::exit::Exit;
use crate::base::text::{nearest, quoted};
use crate::output::Targets;

pub(super) use environment::{Environment, Protect, Rules};
pub(super) use lock::lock;

/// The name of the file.
pub(super) const NAME: &str = "rchaos.toml";

/// What the file says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Project {
    /// The environment of runs that name none.
    pub environment: Option<String>,
    /// The environments, by name.
    pub environments: BTreeMap<String, Environment>,
    /// What no fault may touch, in any environment.
    pub protect: Protect,
    /// Files that are run together, by name.
    pub suites: BTreeMap<String, Suite>,
    /// What suites need to be started, by name.
    pub hooks: BTreeMap<String, Hook>,
    /// What a run of suites is judged by.
    pub targets: Targets,
    /// Where results are kept.
    pub results: Results,
    /// The folder of the file.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Files that are run together.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Suite {
    /// What people read; by default its name.
    pub title: Option<String>,
    /// Files and patterns such as `chaos/*.lua`, relative to the project; run in this order.
    pub files: Vec<FileEntry>,
    /// Suites that this one is made of, run before its own files.
    pub suites: Vec<String>,
    /// Suites that must have passed before this one begins.
    pub needs: Vec<String>,
    /// Words by which it is selected too.
    pub tags: Vec<String>,
    /// What is started before it and stopped after it.
    pub hooks: Vec<String>,
}

/// A file of a suite: its path or pattern, or more.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum FileEntry {
    /// A path or a pattern.
    Path(String),
    /// A path with what the script's first line would say.
    Full(FullEntry),
}

/// A file with what is said of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FullEntry {
    /// Relative to the project.
    pub path: String,
    /// Its short name, for `--only`.
    pub id: Option<String>,
    /// What people read.
    pub title: Option<String>,
    /// Words by which it is selected too.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Variables for this file alone.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// What a suite needs to be started.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hook {
    /// A command that ends when all is up; its output is shown when it fails.
    pub start: Vec<String>,
    /// A command that ends when all is down; run on every way out.
    #[serde(default)]
    pub stop: Vec<String>,
    /// How long each of them may take; 2m by default.
    #[serde(default, with = "environment::time")]
    pub timeout: Option<std::time::Duration>,
}

/// Where results are kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Results {
    /// Relative to the project; `results` by default where there is an `rchaos.toml`.
    pub folder: Option<PathBuf>,
    /// How many runs are kept at most; all by default.
    pub keep: Option<usize>,
}

/// Reads TOML; what is wrong with it is said with file and line.
///
/// # Errors
///
/// It is no TOML, or says what it cannot say.
pub(super) fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            text[..span.start.min(text.len())].matches('\n').count() + 1
        });
        let message = error.message().replace('\n', " ");
        Failure::new(Exit::Usage, format!("{file}:{line}: {message}"))
    })
}

/// What holds for a run of a script or a folder, in an environment if one is named.
///
/// # Errors
///
/// `rchaos.toml` is wrong, or has no such environment.
pub(super) fn rules(path: &Path, environment: Option<&str>) -> Result<Rules, Failure> {
    match (Project::near(path)?, environment) {
        (Some(project), name) => project.rules(name),
        (None, None) => Ok(Rules::default()),
        (None, Some(name)) => Err(Failure::new(
            Exit::Usage,
            format!("--environment {name}: there is no {NAME} in the script's folder or above it"),
        )),
    }
}

impl Project {
    /// The project of a script or a folder: its own `rchaos.toml`, or that of the nearest folder above.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or says what it cannot say.
    pub(super) fn near(path: &Path) -> Result<Option<Self>, Failure> {
        let start = if path.is_dir() {
            path
        } else {
            path.parent().unwrap_or(Path::new(""))
        };
        let Ok(start) = Path::new(".").join(start).canonicalize() else {
            // Whoever reads the script says that it is not there.
            return Ok(None);
        };
        let found = start.ancestors().map(|one| one.join(NAME));
        let mut found = found.filter(|file| file.is_file());
        found.next().map(|file| Self::read(&file)).transpose()
    }

    fn read(file: &Path) -> Result<Self, Failure> {
        let wrong = |text: String| Failure::new(Exit::Usage, text);
        let text = std::fs::read_to_string(file)
            .map_err(|error| wrong(format!("cannot read {}: {error}", file.display())))?;
        let mut project: Self = parse(&text, &file.display().to_string())?;
        project.folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        project
            .check()
            .map_err(|text| wrong(format!("{}: {text}", file.display())))?;
        Ok(project)
    }

    /// Whether every name that is used is there.
    fn check(&self) -> Result<(), String> {
        for (name, suite) in &self.suites {
            let known = self.suites.keys();
            for other in suite.suites.iter().chain(&suite.needs) {
                known_name("suite", other, known.clone(), &format!("suites.{name}"))?;
            }
            for hook in &suite.hooks {
                known_name("hook", hook, self.hooks.keys(), &format!("suites.{name}"))?;
            }
        }
        for (name, hook) in &self.hooks {
            if hook.start.is_empty() {
                return Err(format!("hooks.{name}: start is empty"));
            }
        }
        if let Some(name) = &self.environment {
            known_name("environment", name, self.environments.keys(), "environment")?;
        }
        Ok(())
    }

    /// What holds in an environment; without a name in the one that the file names, if it does.
    ///
    /// # Errors
    ///
    /// There is no such environment; the nearest is named.
    pub(super) fn rules(&self, name: Option<&str>) -> Result<Rules, Failure> {
        let name = name.or(self.environment.as_deref());
        let Some(name) = name else {
            return Ok(Rules::of(self, None));
        };
        known_name(
            "environment",
            name,
            self.environments.keys(),
            "--environment",
        )
        .map_err(|text| Failure::new(Exit::Usage, text))?;
        Ok(Rules::of(self, Some(name)))
    }

    /// Where results are kept.
    pub(super) fn results(&self) -> PathBuf {
        let folder = self.results.folder.as_deref();
        self.folder.join(folder.unwrap_or(Path::new("results")))
    }
}

/// The error of a name that is not there.
pub(super) fn known_name<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a String> + Clone,
    place: &str,
) -> Result<(), String> {
    if known.clone().any(|one| one == name) {
        return Ok(());
    }
    let names: Vec<&str> = known.map(String::as_str).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None if names.is_empty() => format!("there is none; write [{what}s.{name}] in {NAME}"),
        None => format!("there are {}", names.join(", ")),
    };
    Err(format!(
        "{place}: no {what} is called {}; {hint}",
        quoted(name)
    ))
}
