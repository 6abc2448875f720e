//! `http_proxy:delay{…}` and its kin: what an HTTP proxy does to requests, as inert faults.

use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Lua, Result, UserDataMethods, Value};

use super::http_proxy::HttpProxy;
use super::toxics::share;
use crate::base::text::quoted;
use crate::base::units::Bytes;
use crate::fault::http_proxy::kinds::{Abort, Delay, Patch, Reset};
use crate::fault::http_proxy::{HttpFault, Match, Rule};
use crate::fault::inline::RuleOptions;
use crate::fault::proxy::Stream;
use crate::fault::{Spec, find};
use crate::modules::hold::{FaultValue, raise};
use crate::script::Options;

/// What all of them have: which requests, which share, how many.
const SHARED: [&str; 6] = ["method", "path", "headers", "query", "toxicity", "first"];

/// One of them: its name with the native's, its own options, and how they are read.
struct Kind {
    what: &'static str,
    keys: &'static [&'static str],
    read: fn(&Options) -> Result<HttpFault>,
}

impl Kind {
    /// `http_proxy.delay`, as the agent knows it.
    fn name(&self) -> String {
        self.what.replace(':', ".")
    }

    fn method(&self) -> &'static str {
        self.what
            .split_once(':')
            .map_or(self.what, |(_, name)| name)
    }
}

const KINDS: &[Kind] = &[
    Kind {
        what: "http_proxy:delay",
        keys: &["delay", "jitter"],
        read: |options| {
            let delay: Duration = options.required("delay")?;
            let jitter: Duration = options.optional("jitter")?.unwrap_or_default();
            if jitter > delay {
                let text = "more than `delay`: no request can be passed on before it came";
                return Err(options.invalid("jitter", text));
            }
            Ok(HttpFault::Delay(Delay { delay, jitter }))
        },
    },
    Kind {
        what: "http_proxy:abort",
        keys: &["status", "body", "response_headers"],
        read: |options| {
            Ok(HttpFault::Abort(Abort {
                status: options.required("status")?,
                headers: pairs(options, "response_headers")?,
                body: options.optional("body")?.unwrap_or_default(),
            }))
        },
    },
    Kind {
        what: "http_proxy:reset",
        keys: &["after"],
        read: |options| {
            let after: Option<Bytes> = options.optional("after")?;
            let after = after.map(|size| size.0);
            Ok(HttpFault::Reset(Reset { after }))
        },
    },
    Kind {
        what: "http_proxy:patch",
        keys: &[
            "stream",
            "status",
            "set_headers",
            "remove_headers",
            "body",
            "replace",
        ],
        read: |options| {
            let stream: Option<String> = options.optional("stream")?;
            let upstream = match stream.as_deref().map(Stream::parse) {
                None => false,
                Some(Some(stream)) => stream == Stream::Upstream,
                Some(None) => {
                    let text = quoted(&stream.unwrap_or_default());
                    let text = format!("{text} is none; write \"upstream\" or \"downstream\"");
                    return Err(options.invalid("stream", text));
                }
            };
            Ok(HttpFault::Patch(Patch {
                upstream,
                status: options.optional("status")?,
                set: pairs(options, "set_headers")?,
                remove: options.optional("remove_headers")?.unwrap_or_default(),
                body: options.optional("body")?,
                replace: pairs(options, "replace")?,
            }))
        },
    },
];

/// Adds a method for each.
pub(super) fn add_methods<M: UserDataMethods<HttpProxy>>(methods: &mut M) {
    for kind in KINDS {
        methods.add_method(kind.method(), move |lua, this, options: Value| {
            construct(lua, this, kind, options)
        });
    }
}

fn construct(lua: &Lua, proxy: &HttpProxy, kind: &Kind, options: Value) -> Result<FaultValue> {
    let mut keys = kind.keys.to_vec();
    keys.extend(SHARED);
    let options = Options::read(kind.what, &keys, lua, options)?;
    let first: Option<u64> = options.optional("first")?;
    if first == Some(0) {
        return Err(options.invalid("first", "it would act on no request; at least 1"));
    }
    let rule = Rule {
        name: String::new(),
        matches: read_match(&options)?,
        toxicity: share(&options)?,
        first,
        fault: (kind.read)(&options)?,
    };
    rule.validate()
        .map_err(|(option, text)| options.invalid(option, text))?;
    let HttpProxy(handle) = proxy;
    let (matches, name) = (rule.matches.label(), &handle.name);
    let label = format!("{} on proxy {name}, {matches}", rule.fault.kind());
    let spec = RuleOptions {
        proxy: handle.id(),
        rule,
    };
    let spec = find(&kind.name()).and_then(|kind| Spec::new(kind, &spec));
    let spec = spec.map_err(|trouble| raise(lua, kind.what, &trouble))?;
    let agent = handle.agent().to_owned();
    Ok(FaultValue::new(kind.what, agent, spec, label))
}

fn read_match(options: &Options) -> Result<Match> {
    let methods: Vec<String> = match options.get_raw("method") {
        Value::Nil => Vec::new(),
        Value::String(_) => vec![options.required("method")?],
        _ => options.required("method")?,
    };
    Ok(Match {
        methods: methods.iter().map(|name| name.to_uppercase()).collect(),
        path: options.optional("path")?,
        headers: pairs(options, "headers")?,
        query: pairs(options, "query")?,
    })
}

fn pairs(options: &Options, key: &str) -> Result<Vec<(String, String)>> {
    let map: Option<BTreeMap<String, String>> = options.optional(key)?;
    Ok(map.unwrap_or_default().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_data_plane_has_a_method() {
        let methods: Vec<_> = KINDS.iter().map(Kind::method).collect();
        assert_eq!(methods, HttpFault::KINDS);
        for kind in KINDS {
            assert!(find(&kind.name()).is_ok(), "{}", kind.what);
        }
    }
}
