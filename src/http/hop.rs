//! One step of a request: what is sent to which address, and where its response leads.

use std::rc::Rc;

use http::Method;
use url::Url;

use super::auth;
use super::cookies::Jar;
use super::failure::Failure;
use super::outcome::Headers;
use super::request::{Body, Request};
use crate::base::text::quoted;

/// A request as one server sees it.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub method: Method,
    pub url: Rc<Url>,
    /// Redirected to another origin, which must not see credentials.
    foreign: bool,
    /// A redirect turned the method into GET, so the body and its description are gone.
    bodiless: bool,
    /// The answer to a challenge.
    answer: Option<String>,
}

/// Headers about a body, which go with it.
const BODY_HEADERS: [&str; 4] = [
    "content-type",
    "content-encoding",
    "content-language",
    "content-location",
];

/// Headers of the connection, which are not the request's to choose freely.
const CONNECTION_HEADERS: [&str; 4] = ["host", "content-length", "connection", "transfer-encoding"];

impl Hop {
    pub fn first(request: &Request) -> Self {
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            foreign: false,
            bodiless: false,
            answer: None,
        }
    }

    pub fn body(&self, request: &Request) -> Body {
        if self.bodiless {
            Body::Empty
        } else {
            request.body.clone()
        }
    }

    /// Where a redirecting response leads, as browsers do it; `None` if it does not redirect.
    ///
    /// # Errors
    ///
    /// A location that is no address for HTTP.
    pub fn redirected(&self, status: u16, headers: &Headers) -> Result<Option<Self>, Failure> {
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = headers.get("location") else {
            return Ok(None);
        };
        let location = String::from_utf8_lossy(location);
        let url = self.url.join(&location).map_err(|error| {
            Failure::invalid(format!("redirect to {}: {error}", quoted(&location)))
        })?;
        super::origin::is_https(&url)?;
        let mut next = self.clone();
        next.foreign |= url.origin() != self.url.origin();
        next.answer = None;
        next.url = Rc::new(url);
        if status < 307 && self.method != Method::HEAD && self.method != Method::GET {
            next.method = Method::GET;
            next.bodiless = true;
        }
        Ok(Some(next))
    }

    /// The same again with credentials, if the response asks for them and there are any.
    ///
    /// # Errors
    ///
    /// A challenge that cannot be understood.
    pub fn challenged(
        &self,
        request: &Request,
        status: u16,
        headers: &Headers,
    ) -> Result<Option<Self>, Failure> {
        if status != 401 || self.foreign || self.answer.is_some() {
            return Ok(None);
        }
        let body = self.body(request).bytes();
        let method = self.method.as_str();
        let answer = auth::answer(request, method, &self.url, &body, headers)?;
        Ok(answer.map(|answer| Self {
            answer: Some(answer),
            ..self.clone()
        }))
    }

    /// Every header but those of the connection (`host`, `content-length`, `connection`).
    ///
    /// # Errors
    ///
    /// A header that cannot be sent.
    pub fn headers(
        &self,
        request: &Request,
        jar: &Jar,
        mut add: impl FnMut(&str, &[u8]),
    ) -> Result<(), Failure> {
        let mut authorized = false;
        let mut own_cookies: Option<&[u8]> = None;
        for (name, value) in &request.headers {
            check(name, value)?;
            if is_any(name, &CONNECTION_HEADERS) {
                self.check_framing(request, name, value)?;
                continue;
            }
            if name.eq_ignore_ascii_case("cookie") {
                own_cookies = Some(value).filter(|_| !self.foreign).map(|value| &**value);
                continue;
            }
            if name.eq_ignore_ascii_case("authorization") {
                authorized = true;
                if self.foreign {
                    continue;
                }
            }
            if self.bodiless && is_any(name, &BODY_HEADERS) {
                continue;
            }
            add(name, value);
        }
        if !authorized && !self.foreign {
            if let Some(answer) = &self.answer {
                add("Authorization", answer.as_bytes());
            } else if let Some(value) = auth::unasked(request, &self.url) {
                check("Authorization", value.as_bytes())?;
                add("Authorization", value.as_bytes());
            }
        }
        self.add_cookies(request, jar, own_cookies, add)
    }

    /// A body must end where the head says: anything else would be read as the next request.
    fn check_framing(&self, request: &Request, name: &str, value: &[u8]) -> Result<(), Failure> {
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Failure::invalid(
                "header \"transfer-encoding\" cannot be set: the body's length is announced",
            ));
        }
        let length = self.body(request).bytes().len();
        if name.eq_ignore_ascii_case("content-length")
            && !self.bodiless
            && value != length.to_string().as_bytes()
        {
            return Err(Failure::invalid(format!(
                "header \"content-length\" is not the body's length; leave it out, or write {length}"
            )));
        }
        Ok(())
    }

    fn add_cookies(
        &self,
        request: &Request,
        jar: &Jar,
        own: Option<&[u8]>,
        mut add: impl FnMut(&str, &[u8]),
    ) -> Result<(), Failure> {
        let jar = Some(jar).filter(|jar| request.use_jar && !jar.is_empty());
        let extra = if self.foreign {
            &[][..]
        } else {
            &request.cookies[..]
        };
        if jar.is_none() && extra.is_empty() {
            if let Some(own) = own {
                add("Cookie", own);
            }
            return Ok(());
        }
        let mut line = own.map(<[u8]>::to_vec).unwrap_or_default();
        let mut push = |name: &str, value: &str| {
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(name.as_bytes());
            line.push(b'=');
            line.extend_from_slice(value.as_bytes());
        };
        if let Some(jar) = jar {
            jar.visit(&self.url, |name, value| {
                if !extra.iter().any(|(other, _)| other == name) {
                    push(name, value);
                }
            });
        }
        for (name, value) in extra {
            push(name, value);
        }
        if !line.is_empty() {
            check("cookie", &line)?;
            add("Cookie", &line);
        }
        Ok(())
    }
}

