//! The cookies of one virtual user (RFC 6265): which are kept, which are sent where.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use cookie::{Cookie, Expiration};
use url::Url;

use super::outcome::Headers;

/// A user agent may forget cookies beyond this many (RFC 6265, 6.1); the oldest go.
const MAX_COOKIES: usize = 3000;
/// A longer cookie is ignored, name and value together.
const MAX_COOKIE: usize = 16 * 1024;

/// Cookies by the rules of domain, path, expiry, secure and host-only. Empty it costs nothing.
#[derive(Debug, Default)]
pub struct Jar {
    cookies: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    name: String,
    value: String,
    domain: String,
    host_only: bool,
    path: String,
    expires: Option<SystemTime>,
    secure: bool,
}

/// What a cookie set by a script may say besides name and value; by default it belongs to the
/// URL's host, the path `/` and the session.
#[derive(Debug, Clone, Default)]
pub struct CookieOptions {
    /// The domain whose hosts get it, subdomains included; default the URL's host alone.
    pub domain: Option<String>,
    /// The path below which it is sent; default `/`.
    pub path: Option<String>,
    /// How long it lives; zero deletes it; default as long as the jar.
    pub max_age: Option<Duration>,
    /// Whether it is sent only over `https`.
    pub secure: bool,
}

impl Jar {
    /// Whether there is no cookie, expired ones included.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// Forgets every cookie.
    pub fn clear(&mut self) {
        self.cookies = Vec::new();
    }

    /// The value of the cookie that would be sent to `url` under this name.
    #[must_use]
    pub fn get(&self, url: &Url, name: &str) -> Option<&str> {
        let mut found = None;
        self.visit(url, |candidate, value| {
            if candidate == name && found.is_none() {
                found = Some(value);
            }
        });
        found
    }

    /// Name and value of every cookie that would be sent to `url`, in that order.
    #[must_use]
    pub fn list(&self, url: &Url) -> Vec<(String, String)> {
        let mut all = Vec::new();
        self.visit(url, |name, value| {
            all.push((name.to_owned(), value.to_owned()))
        });
        all
    }

    /// Sets a cookie as if a response from `url` had; false if its domain is not the host's.
    pub fn set(&mut self, url: &Url, name: &str, value: &str, options: &CookieOptions) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let Some((domain, host_only)) = scope(host, options.domain.as_deref()) else {
            return false;
        };
        self.store(Stored {
            name: name.to_owned(),
            value: value.to_owned(),
            domain,
            host_only,
            path: options.path.clone().unwrap_or_else(|| "/".to_owned()),
            expires: options.max_age.map(|age| SystemTime::now() + age),
            secure: options.secure,
        });
        true
    }

    /// Calls `f` with each cookie for `url`, longer paths first, then the older.
    pub(super) fn visit<'a>(&'a self, url: &Url, mut f: impl FnMut(&'a str, &'a str)) {
        let Some(host) = url.host_str() else {
            return;
        };
        let now = SystemTime::now();
        let https = url.scheme() == "https";
        let mut matching: Vec<&Stored> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.matches(host, url.path(), https, now))
            .collect();
        matching.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        for cookie in matching {
            f(&cookie.name, &cookie.value);
        }
    }

    /// Keeps the cookies of a response from `url`; those that break the rules are ignored.
    pub(super) fn receive(&mut self, url: &Url, headers: &Headers) {
        for value in headers.all("set-cookie") {
            let text = String::from_utf8_lossy(value);
            if let Some(cookie) = parse(&text, url) {
                self.store(cookie);
            }
        }
    }

    fn store(&mut self, cookie: Stored) {
        let now = SystemTime::now();
        let gone = cookie.is_expired(now);
        let same = self.cookies.iter().position(|other| {
            other.name == cookie.name && other.domain == cookie.domain && other.path == cookie.path
        });
        match (same, gone) {
            (Some(index), true) => drop(self.cookies.remove(index)),
            (Some(index), false) => self.cookies[index] = cookie,
            (None, true) => {}
            (None, false) => {
                if self.cookies.len() >= MAX_COOKIES {
                    self.cookies.remove(0);
                }
                self.cookies.push(cookie);
            }
        }
    }
}

