//! From a host to addresses: literals and `localhost` at once, names by the system's configuration.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverOpts};
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
    resolver: OnceCell<TokioResolver>,
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
        let resolver = self.resolver()?;
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

    /// A failure is not kept: it may be one of the moment, such as too many open files.
    fn resolver(&self) -> Result<&TokioResolver, Failure> {
        if self.resolver.get().is_none() {
            let resolver = build().map_err(|error| {
                let text = format!("no name resolution on this machine: {error}");
                Failure::new(codes::DNS, text)
            })?;
            // Nothing awaits in between, so nobody else has set it.
            let _ = self.resolver.set(resolver);
        }
        self.resolver
            .get()
            .ok_or_else(|| Failure::new(codes::DNS, "no name resolution on this machine"))
    }
}

fn build() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    tune(builder.options_mut());
    builder.build()
}

fn tune(options: &mut ResolverOpts) {
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = CACHED_NAMES;
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
    if let NetError::Io(error) = error
        && let Some(failure) = Failure::of_open_files(error)
    {
        return failure;
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
mod tests;