/// The value of one of the request's own headers.
pub(super) fn own<'a>(request: &'a Request, wanted: &str) -> Option<&'a [u8]> {
    let found = request
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| &**value)
}

fn is_any(name: &str, names: &[&str]) -> bool {
    names
        .iter()
        .any(|other| other.len() == name.len() && other.eq_ignore_ascii_case(name))
}

/// A line break in a header would smuggle another one.
fn check(name: &str, value: &[u8]) -> Result<(), Failure> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Failure::invalid(format!(
            "header name {} is not valid; use letters, digits and \"-\"",
            quoted(name)
        )));
    }
    if value
        .iter()
        .any(|&byte| byte == b'\r' || byte == b'\n' || byte == 0)
    {
        return Err(Failure::invalid(format!(
            "value of header {} has a line break or a zero byte in it",
            quoted(name)
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(method: Method, url: &str) -> (Request, Hop) {
        let request = Request::new(method, Rc::new(Url::parse(url).unwrap()));
        let hop = Hop::first(&request);
        (request, hop)
    }

    fn to(location: &str) -> Headers {
        let mut headers = Headers::default();
        headers.push("Location", location.as_bytes());
        headers
    }

    #[test]
    fn methods_change_as_browsers_change_them() {
        let table = [
            (301, Method::POST, Method::GET),
            (302, Method::PUT, Method::GET),
            (303, Method::DELETE, Method::GET),
            (301, Method::HEAD, Method::HEAD),
            (307, Method::POST, Method::POST),
            (308, Method::PATCH, Method::PATCH),
        ];
        for (status, method, expected) in table {
            let (_, hop) = hop(method, "http://a/b/c");
            let next = hop.redirected(status, &to("../d")).unwrap().unwrap();
            assert_eq!(next.method, expected, "{status}");
            assert_eq!(next.url.as_str(), "http://a/d");
        }
    }

    #[test]
    fn no_redirect_without_status_or_location() {
        let (_, hop) = hop(Method::GET, "http://a/");
        assert!(hop.redirected(200, &to("/x")).unwrap().is_none());
        assert!(hop.redirected(304, &to("/x")).unwrap().is_none());
        assert!(hop.redirected(302, &Headers::default()).unwrap().is_none());
        assert!(hop.redirected(302, &to("ftp://b/")).is_err());
        assert!(hop.redirected(302, &to("http://[")).is_err());
    }

    #[test]
    fn another_origin_sees_no_credentials() {
        let (mut request, hop) = hop(Method::POST, "http://a/");
        request.headers = vec![
            ("Authorization".into(), b"secret".to_vec().into()),
            ("Cookie".into(), b"c=1".to_vec().into()),
            ("Content-Type".into(), b"text/plain".to_vec().into()),
            ("X-A".into(), b"1".to_vec().into()),
        ];
        request.cookies = vec![("d".into(), "2".into())];
        let sent = |hop: &Hop| {
            let mut names = Vec::new();
            let jar = Jar::default();
            hop.headers(&request, &jar, |name, _| names.push(name.to_owned()))
                .unwrap();
            names.join(" ")
        };
        assert_eq!(sent(&hop), "Authorization Content-Type X-A Cookie");
        let home = hop.redirected(307, &to("/x")).unwrap().unwrap();
        assert_eq!(sent(&home), "Authorization Content-Type X-A Cookie");
        let away = hop.redirected(302, &to("http://b/")).unwrap().unwrap();
        assert_eq!(sent(&away), "X-A");
        let back = away.redirected(302, &to("http://a/")).unwrap().unwrap();
        assert_eq!(sent(&back), "X-A");
    }

    #[test]
    fn framing_headers_must_tell_the_truth() {
        let (mut request, hop) = hop(Method::POST, "http://a/");
        request.body = Body::Bytes("hello".into());
        let mut fits = |name: &str, value: &str| {
            request.headers = vec![(name.to_owned().into(), value.as_bytes().to_vec().into())];
            hop.headers(&request, &Jar::default(), |_, _| ()).is_ok()
        };
        assert!(fits("Content-Length", "5"));
        assert!(!fits("Content-Length", "6"));
        assert!(!fits("Transfer-Encoding", "chunked"));
    }

    #[test]
    fn headers_cannot_smuggle() {
        assert!(check("x", b"a\r\nb: c").is_err());
        assert!(check("x y", b"").is_err());
        assert!(check("", b"").is_err());
        assert!(check("x-y_z", "gr\u{fc}n".as_bytes()).is_ok());
    }
}