impl Stored {
    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn matches(&self, host: &str, path: &str, https: bool, now: SystemTime) -> bool {
        let domain = if self.host_only {
            host.eq_ignore_ascii_case(&self.domain)
        } else {
            domain_matches(host, &self.domain)
        };
        domain && path_matches(path, &self.path) && (https || !self.secure) && !self.is_expired(now)
    }
}

/// The domain of a cookie, and whether it is for that host alone; `None` if it is not allowed.
fn scope(host: &str, domain: Option<&str>) -> Option<(String, bool)> {
    let wanted = domain.map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
    match wanted.filter(|domain| !domain.is_empty()) {
        None => Some((host.to_ascii_lowercase(), true)),
        Some(domain) if domain.eq_ignore_ascii_case(host) => {
            let alone = is_address(host);
            Some((domain, alone))
        }
        // A whole top-level domain would get the cookie.
        Some(domain) if !domain.contains('.') => None,
        Some(domain) => domain_matches(host, &domain).then_some((domain, false)),
    }
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<IpAddr>().is_ok()
}

fn domain_matches(host: &str, domain: &str) -> bool {
    if host.eq_ignore_ascii_case(domain) {
        return true;
    }
    let Some(at) = host.len().checked_sub(domain.len() + 1) else {
        return false;
    };
    let (front, back) = host.as_bytes().split_at(at);
    !front.is_empty()
        && back[0] == b'.'
        && back[1..].eq_ignore_ascii_case(domain.as_bytes())
        && !is_address(host)
}

