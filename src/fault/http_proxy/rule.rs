//! A rule of an HTTP proxy: which requests it is for, which share of them, and what it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;
use http::request::Parts;
use serde::{Deserialize, Serialize};

use super::glob;
use super::kinds::{Abort, Delay, Patch, Reset};
use crate::base::rng::Rng;

/// Which requests a rule is for; what is empty does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Methods in capitals, any of which will do.
    #[serde(default)]
    pub methods: Vec<String>,
    /// A pattern for the path without the query: `/cart/*`, `/api/**`.
    #[serde(default)]
    pub path: Option<String>,
    /// Headers that must be there, each with a pattern for one of its values.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Query parameters that must be there, each with a pattern for one of its values, decoded.
    #[serde(default)]
    pub query: Vec<(String, String)>,
}

impl Match {
    /// Whether a request is meant.
    #[must_use]
    pub fn meets(&self, request: &Parts) -> bool {
        let method = |name: &String| request.method == *name.as_str();
        (self.methods.is_empty() || self.methods.iter().any(method))
            && self
                .path
                .as_deref()
                .is_none_or(|pattern| glob::matches(pattern, request.uri.path()))
            && self.headers.iter().all(|(name, pattern)| {
                let values = request.headers.get_all(name.as_str());
                let meets = |value: &http::HeaderValue| {
                    let text = String::from_utf8_lossy(value.as_bytes());
                    anything(pattern, &text)
                };
                values.iter().any(meets)
            })
            && self.query.iter().all(|(name, pattern)| {
                let query = request.uri.query().unwrap_or_default();
                url::form_urlencoded::parse(query.as_bytes())
                    .any(|(key, value)| key == *name && anything(pattern, &value))
            })
    }

    /// As a label shows it: `GET /cart/*`.
    #[must_use]
    pub fn label(&self) -> String {
        let mut parts = Vec::new();
        if !self.methods.is_empty() {
            parts.push(self.methods.join(","));
        }
        parts.extend(self.path.clone());
        let pairs = self.headers.iter().chain(&self.query);
        parts.extend(pairs.map(|(name, pattern)| format!("{name}={pattern}")));
        if parts.is_empty() {
            return "every request".to_owned();
        }
        parts.join(" ")
    }
}

/// A value has no segments: `*` crosses slashes in it.
fn anything(pattern: &str, text: &str) -> bool {
    glob::matches(&pattern.replace('*', "**"), text)
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "does")]
#[expect(missing_docs, reason = "each is documented in its own file")]
pub enum HttpFault {
    Delay(Delay),
    Abort(Abort),
    Reset(Reset),
    Patch(Patch),
}

impl HttpFault {
    /// Every kind's name.
    pub const KINDS: &[&str] = &["delay", "abort", "reset", "patch"];

    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Delay(_) => "delay",
            Self::Abort(_) => "abort",
            Self::Reset(_) => "reset",
            Self::Patch(_) => "patch",
        }
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Unique within a proxy.
    pub name: String,
    /// Which requests it is for.
    #[serde(rename = "match")]
    pub matches: Match,
    /// The share of those that get it, between 0 and 1, drawn from the seed.
    pub toxicity: f64,
    /// How many requests it acts on before it lets all others pass; none is no limit.
    pub first: Option<u64>,
    /// What it does to them.
    pub fault: HttpFault,
}

impl Rule {
    /// Refuses what no request could be meant by or no message can carry.
    ///
    /// # Errors
    ///
    /// The option and what is wrong with it.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        for name in &self.matches.methods {
            if Method::from_bytes(name.as_bytes()).is_err() {
                return Err(("method", format!("{name:?} is no HTTP method")));
            }
        }
        if let Some(path) = &self.matches.path
            && !path.starts_with(['/', '*'])
        {
            let text = format!("{path:?} can match no path; write \"/{path}\" or \"**/{path}\"");
            return Err(("path", text));
        }
        for (name, _) in &self.matches.headers {
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(("headers", format!("{name:?} is no header name")));
            }
        }
        match &self.fault {
            HttpFault::Delay(_) | HttpFault::Reset(_) => Ok(()),
            HttpFault::Abort(abort) => abort.validate(),
            HttpFault::Patch(patch) => patch.validate(),
        }
    }
}

