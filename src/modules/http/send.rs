//! One request: from a script's arguments to a response, with its samples.

use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::Method;
use mlua::{BorrowedStr, Lua, LuaString, Result, Table, Value};

use super::expected::Expected;
use super::read::wrong;
use super::spec::{Header, REQUEST, Spec};
use super::target::{Name, join};
use super::transport::Credentials;
use super::vm::Machine;
use crate::http::{Auth, Body, Outcome, Request, Response, codes, encode};
use crate::metrics::TagSetId;
use crate::modules::words::kind;
use crate::script::phase::io;
use crate::script::{Task, Vu, current, interruptible, misuse};

/// Sent unless the script sets its own.
const USER_AGENT: &str = concat!("rchaos/", env!("CARGO_PKG_VERSION"));

/// A request that can be sent, and what its samples and its response need.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) name: Name,
    /// Whether the name was chosen by the script; it then holds for redirects too.
    named: bool,
    tags: TagSetId,
    expected: Option<Rc<Expected>>,
}

/// What came of a request, and whether that is what was expected.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) ok: bool,
}

/// Sends one request and gives its response to the script.
pub(super) async fn send(
    lua: &Lua,
    machine: &Rc<Machine>,
    client: Option<&Spec>,
    what: &str,
    method: Method,
    (url, options): (Value, Value),
) -> Result<Table> {
    let answer = begin(lua, machine, client, what, method, &url, &options)?.await?;
    machine.shape.response(lua, answer)
}

/// Reads the arguments of a request at once; the future sends it.
pub(super) fn begin(
    lua: &Lua,
    machine: &Rc<Machine>,
    client: Option<&Spec>,
    what: &str,
    method: Method,
    url: &Value,
    options: &Value,
) -> Result<impl Future<Output = Result<Answer>> + 'static + use<>> {
    io(lua, what)?;
    let task = current()?;
    let prepared = prepare(lua, machine, &task, client, what, method, url, options)?;
    let machine = Rc::clone(machine);
    Ok(async move {
        let outcome = prepared.perform(&task).await;
        let ok = prepared.record(&machine, &task, &outcome);
        let response = outcome.response;
        if response.error_code == codes::CUT {
            interruptible(ready(())).await?;
        }
        Ok(Answer { response, ok })
    })
}

impl Prepared {
    /// Sends it. When the virtual user is stopped, the request is cut and says so.
    pub(super) async fn perform(&self, task: &Rc<Task>) -> Outcome {
        let client = &task.vu.client;
        client.send_until(&self.request, Stopped(task)).await
    }

    /// Records every exchange; returns whether the response is what was expected.
    pub(super) fn record(&self, machine: &Machine, task: &Task, outcome: &Outcome) -> bool {
        let response = &outcome.response;
        let expected = match &self.expected {
            Some(expected) => expected.holds(response.status),
            None => (200..400).contains(&response.status),
        };
        let ok = expected && response.error.is_none();
        let mut recorder = task.vu.recorder.borrow_mut();
        let took = outcome
            .exchanges
            .iter()
            .map(|one| one.timings.total())
            .sum();
        let tags = recorder.with_faults(self.tags, took);
        let Some((last, others)) = outcome.exchanges.split_last() else {
            let code = response.error_code;
            let samples = &machine.samples;
            let method = &self.request.method;
            samples.unsent(&mut recorder, tags, &self.name, method, code);
            return ok;
        };
        for exchange in others {
            // Redirects and challenges are steps on the way, not failures.
            let name = self.name_of(machine, &exchange.url, others.len());
            let samples = &machine.samples;
            samples.exchange(&mut recorder, tags, &name, exchange, exchange.status == 0);
        }
        let name = self.name_of(machine, &last.url, others.len());
        machine
            .samples
            .exchange(&mut recorder, tags, &name, last, !ok);
        ok
    }

    fn name_of(&self, machine: &Machine, url: &url::Url, hops: usize) -> Name {
        if self.named || hops == 0 {
            self.name.clone()
        } else {
            machine.targets.name_of(url)
        }
    }
}

/// Ready once the task is stopped; whoever stops a task wakes it.
struct Stopped<'a>(&'a Rc<Task>);

impl Future for Stopped<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.unwinding() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Reads the arguments of a request.
///
/// # Errors
///
/// Misuse: no URL, or options that cannot be.
#[expect(clippy::too_many_arguments, reason = "they are the parts of one call")]
pub(super) fn prepare(
    lua: &Lua,
    machine: &Machine,
    task: &Task,
    client: Option<&Spec>,
    what: &str,
    method: Method,
    url: &Value,
    options: &Value,
) -> Result<Prepared> {
    let Value::String(url) = url else {
        let got = kind(url);
        let message = format!(
            "{what}: expected a URL as the first argument, got {got}; \
             write \"http://host:port/path\""
        );
        return Err(misuse(lua, message));
    };
    if let (Value::Nil, None) = (options, client) {
        return plain(lua, machine, task, what, method, url);
    }
    let spec = Spec::read(lua, machine, &task.vu, what, REQUEST, options)?;
    let url = utf8(lua, what, url)?;
    let base = client.and_then(|client| client.base_url.as_deref());
    let target = match base {
        Some(base) => machine.targets.find(&join(base, &url)),
        None => machine.targets.find(&url),
    };
    let mut target = target.map_err(|problem| misuse(lua, format!("{what}: {problem}")))?;
    let chosen = spec
        .name
        .as_deref()
        .or(client.and_then(|c| c.name.as_deref()));
    if let Some(name) = chosen {
        target.name = machine.targets.named(name);
    }
    let named = chosen.is_some();
    let default = Spec::default();
    let client = client.unwrap_or(&default);
    if !(spec.query.is_empty() && client.query.is_empty()) {
        let mut url = (*target.url).clone();
        url.query_pairs_mut()
            .extend_pairs(client.query.iter().chain(&spec.query));
        target.url = Rc::new(url);
    }
    let tags = tag_set(task, client, &spec);
    let expected = spec.expected.clone().or_else(|| client.expected.clone());
    let mut request = Request::new(method, target.url);
    fill(&mut request, client, spec, &task.vu)
        .map_err(|(key, text)| wrong(lua, what, key, &text))?;
    Ok(Prepared {
        request,
        name: target.name,
        named,
        tags,
        expected,
    })
}

