//! `rchaos proxy`: a server that speaks Toxiproxy's HTTP API, on the proxies of `fault::proxy`.

mod api;
mod decode;
mod error;
mod json;
mod metrics;
mod registry;
mod render;
mod route;
mod server;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::base::limits::raise_descriptor_limit;
use crate::base::rng::fresh_seed;
use crate::fault::proxy::{Address, AddressError, ListenError, Plane};
use registry::Registry;

use super::exit::Exit;

/// Options of `rchaos proxy`: those of `toxiproxy-server`.
#[derive(Debug, Clone, clap::Args)]
pub struct ProxyArgs {
    /// Host on which the HTTP API listens
    #[arg(long, default_value = "localhost")]
    pub host: String,
    /// Port on which the HTTP API listens; 0 lets the system choose
    #[arg(long, default_value_t = 8474)]
    pub port: u16,
    /// JSON file with the proxies to create at the start
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Seed of every random choice: which connections a toxic hits, jitter, slices [default: drawn and printed]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<i64>,
    /// Serve byte counters of every proxy under /metrics
    #[arg(long)]
    pub proxy_metrics: bool,
    /// Serve memory, CPU and descriptors of this process under /metrics
    #[arg(long)]
    pub runtime_metrics: bool,
    /// Print the version and exit
    #[arg(long = "version", id = "proxy_version")]
    pub print_version: bool,
    /// Threads that move bytes [default: one per core, at most 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
}

/// Why the server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The API's own address cannot be looked up.
    #[error("option `--host`: {0}")]
    Host(AddressError),
    /// The API's own address cannot be bound.
    #[error("{0}; choose another with --port or --host")]
    Listen(ListenError),
    /// The configuration cannot be read.
    #[error("cannot read {}: {source}", crate::base::text::quoted(&path.display().to_string()))]
    ReadConfig {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The configuration cannot be applied.
    #[error("{}: {reason}", crate::base::text::quoted(&path.display().to_string()))]
    Config {
        /// The file.
        path: PathBuf,
        /// What the API would have answered.
        reason: String,
    },
    /// No threads or descriptors left.
    #[error("cannot start the proxy: {0}")]
    Start(std::io::Error),
}

impl ProxyError {
    /// How the program ends for it.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Start(_) => Exit::Internal,
            _ => Exit::Usage,
        }
    }
}

/// The options that `toxiproxy-server` takes with a single dash.
const SINGLE_DASH: &[&str] = &[
    "-host",
    "-port",
    "-config",
    "-seed",
    "-proxy-metrics",
    "-runtime-metrics",
    "-version",
];

/// Rewrites `toxiproxy-server`'s single-dash options of a `proxy` command line into double-dash
/// ones; any other command line is given back as it is. `args` starts with the program's name.
#[must_use]
pub fn normalise(args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_none_or(|command| command != "proxy") {
        return args;
    }
    let rewrite = |arg: OsString| {
        let text = arg.to_str().unwrap_or_default();
        let name = text.split('=').next().unwrap_or_default();
        if SINGLE_DASH.contains(&name) {
            OsString::from(format!("-{text}"))
        } else {
            arg
        }
    };
    args.into_iter().map(rewrite).collect()
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
///
/// The address is taken, the configuration is wrong, or the system has no threads or descriptors
/// left. A wrong configuration stops the start, unlike in Toxiproxy: tests that run against
/// proxies that do not exist prove nothing.
pub fn run(args: ProxyArgs) -> Result<(), ProxyError> {
    if args.print_version {
        println!("toxiproxy-server version {}", route::VERSION);
        return Ok(());
    }
    raise_descriptor_limit();
    let threads = args.threads.map_or_else(default_threads, usize::from);
    let plane = Plane::start(threads).map_err(ProxyError::Start)?;
    let seed = args
        .seed
        .map_or_else(fresh_seed, |seed| u64::from_ne_bytes(seed.to_ne_bytes()));
    let registry = Registry::new(plane, seed);
    if let Some(path) = args.config {
        populate(&registry, path)?;
    }
    let host = if args.host.contains(':') {
        format!("[{}]", args.host)
    } else {
        args.host
    };
    let address = Address::parse(&format!("{host}:{}", args.port)).map_err(ProxyError::Host)?;
    let api = api::Api {
        registry,
        proxy_metrics: args.proxy_metrics,
        runtime_metrics: args.runtime_metrics,
    };
    server::serve(api, &address, seed)
}

fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8))
}

fn populate(registry: &Registry, path: PathBuf) -> Result<(), ProxyError> {
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(ProxyError::ReadConfig { path, source }),
    };
    let (_, failed) = registry.populate(&text);
    match failed {
        Some(error) => Err(ProxyError::Config {
            path,
            reason: error.to_string(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(args: &[&str]) -> Vec<String> {
        let given = args.iter().map(OsString::from).collect();
        normalise(given)
            .into_iter()
            .map(|arg| arg.into_string().unwrap())
            .collect()
    }

    #[test]
    fn single_dash_options_are_taken_as_toxiproxy_takes_them() {
        let given = [
            "rchaos",
            "proxy",
            "-host",
            "::1",
            "-port=9",
            "-proxy-metrics",
            "--seed",
            "3",
        ];
        let wanted = [
            "rchaos",
            "proxy",
            "--host",
            "::1",
            "--port=9",
            "--proxy-metrics",
            "--seed",
            "3",
        ];
        assert_eq!(normal(&given), wanted);
        let other = ["rchaos", "run", "-host"];
        assert_eq!(normal(&other), other);
        assert_eq!(normal(&["rchaos"]), ["rchaos"]);
    }
}
