//! `patch`: headers, status and body are changed on their way.

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::abort::{header, status};

/// Changes requests or answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// Whether requests are changed, on their way upstream, and not answers.
    pub upstream: bool,
    /// The answer's status instead of its own.
    pub status: Option<u16>,
    /// Headers that are set, whatever was there.
    pub set: Vec<(String, String)>,
    /// Headers that are removed.
    pub remove: Vec<String>,
    /// A body instead of the one there is.
    pub body: Option<String>,
    /// Texts in the body and what stands for them, each as often as it is there. A compressed body
    /// is not looked into: the upstream is asked for a plain one.
    pub replace: Vec<(String, String)>,
}

impl Patch {
    pub(in crate::fault::http_proxy) fn validate(&self) -> Result<(), (&'static str, String)> {
        if let Some(code) = self.status {
            status(code)?;
            if self.upstream {
                return Err(("status", "a request has none; leave it out".to_owned()));
            }
        }
        for (name, value) in &self.set {
            header("set_headers", name, value)?;
        }
        for name in &self.remove {
            header("remove_headers", name, "")?;
        }
        if self.replace.iter().any(|(text, _)| text.is_empty()) {
            return Err(("replace", "an empty text is everywhere".to_owned()));
        }
        if self.body.is_some() && !self.replace.is_empty() {
            return Err(("replace", "`body` replaces all of it already".to_owned()));
        }
        if *self
            == (Self {
                upstream: self.upstream,
                ..Self::default()
            })
        {
            return Err((
                "set_headers",
                "it changes nothing; set one of status, set_headers, remove_headers, body, replace"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether the body is changed.
    pub(in crate::fault::http_proxy) fn has_body(&self) -> bool {
        self.body.is_some() || !self.replace.is_empty()
    }

    /// Changes the headers.
    pub(in crate::fault::http_proxy) fn headers(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            while headers.remove(name.as_str()).is_some() {}
        }
        for (name, value) in &self.set {
            // Checked when the rule was made.
            if let Ok((name, value)) = header("set_headers", name, value) {
                headers.insert(name, value);
            }
        }
    }
}
