//! `probe:http`: one request, held to status, body and what JSONPaths select.

use std::borrow::Cow;
use std::rc::Rc;

use bytes::Bytes;
use jsonpath_rust::JsonPath;
use jsonpath_rust::parser::parse_json_path;
use mlua::{Result, Table, Value};
use serde_json::Value as Json;
use url::Url;

use super::{Answer, Kit, Read};
use crate::base::text::quoted;
use crate::engine::experiment::tolerance::Tolerance;
use crate::http::{Body, Client, Request};

/// What is asked, and what the answer is held to.
#[derive(Debug, Clone)]
pub struct HttpProbe {
    url: Url,
    method: http::Method,
    headers: Vec<(String, String)>,
    body: Option<String>,
    status: Tolerance,
    holds: Option<Tolerance>,
    json: Vec<(String, Tolerance)>,
}

/// The options of its own.
pub(super) const KEYS: &[&str] = &["status", "body", "json", "method", "headers", "send"];

impl HttpProbe {
    /// Reads a URL and options.
    ///
    /// # Errors
    ///
    /// Misuse: something that cannot be asked or answered.
    pub(super) fn read(read: &mut Read, url: &str) -> Result<Self> {
        let shown = quoted(url);
        let parsed = Url::parse(url).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(|h| !h.is_empty())
        });
        let Some(url) = parsed else {
            let message = format!("{shown} is no http or https URL");
            return Err(read.options.wrong(message));
        };
        let method: Option<String> = read.options.optional("method")?;
        let method = method.unwrap_or_else(|| "GET".to_owned());
        let method = http::Method::from_bytes(method.as_bytes())
            .map_err(|_| read.options.invalid("method", "it is none; write \"GET\""))?;
        let headers: Option<std::collections::BTreeMap<String, String>> =
            read.options.optional("headers")?;
        let success = Tolerance::Range {
            min: Some(200.0),
            max: Some(299.0),
        };
        Ok(Self {
            url,
            method,
            headers: headers.unwrap_or_default().into_iter().collect(),
            body: read.options.optional("send")?,
            status: read.tolerance("status")?.unwrap_or(success),
            holds: read.tolerance("body")?,
            json: paths(read)?,
        })
    }

    /// Asks once.
    pub(super) async fn ask(&self, kit: &Kit) -> Answer {
        let mut request = Request::new(self.method.clone(), Rc::new(self.url.clone()));
        // A kept connection could outlive the fault that the probe is to see.
        request.keep_alive = false;
        request.redirects = 0;
        request.use_jar = false;
        for (name, value) in &self.headers {
            let name = Cow::Owned(name.clone());
            request
                .headers
                .push((name, Cow::Owned(value.clone().into_bytes())));
        }
        if let Some(body) = &self.body {
            request.body = Body::Bytes(Bytes::from(body.clone().into_bytes()));
        }
        let client = Client::new(kit.http.clone());
        let response = client.send(request).await.response;
        if let Some(error) = response.error {
            return Answer::failed(error);
        }
        let status = Json::from(response.status);
        let answer = kit.judge("status", &self.status, status).await;
        if !answer.ok {
            return answer;
        }
        let body = String::from_utf8_lossy(&response.body).into_owned();
        if let Some(tolerance) = &self.holds {
            let judged = kit
                .judge("body", tolerance, Json::String(body.clone()))
                .await;
            if !judged.ok {
                return judged;
            }
        }
        for (path, tolerance) in &self.json {
            let Ok(tree) = serde_json::from_str::<Json>(&body) else {
                return Answer::failed(format!("{path}: the body is no JSON"));
            };
            let judged = kit.judge(path, tolerance, selected(&tree, path)).await;
            if !judged.ok {
                return judged;
            }
        }
        answer
    }
}

/// What a path selects: its one value, or a list if there are several; null if there is none.
fn selected(tree: &Json, path: &str) -> Json {
    let found = tree.query(path).unwrap_or_default();
    match found[..] {
        [] => Json::Null,
        [one] => one.clone(),
        _ => Json::Array(found.into_iter().cloned().collect()),
    }
}

fn paths(read: &mut Read) -> Result<Vec<(String, Tolerance)>> {
    let table = match read.options.get_raw("json") {
        Value::Nil => return Ok(Vec::new()),
        Value::Table(table) => table,
        other => {
            let message = format!(
                "expected a table of JSONPaths, got a {}; write {{ [\"$.status\"] = \"up\" }}",
                other.type_name()
            );
            return Err(read.options.invalid("json", message));
        }
    };
    let mut entries = sorted(&table);
    let mut paths = Vec::new();
    for (path, value) in entries.drain(..) {
        let full = match path.strip_prefix('$') {
            Some(_) => path.clone(),
            None if path.starts_with('[') => format!("${path}"),
            None => format!("$.{path}"),
        };
        if parse_json_path(&full).is_err() {
            let message = format!("{} is no JSONPath; write \"$.status\"", quoted(&path));
            return Err(read.options.invalid("json", message));
        }
        let tolerance = Tolerance::read(value, read.functions)
            .map_err(|problem| read.options.invalid("json", format!("{path}: {problem}")))?;
        paths.push((full, tolerance));
    }
    Ok(paths)
}

/// A table's entries by their keys as texts, in their order: a Lua table has none.
fn sorted(table: &Table) -> Vec<(String, Value)> {
    let mut entries: Vec<(String, Value)> = table
        .pairs::<Value, Value>()
        .flatten()
        .map(|(key, value)| (key.to_string().unwrap_or_default(), value))
        .collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::experiment::tolerance::text;
    use serde_json::json;

    #[test]
    fn paths_select_one_value_several_or_none() {
        let tree = json!({ "status": "up", "parts": [{ "ok": true }, { "ok": false }] });
        assert_eq!(selected(&tree, "$.status"), json!("up"));
        assert_eq!(selected(&tree, "$.parts[*].ok"), json!([true, false]));
        assert_eq!(selected(&tree, "$.none"), Json::Null);
        assert_eq!(text(&selected(&tree, "$.parts[0]")), r#"{"ok":true}"#);
    }
}
