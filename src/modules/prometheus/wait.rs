//! Waiting for an alert, or for its end.

use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Lua, Result, Value};
use serde_json::Value as Json;
use tokio::time::{Instant, sleep, timeout};

use super::connection::Connection;
use super::state::{alert_table, choice, each_rule, list, listed, matches, rules};
use super::trouble::Trouble;
use crate::base::text::{nearest, printable, quoted};
use crate::base::units::show_duration;
use crate::script::{Kind, Options, ScriptError, interruptible};

/// How long a rule may be missing: a server that has just started has none yet.
const UNKNOWN: Duration = Duration::from_secs(10);

/// What the last question of a wait may take beyond its end.
const LAST: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Debug)]
pub(super) struct Wait {
    what: &'static str,
    name: String,
    /// The state to reach; `None` waits until no alert is left.
    state: Option<String>,
    labels: BTreeMap<String, String>,
    within: Duration,
    every: Duration,
}

/// What an answer says about it.
#[derive(Debug, PartialEq)]
enum Seen {
    /// What was waited for; of an alert, itself.
    Reached(Option<Json>),
    /// Not yet, and what is the case instead.
    NotYet(String),
    /// There is no such rule, and what there is.
    NoRule(String),
}

impl Wait {
    /// Reads the options of `wait_alert`, or of `wait_clear`.
    ///
    /// # Errors
    ///
    /// Misuse: options that cannot be.
    pub(super) fn read(
        what: &'static str,
        name: String,
        clear: bool,
        lua: &Lua,
        options: Value,
    ) -> Result<Self> {
        let keys = ["labels", "within", "every", "state"];
        let known = if clear { &keys[..3] } else { &keys[..] };
        let options = Options::read(what, known, lua, options)?;
        let state = choice(&options, "state", &["firing", "pending"])?;
        let every: Option<Duration> = options.optional("every")?;
        let within: Option<Duration> = options.optional("within")?;
        Ok(Self {
            what,
            name,
            state: (!clear).then(|| state.unwrap_or_else(|| "firing".to_owned())),
            labels: options.optional("labels")?.unwrap_or_default(),
            within: within.unwrap_or(Duration::from_secs(300)),
            // Without any pause this would be a busy loop on the server.
            every: every
                .unwrap_or(Duration::from_secs(2))
                .max(Duration::from_millis(10)),
        })
    }

    /// Asks until it is so. Returns the alert; nothing when waiting for its end.
    ///
    /// # Errors
    ///
    /// An expectation that does not hold in time; a name that no rule has; what the server says.
    pub(super) async fn run(&self, lua: &Lua, connection: &Connection) -> Result<Value> {
        let start = Instant::now();
        let mut missing: Option<Instant> = None;
        loop {
            let left = self.within.saturating_sub(start.elapsed());
            let asking = timeout(left.max(LAST), rules(connection, Some("alert")));
            let asked = interruptible(asking).await?;
            let now = Instant::now();
            let seen = match asked {
                Ok(asked) => asked.map(|data| self.look(&data)),
                Err(_) => Ok(Seen::NotYet("the server does not answer".to_owned())),
            };
            let problem = match seen {
                Ok(Seen::Reached(alert)) => {
                    let alert = alert.map(|alert| alert_table(lua, &alert)).transpose()?;
                    return Ok(alert.map_or(Value::Nil, Value::Table));
                }
                Ok(Seen::NotYet(problem)) => {
                    missing = None;
                    problem
                }
                Ok(Seen::NoRule(problem)) => {
                    let since = *missing.get_or_insert(now);
                    if now - since >= UNKNOWN {
                        return Err(failed(self.what, &Trouble::Shape(problem)));
                    }
                    problem
                }
                Err(trouble) if trouble.passes() => trouble.to_string(),
                Err(trouble) => return Err(failed(self.what, &trouble)),
            };
            let left = self.within.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(self.unmet(lua, &problem));
            }
            interruptible(sleep(self.every.min(left))).await?;
        }
    }

    fn look(&self, data: &Json) -> Seen {
        let own: Vec<&Json> = each_rule(data)
            .map(|(_, rule)| rule)
            .filter(|rule| rule["name"] == *self.name)
            .collect();
        if own.is_empty() {
            return Seen::NoRule(self.unknown(data));
        }
        let alerts: Vec<&Json> = own
            .iter()
            .flat_map(|rule| list(rule, "alerts"))
            .filter(|alert| matches(&alert["labels"], &self.labels))
            .filter(|alert| matches!(alert["state"].as_str(), Some("firing" | "pending")))
            .collect();
        let found = match &self.state {
            None if alerts.is_empty() => Some(None),
            None => None,
            Some(state) => {
                let mut all = alerts.iter();
                let found = all.find(|alert| alert["state"] == **state);
                found.map(|alert| Some((*alert).clone()))
            }
        };
        // A rule that fails has no alerts: that is not an all-clear.
        let broken = own.iter().find_map(|rule| {
            let error = rule["lastError"].as_str()?;
            (rule["health"] == "err").then(|| format!("its rule fails: {}", printable(error)))
        });
        match (found, broken) {
            (Some(Some(alert)), _) => Seen::Reached(Some(alert)),
            (_, Some(problem)) => Seen::NotYet(problem),
            // Nor is a rule that was never evaluated.
            (Some(None), None) if own.iter().any(|rule| rule["health"] == "unknown") => {
                Seen::NotYet("its rule was not evaluated yet".to_owned())
            }
            (Some(None), None) => Seen::Reached(None),
            (None, None) => {
                let state = alerts.first().and_then(|alert| alert["state"].as_str());
                let state = state.unwrap_or("inactive");
                Seen::NotYet(format!("it is {state}"))
            }
        }
    }

    fn unknown(&self, data: &Json) -> String {
        let name = quoted(&self.name);
        let mut names: Vec<&str> = each_rule(data)
            .filter_map(|(_, rule)| rule["name"].as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        let hint = match nearest(&self.name, names.iter().copied()) {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None if names.is_empty() => "there are none".to_owned(),
            None => {
                names.truncate(10);
                format!("there are {}", listed(&names))
            }
        };
        format!("no alerting rule is named {name}; {hint}")
    }

    fn unmet(&self, lua: &Lua, problem: &str) -> mlua::Error {
        let goal = self.state.as_deref().unwrap_or("clear");
        let text = format!(
            "{}: the alert {} is not {goal} within {}: {problem}",
            self.what,
            quoted(&self.name),
            show_duration(self.within)
        );
        mlua::Error::external(ScriptError::here(lua, Kind::Expectation, text))
    }
}

