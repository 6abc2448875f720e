//! Which request is for what.

/// The version that `GET /version` gives: this program's. The known clients only show it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is asked for. Names are those of the path, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Reset,
    Proxies,
    CreateProxy,
    Populate,
    Proxy(String),
    UpdateProxy(String),
    DeleteProxy(String),
    Toxics(String),
    CreateToxic(String),
    Toxic(String, String),
    UpdateToxic(String, String),
    DeleteToxic(String, String),
    Version,
    Metrics,
    Faults,
    CreateFaultyProxy,
}

/// Why a request is for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// The path has `.`, `..` or empty parts; without them it is this one.
    Elsewhere(String),
    /// No such path.
    NotFound,
    /// The path takes other methods.
    WrongMethod,
}

/// Finds the route of a request.
pub fn find(method: &str, path: &str) -> Result<Route, NoRoute> {
    if let Some(clean) = cleaned(path) {
        return Err(NoRoute::Elsewhere(clean));
    }
    let path = decode(path).ok_or(NoRoute::NotFound)?;
    let rest = path.strip_prefix('/').ok_or(NoRoute::NotFound)?;
    let parts: Vec<&str> = rest.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(NoRoute::NotFound);
    }
    let own = |name: &&str| (*name).to_owned();
    Ok(match (parts.as_slice(), method) {
        (["reset"], "POST") => Route::Reset,
        (["populate"], "POST") => Route::Populate,
        (["version"], "GET") => Route::Version,
        (["metrics"], _) => Route::Metrics,
        (["faults"], "GET") => Route::Faults,
        (["faults", "proxies"], "POST") => Route::CreateFaultyProxy,
        (["proxies"], "GET") => Route::Proxies,
        (["proxies"], "POST") => Route::CreateProxy,
        (["proxies", name], "GET") => Route::Proxy(own(name)),
        (["proxies", name], "POST" | "PATCH") => Route::UpdateProxy(own(name)),
        (["proxies", name], "DELETE") => Route::DeleteProxy(own(name)),
        (["proxies", name, "toxics"], "GET") => Route::Toxics(own(name)),
        (["proxies", name, "toxics"], "POST") => Route::CreateToxic(own(name)),
        (["proxies", name, "toxics", toxic], "GET") => Route::Toxic(own(name), own(toxic)),
        (["proxies", name, "toxics", toxic], "POST" | "PATCH") => {
            Route::UpdateToxic(own(name), own(toxic))
        }
        (["proxies", name, "toxics", toxic], "DELETE") => Route::DeleteToxic(own(name), own(toxic)),
        (
            ["reset" | "populate" | "version" | "faults" | "proxies"]
            | ["faults", "proxies"]
            | ["proxies", _]
            | ["proxies", _, "toxics"]
            | ["proxies", _, "toxics", _],
            _,
        ) => return Err(NoRoute::WrongMethod),
        _ => return Err(NoRoute::NotFound),
    })
}

/// The path without `.`, `..` and empty parts, where it has some.
fn cleaned(path: &str) -> Option<String> {
    let rest = path.strip_prefix('/')?;
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() {
        "/"
    } else {
        ""
    };
    let clean = format!("/{}{end}", parts.join("/"));
    (clean != path).then_some(clean)
}

/// Undoes `%41`; none when that is no UTF-8 or no hexadecimal.
fn decode(path: &str) -> Option<String> {
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let digits = path.get(at + 1..at + 3)?;
            plain.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            plain.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_lead_where_they_should() {
        let toxic = Route::UpdateToxic("a b".to_owned(), "x".to_owned());
        assert_eq!(find("PATCH", "/proxies/a%20b/toxics/x"), Ok(toxic.clone()));
        assert_eq!(find("POST", "/proxies/a%20b/toxics/x"), Ok(toxic));
        assert_eq!(find("PUT", "/proxies/a"), Err(NoRoute::WrongMethod));
        assert_eq!(find("GET", "/reset"), Err(NoRoute::WrongMethod));
        for (path, clean) in [
            ("//proxies", "/proxies"),
            ("/proxies/../version", "/version"),
            ("/./proxies/a//", "/proxies/a/"),
            ("/..", "/"),
        ] {
            let elsewhere = NoRoute::Elsewhere(clean.to_owned());
            assert_eq!(find("GET", path), Err(elsewhere), "{path}");
        }
        for path in [
            "/",
            "/proxies/",
            "/walrus",
            "/proxies/a/b",
            "*",
            "/proxies/%zz",
            "/%ff",
        ] {
            assert_eq!(find("GET", path), Err(NoRoute::NotFound), "{path}");
        }
    }
}
