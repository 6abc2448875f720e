//! Request bodies as Go's decoder reads them: keys in any case, unknown ones ignored, `null`
//! leaves the default, and of what has a wrong type the first is said.

use super::error::ApiError;
use super::json::Json;
use crate::fault::proxy::{Attribute, Fault, Number, Protocol, Stream, Toxic};

/// What a body says of a proxy; what it does not say is none.
#[derive(Debug, Default, Clone)]
pub struct ProxyInput {
    pub name: Option<String>,
    pub listen: Option<String>,
    pub upstream: Option<String>,
    pub enabled: Option<bool>,
    pub protocol: Option<Protocol>,
    /// Toxics as they stand in the body.
    toxics: Option<Json>,
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

    /// The toxics of a proxy that is made with them.
    pub fn toxics(&self) -> Result<&[Json], ApiError> {
        match &self.toxics {
            None | Some(Json::Null) => Ok(&[]),
            Some(Json::Array(toxics)) => Ok(toxics),
            Some(other) => {
                let mut wrong = Wrong::default();
                wrong.field(other, "Proxy", "toxics", "[]toxics.Toxic");
                wrong.or(&[])
            }
        }
    }
}

/// The first JSON value of a body.
pub fn value(body: &[u8]) -> Result<Json, ApiError> {
    Json::first(body).map_err(ApiError::BadBody)
}

/// What Go calls a thing in its messages: the type, and the structure of its fields.
struct Shape {
    whole: &'static str,
    of: &'static str,
}

const PROXY: Shape = Shape {
    whole: "toxiproxy.Proxy",
    of: "Proxy",
};

/// In a list a proxy is read by way of a structure without a name.
const LISTED: Shape = Shape {
    whole: "struct { toxiproxy.Proxy; Enabled *bool \"json:\\\"enabled\\\"\" }",
    of: "",
};

/// A proxy.
pub fn proxy(value: &Json) -> Result<ProxyInput, ApiError> {
    shaped(value, &PROXY)
}

fn shaped(value: &Json, shape: &Shape) -> Result<ProxyInput, ApiError> {
    let (mut input, mut wrong, mut protocol) = (ProxyInput::default(), Wrong::default(), None);
    for (key, value) in fields(value, shape.whole)? {
        let key = key.to_ascii_lowercase();
        match key.as_str() {
            "name" => wrong.text(value, shape.of, &key, &mut input.name),
            "listen" => wrong.text(value, shape.of, &key, &mut input.listen),
            "upstream" => wrong.text(value, shape.of, &key, &mut input.upstream),
            "protocol" => wrong.text(value, shape.of, &key, &mut protocol),
            "toxics" => input.toxics = Some(value.clone()),
            "enabled" => match value {
                Json::Null => {}
                Json::Bool(enabled) => input.enabled = Some(*enabled),
                other => wrong.field(other, shape.of, "enabled", "bool"),
            },
            // Toxiproxy shows it, and reads it back.
            "logger" if !matches!(value, Json::Null | Json::Object(_)) => {
                wrong.field(value, shape.of, "Logger", "zerolog.Logger");
            }
            _ => {}
        }
    }
    if let Some(name) = protocol {
        input.protocol = Protocol::parse(&name);
        if input.protocol.is_none() {
            let text = format!("unknown protocol {name:?}; write \"tcp\" or \"udp\"");
            wrong.0.get_or_insert(text);
        }
    }
    wrong.or(input)
}

/// A list of proxies, all of them complete.
pub fn proxies(body: &[u8]) -> Result<Vec<ProxyInput>, ApiError> {
    let inputs = match value(body)? {
        Json::Array(items) => {
            let read = items.iter().map(|item| shaped(item, &LISTED));
            read.collect::<Result<Vec<_>, _>>()?
        }
        Json::Null => Vec::new(),
        other => {
            let mut wrong = Wrong::default();
            wrong.whole(&other, &format!("[]{}", LISTED.whole));
            return wrong.or(Vec::new());
        }
    };
    for (place, input) in (1..).zip(&inputs) {
        input.complete(&format!(" at proxy {place}"))?;
    }
    Ok(inputs)
}

/// A toxic. `taken` says whether a name is; the order of the checks is Toxiproxy's.
pub fn toxic(value: &Json, taken: impl Fn(&str) -> bool) -> Result<Toxic, ApiError> {
    const OF: &str = "ToxicWrapper";
    let (mut name, mut kind, mut stream, mut toxicity) = (None, None, None, 1.0);
    let (mut attributes, mut wrong) = (Vec::new(), Wrong::default());
    for (key, value) in fields(value, "toxics.ToxicWrapper")? {
        let key = key.to_ascii_lowercase();
        match key.as_str() {
            "name" => wrong.text(value, OF, &key, &mut name),
            "type" => wrong.text(value, OF, &key, &mut kind),
            "stream" => wrong.text(value, OF, &key, &mut stream),
            "toxicity" => wrong.share(value, OF, &mut toxicity),
            "attributes" => match value {
                Json::Null => {}
                Json::Object(given) => attributes.push(given),
                // Before the type is known, Toxiproxy takes every toxic for one that does nothing.
                other => wrong.field(other, OF, "attributes", "toxics.NoopToxic"),
            },
            _ => {}
        }
    }
    wrong.or(())?;
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
    let mut wrong = Wrong::default();
    for given in attributes {
        wrong.attributes(given, &mut fault);
    }
    wrong.or(Toxic {
        name,
        stream,
        toxicity,
        fault,
    })
}

