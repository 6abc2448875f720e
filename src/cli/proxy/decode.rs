//! Request bodies as Go's decoder reads them: keys in any case, unknown ones ignored, `null`
//! leaves the default, and what follows the first value does not matter.

use serde_json::{Map, Value};

use super::error::ApiError;
use crate::fault::proxy::{Fault, Number, Stream, Toxic};

/// What a body says of a proxy; what it does not say is none.
#[derive(Debug, Default, Clone)]
pub struct ProxyInput {
    pub name: Option<String>,
    pub listen: Option<String>,
    pub upstream: Option<String>,
    pub enabled: Option<bool>,
    /// Toxics, each as it stands in the body.
    pub toxics: Vec<Value>,
}

impl ProxyInput {
    /// Refuses one that lacks its name or upstream; `place` says where it stands in a list.
    pub fn complete(&self, place: &str) -> Result<(), ApiError> {
        for (field, value) in [("name", &self.name), ("upstream", &self.upstream)] {
            if value.as_ref().is_none_or(String::is_empty) {
                return Err(ApiError::MissingField(format!("{field}{place}")));
            }
        }
        Ok(())
    }
}

/// The first JSON value of a body.
pub fn value(body: &[u8]) -> Result<Value, ApiError> {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    match values.next() {
        None => Err(ApiError::BadBody("EOF".to_owned())),
        Some(Err(error)) if error.is_eof() => Err(ApiError::BadBody("unexpected EOF".to_owned())),
        Some(Err(error)) => Err(ApiError::BadBody(error.to_string())),
        Some(Ok(value)) => Ok(value),
    }
}

/// A proxy.
pub fn proxy(value: &Value) -> Result<ProxyInput, ApiError> {
    let object = object(value, "toxiproxy.Proxy")?;
    let text = |name| string(&object, "Proxy", name);
    let toxics = match find(&object, "toxics") {
        Some(Value::Array(toxics)) => toxics.clone(),
        _ => Vec::new(),
    };
    Ok(ProxyInput {
        name: text("name")?,
        listen: text("listen")?,
        upstream: text("upstream")?,
        enabled: match find(&object, "enabled") {
            None => None,
            Some(Value::Bool(enabled)) => Some(*enabled),
            Some(other) => return Err(mismatch(other, "Proxy.enabled", "bool")),
        },
        toxics,
    })
}

/// A list of proxies, all of them complete.
pub fn proxies(body: &[u8]) -> Result<Vec<ProxyInput>, ApiError> {
    let inputs = match value(body)? {
        Value::Array(items) => items.iter().map(proxy).collect::<Result<Vec<_>, _>>()?,
        Value::Null => Vec::new(),
        other => {
            let text = format!(
                "json: cannot unmarshal {} into Go value of type []Proxy",
                kind(&other)
            );
            return Err(ApiError::BadBody(text));
        }
    };
    for (place, input) in (1..).zip(&inputs) {
        input.complete(&format!(" at proxy {place}"))?;
    }
    Ok(inputs)
}

/// A toxic. `taken` says whether a name is; the order of the checks is Toxiproxy's.
pub fn toxic(value: &Value, taken: impl Fn(&str) -> bool) -> Result<Toxic, ApiError> {
    let object = object(value, "toxics.ToxicWrapper")?;
    let text = |name| string(&object, "ToxicWrapper", name);
    let (name, kind, stream) = (text("name")?, text("type")?, text("stream")?);
    let toxicity = share(&object)?.unwrap_or(1.0);
    attributes(&object)?;
    let written = stream.unwrap_or_else(|| "downstream".to_owned());
    let stream = Stream::parse(&written).ok_or(ApiError::InvalidStream)?;
    let kind = kind.unwrap_or_default();
    let name = name
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("{kind}_{written}"));
    let mut fault = Fault::of_kind(&kind).ok_or(ApiError::InvalidType)?;
    if taken(&name) {
        return Err(crate::fault::proxy::ToxicError::Exists.into());
    }
    set_attributes(&object, &mut fault)?;
    Ok(Toxic {
        name,
        stream,
        toxicity,
        fault,
    })
}

/// A change of a toxic: its settings merged, and its share.
pub fn change(body: &[u8], old: &Toxic) -> Result<(f32, Fault), ApiError> {
    let value = value(body)?;
    let object = object(&value, "toxics.ToxicWrapper")?;
    let mut fault = old.fault;
    set_attributes(&object, &mut fault)?;
    Ok((share(&object)?.unwrap_or(old.toxicity), fault))
}

fn set_attributes(object: &Map<String, Value>, fault: &mut Fault) -> Result<(), ApiError> {
    let Some(given) = attributes(object)? else {
        return Ok(());
    };
    for mut setting in fault.settings() {
        let field = format!(".attributes.{}", setting.name);
        let number = match find(given, setting.name) {
            None => continue,
            Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Number::Whole(whole),
                (None, Some(real)) if setting.is_share() => Number::Real(real),
                _ => return Err(wrong(&format!("number {number}"), &field, "int64")),
            },
            Some(other) => {
                let wanted = if setting.is_share() {
                    "float64"
                } else {
                    "int64"
                };
                return Err(mismatch(other, &field, wanted));
            }
        };
        setting
            .write(number)
            .map_err(|error| ApiError::BadBody(error.to_string()))?;
    }
    Ok(())
}

