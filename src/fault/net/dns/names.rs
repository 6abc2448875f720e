//! Which names are meant: a name, all below a name, all.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::net::FilterError;

/// A name (`db.example`), all names below one (`*.example`), or all (`*`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    name: String,
    below: bool,
}

impl Pattern {
    /// Whether a name, in lower case and without its last dot, is meant.
    pub(super) fn fits(&self, name: &str) -> bool {
        if !self.below {
            return name == self.name;
        }
        let parent = name.strip_suffix(&self.name);
        self.name.is_empty() || parent.is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    }
}

impl FromStr for Pattern {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let wrong = || {
            FilterError(format!(
                "\"{text}\" is no name; write \"db.example\", \"*.example\" for all below it, or \"*\""
            ))
        };
        let whole = text.strip_suffix('.').unwrap_or(text);
        let (name, below) = match whole.strip_prefix("*.") {
            Some(name) => (name, true),
            None if whole == "*" => ("", true),
            None => (whole, false),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let label = |label: &str| !label.is_empty() && label.len() < 64 && label.chars().all(fits);
        if whole != "*" && !name.split('.').all(label) {
            return Err(wrong());
        }
        Ok(Self {
            name: name.to_lowercase(),
            below,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.below, self.name.as_str()) {
            (true, "") => f.write_str("*"),
            (true, name) => write!(f, "*.{name}"),
            (false, name) => f.write_str(name),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, FilterError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_pattern_only() {
        let fits = |pattern: &str, name: &str| pattern.parse::<Pattern>().unwrap().fits(name);
        assert!(fits("DB.example.", "db.example") && !fits("db.example", "a.db.example"));
        assert!(fits("*.example", "a.b.example") && !fits("*.example", "example"));
        assert!(!fits("*.example", "anexample") && fits("*", "anything.at.all"));
        for wrong in ["", "a..b", "*a.b", "a b", "a.*", "ü"] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }
}
