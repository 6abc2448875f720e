//! Which endpoint a path names, and the methods it takes.

use http::Method;

/// An endpoint with the parts of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint<'a> {
    Index,
    Items,
    Item(&'a str),
    Orders,
    Order(&'a str),
    Health,
    Metrics,
    Slow,
    Status(&'a str),
    Echo,
    Headers,
    Cookies,
    SetCookies,
    Redirect(&'a str),
    Bytes(&'a str),
    Gzip,
    BasicAuth(&'a str, &'a str),
    Unknown,
}

impl<'a> Endpoint<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        let mut split = path.split('/').skip(1);
        let parts = [split.next(), split.next(), split.next(), split.next()];
        match parts {
            [Some("") | None, None, ..] => Self::Index,
            [Some("items"), None | Some(""), None, _] => Self::Items,
            [Some("items"), Some(id), None, _] => Self::Item(id),
            [Some("orders"), None | Some(""), None, _] => Self::Orders,
            [Some("orders"), Some(id), None, _] => Self::Order(id),
            [Some("health"), None, ..] => Self::Health,
            [Some("metrics"), None, ..] => Self::Metrics,
            [Some("slow"), None, ..] => Self::Slow,
            [Some("status"), Some(code), None, _] => Self::Status(code),
            [Some("echo"), None, ..] => Self::Echo,
            [Some("headers"), None, ..] => Self::Headers,
            [Some("cookies"), None, ..] => Self::Cookies,
            [Some("cookies"), Some("set"), None, _] => Self::SetCookies,
            [Some("redirect"), Some(count), None, _] => Self::Redirect(count),
            [Some("bytes"), Some(count), None, _] => Self::Bytes(count),
            [Some("gzip"), None, ..] => Self::Gzip,
            [Some("basic-auth"), Some(user), Some(password), None] => {
                Self::BasicAuth(user, password)
            }
            _ => Self::Unknown,
        }
    }

    /// The path as metrics name it, without the values in it.
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Index => "/",
            Self::Items => "/items",
            Self::Item(_) => "/items/:id",
            Self::Orders => "/orders",
            Self::Order(_) => "/orders/:id",
            Self::Health => "/health",
            Self::Metrics => "/metrics",
            Self::Slow => "/slow",
            Self::Status(_) => "/status/:code",
            Self::Echo => "/echo",
            Self::Headers => "/headers",
            Self::Cookies => "/cookies",
            Self::SetCookies => "/cookies/set",
            Self::Redirect(_) => "/redirect/:n",
            Self::Bytes(_) => "/bytes/:n",
            Self::Gzip => "/gzip",
            Self::BasicAuth(..) => "/basic-auth/:user/:password",
            Self::Unknown => "unknown",
        }
    }

    /// The methods to name in a 405, or `None` if the method is taken.
    pub(super) fn refuses(self, method: &Method) -> Option<&'static str> {
        let get = method == Method::GET || method == Method::HEAD;
        match self {
            Self::Orders => (method != Method::POST).then_some("POST"),
            Self::Echo => {
                let takes = [Method::POST, Method::PUT, Method::PATCH].contains(method);
                (!takes).then_some("POST, PUT, PATCH")
            }
            Self::Status(_) | Self::Headers | Self::Slow | Self::Unknown => None,
            _ => (!get).then_some("GET, HEAD"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_endpoints() {
        let table = [
            ("/", Endpoint::Index),
            ("/items", Endpoint::Items),
            ("/items/", Endpoint::Items),
            ("/items/7", Endpoint::Item("7")),
            ("/items/7/x", Endpoint::Unknown),
            ("/orders/7", Endpoint::Order("7")),
            ("/cookies/set", Endpoint::SetCookies),
            ("/basic-auth/u/p", Endpoint::BasicAuth("u", "p")),
            ("/basic-auth/u/p/x", Endpoint::Unknown),
            ("//", Endpoint::Unknown),
            ("*", Endpoint::Index),
            ("/nope", Endpoint::Unknown),
        ];
        for (path, expected) in table {
            assert_eq!(Endpoint::of(path), expected, "{path}");
        }
    }
}
