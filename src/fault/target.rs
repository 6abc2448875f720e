//! What faults act on, as scripts name it.

use serde::{Deserialize, Serialize};

use super::docker::Containers;
use super::process::Find;

/// A target on the agent's host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "target")]
pub enum Target {
    /// The host itself.
    Host,
    /// A named network namespace: `/run/netns/NAME`.
    Namespace {
        /// Its name.
        name: String,
    },
    /// Processes.
    Process {
        /// Which ones.
        find: Find,
    },
    /// A container.
    Container {
        /// The engine's endpoint (`unix:///run/docker.sock`); none for the default one.
        engine: Option<String>,
        /// Its id, in full.
        id: String,
        /// Its name, for messages.
        name: String,
    },
    /// Containers of an engine, found when they are needed.
    Containers {
        /// Which ones.
        which: Box<Containers>,
    },
}

impl Target {
    /// As messages name it: `namespace n1`, `this host`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Host => "this host".to_owned(),
            Self::Namespace { name } => format!("namespace {name}"),
            Self::Process { find } => format!("process {}", find.label()),
            Self::Container { name, .. } => format!("container {name}"),
            Self::Containers { which } => which.label(),
        }
    }
}
