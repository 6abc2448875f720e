//! Environments: where scripts are run, with which variables, and what they must leave alone there.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Project;
use crate::base::units::Share;
use crate::fault::Protected;
use crate::modules::hold::Alerts;

/// A place where scripts are run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::cli) struct Environment {
    /// Variables that scripts read with `env`; those of the command line win.
    pub env: BTreeMap<String, String>,
    /// Whether faults may be injected at all; true by default.
    pub allow_faults: bool,
    /// The greatest share of a selection that one fault may act on: `"30%"`.
    #[serde(with = "share")]
    pub max_blast: Option<Share>,
    /// What no fault may touch here.
    pub protect: Protect,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            env: BTreeMap::new(),
            allow_faults: true,
            max_blast: None,
            protect: Protect::default(),
        }
    }
}

/// What no fault may touch, and when none may be injected.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::cli) struct Protect {
    /// Host names and agents, as patterns.
    pub hosts: Vec<String>,
    /// Names of processes, containers, services and namespaces, as patterns.
    pub targets: Vec<String>,
    /// Labels of containers: `tier=production`.
    pub labels: Vec<String>,
    /// Alerts; while one fires nothing is injected.
    pub alerts: Vec<String>,
    /// The Prometheus that knows them.
    pub prometheus: Option<String>,
}

/// What holds for a run.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Rules {
    /// The environment, if there is one.
    pub environment: Option<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// Why no fault may be injected, if none may.
    pub no_faults: Option<String>,
    /// The greatest share of a selection.
    pub max_blast: Option<f64>,
    /// What no fault may touch.
    pub protected: Protected,
    /// Alerts during which nothing is injected.
    pub alerts: Option<Alerts>,
}

impl Rules {
    pub(super) fn of(project: &Project, name: Option<&str>) -> Self {
        let found = name.and_then(|name| project.environments.get(name));
        let environment = found.cloned().unwrap_or_default();
        let both = |pick: fn(&Protect) -> &Vec<String>| {
            let (all, here) = (pick(&project.protect), pick(&environment.protect));
            all.iter().chain(here).cloned().collect::<Vec<String>>()
        };
        let alerts = both(|protect| &protect.alerts);
        let server = environment.protect.prometheus.as_ref();
        let server = server.or(project.protect.prometheus.as_ref());
        let named = environment.env.get("PROMETHEUS_URL").cloned();
        let server = server.cloned().or(named);
        let shown = name.unwrap_or_default();
        Self {
            environment: name.map(str::to_owned),
            no_faults: (!environment.allow_faults).then(|| {
                format!(
                    "environment \"{shown}\" allows no faults ({}); --dry-run plays the script without them",
                    project.folder.join(super::NAME).display()
                )
            }),
            max_blast: environment.max_blast.map(|share| share.0),
            protected: Protected {
                hosts: both(|protect| &protect.hosts),
                targets: both(|protect| &protect.targets),
                labels: both(|protect| &protect.labels),
            },
            alerts: (!alerts.is_empty()).then_some(Alerts {
                server,
                names: alerts,
            }),
            env: environment.env,
        }
    }
}

/// Shares as TOML has them: texts with a unit.
mod share {
    use serde::{Deserialize, Deserializer, de::Error};

    use crate::base::units::{self, Share};

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Share>, D::Error> {
        let text = String::deserialize(from)?;
        units::share(&text).map(Some).map_err(D::Error::custom)
    }
}

/// Durations as TOML has them: texts with a unit.
pub(super) mod time {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, de::Error};

    use crate::base::units;

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        let text = String::deserialize(from)?;
        units::duration(&text).map(Some).map_err(D::Error::custom)
    }
}