/// A request without any option, as most are.
fn plain(
    lua: &Lua,
    machine: &Machine,
    task: &Task,
    what: &str,
    method: Method,
    url: &LuaString,
) -> Result<Prepared> {
    let target = machine.targets.find(&utf8(lua, what, url)?);
    let target = target.map_err(|problem| misuse(lua, format!("{what}: {problem}")))?;
    let mut request = Request::new(method, target.url);
    request.headers.push(user_agent());
    Ok(Prepared {
        request,
        name: target.name,
        named: false,
        tags: task.tags.get(),
        expected: None,
    })
}

fn utf8(lua: &Lua, what: &str, url: &LuaString) -> Result<BorrowedStr> {
    url.to_str().map_err(|_| {
        let shown = crate::base::text::quoted(&url.to_string_lossy());
        misuse(
            lua,
            format!("{what}: {shown} is not a URL: it is not UTF-8 text"),
        )
    })
}

fn user_agent() -> Header {
    ("user-agent".into(), USER_AGENT.as_bytes().into())
}

fn tag_set(task: &Task, client: &Spec, spec: &Spec) -> TagSetId {
    let tags = task.tags.get();
    if client.tags.is_empty() && spec.tags.is_empty() {
        return tags;
    }
    let all = client.tags.iter().chain(&spec.tags);
    let pairs: Vec<(&str, &str)> = all.map(|(k, v)| (k.as_str(), v.as_str())).collect();
    task.vu.recorder.borrow_mut().extend(tags, &pairs)
}

type Wrong = (&'static str, String);

fn fill(
    request: &mut Request,
    client: &Spec,
    spec: Spec,
    vu: &Vu,
) -> std::result::Result<(), Wrong> {
    let Spec { mut headers, .. } = spec;
    let given = headers.len();
    for (name, value) in &client.headers {
        let own = headers[..given]
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name));
        if !own {
            headers.push((name.clone(), value.clone()));
        }
    }
    if let Some(content) = spec.content {
        if let Some(kind) = content.kind
            && !has(&headers, "content-type")
        {
            headers.push(("content-type".into(), kind.into_bytes().into()));
        }
        let compression = if spec.compression.is_empty() {
            &client.compression
        } else {
            &spec.compression
        };
        request.body = if compression.is_empty() {
            Body::Bytes(content.bytes)
        } else {
            let (bytes, coding) = encode(&content.bytes, compression)
                .map_err(|error| ("compression", error.to_string()))?;
            headers.push(("content-encoding".into(), coding.into_bytes().into()));
            Body::Bytes(bytes.into())
        };
    }
    if !has(&headers, "user-agent") {
        headers.push(user_agent());
    }
    request.headers = headers;
    if let Some(timeout) = spec.timeout.or(client.timeout) {
        request.timeout = timeout;
    }
    if let Some(redirects) = spec.redirects.or(client.redirects) {
        request.redirects = redirects;
    }
    request.auth = spec
        .auth
        .as_ref()
        .or(client.auth.as_ref())
        .map(|auth| drawn(auth, vu));
    request.cookies = client.cookies.clone();
    request
        .cookies
        .retain(|(name, _)| spec.cookies.iter().all(|(own, _)| own != name));
    request.cookies.extend(spec.cookies);
    request.use_jar = spec.use_jar.or(client.use_jar).unwrap_or(true);
    request.tls = spec.tls.or_else(|| client.tls.clone());
    request.proxy = spec.proxy.or_else(|| client.proxy.clone());
    request.version = spec.version.or(client.version).unwrap_or_default();
    request.discard_body = spec.discard_body.or(client.discard_body).unwrap_or(false);
    Ok(())
}

fn has(headers: &[Header], name: &str) -> bool {
    headers
        .iter()
        .any(|(own, _)| own.eq_ignore_ascii_case(name))
}

fn drawn(credentials: &Credentials, vu: &Vu) -> Auth {
    match credentials.clone() {
        Credentials::Basic(user, password) => Auth::Basic { user, password },
        Credentials::Bearer(token) => Auth::Bearer(token),
        Credentials::Digest(user, password) => Auth::Digest {
            user,
            password,
            cnonce: vu.rng.borrow_mut().bits(),
        },
    }
}