fn path_matches(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// The path of a cookie that names none: up to the last slash of the URL's.
fn default_path(url: &Url) -> &str {
    match url.path().rfind('/') {
        Some(at) if at > 0 => &url.path()[..at],
        _ => "/",
    }
}

fn parse(text: &str, url: &Url) -> Option<Stored> {
    let host = url.host_str()?;
    let cookie = Cookie::parse(text).ok()?;
    let (name, value) = (cookie.name(), cookie.value());
    let secure = cookie.secure().unwrap_or(false);
    if name.len() + value.len() > MAX_COOKIE || (secure && url.scheme() != "https") {
        return None;
    }
    let (domain, host_only) = scope(host, cookie.domain())?;
    let path = cookie.path().filter(|path| path.starts_with('/'));
    let bound = host_only && path == Some("/");
    if (name.starts_with("__Secure-") && !secure)
        || (name.starts_with("__Host-") && !(secure && bound))
    {
        return None;
    }
    let expires = match (cookie.max_age(), cookie.expires()) {
        (Some(age), _) => {
            let age = Duration::try_from(age).unwrap_or(Duration::ZERO);
            // A century is for ever, and does not overflow.
            Some(SystemTime::now() + age.min(Duration::from_secs(100 * 365 * 86_400)))
        }
        (None, Some(Expiration::DateTime(at))) => Some(SystemTime::from(at)),
        _ => None,
    };
    Some(Stored {
        name: name.to_owned(),
        value: value.to_owned(),
        domain,
        host_only,
        path: path.unwrap_or_else(|| default_path(url)).to_owned(),
        expires,
        secure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    /// What `to` is sent after `from` has set these cookies.
    fn sent(from: &str, cookies: &[&str], to: &str) -> String {
        let mut headers = Headers::default();
        for cookie in cookies {
            headers.push("set-cookie", cookie.as_bytes());
        }
        let mut jar = Jar::default();
        jar.receive(&url(from), &headers);
        let list = jar.list(&url(to));
        let pairs: Vec<String> = list.iter().map(|(n, v)| format!("{n}={v}")).collect();
        pairs.join("; ")
    }

    #[test]
    fn domains() {
        let table = [
            ("http://a.test/", "x=1", "http://a.test/", "x=1"),
            ("http://a.test/", "x=1", "http://b.a.test/", ""),
            (
                "http://a.test/",
                "x=1; Domain=a.test",
                "http://b.a.test/",
                "x=1",
            ),
            (
                "http://b.a.test/",
                "x=1; Domain=.A.test",
                "http://a.test/",
                "x=1",
            ),
            (
                "http://b.a.test/",
                "x=1; Domain=a.test",
                "http://ba.test/",
                "",
            ),
            ("http://a.test/", "x=1; Domain=b.test", "http://b.test/", ""),
            (
                "http://a.test/",
                "x=1; Domain=b.a.test",
                "http://b.a.test/",
                "",
            ),
            ("http://a.test/", "x=1; Domain=test", "http://b.test/", ""),
            (
                "http://127.0.0.1/",
                "x=1; Domain=0.0.1",
                "http://127.0.0.1/",
                "",
            ),
            ("http://127.0.0.1:1/", "x=1", "http://127.0.0.1:2/", "x=1"),
        ];
        for (from, cookie, to, expected) in table {
            assert_eq!(sent(from, &[cookie], to), expected, "{from} {cookie} {to}");
        }
    }

    #[test]
    fn paths() {
        let table = [
            ("http://a/x/y", "c=1", "http://a/x/z", "c=1"),
            ("http://a/x/y", "c=1", "http://a/", ""),
            ("http://a/x", "c=1", "http://a/y", "c=1"),
            ("http://a/", "c=1; Path=/x", "http://a/x/y", "c=1"),
            ("http://a/", "c=1; Path=/x", "http://a/xy", ""),
            ("http://a/", "c=1; Path=/x/", "http://a/x", ""),
            ("http://a/x/y", "c=1; Path=z", "http://a/x/q", "c=1"),
        ];
        for (from, cookie, to, expected) in table {
            assert_eq!(sent(from, &[cookie], to), expected, "{from} {cookie} {to}");
        }
        let both = ["c=root; Path=/", "c=deep; Path=/x"];
        assert_eq!(sent("http://a/", &both, "http://a/x"), "c=deep; c=root");
    }

    #[test]
    fn expiry_and_replacement() {
        let at = "http://a/";
        assert_eq!(sent(at, &["c=1", "c=2"], at), "c=2");
        assert_eq!(sent(at, &["c=1", "c=2; Max-Age=0"], at), "");
        assert_eq!(sent(at, &["c=1", "c=; Max-Age=-5"], at), "");
        assert_eq!(sent(at, &["c=1; Max-Age=60"], at), "c=1");
        assert_eq!(sent(at, &["c=1; Max-Age=9999999999999"], at), "c=1");
        let past = "c=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(sent(at, &["c=1", past], at), "");
        let future = "c=2; Expires=Fri, 01 Jan 2100 00:00:00 GMT";
        assert_eq!(sent(at, &[future], at), "c=2");
    }

    #[test]
    fn secure_cookies_stay_on_https() {
        assert_eq!(sent("https://a/", &["c=1; Secure"], "http://a/"), "");
        assert_eq!(sent("https://a/", &["c=1; Secure"], "https://a/"), "c=1");
        assert_eq!(sent("http://a/", &["c=1; Secure"], "https://a/"), "");
        assert_eq!(
            sent("https://a/", &["__Host-c=1; Secure"], "https://a/"),
            ""
        );
        let host = "__Host-c=1; Secure; Path=/";
        assert_eq!(sent("https://a/", &[host], "https://a/"), "__Host-c=1");
        assert_eq!(sent("https://a/", &["__Secure-c=1"], "https://a/"), "");
    }

    #[test]
    fn scripts_set_and_read() {
        let mut jar = Jar::default();
        let at = url("http://a.test/x");
        assert!(jar.is_empty());
        assert!(jar.set(&at, "c", "1", &CookieOptions::default()));
        assert_eq!(jar.get(&at, "c"), Some("1"));
        assert_eq!(jar.get(&url("http://b.test/"), "c"), None);
        let elsewhere = CookieOptions {
            domain: Some("b.test".into()),
            ..CookieOptions::default()
        };
        assert!(!jar.set(&at, "d", "1", &elsewhere));
        let now = CookieOptions {
            max_age: Some(Duration::ZERO),
            ..CookieOptions::default()
        };
        assert!(jar.set(&at, "c", "", &now));
        assert_eq!(jar.list(&at), []);
    }

    #[test]
    fn nonsense_is_ignored() {
        for cookie in ["", "=", ";", "novalue", "\u{0}"] {
            assert_eq!(sent("http://a/", &[cookie], "http://a/"), "", "{cookie:?}");
        }
    }
}
