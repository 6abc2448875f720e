//! Opens a connection: resolve, connect, tunnel through a proxy, TLS; each in its phase.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use url::Host;

use super::codes;
use super::failure::Failure;
use super::link::{Link, Stream};
use super::origin::Origin;
use super::request::VersionPreference;
use super::shared::Shared;
use super::trace::{Phase, Trace};

/// How large a proxy's answer to CONNECT may be.
const MAX_TUNNEL_HEAD: usize = 16 * 1024;

/// Opens a connection to `origin`; true with it if it speaks HTTP/2.
pub(super) async fn dial(
    shared: &Shared,
    origin: Rc<Origin>,
    trace: &Trace,
    deadline: Instant,
) -> Result<(Link, bool), Failure> {
    trace.enter(Phase::Dns);
    let (host, port) = match &origin.proxy {
        Some(proxy) => (
            proxy
                .url
                .host()
                .ok_or_else(|| Failure::invalid("the proxy has no host"))?,
            proxy.url.port_or_known_default().unwrap_or(80),
        ),
        None => (parse_host(&origin.host), origin.port),
    };
    let addresses = shared.dns.resolve(host).await?;
    trace.enter(Phase::Connecting);
    let mut first = None;
    let count = addresses.len();
    let mut opened = None;
    for (index, address) in addresses.into_iter().enumerate() {
        match connect(SocketAddr::new(address, port), count - index, deadline).await {
            Ok(stream) => {
                opened = Some((stream, SocketAddr::new(address, port)));
                break;
            }
            // The first address is the one the user means; `localhost` is 127.0.0.1 to most.
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    let Some((mut stream, remote)) = opened else {
        return Err(first.unwrap_or_else(|| Failure::new(codes::DIAL, "no address to connect to")));
    };
    trace.connected(Some(remote), false);
    let tunnelled = origin.https || origin.version == VersionPreference::Http2;
    if origin.proxy.is_some() && tunnelled {
        tunnel(&mut stream, &origin).await?;
    }
    let (stream, h2) = if origin.https {
        trace.enter(Phase::Tls);
        secure(shared, &origin, stream).await?
    } else {
        let h2 = origin.version == VersionPreference::Http2;
        (Stream::Plain(stream), h2)
    };
    let link = Link {
        stream,
        origin,
        remote,
        idle_since: Instant::now(),
    };
    Ok((link, h2))
}

/// The host of a URL, from its text, in which IPv6 has brackets.
fn parse_host(host: &str) -> Host<&str> {
    if let Some(v6) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        && let Ok(address) = v6.parse()
    {
        return Host::Ipv6(address);
    }
    match host.parse() {
        Ok(address) => Host::Ipv4(address),
        Err(_) => Host::Domain(host),
    }
}

/// Connects to one of `candidates` addresses left, which gets its share of the time left.
async fn connect(
    to: SocketAddr,
    candidates: usize,
    deadline: Instant,
) -> Result<TcpStream, Failure> {
    let connecting = TcpStream::connect(to);
    let connected = if candidates > 1 {
        let now = Instant::now();
        let share =
            deadline.saturating_duration_since(now) / u32::try_from(candidates).unwrap_or(u32::MAX);
        match timeout_at((now + share).into(), connecting).await {
            Ok(connected) => connected,
            Err(_) => return Err(too_slow(to)),
        }
    } else {
        connecting.await
    };
    let stream = connected.map_err(|error| Failure::dial(&error, to))?;
    stream
        .set_nodelay(true)
        .map_err(|error| Failure::dial(&error, to))?;
    Ok(stream)
}

fn too_slow(to: SocketAddr) -> Failure {
    Failure::new(
        codes::DIAL_TIMEOUT,
        format!("cannot connect to {to}: connecting timed out"),
    )
}

async fn secure(
    shared: &Shared,
    origin: &Origin,
    stream: TcpStream,
) -> Result<(Stream, bool), Failure> {
    let config = shared.tls.get(origin.tls.as_ref(), origin.version)?;
    let name = super::tls::server_name(&origin.host, origin.tls.as_ref())?;
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| {
            let failure = Failure::io(&error, "TLS handshake");
            match failure.code {
                codes::CLOSED => Failure::new(
                    codes::TLS,
                    "TLS handshake: server closed the connection; does it speak TLS?",
                ),
                _ => failure,
            }
        })?;
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    if !h2 && origin.version == VersionPreference::Http2 {
        return Err(Failure::new(
            codes::H2,
            "server does not offer HTTP/2 over TLS (ALPN)",
        ));
    }
    Ok((Stream::Tls(Box::new(stream)), h2))
}

/// Asks the proxy for a tunnel to the origin.
async fn tunnel(stream: &mut TcpStream, origin: &Origin) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io(&error, "proxy tunnel");
    let to = format!("{}:{}", origin.host, origin.port);
    let mut ask = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let Some(value) = origin
        .proxy
        .as_ref()
        .and_then(|proxy| proxy.authorization())
    {
        ask.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    ask.push_str("\r\n");
    stream.write_all(ask.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::with_capacity(512);
    loop {
        if stream.read_buf(&mut answer).await.map_err(failed)? == 0 {
            return Err(Failure::new(
                codes::PROXY,
                "proxy closed the connection on CONNECT",
            ));
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        match head.parse(&answer) {
            Ok(httparse::Status::Complete(end)) => {
                let code = head.code.unwrap_or_default();
                if !(200..300).contains(&code) {
                    return Err(Failure::new(
                        codes::PROXY,
                        format!("proxy refused CONNECT to {to} with status {code}"),
                    ));
                }
                if end != answer.len() {
                    return Err(Failure::malformed(
                        "proxy sent data before the tunnel was used",
                    ));
                }
                return Ok(());
            }
            Ok(httparse::Status::Partial) if answer.len() < MAX_TUNNEL_HEAD => {}
            Ok(httparse::Status::Partial) => {
                return Err(Failure::malformed("proxy's answer to CONNECT is too large"));
            }
            Err(error) => {
                return Err(Failure::malformed(format!(
                    "proxy's answer to CONNECT: {error}"
                )));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_back_from_text() {
        assert_eq!(
            parse_host("127.0.0.1"),
            Host::<&str>::Ipv4([127, 0, 0, 1].into())
        );
        assert_eq!(
            parse_host("[::1]"),
            Host::<&str>::Ipv6("::1".parse().unwrap())
        );
        assert_eq!(parse_host("shop.test"), Host::Domain("shop.test"));
    }
}
