//! `docker.compose`: a project of a compose file, started by the compose command that is installed.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fixture::{self, Labels, Make};
use super::trouble::ANSWER;
use crate::base::text::printable;
use crate::docker::parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use crate::docker::{Engine, EngineError};
use crate::fault::{Kind, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Compose {
    /// The engine; the usual one where left out.
    pub engine: Option<String>,
    /// The project's name; empty for one that the agent gives.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// Variables for the file.
    pub env: BTreeMap<String, String>,
    /// Which services; all where left out.
    pub services: Vec<String>,
    /// How many of a service.
    pub scale: BTreeMap<String, u32>,
    /// How long it may take.
    pub timeout: Duration,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: Compose::NAME,
    tier: Tier::Journal,
    fixture: true,
    build: fixture::build::<Compose>,
    recover: fixture::recover::<Compose>,
    probe: || {
        super::part::probe()?;
        let command = command().ok_or("neither `docker compose` nor `docker-compose` is here")?;
        Ok(command.join(" "))
    },
};

/// The compose command that is installed.
fn command() -> Option<Vec<String>> {
    let ways: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    let found = ways.into_iter().find(|way| {
        let tried = Command::new(way[0])
            .args(&way[1..])
            .arg("version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    });
    found.map(|way| way.iter().map(|one| (*one).to_owned()).collect())
}

/// How everything of a project is labelled by all versions of the command.
const PROJECT: &str = "com.docker.compose.project";

impl Compose {
    fn run(&self, engine: &Engine, arguments: &[String]) -> Result<(), EngineError> {
        let garbled = |text: String| EngineError::Garbled(format!("{}: {text}", Self::NAME));
        let none =
            || garbled("neither `docker compose` nor `docker-compose` is installed".to_owned());
        let way = command().ok_or_else(none)?;
        let output = tempfile_of(&self.name).map_err(|error| garbled(error.to_string()))?;
        let sink = output
            .try_clone()
            .map_err(|error| garbled(error.to_string()))?;
        let errors = output
            .try_clone()
            .map_err(|error| garbled(error.to_string()))?;
        let mut command = Command::new(&way[0]);
        command
            .args(&way[1..])
            .arg("-p")
            .arg(&self.name)
            .arg("-f")
            .arg(&self.file)
            .args(arguments)
            .envs(&self.env)
            .env("DOCKER_HOST", &engine.endpoint().url)
            .env_remove("DOCKER_CONTEXT")
            .stdin(Stdio::null())
            .stdout(sink)
            .stderr(errors);
        if let Some(tls) = &engine.endpoint().tls {
            command.env("DOCKER_TLS_VERIFY", "1");
            command.env("DOCKER_CERT_PATH", tls);
        }
        let mut child = command
            .spawn()
            .map_err(|error| garbled(error.to_string()))?;
        let end = Instant::now() + self.timeout;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(50)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(garbled("it did not end in time".to_owned()));
                }
            }
        };
        if status.success() {
            return Ok(());
        }
        let said = read_back(output);
        let last: Vec<_> = said
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let last = last.last().map_or("", |line| line.trim());
        Err(garbled(format!(
            "`{}` failed: {}",
            way.join(" "),
            printable(last)
        )))
    }

    fn filter(&self) -> HashMap<String, Vec<String>> {
        let label = format!("{PROJECT}={}", self.name);
        HashMap::from([("label".to_owned(), vec![label])])
    }
}

/// A file without a name.
fn tempfile_of(name: &str) -> std::io::Result<std::fs::File> {
    let file = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)?;
    Ok(file.into())
}

fn read_back(mut file: std::fs::File) -> String {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    let _ = file.rewind();
    let _ = file.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Make for Compose {
    const NAME: &'static str = "docker.compose";
    const WORD: &'static str = "compose project";

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
        let name = Self::NAME;
        if !self.file.is_file() {
            let text = format!("{name}: there is no file {}", self.file.display());
            return Err(Trouble::Precondition(text));
        }
        if command().is_none() {
            let text = format!("{name}: install `docker compose` or `docker-compose`");
            return Err(Trouble::Precondition(text));
        }
        Ok(())
    }

    fn make(&self, engine: &Engine, _: Labels) -> Result<(), EngineError> {
        let mut arguments = vec!["up".to_owned(), "-d".to_owned()];
        for (service, count) in &self.scale {
            arguments.push("--scale".to_owned());
            arguments.push(format!("{service}={count}"));
        }
        arguments.extend(self.services.clone());
        self.run(engine, &arguments)
    }

    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError> {
        let filter = self.filter();
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filter);
        let options = Some(options.build());
        let networks = ListNetworksOptionsBuilder::new().filters(&filter).build();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filter).build();
        let any = engine.call(ANSWER, |docker| async move {
            let containers = docker.list_containers(options).await?;
            let networks = docker.list_networks(Some(networks)).await?;
            let volumes = docker.list_volumes(Some(volumes)).await?;
            let volumes = volumes.volumes.unwrap_or_default();
            Ok(!containers.is_empty() || !networks.is_empty() || !volumes.is_empty())
        })?;
        Ok(any.then(Labels::new))
    }

    /// The command takes no labels; but nothing of the project was there before.
    fn ours(&self, _: &Labels, _: &str) -> bool {
        true
    }

    /// By its labels: the file may have changed or gone.
    fn remove(&self, engine: &Engine) -> Result<(), EngineError> {
        let filter = self.filter();
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filter);
        let options = Some(options.build());
        let networks = ListNetworksOptionsBuilder::new().filters(&filter).build();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filter).build();
        engine.call(ANSWER * 2, |docker| async move {
            for one in docker.list_containers(options).await? {
                let remove = RemoveContainerOptionsBuilder::new().force(true).v(true);
                let id = one.id.unwrap_or_default();
                docker.remove_container(&id, Some(remove.build())).await?;
            }
            for one in docker.list_networks(Some(networks)).await? {
                docker.remove_network(&one.id.unwrap_or_default()).await?;
            }
            let volumes = docker.list_volumes(Some(volumes)).await?;
            for one in volumes.volumes.unwrap_or_default() {
                let options = None::<RemoveVolumeOptions>;
                docker.remove_volume(&one.name, options).await?;
            }
            Ok(())
        })
    }

    fn facts(&self, _: &Engine) -> Result<Value, EngineError> {
        Ok(json!({"project": self.name}))
    }
}
