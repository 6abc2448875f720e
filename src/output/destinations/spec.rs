//! `--out KIND=WHERE`: which destination, and where.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::base::text::{nearest, quoted};

/// A destination as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputSpec {
    /// `json=FILE`: points and events, one JSON object a line.
    Json(PathBuf),
    /// `csv=FILE`: points.
    Csv(PathBuf),
    /// `junit=FILE`: thresholds, checks and experiments as test cases.
    Junit(PathBuf),
    /// `journal=FILE`: experiments in the shape of Chaos Toolkit's journal.
    Journal(PathBuf),
    /// `prometheus=URL`: remote write.
    Prometheus(Url),
    /// `listen=ADDRESS`: a /metrics endpoint for the time of the run.
    Listen(SocketAddr),
}

/// All kinds and what they want.
const KINDS: [(&str, &str); 6] = [
    ("json", "FILE"),
    ("csv", "FILE"),
    ("junit", "FILE"),
    ("journal", "FILE"),
    ("prometheus", "URL"),
    ("listen", "ADDRESS"),
];

impl FromStr for OutputSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, place) = text.split_once('=').unwrap_or((text, ""));
        let Some((kind, what)) = KINDS.into_iter().find(|(known, _)| *known == kind) else {
            let all: Vec<_> = KINDS.iter().map(|(k, w)| format!("{k}={w}")).collect();
            let hint = match nearest(kind, KINDS.iter().map(|(known, _)| *known)) {
                Some(known) => format!("did you mean {known}?"),
                None => format!("write one of {}", all.join(", ")),
            };
            return Err(format!("{} is no output; {hint}", quoted(kind)));
        };
        if place.is_empty() {
            return Err(format!("write {kind}={what}"));
        }
        Ok(match kind {
            "json" => Self::Json(place.into()),
            "csv" => Self::Csv(place.into()),
            "junit" => Self::Junit(place.into()),
            "journal" => Self::Journal(place.into()),
            "prometheus" => Self::Prometheus(receiver(place)?),
            _ => Self::Listen(address(place)?),
        })
    }
}

/// A server's address without a path means its remote-write endpoint.
fn receiver(text: &str) -> Result<Url, String> {
    let wrong = || {
        let text = quoted(text);
        format!("{text} is no URL; write prometheus=http://127.0.0.1:9090")
    };
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong());
    }
    if url.path() == "/" {
        url.set_path("/api/v1/write");
    }
    Ok(url)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    // A bare port listens on loopback only: figures are for those who were let in.
    let local = |port: &str| format!("127.0.0.1:{port}");
    let full = match text.strip_prefix(':') {
        Some(port) => local(port),
        None if text.parse::<u16>().is_ok() => local(text),
        None => text.to_owned(),
    };
    let found = full.to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| {
        format!(
            "{} is no address to listen on; write listen=127.0.0.1:9091",
            quoted(text)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        let read = |text: &str| text.parse::<OutputSpec>();
        assert_eq!(
            read("json=a=b.json"),
            Ok(OutputSpec::Json("a=b.json".into()))
        );
        let url = |text: &str| OutputSpec::Prometheus(Url::parse(text).unwrap());
        assert_eq!(
            read("prometheus=http://127.0.0.1:9090"),
            Ok(url("http://127.0.0.1:9090/api/v1/write"))
        );
        assert_eq!(
            read("prometheus=https://a.example/push"),
            Ok(url("https://a.example/push"))
        );
        for text in ["listen=9091", "listen=:9091", "listen=127.0.0.1:9091"] {
            let address = OutputSpec::Listen(([127, 0, 0, 1], 9091).into());
            assert_eq!(read(text), Ok(address));
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (text, expected) in [
            ("jsn=a", "\"jsn\" is no output; did you mean json?"),
            (
                "cloud",
                "\"cloud\" is no output; write one of json=FILE, csv=FILE, junit=FILE, journal=FILE, prometheus=URL, listen=ADDRESS",
            ),
            ("json", "write json=FILE"),
            ("json=", "write json=FILE"),
            (
                "prometheus=127.0.0.1:9090",
                "\"127.0.0.1:9090\" is no URL; write prometheus=http://127.0.0.1:9090",
            ),
            (
                "listen=here",
                "\"here\" is no address to listen on; write listen=127.0.0.1:9091",
            ),
        ] {
            assert_eq!(text.parse::<OutputSpec>().unwrap_err(), expected);
        }
    }
}
