//! `docker.run`: a container of a script's own.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fixture::{self, Labels, Make};
use super::select::container;
use super::trouble::{ANSWER, precondition};
use crate::base::text::quoted;
use crate::docker::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HealthConfig, HostConfig,
    NetworkingConfig, PortBinding, RestartPolicy,
};
use crate::docker::parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use crate::docker::{Engine, EngineError};
use crate::fault::{Kind, Trouble};

/// Its options.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Run {
    /// The engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its name; empty for one that the agent gives.
    pub name: String,
    /// The image, which must be there.
    pub image: String,
    /// Program and arguments; the image's own where left out.
    pub cmd: Option<Vec<String>>,
    /// What runs `cmd`; the image's own where left out.
    pub entrypoint: Option<Vec<String>>,
    /// Variables, as `NAME=value`.
    pub env: Vec<String>,
    /// Labels of its own.
    pub labels: BTreeMap<String, String>,
    /// What is published.
    pub ports: Vec<Port>,
    /// The network; the engine's usual one where left out.
    pub network: Option<String>,
    /// Other names in that network.
    pub aliases: Vec<String>,
    /// Its address in that network.
    pub ip: Option<String>,
    /// Volumes and folders, as `NAME:/path` or `/folder:/path:ro`.
    pub volumes: Vec<String>,
    /// Folders in memory, with options such as `size=16m`.
    pub tmpfs: BTreeMap<String, String>,
    /// How its health is known.
    pub health: Option<Health>,
    /// Restart policy: `no`, `always`, `unless-stopped`, `on-failure`.
    pub restart: Option<String>,
    /// Limits.
    pub limits: super::Limits,
    /// Whose process its program is.
    pub user: Option<String>,
    /// Its working folder.
    pub workdir: Option<String>,
    /// Its host name.
    pub hostname: Option<String>,
    /// Capabilities added.
    pub cap_add: Vec<String>,
    /// Whether it may do everything.
    pub privileged: bool,
}

/// A port that is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The address on the host.
    pub ip: String,
    /// The port on the host; none for one that the engine chooses.
    pub host: Option<u16>,
    /// Port and protocol in the container: `80/tcp`.
    pub inside: String,
}

impl Port {
    /// Reads `80`, `8080:80`, `127.0.0.1:8080:80`, each with `/udp` behind it where that is meant. Without an
    /// address it is the loopback's.
    ///
    /// # Errors
    ///
    /// What is wrong, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{} is no port; write \"8080:80\"", quoted(text));
        let (rest, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
        if !["tcp", "udp", "sctp"].contains(&protocol) {
            return Err(wrong());
        }
        let port = |text: &str| text.parse::<u16>().map_err(|_| wrong());
        let (outside, inside) = match rest.rsplit_once(':') {
            None => (None, port(rest)?),
            Some((outside, inside)) => (Some(outside), port(inside)?),
        };
        let (ip, host) = match outside.map(|one| one.rsplit_once(':').unwrap_or(("", one))) {
            None => (String::new(), None),
            Some((ip, "")) => (ip.to_owned(), None),
            Some((ip, host)) => (ip.to_owned(), Some(port(host)?)),
        };
        let ip = ip.trim_matches(['[', ']']);
        if !ip.is_empty() && ip.parse::<std::net::IpAddr>().is_err() {
            return Err(wrong());
        }
        Ok(Self {
            ip: if ip.is_empty() { "127.0.0.1" } else { ip }.to_owned(),
            host,
            inside: format!("{inside}/{protocol}"),
        })
    }
}

/// How the engine knows the health of a container. Times in nanoseconds, as it takes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Health {
    /// The command, inside: `CMD` or `CMD-SHELL` first.
    pub test: Vec<String>,
    /// How often.
    pub interval: i64,
    /// How long it may take.
    pub timeout: i64,
    /// How many failures in a row make it unhealthy.
    pub retries: i64,
    /// How long failures do not count at first.
    pub start_period: i64,
}

/// The kind.
pub const KIND: Kind = fixture::kind::<Run>();

impl Run {
    fn body(&self, mut labels: Labels) -> ContainerCreateBody {
        labels.extend(self.labels.clone());
        let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        ContainerCreateBody {
            image: Some(self.image.clone()),
            cmd: self.cmd.clone(),
            entrypoint: self.entrypoint.clone(),
            env: list(&self.env),
            labels: Some(labels),
            exposed_ports: Some(self.ports.iter().map(|one| one.inside.clone()).collect()),
            user: self.user.clone(),
            working_dir: self.workdir.clone(),
            hostname: self.hostname.clone(),
            healthcheck: self.health.as_ref().map(|health| HealthConfig {
                test: Some(health.test.clone()),
                interval: Some(health.interval),
                timeout: Some(health.timeout),
                retries: Some(health.retries),
                start_period: Some(health.start_period),
                start_interval: None,
            }),
            host_config: Some(self.host()),
            networking_config: self.networking(),
            ..ContainerCreateBody::default()
        }
    }