/// A rule and whom it met: a rule that met nobody proves nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleStatus {
    /// The rule.
    pub rule: Rule,
    /// Requests that it is for.
    pub matched: u64,
    /// Requests among them that it acted on.
    pub hit: u64,
}

/// A rule at work.
#[derive(Debug)]
pub(super) struct LiveRule {
    pub rule: Rule,
    /// The rule's own random stream: seed, proxy and name folded together.
    pub stream: u64,
    pub matched: AtomicU64,
    pub hit: AtomicU64,
}

impl LiveRule {
    /// Whether the rule acts on a request; counts it.
    pub fn takes(&self, request: &Parts) -> Option<Rng> {
        if !self.rule.matches.meets(request) {
            return None;
        }
        let number = self.matched.fetch_add(1, Ordering::Relaxed);
        let mut rng = Rng::from_mixed(self.stream, number);
        if rng.unit() >= self.rule.toxicity {
            return None;
        }
        let most = self.rule.first.unwrap_or(u64::MAX);
        let one_more = |hit: u64| (hit < most).then(|| hit + 1);
        let ordering = Ordering::Relaxed;
        self.hit.fetch_update(ordering, ordering, one_more).ok()?;
        Some(rng)
    }

    pub fn status(&self) -> RuleStatus {
        RuleStatus {
            rule: self.rule.clone(),
            matched: self.matched.load(Ordering::Relaxed),
            hit: self.hit.load(Ordering::Relaxed),
        }
    }
}

/// All rules of a proxy, in creation order.
pub(super) type Rules = Arc<Vec<Arc<LiveRule>>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, uri: &str, header: (&str, &str)) -> Parts {
        let request = http::Request::builder().method(method).uri(uri);
        let request = request.header(header.0, header.1).body(()).unwrap();
        request.into_parts().0
    }

    #[test]
    fn every_condition_must_hold() {
        let rule = Match {
            methods: vec!["GET".to_owned(), "HEAD".to_owned()],
            path: Some("/cart/*".to_owned()),
            headers: vec![("X-User".to_owned(), "a*".to_owned())],
            query: vec![("page".to_owned(), "1 *".to_owned())],
        };
        let ok = ("x-user", "anna/x");
        assert!(rule.meets(&parts("GET", "/cart/7?x=1&page=1+2", ok)));
        assert!(rule.meets(&parts("HEAD", "/cart/7?page=1%20", ok)));
        assert!(!rule.meets(&parts("POST", "/cart/7?page=1+2", ok)));
        assert!(!rule.meets(&parts("GET", "/cart/7/8?page=1+2", ok)));
        assert!(!rule.meets(&parts("GET", "/cart/7", ok)));
        assert!(!rule.meets(&parts("GET", "/cart/7?page=1+2", ("x-user", "bob"))));
        assert!(Match::default().meets(&parts("PUT", "*", ok)));
        assert_eq!(rule.label(), "GET,HEAD /cart/* X-User=a* page=1 *");
    }

    #[test]
    fn a_share_and_a_count_decide_and_the_seed_repeats() {
        let run = |toxicity, first, seed| {
            let live = LiveRule {
                rule: Rule {
                    name: "r".to_owned(),
                    matches: Match::default(),
                    toxicity,
                    first,
                    fault: HttpFault::Reset(Reset::default()),
                },
                stream: crate::base::rng::stream(seed, "r"),
                matched: AtomicU64::new(0),
                hit: AtomicU64::new(0),
            };
            let request = parts("GET", "/", ("a", "b"));
            let all: Vec<bool> = (0..200).map(|_| live.takes(&request).is_some()).collect();
            assert_eq!(live.status().matched, 200);
            let hits = all.iter().filter(|hit| **hit).count();
            assert_eq!(live.status().hit, hits as u64);
            (hits, all)
        };
        assert_eq!(run(1.0, Some(2), 1).1[..3], [true, true, false]);
        assert_eq!(run(0.0, None, 1).0, 0);
        let (some, all) = run(0.5, None, 1);
        assert!((75..125).contains(&some), "{some}");
        assert_eq!(all, run(0.5, None, 1).1);
        assert_ne!(all, run(0.5, None, 2).1);
        assert_eq!(run(0.5, Some(3), 1).0, 3);
    }
}
