//! From a host to addresses: literals and `localhost` at once, names by the system's configuration.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use url::Host;

use super::codes;
use super::failure::Failure;
use crate::base::text::quoted;

/// How many names are cached, each as long as its TTL allows; absent names too.
const CACHED_NAMES: u64 = 1024;

/// The resolver of one thread, made from `/etc/resolv.conf` and `/etc/hosts` when first needed.
#[derive(Default)]
pub(super) struct Dns {
    resolver: OnceCell<Result<TokioResolver, String>>,
}

impl Dns {
    /// The addresses of a host, IPv4 first; never empty.
    pub async fn resolve(&self, host: Host<&str>) -> Result<Vec<IpAddr>, Failure> {
        let name = match host {
            Host::Ipv4(address) => return Ok(vec![address.into()]),
            Host::Ipv6(address) => return Ok(vec![address.into()]),
            Host::Domain("localhost") => {
                return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
            }
            Host::Domain(name) => name,
        };
        let resolver = self
            .resolver
            .get_or_init(|| build().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|text| Failure::new(codes::DNS, format!("no name resolution: {text}")))?;
        let addresses = resolver
            .lookup_ip(name)
            .await
            .map_err(|error| lookup_failed(name, &error))?;
        let addresses: Vec<IpAddr> = addresses.iter().collect();
        if addresses.is_empty() {
            return Err(no_such_host(name));
        }
        Ok(addresses)
    }
}

fn build() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = CACHED_NAMES;
    builder.build()
}

fn no_such_host(name: &str) -> Failure {
    Failure::new(
        codes::NO_SUCH_HOST,
        format!("no such host: {}", quoted(name)),
    )
}

fn lookup_failed(name: &str, error: &NetError) -> Failure {
    if error.is_nx_domain() || error.is_no_records_found() {
        return no_such_host(name);
    }
    let what = match error {
        NetError::Timeout => "the name server did not answer".to_owned(),
        other => other.to_string(),
    };
    Failure::new(
        codes::DNS,
        format!("cannot resolve {}: {what}", quoted(name)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn literals_and_localhost_need_no_resolver() {
        let dns = Dns::default();
        let resolve = |host| dns.resolve(host);
        let v6 = Ipv6Addr::LOCALHOST;
        assert_eq!(resolve(Host::Ipv6(v6)).await.unwrap(), [IpAddr::V6(v6)]);
        let addresses = resolve(Host::Domain("localhost")).await.unwrap();
        assert_eq!(addresses[0], IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(addresses[1], IpAddr::V6(v6));
        assert!(dns.resolver.get().is_none());
    }
}