/// A change of a toxic: its settings merged, and its share.
pub fn change(body: &[u8], old: &Toxic) -> Result<(f32, Fault), ApiError> {
    let value = value(body)?;
    let (mut fault, mut toxicity, mut wrong) = (old.fault, old.toxicity, Wrong::default());
    let whole = "struct { Attributes interface {} \"json:\\\"attributes\\\"\"; \
                 Toxicity float32 \"json:\\\"toxicity\\\"\" }";
    for (key, value) in fields(&value, whole)? {
        match (key.to_ascii_lowercase().as_str(), value) {
            ("toxicity", value) => wrong.share(value, "", &mut toxicity),
            ("attributes", Json::Null) => {}
            ("attributes", Json::Object(given)) => wrong.attributes(given, &mut fault),
            ("attributes", other) => {
                let wanted = format!("toxics.{}", named(&fault));
                wrong.field(other, "", "attributes", &wanted);
            }
            _ => {}
        }
    }
    wrong.or((toxicity, fault))
}

fn fields<'a>(value: &'a Json, whole: &str) -> Result<&'a [(String, Json)], ApiError> {
    match value {
        Json::Object(fields) => Ok(fields),
        Json::Null => Ok(&[]),
        other => {
            let mut wrong = Wrong::default();
            wrong.whole(other, whole);
            wrong.or(&[])
        }
    }
}

/// What Toxiproxy's code calls a kind of toxic: `latency` is a `LatencyToxic`.
fn named(fault: &Fault) -> String {
    let kind = fault.kind();
    let words = kind.strip_suffix("_peer").unwrap_or(kind).split('_');
    let upper = words.map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    format!("{}Toxic", upper.collect::<String>())
}

/// The first thing that has a wrong type, in Go's words. The rest is read all the same.
#[derive(Default)]
struct Wrong(Option<String>);

impl Wrong {
    fn or<T>(self, value: T) -> Result<T, ApiError> {
        self.0
            .map_or(Ok(value), |text| Err(ApiError::BadBody(text)))
    }

    fn whole(&mut self, value: &Json, wanted: &str) {
        let kind = value.kind();
        let say = || format!("json: cannot unmarshal {kind} into Go value of type {wanted}");
        self.0.get_or_insert_with(say);
    }

    fn field(&mut self, value: &Json, of: &str, name: &str, wanted: &str) {
        self.say(value.kind(), of, name, wanted);
    }

    /// A number of the right type that the field cannot hold.
    fn number(&mut self, written: &str, of: &str, name: &str, wanted: &str) {
        self.say(&format!("number {written}"), of, name, wanted);
    }

    fn say(&mut self, what: &str, of: &str, name: &str, wanted: &str) {
        let place = format!("into Go struct field {of}.{name} of type {wanted}");
        self.0
            .get_or_insert_with(|| format!("json: cannot unmarshal {what} {place}"));
    }

    fn text(&mut self, value: &Json, of: &str, name: &str, into: &mut Option<String>) {
        match value {
            Json::Null => {}
            Json::Text(text) => *into = Some(text.clone()),
            other => self.field(other, of, name, "string"),
        }
    }

    fn share(&mut self, value: &Json, of: &str, into: &mut f32) {
        match value {
            Json::Null => {}
            Json::Number(written) => match written.parse::<f32>() {
                Ok(share) if share.is_finite() => *into = share,
                _ => self.number(written, of, "toxicity", "float32"),
            },
            other => self.field(other, of, "toxicity", "float32"),
        }
    }

    fn attributes(&mut self, given: &[(String, Json)], fault: &mut Fault) {
        let of = named(fault);
        for (key, value) in given {
            let all = fault.settings().into_iter();
            let found = |setting: &Attribute<'_>| setting.name.eq_ignore_ascii_case(key);
            if let Some(setting) = all.into_iter().find(found) {
                self.attribute(value, &of, setting);
            }
        }
    }

    fn attribute(&mut self, value: &Json, of: &str, mut setting: Attribute<'_>) {
        let name = format!("attributes.{}", setting.name);
        let wanted = match setting.is_share() {
            true => "float64",
            false if of == "SlicerToxic" => "int",
            false => "int64",
        };
        let number = match value {
            Json::Null => return,
            Json::Number(written) if setting.is_share() => {
                let real = written.parse().ok().filter(|real: &f64| real.is_finite());
                real.map(Number::Real)
            }
            Json::Number(written) => written.parse().ok().map(Number::Whole),
            other => return self.field(other, of, &name, wanted),
        };
        let written = number.is_some_and(|number| setting.write(number).is_ok());
        if let (false, Json::Number(text)) = (written, value) {
            self.number(text, of, &name, wanted);
        }
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
                    "{field} number 1.5 into Go struct field LatencyToxic.attributes.latency of type int64"
                ),
            ),
            (
                "{\"type\":\"latency\",\"attributes\":{\"latency\":\"1\"}}",
                format!(
                    "{field} string into Go struct field LatencyToxic.attributes.latency of type int64"
                ),
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