    fn host(&self) -> HostConfig {
        let mut ports: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
        for port in &self.ports {
            let bindings = ports.entry(port.inside.clone()).or_default();
            bindings.get_or_insert_default().push(PortBinding {
                host_ip: Some(port.ip.clone()),
                host_port: Some(port.host.map_or_else(String::new, |host| host.to_string())),
            });
        }
        let update = self.limits.update(1);
        let restart = self.restart.as_ref().map(|name| RestartPolicy {
            name: name.parse().ok(),
            maximum_retry_count: None,
        });
        HostConfig {
            binds: Some(self.volumes.clone()),
            tmpfs: Some(self.tmpfs.clone().into_iter().collect()),
            port_bindings: Some(ports),
            network_mode: self.network.clone(),
            restart_policy: restart,
            cap_add: Some(self.cap_add.clone()),
            privileged: Some(self.privileged),
            cpu_period: update.cpu_period,
            cpu_quota: update.cpu_quota,
            cpuset_cpus: update.cpuset_cpus,
            memory: update.memory,
            memory_swap: update.memory_swap,
            pids_limit: update.pids_limit,
            ..HostConfig::default()
        }
    }

    fn networking(&self) -> Option<NetworkingConfig> {
        let network = self.network.clone()?;
        if self.aliases.is_empty() && self.ip.is_none() {
            return None;
        }
        let settings = EndpointSettings {
            aliases: Some(self.aliases.clone()),
            ipam_config: self.ip.clone().map(|ip| EndpointIpamConfig {
                ipv4_address: Some(ip),
                ..EndpointIpamConfig::default()
            }),
            ..EndpointSettings::default()
        };
        Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network, settings)])),
        })
    }
}

impl Make for Run {
    const NAME: &'static str = "docker.run";
    const WORD: &'static str = "container";

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn check(&self, engine: &Engine) -> Result<(), Trouble> {
        let image = self.image.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_image(&image).await
        });
        match found {
            Ok(_) => Ok(()),
            Err(EngineError::Missing(_)) => Err(Trouble::Precondition(format!(
                "{}: there is no image {} at {}; pull or build it first",
                Self::NAME,
                quoted(&self.image),
                engine.endpoint().url
            ))),
            Err(error) => Err(precondition(error)),
        }
    }

    fn make(&self, engine: &Engine, labels: Labels) -> Result<(), EngineError> {
        let body = self.body(labels);
        let options = CreateContainerOptionsBuilder::new().name(&self.name);
        let options = Some(options.build());
        let made = engine.call(ANSWER, |docker| async move {
            docker.create_container(options, body).await
        })?;
        engine.call(ANSWER * 2, |docker| async move {
            docker.start_container(&made.id, None).await
        })
    }

    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError> {
        let name = self.name.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_container(&name, None).await
        });
        match found {
            Ok(found) => Ok(found.config.map(|one| one.labels.unwrap_or_default())),
            Err(EngineError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, engine: &Engine) -> Result<(), EngineError> {
        let name = self.name.clone();
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true);
        let options = Some(options.build());
        engine.call(ANSWER, |docker| async move {
            docker.remove_container(&name, options).await
        })
    }

    fn facts(&self, engine: &Engine) -> Result<Value, EngineError> {
        let name = self.name.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_container(&name, None).await
        })?;
        let settings = found.network_settings.as_ref();
        let published = settings.and_then(|one| one.ports.clone());
        let mut ports = BTreeMap::new();
        for (inside, bindings) in published.unwrap_or_default() {
            let host = bindings.into_iter().flatten().find_map(|one| one.host_port);
            let host = host.and_then(|port| port.parse::<u16>().ok());
            ports.extend(host.map(|host| (inside, host)));
        }
        let container = container(engine.endpoint(), &found);
        Ok(json!({"container": container, "ports": ports}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_the_client_reads_them_but_stay_at_home() {
        let read = |text: &str| {
            let port = Port::parse(text).unwrap();
            (port.ip, port.host, port.inside)
        };
        let home = "127.0.0.1".to_owned();
        assert_eq!(read("80"), (home.clone(), None, "80/tcp".to_owned()));
        assert_eq!(read("8080:80"), (home, Some(8080), "80/tcp".to_owned()));
        assert_eq!(
            read("0.0.0.0:53:53/udp"),
            ("0.0.0.0".to_owned(), Some(53), "53/udp".to_owned())
        );
        for wrong in ["http", "80:x", "1.2.3:80:80", "80/ip"] {
            assert!(Port::parse(wrong).is_err(), "{wrong}");
        }
    }
}
