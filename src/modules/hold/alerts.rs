//! Nothing is injected while an alert fires: the system is in trouble already.

use mlua::{Lua, Result, Value};

use super::raise;
use crate::base::text::quoted;
use crate::fault::Trouble;
use crate::modules::prometheus::{PROBE_KEYS, Server};
use crate::script::{Options, interruptible};

/// Alerts that forbid faults, as `rchaos.toml` names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// The Prometheus that knows them; the default one if it is not said.
    pub server: Option<String>,
    /// Their names.
    pub names: Vec<String>,
}

impl Alerts {
    /// Refuses a fault while one of the run's alerts fires, or while nobody can say whether one does.
    ///
    /// # Errors
    ///
    /// A precondition that names the alert.
    pub(super) async fn admit(lua: &Lua, what: &str) -> Result<()> {
        let found = lua.app_data_ref::<Self>().map(|alerts| alerts.clone());
        let Some(alerts) = found else {
            return Ok(());
        };
        let table = lua.create_table()?;
        table.raw_set("url", alerts.server.clone())?;
        let options = Options::read("protect.prometheus", &PROBE_KEYS, lua, Value::Table(table))?;
        let server = Server::read(&options)?;
        for name in &alerts.names {
            let trouble = match interruptible(server.fires(name)).await? {
                Ok(false) => continue,
                Ok(true) => format!(
                    "the alert {} fires, and rchaos.toml forbids faults meanwhile",
                    quoted(name)
                ),
                Err(error) => format!(
                    "nobody can say whether the alert {} fires: {error}",
                    quoted(name)
                ),
            };
            return Err(raise(lua, what, &Trouble::Precondition(trouble)));
        }
        Ok(())
    }
}
