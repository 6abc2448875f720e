//! Where an engine answers: what a script says, the environment, the client's contexts, the usual sockets.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::EngineError;

/// The address of an engine. Records of the journal keep it: who heals may have another environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// `unix:///run/docker.sock`, `tcp://10.0.0.1:2376`.
    pub url: String,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`; none where the connection is plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<PathBuf>,
}

/// The usual sockets, in the order they are looked for.
const SOCKETS: [&str; 3] = [
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/podman/podman.sock",
];

impl Endpoint {
    /// The endpoint that is said; else `DOCKER_HOST` with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`, the
    /// context that `DOCKER_CONTEXT` or the client's configuration names, the first of the usual sockets.
    ///
    /// # Errors
    ///
    /// A scheme that is not spoken, or a context that is not there.
    pub fn find(said: Option<&str>) -> Result<Self, EngineError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = variable("HOME").map(PathBuf::from);
        let config = variable("DOCKER_CONFIG").map(PathBuf::from);
        let config = config.or_else(|| home.map(|home| home.join(".docker")));
        let from_environment = || Self {
            url: variable("DOCKER_HOST").unwrap_or_default(),
            tls: variable("DOCKER_TLS_VERIFY").and_then(|_| {
                let path = variable("DOCKER_CERT_PATH").map(PathBuf::from);
                path.or_else(|| config.clone())
            }),
        };
        let found = if let Some(url) = said {
            let environment = from_environment();
            let tls = environment.tls.filter(|_| environment.url == url);
            let url = url.to_owned();
            Self { url, tls }
        } else if variable("DOCKER_HOST").is_some() {
            from_environment()
        } else if let Some(found) = config
            .as_deref()
            .map(|folder| context(folder, variable("DOCKER_CONTEXT")))
            .transpose()?
            .flatten()
        {
            found
        } else {
            usual(variable("XDG_RUNTIME_DIR"))
        };
        found.checked()
    }

    fn checked(self) -> Result<Self, EngineError> {
        let scheme = self.url.split("://").next().unwrap_or_default();
        if matches!(scheme, "unix" | "tcp" | "http" | "https") && self.url.contains("://") {
            return Ok(self);
        }
        Err(EngineError::Denied(format!(
            "\"{}\" is no endpoint of an engine that rchaos can use; write \"unix:///run/docker.sock\" or \
             \"tcp://10.0.0.1:2376\", or start an agent on that host",
            self.url
        )))
    }
}

fn usual(runtime: Option<String>) -> Endpoint {
    let own = runtime.into_iter().flat_map(|folder| {
        let names = ["docker.sock", "podman/podman.sock"];
        names.map(|name| format!("{folder}/{name}"))
    });
    let all: Vec<String> = SOCKETS.into_iter().map(str::to_owned).chain(own).collect();
    let found = all.iter().find(|path| Path::new(path).exists());
    Endpoint {
        url: format!("unix://{}", found.map_or(SOCKETS[0], String::as_str)),
        tls: None,
    }
}

/// The endpoint of a context of the client; none where the default one is in use.
fn context(config: &Path, named: Option<String>) -> Result<Option<Endpoint>, EngineError> {
    let name = named.or_else(|| {
        let text = fs::read_to_string(config.join("config.json")).ok()?;
        let settings: Value = serde_json::from_str(&text).ok()?;
        Some(settings.get("currentContext")?.as_str()?.to_owned())
    });
    let Some(name) = name.filter(|name| name != "default") else {
        return Ok(None);
    };
    let contexts = config.join("contexts");
    // The folders' names are digests of the contexts' names; what they are called stands inside.
    let folders = fs::read_dir(contexts.join("meta")).into_iter().flatten();
    for folder in folders.flatten() {
        let text = fs::read_to_string(folder.path().join("meta.json")).unwrap_or_default();
        let meta: Value = serde_json::from_str(&text).unwrap_or_default();
        if meta["Name"].as_str() != Some(&name) {
            continue;
        }
        let url = meta["Endpoints"]["docker"]["Host"].as_str();
        let tls = contexts.join("tls").join(folder.file_name()).join("docker");
        return Ok(url.map(|url| Endpoint {
            url: url.to_owned(),
            tls: tls.join("ca.pem").exists().then_some(tls),
        }));
    }
    Err(EngineError::Denied(format!(
        "there is no docker context \"{name}\" in {}",
        contexts.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_found_by_its_name_with_its_certificates() {
        let home = tempfile::tempdir().unwrap();
        let meta = home.path().join("contexts/meta/abc");
        let tls = home.path().join("contexts/tls/abc/docker");
        fs::create_dir_all(&meta).unwrap();
        fs::create_dir_all(&tls).unwrap();
        let text = r#"{"Name": "far", "Endpoints": {"docker": {"Host": "tcp://10.0.0.1:2376"}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        let find = |name: Option<&str>| context(home.path(), name.map(str::to_owned));
        let plain = find(Some("far")).unwrap().unwrap();
        assert_eq!(
            (plain.url.as_str(), plain.tls),
            ("tcp://10.0.0.1:2376", None)
        );
        fs::write(tls.join("ca.pem"), "").unwrap();
        assert_eq!(find(Some("far")).unwrap().unwrap().tls, Some(tls));
        assert_eq!(find(None).unwrap(), None);
        let config = r#"{"currentContext": "far"}"#;
        fs::write(home.path().join("config.json"), config).unwrap();
        assert!(find(None).unwrap().is_some());
        let error = find(Some("near")).unwrap_err().to_string();
        assert!(error.contains("no docker context \"near\""), "{error}");
    }

    #[test]
    fn other_schemes_are_refused_with_an_example() {
        let error = Endpoint::find(Some("ssh://me@host"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("ssh://me@host") && error.contains("unix:///"),
            "{error}"
        );
        let one = Endpoint::find(Some("unix:///run/x.sock")).unwrap();
        assert_eq!(one.url, "unix:///run/x.sock");
    }
}
