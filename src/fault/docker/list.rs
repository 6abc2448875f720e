//! Questions about which containers there are.

use serde::Deserialize;
use serde_json::Value;

use super::select::Containers;
use crate::fault::{Query, Trouble};

/// Seen by the agent's protocol as `docker.list`: the containers that match, picked.
pub(super) const LIST: Query = Query {
    name: "docker.list",
    ask: |options, context| {
        let asked: Asked = asked("docker.list", options)?;
        let found = asked.which.targets(context)?;
        serde_json::to_value(found).map_err(|error| Trouble::Failed(error.to_string()))
    },
};

#[derive(Deserialize)]
struct Asked {
    which: Containers,
}

/// The options of a question.
pub(super) fn asked<T: serde::de::DeserializeOwned>(
    what: &str,
    options: &Value,
) -> Result<T, Trouble> {
    serde_json::from_value(options.clone())
        .map_err(|error| Trouble::Misuse(format!("{what}: {error}")))
}
