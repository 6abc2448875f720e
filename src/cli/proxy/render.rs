//! What the API answers, with Toxiproxy's key order.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::registry::Shown;
use crate::fault::proxy::{Fault, FaultStatus, Number, Protocol, Toxic};

/// A proxy. `Logger` is an empty object that Toxiproxy leaks; strict clients expect it.
pub fn proxy(shown: &Shown) -> Value {
    let mut object = json!({
        "name": shown.name,
        "listen": shown.listen,
        "upstream": shown.upstream,
        "enabled": shown.enabled,
        "Logger": {},
        "toxics": toxics(&shown.toxics),
    });
    // Only where it is news: a client that knows Toxiproxy's fields sees those and no other.
    if shown.protocol != Protocol::Tcp {
        object["protocol"] = json!(shown.protocol.name());
    }
    object
}

/// A list of toxics.
pub fn toxics(toxics: &[Toxic]) -> Value {
    toxics.iter().map(toxic).collect()
}

/// A toxic.
pub fn toxic(toxic: &Toxic) -> Value {
    json!({
        "attributes": attributes(&toxic.fault),
        "name": toxic.name,
        "type": toxic.fault.kind(),
        "stream": toxic.stream.name(),
        "toxicity": short(toxic.toxicity),
    })
}

/// A fault of a proxy with whom it met.
pub fn fault(of: &str, status: &FaultStatus) -> Value {
    json!({
        "proxy": of,
        "name": status.toxic.name,
        "type": status.toxic.fault.kind(),
        "stream": status.toxic.stream.name(),
        "toxicity": short(status.toxic.toxicity),
        "attributes": attributes(&status.toxic.fault),
        "connections": status.connections,
        "drawn": status.drawn,
        "hit": status.hit,
        "bytes": status.bytes,
    })
}

/// A value as text. As in Go, what a browser could take for markup is escaped; it only stands in texts.
pub fn written(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            other => text.push(other),
        }
    }
    text
}

fn attributes(fault: &Fault) -> Map<String, Value> {
    let value = |number| match number {
        Number::Whole(whole) => json!(whole),
        Number::Real(real) if real.fract() == 0.0 && real.abs() < 1e15 => {
            #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
            let whole = real as i64;
            json!(whole)
        }
        Number::Real(real) => json!(real),
    };
    let all = fault.attributes().into_iter();
    all.map(|(name, number)| (name.to_owned(), value(number)))
        .collect()
}

/// A 32-bit fraction with the digits it was given: 0.2, and not 0.20000000298.
fn short(share: f32) -> Value {
    serde_json::from_str(&share.to_string()).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::Stream;

    #[test]
    fn markup_is_escaped() {
        let text = written(&json!({"name": "<a & b>\u{2028}é"}));
        assert_eq!(text, r#"{"name":"\u003ca \u0026 b\u003e\u2028é"}"#);
    }

    #[test]
    fn a_toxic_is_shown_as_toxiproxy_shows_it() {
        let mut fault = Fault::of_kind("latency").unwrap();
        fault.set("latency", Number::Whole(100)).unwrap();
        let mut shown = Toxic {
            name: "latency_downstream".to_owned(),
            stream: Stream::Downstream,
            toxicity: 1.0,
            fault,
        };
        let text = toxic(&shown).to_string();
        assert_eq!(
            text,
            r#"{"attributes":{"latency":100,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}"#
        );
        shown.toxicity = 0.2;
        assert!(toxic(&shown).to_string().ends_with(r#""toxicity":0.2}"#));
    }
}