/// An error that a script can catch.
pub(super) fn failed(what: &str, trouble: &Trouble) -> mlua::Error {
    mlua::Error::runtime(format!("{what}: {trouble}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wait(state: Option<&str>) -> Wait {
        Wait {
            what: "prometheus.wait_alert",
            name: "Down".to_owned(),
            state: state.map(str::to_owned),
            labels: BTreeMap::from([("job".to_owned(), "shop".to_owned())]),
            within: Duration::ZERO,
            every: Duration::ZERO,
        }
    }

    fn rule(health: &str, alerts: &Json) -> Json {
        let rule =
            json!({ "name": "Down", "health": health, "lastError": "no such", "alerts": alerts });
        json!({ "groups": [{ "name": "g", "rules": [rule] }] })
    }

    fn alert(state: &str, job: &str) -> Json {
        json!({ "state": state, "labels": { "alertname": "Down", "job": job } })
    }

    #[test]
    fn an_alert_has_its_state_and_labels() {
        let firing = alert("firing", "shop");
        let data = rule("ok", &json!([alert("firing", "other"), firing]));
        let reached = Seen::Reached(Some(firing));
        assert_eq!(wait(Some("firing")).look(&data), reached);
        let pending = rule("ok", &json!([alert("pending", "shop")]));
        let not_yet = Seen::NotYet("it is pending".to_owned());
        assert_eq!(wait(Some("firing")).look(&pending), not_yet);
        assert_eq!(wait(None).look(&pending), not_yet);
        let other = rule("ok", &json!([alert("firing", "other")]));
        assert_eq!(wait(None).look(&other), Seen::Reached(None));
    }

    #[test]
    fn a_rule_that_fails_or_is_new_is_no_all_clear() {
        let says = |health: &str| match wait(None).look(&rule(health, &json!([]))) {
            Seen::NotYet(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(says("err"), "its rule fails: no such");
        assert_eq!(says("unknown"), "its rule was not evaluated yet");
        assert_eq!(
            wait(None).look(&rule("ok", &json!([]))),
            Seen::Reached(None)
        );
    }

    #[test]
    fn a_name_without_a_rule_gets_the_nearest() {
        let data = json!({ "groups": [{ "rules": [{ "name": "Dwon" }] }] });
        let wanted = "no alerting rule is named \"Down\"; did you mean \"Dwon\"?";
        assert_eq!(wait(None).look(&data), Seen::NoRule(wanted.to_owned()));
    }
}
