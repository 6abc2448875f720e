//! Who the request is from: basic, bearer and digest authorization, for servers and proxies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use digest_auth::AuthContext;
use url::{Position, Url};

use super::failure::Failure;
use super::outcome::Headers;
use super::request::{Auth, Proxy, Request};

/// The value of `authorization` for basic credentials.
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// User and password of a URL, as basic credentials.
fn userinfo(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let password = percent_decode(url.password().unwrap_or_default());
    Some(basic(&percent_decode(url.username()), &password))
}

fn percent_decode(text: &str) -> String {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let pair = (bytes.get(index + 1), bytes.get(index + 2));
        if let (b'%', (Some(&high), Some(&low))) = (byte, pair)
            && let (Some(high), Some(low)) = (hex(high), hex(low))
            && let Ok(value) = u8::try_from(high * 16 + low)
        {
            decoded.push(value);
            index += 3;
        } else {
            decoded.push(byte);
            index += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// What is sent without having been asked for: basic and bearer, not digest.
pub(super) fn unasked(request: &Request, url: &Url) -> Option<String> {
    match &request.auth {
        Some(Auth::Basic { user, password }) => Some(basic(user, password)),
        Some(Auth::Bearer(token)) => Some(format!("Bearer {token}")),
        Some(Auth::Digest { .. }) => None,
        None => userinfo(url),
    }
}

impl Proxy {
    /// The value of `proxy-authorization`.
    pub(super) fn authorization(&self) -> Option<String> {
        match &self.auth {
            Some((user, password)) => Some(basic(user, password)),
            None => userinfo(&self.url),
        }
    }
}

/// The answer to a digest challenge; `None` if there is no challenge or nothing to answer with.
///
/// # Errors
///
/// A digest challenge that cannot be understood.
pub(super) fn answer(
    request: &Request,
    method: &str,
    url: &Url,
    body: &[u8],
    headers: &Headers,
) -> Result<Option<String>, Failure> {
    let Some(Auth::Digest {
        user,
        password,
        cnonce,
    }) = &request.auth
    else {
        return Ok(None);
    };
    let Some(challenge) = headers.all("www-authenticate").find_map(digest_challenge) else {
        return Ok(None);
    };
    let uri = &url[Position::BeforePath..Position::AfterQuery];
    let mut context = AuthContext::new_with_method(user, password, uri, Some(body), method.into());
    context.set_custom_cnonce(format!("{cnonce:016x}"));
    let answer = digest_auth::parse(challenge)
        .and_then(|mut prompt| prompt.respond(&context))
        .map_err(|error| Failure::malformed(format!("digest challenge: {error}")))?;
    Ok(Some(answer.to_header_string()))
}

fn digest_challenge(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    let scheme = text.get(..7)?;
    scheme.eq_ignore_ascii_case("digest ").then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    fn request(url: &str) -> Request {
        Request::new(http::Method::GET, Rc::new(Url::parse(url).unwrap()))
    }

    #[test]
    fn a_url_with_user_is_basic() {
        let request = request("http://ann:p%40ss%zz@h/");
        let value = unasked(&request, &request.url).unwrap();
        assert_eq!(value, format!("Basic {}", STANDARD.encode("ann:p@ss%zz")));
    }

    #[test]
    fn options_win_over_the_url() {
        let mut request = request("http://ann:x@h/");
        request.auth = Some(Auth::Bearer("t0".into()));
        assert_eq!(
            unasked(&request, &request.url).as_deref(),
            Some("Bearer t0")
        );
    }

    #[test]
    fn a_digest_challenge_is_answered_with_the_given_nonce() {
        let mut request = request("http://h/dir?x=1");
        request.auth = Some(Auth::Digest {
            user: "Mufasa".into(),
            password: "Circle of Life".into(),
            cnonce: 7,
        });
        let mut headers = Headers::default();
        headers.push("WWW-Authenticate", b"Basic realm=\"x\"");
        headers.push(
            "WWW-Authenticate",
            b"Digest realm=\"r\", qop=\"auth\", nonce=\"n\", algorithm=SHA-256",
        );
        let value = answer(&request, "GET", &request.url, b"", &headers)
            .unwrap()
            .unwrap();
        assert!(value.contains("cnonce=\"0000000000000007\""), "{value}");
        assert!(value.contains("uri=\"/dir?x=1\""), "{value}");
    }
}