fn attributes(object: &Map<String, Value>) -> Result<Option<&Map<String, Value>>, ApiError> {
    match find(object, "attributes") {
        None => Ok(None),
        Some(Value::Object(given)) => Ok(Some(given)),
        Some(other) => Err(mismatch(other, "ToxicWrapper.attributes", "toxics.Toxic")),
    }
}

fn share(object: &Map<String, Value>) -> Result<Option<f32>, ApiError> {
    match find(object, "toxicity") {
        None => Ok(None),
        Some(Value::Number(number)) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "what is too large is refused"
            )]
            let share = number
                .as_f64()
                .map(|real| real as f32)
                .filter(|real| real.is_finite());
            let refuse = || {
                wrong(
                    &format!("number {number}"),
                    "ToxicWrapper.toxicity",
                    "float32",
                )
            };
            share.map(Some).ok_or_else(refuse)
        }
        Some(other) => Err(mismatch(other, "ToxicWrapper.toxicity", "float32")),
    }
}

fn object(value: &Value, wanted: &str) -> Result<Map<String, Value>, ApiError> {
    match value {
        Value::Object(object) => Ok(object.clone()),
        Value::Null => Ok(Map::new()),
        other => {
            let kind = kind(other);
            let text = format!("json: cannot unmarshal {kind} into Go value of type {wanted}");
            Err(ApiError::BadBody(text))
        }
    }
}

/// The last value under a key in any case; `null` counts as absent.
fn find<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object
        .iter()
        .rfind(|(name, value)| name.eq_ignore_ascii_case(key) && !value.is_null())
        .map(|(_, value)| value)
}

fn string(object: &Map<String, Value>, of: &str, key: &str) -> Result<Option<String>, ApiError> {
    match find(object, key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(mismatch(other, &format!("{of}.{key}"), "string")),
    }
}

fn mismatch(value: &Value, field: &str, wanted: &str) -> ApiError {
    wrong(kind(value), field, wanted)
}

fn wrong(kind: &str, field: &str, wanted: &str) -> ApiError {
    let text =
        format!("json: cannot unmarshal {kind} into Go struct field {field} of type {wanted}");
    ApiError::BadBody(text)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let read = value(text.as_bytes()).and_then(|value| toxic(&value, |_| false));
        read.map_or_else(|error| error.to_string(), |toxic| format!("{toxic:?}"))
    }

    #[test]
    fn keys_match_in_any_case_and_null_leaves_the_default() {
        let body = br#"{"NAME":"a","Upstream":"b:1","enabled":null,"walrus":[1]} trailing"#;
        let input = proxy(&value(body).unwrap()).unwrap();
        assert_eq!(input.name.as_deref(), Some("a"));
        assert_eq!(input.upstream.as_deref(), Some("b:1"));
        assert_eq!((input.listen, input.enabled), (None, None));
    }

    #[test]
    fn wrong_types_are_refused_in_go_s_words() {
        let field = "bad request body: json: cannot unmarshal";
        let table = [
            ("", "bad request body: EOF".to_owned()),
            ("{\"name\":", "bad request body: unexpected EOF".to_owned()),
            (
                "[]",
                format!("{field} array into Go value of type toxics.ToxicWrapper"),
            ),
            (
                "{\"name\":1}",
                format!("{field} number into Go struct field ToxicWrapper.name of type string"),
            ),
            (
                "{\"type\":\"latency\",\"attributes\":{\"latency\":1.5}}",
                format!(
                    "{field} number 1.5 into Go struct field .attributes.latency of type int64"
                ),
            ),
            (
                "{\"type\":\"latency\",\"attributes\":{\"latency\":\"1\"}}",
                format!("{field} string into Go struct field .attributes.latency of type int64"),
            ),
        ];
        for (body, wanted) in table {
            assert_eq!(message(body), wanted, "{body}");
        }
        assert!(message("{nonsense").starts_with("bad request body: "));
        assert!(message("{\"type\":\"latency\",\"toxicity\":1e300}").contains("float32"));
    }

    #[test]
    fn checks_come_in_toxiproxy_s_order() {
        assert_eq!(
            message(r#"{"type":"walrus","stream":"walrus","attributes":{"latency":"x"}}"#),
            "stream was invalid, can be either upstream or downstream"
        );
        assert_eq!(
            message(r#"{"type":"walrus","attributes":{"latency":"x"}}"#),
            "invalid toxic type"
        );
    }

    #[test]
    fn a_toxic_is_named_after_its_type_and_stream() {
        let body =
            value(br#"{"type":"latency","attributes":{"Latency":100,"unknown":true}}"#).unwrap();
        let read = toxic(&body, |_| false).unwrap();
        assert_eq!(read.name, "latency_downstream");
        assert_eq!(read.fault.attributes()[0], ("latency", Number::Whole(100)));
        let taken = toxic(&body, |name| name == "latency_downstream").unwrap_err();
        assert_eq!(taken.status(), 409);
    }
}
