//! What a receiver is told besides the samples: a token and headers, from the environment, where neither a
//! process list nor a log shows them.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

const TOKEN: &str = "RCHAOS_PROMETHEUS_TOKEN";
const HEADERS: &str = "RCHAOS_PROMETHEUS_HEADERS";

/// The headers for a receiver; `variable` reads the environment, where an empty one counts as unset.
///
/// # Errors
///
/// A value that no header can have, or two kinds of credentials. No message shows a value.
pub(super) fn headers(
    url: &Url,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<HeaderMap, String> {
    let set = |name| variable(name).filter(|value| !value.trim().is_empty());
    let mut headers = HeaderMap::new();
    if let Some(lines) = set(HEADERS) {
        for (number, line) in (1..).zip(lines.lines()) {
            if !line.trim().is_empty() {
                let (name, value) = header(line).ok_or_else(|| {
                    format!("{HEADERS}: line {number} is no header; write Name: value")
                })?;
                headers.append(name, value);
            }
        }
    }
    if let Some(token) = set(TOKEN) {
        let other = if !url.username().is_empty() || url.password().is_some() {
            Some("credentials in the URL")
        } else if headers.contains_key(AUTHORIZATION) {
            Some(HEADERS)
        } else {
            None
        };
        if let Some(other) = other {
            return Err(format!(
                "{other} and {TOKEN} are both set; keep one of them"
            ));
        }
        let value = value(&format!("Bearer {}", token.trim()))
            .ok_or_else(|| format!("{TOKEN} has characters that no header can have"))?;
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, text) = line.split_once(':')?;
    Some((name.trim().parse().ok()?, value(text.trim())?))
}

/// Marked, so that no log of a library shows it.
fn value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, token: &str, lines: &str) -> Result<HeaderMap, String> {
        headers(&Url::parse(url).unwrap(), |name| {
            Some(if name == TOKEN { token } else { lines }.to_owned())
        })
    }

    #[test]
    fn a_token_and_headers_are_sent_and_never_shown() {
        let all = read("http://a/", " t0ken\n", "A: 1\n\nb:2:3\n").unwrap();
        assert_eq!(all[AUTHORIZATION], "Bearer t0ken");
        assert_eq!(
            (&all["a"], &all["b"]),
            (&"1".parse().unwrap(), &"2:3".parse().unwrap())
        );
        assert!(!format!("{all:?}").contains("t0ken"));
        assert!(read("http://a/", "", "").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_being_shown() {
        for (url, token, lines) in [
            ("http://a/", "a\nb", ""),
            ("http://me@a/", "a", ""),
            ("http://a/", "a", "Authorization: b"),
            ("http://a/", "", "ok: 1\nno header"),
            ("http://a/", "", "bad name: 1"),
        ] {
            let text = read(url, token, lines).unwrap_err();
            assert!(text.contains("RCHAOS_PROMETHEUS_"), "{text}");
            assert!(!text.contains("bad name"), "{text}");
        }
    }
}
