//! Selectors: a metric, and tags its samples must have: `http_req_duration{scenario:browse,status:200}`.

use super::catalog::{Catalog, MetricId};
use crate::base::text::{nearest, quoted};
use std::sync::Arc;

/// The samples of a metric whose tags match, all of them exactly; only `fault` is a set of names
/// joined by "+", of which the wanted ones must be members.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The metric.
    pub metric: MetricId,
    /// Tags and values, sorted by tag, each tag once.
    pub tags: Vec<(String, String)>,
}

/// Why a text is not a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// No metric has that name.
    #[error("unknown metric {}{}", quoted(.name), meant(.nearest.as_deref()))]
    Unknown {
        /// The name in question.
        name: String,
        /// A known name that is close to it.
        nearest: Option<String>,
    },
    /// The part in braces is not a list of tags.
    #[error(
        "{} is not a selector: {problem}; write \"http_req_duration{{scenario:browse,status:200}}\"",
        quoted(.text)
    )]
    Tags {
        /// The whole text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "; define it at the top level of the script".to_owned(),
        |name| format!("; did you mean {}?", quoted(name)),
    )
}

impl Selector {
    /// All samples of a metric.
    #[must_use]
    pub fn of(metric: MetricId) -> Self {
        Self {
            metric,
            tags: Vec::new(),
        }
    }

    /// Reads `name` or `name{tag:value,…}`. A value that holds a comma or a brace is put in double quotes.
    ///
    /// # Errors
    ///
    /// An unknown metric, or braces that hold no list of tags.
    pub fn parse(catalog: &Catalog, text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        let (name, rest) = text.split_at(text.find('{').unwrap_or(text.len()));
        let name = name.trim();
        let tags = if rest.is_empty() {
            Vec::new()
        } else {
            tags(rest).map_err(|problem| SelectorError::Tags {
                text: text.to_owned(),
                problem,
            })?
        };
        let Some(metric) = catalog.lookup(name) else {
            let names = catalog.names();
            return Err(SelectorError::Unknown {
                name: name.to_owned(),
                nearest: nearest(name, names.iter().map(|name| &**name)).map(str::to_owned),
            });
        };
        Ok(Self { metric, tags })
    }

    /// Whether tags, sorted by name, are what is wanted.
    #[must_use]
    pub fn matches(&self, tags: &[(Arc<str>, Arc<str>)]) -> bool {
        self.tags.iter().all(|(name, wanted)| {
            let place = tags.binary_search_by(|(tag, _)| (**tag).cmp(name));
            place.is_ok_and(|place| holds(name, &tags[place].1, wanted))
        })
    }
}

fn holds(name: &str, value: &str, wanted: &str) -> bool {
    let member = |wanted: &str| value.split('+').any(|fault| fault == wanted);
    value == wanted || (name == "fault" && wanted.split('+').all(member))
}

/// Reads `{tag:value,…}`.
fn tags(text: &str) -> Result<Vec<(String, String)>, String> {
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .ok_or("a \"}\" is missing at the end")?;
    if inner.trim().is_empty() {
        return Err("the braces are empty".to_owned());
    }
    let mut tags: Vec<(String, String)> = Vec::new();
    for pair in split(inner)? {
        let (name, value) = pair
            .split_once(':')
            .ok_or_else(|| format!("{} has no \":\"", quoted(pair.trim())))?;
        let (name, value) = (unquoted(name), unquoted(value));
        if name.is_empty() {
            return Err(format!("{} has no tag before \":\"", quoted(pair.trim())));
        }
        match tags.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
            Ok(_) => return Err(format!("tag {} is there twice", quoted(name))),
            Err(place) => tags.insert(place, (name.to_owned(), value.to_owned())),
        }
    }
    Ok(tags)
}

/// Splits at commas outside of quotes.
fn split(inner: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (place, c) in inner.char_indices() {
        match c {
            '"' => inside = !inside,
            ',' if !inside => {
                parts.push(&inner[start..place]);
                start = place + 1;
            }
            '{' | '}' if !inside => return Err("there is a brace inside of the braces".to_owned()),
            _ => {}
        }
    }
    if inside {
        return Err("a double quote is missing".to_owned());
    }
    parts.push(&inner[start..]);
    Ok(parts)
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::builtin;

    #[test]
    fn selectors_are_read() {
        let catalog = Catalog::new(10);
        let table: [(&str, &[(&str, &str)]); 9] = [
            ("http_reqs", &[]),
            ("  http_reqs  ", &[]),
            ("http_reqs{a:1}", &[("a", "1")]),
            ("http_reqs { b : 2 , a:1 }", &[("a", "1"), ("b", "2")]),
            (
                "http_reqs{group:::front::cart}",
                &[("group", "::front::cart")],
            ),
            ("http_reqs{name:http://h/p}", &[("name", "http://h/p")]),
            ("http_reqs{name:\"a,b{c}\"}", &[("name", "a,b{c}")]),
            ("http_reqs{a:}", &[("a", "")]),
            ("http_reqs{a:ä ö}", &[("a", "ä ö")]),
        ];
        for (text, expected) in table {
            let selector = Selector::parse(&catalog, text).unwrap();
            let tags: Vec<_> = selector
                .tags
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            assert_eq!(
                (selector.metric, tags.as_slice()),
                (builtin::HTTP_REQS, expected),
                "{text}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let catalog = Catalog::new(10);
        let table = [
            ("http_reqs{", "missing at the end"),
            ("http_reqs{a:1", "missing at the end"),
            ("http_reqs{a:1}b", "missing at the end"),
            ("http_reqs{}", "empty"),
            ("http_reqs{a}", "\"a\" has no \":\""),
            ("http_reqs{a:1,}", "\"\" has no \":\""),
            ("http_reqs{:1}", "no tag before"),
            ("http_reqs{a:1,a:2}", "twice"),
            ("http_reqs{a:\"1}", "quote is missing"),
            ("http_reqs{{a:1}}", "brace inside"),
            ("", "unknown metric \"\""),
            (
                "http_req_durations{a:1}",
                "did you mean \"http_req_duration\"?",
            ),
            ("banana", "define it at the top level"),
        ];
        for (text, expected) in table {
            let message = Selector::parse(&catalog, text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn all_tags_must_match_exactly() {
        let catalog = Catalog::new(10);
        let tags = catalog.tag_pairs(catalog.tags(&[("s", "a"), ("status", "200"), ("x", "1+2")]));
        let table = [
            ("http_reqs", true),
            ("http_reqs{s:a}", true),
            ("http_reqs{s:a,status:200}", true),
            ("http_reqs{s:a,status:20}", false),
            ("http_reqs{s:A}", false),
            ("http_reqs{other:a}", false),
            ("http_reqs{x:1}", false),
            ("http_reqs{x:1+2}", true),
        ];
        for (text, expected) in table {
            let selector = Selector::parse(&catalog, text).unwrap();
            assert_eq!(selector.matches(&tags), expected, "{text}");
        }
    }

    #[test]
    fn a_fault_is_a_member_of_a_set() {
        let catalog = Catalog::new(10);
        let tags = catalog.tag_pairs(catalog.tags(&[("fault", "db slow+cut")]));
        for (wanted, expected) in [
            ("cut", true),
            ("db slow", true),
            ("db", false),
            ("cut+db slow", true),
            ("cut+x", false),
        ] {
            let selector =
                Selector::parse(&catalog, &format!("http_reqs{{fault:{wanted}}}")).unwrap();
            assert_eq!(selector.matches(&tags), expected, "{wanted}");
        }
    }
}
