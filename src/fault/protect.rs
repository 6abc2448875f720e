//! What no fault may touch.

use serde::{Deserialize, Serialize};

use super::{Preflight, Trouble};
use crate::base::glob::matches;
use crate::base::text::quoted;

/// Patterns of what must be left alone; empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Protected {
    /// Host names and agents: `db*`.
    pub hosts: Vec<String>,
    /// Names of processes, containers, services and namespaces.
    pub targets: Vec<String>,
    /// Labels of containers and services: `tier=production`.
    pub labels: Vec<String>,
}

impl Protected {
    /// Refuses a fault on a host that is protected; `names` are those it goes by.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`] with the name and the pattern.
    pub fn host(&self, names: &[&str]) -> Result<(), Trouble> {
        let found = first(&self.hosts, names.iter().copied());
        refuse("host", found)
    }

    /// Refuses a fault whose targets, as words, have a name that is protected.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`] with the name and the pattern.
    pub fn targets(&self, preflight: &Preflight) -> Result<(), Trouble> {
        let edge = |c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '"' | '`');
        let words = preflight.targets.iter().flat_map(|text| text.split(edge));
        let found = first(&self.targets, words.filter(|word| !word.is_empty()));
        refuse("target", found)
    }

    /// The label, of those that a target has, by which it is protected.
    #[must_use]
    pub fn label<'a>(
        &self,
        mut labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Option<String> {
        labels.find_map(|(name, value)| {
            let text = format!("{name}={value}");
            let hit = |wanted: &String| matches(wanted, &text) || wanted == name;
            self.labels.iter().any(hit).then_some(text)
        })
    }
}

fn first<'a>(
    patterns: &'a [String],
    mut names: impl Iterator<Item = &'a str>,
) -> Option<(&'a str, &'a str)> {
    names.find_map(|name| {
        let pattern = patterns.iter().find(|pattern| matches(pattern, name))?;
        Some((name, pattern.as_str()))
    })
}

fn refuse(what: &str, found: Option<(&str, &str)>) -> Result<(), Trouble> {
    let Some((name, pattern)) = found else {
        return Ok(());
    };
    Err(Trouble::Precondition(format!(
        "{what} {} is protected by rchaos.toml ({what}s: {}); nothing was touched",
        quoted(name),
        quoted(pattern)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_protected_by_patterns() {
        let rules = Protected {
            hosts: vec!["db*".to_owned()],
            targets: vec!["redis-?".to_owned()],
            labels: vec!["tier=prod*".to_owned(), "precious".to_owned()],
        };
        assert!(rules.host(&["web1", "here"]).is_ok());
        let text = rules.host(&["web1", "db7"]).unwrap_err().to_string();
        assert!(text.contains("host \"db7\" is protected"), "{text}");
        assert!(rules.label([("tier", "production")].into_iter()).is_some());
        assert!(rules.label([("precious", "")].into_iter()).is_some());
        assert!(rules.label([("tier", "test")].into_iter()).is_none());
        assert!(first(&rules.targets, ["process", "12", "redis-1"].into_iter()).is_some());
        assert!(first(&rules.targets, ["redis-10"].into_iter()).is_none());
    }
}
