//! `stress.connections`: opens many TCP connections to a server and keeps them: idle, with requests that never end, or half
//! open.

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::crew::{self, Load, Plan, Work};
use super::crowd::{Crowd, Manner};
use crate::fault::place::process;
use crate::fault::{Context, Kind, Target, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Connections {
    /// The server, `host:port`, resolved where the agent is.
    pub to: String,
    /// How many.
    pub count: usize,
    /// How many are opened a second; as fast as they come where left out.
    pub rate: Option<f64>,
    /// What each of them does.
    pub manner: Manner,
    /// Whether it is a TLS connection; any certificate will do.
    pub tls: bool,
    /// Whose network they come from: a namespace, a process, a container; the agent's where left out.
    pub target: Option<Target>,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.connections",
    tier: Tier::Kernel,
    fixture: false,
    build: crew::build::<Connections>,
    recover: crew::recover,
    probe: || Ok("children that die with the agent".to_owned()),
};

/// How many connections one child holds, below the limit of descriptors that most systems give.
const EACH: usize = 20_000;

impl Work for Connections {
    fn kind() -> &'static Kind {
        &KIND
    }

    fn plan(&self, context: &Context) -> Result<Plan, Trouble> {
        let resolved = self
            .to
            .to_socket_addrs()
            .ok()
            .and_then(|mut all| all.next());
        let to = resolved.ok_or_else(|| {
            let text = format!("{}: option `to`: no address for \"{}\"", KIND.name, self.to);
            Trouble::Precondition(text)
        })?;
        let network = match &self.target {
            Some(Target::Namespace { name }) => Some(PathBuf::from("/run/netns").join(name)),
            other => process(KIND.name, other.as_ref(), context)?
                .map(|found| PathBuf::from(format!("/proc/{}/ns/net", found.identity.pid))),
        };
        let host = self.to.rsplit_once(':').map_or("", |(host, _)| host);
        let host = host.trim_matches(['[', ']']).to_owned();
        let children = self.count.div_ceil(EACH).max(1);
        let share = |n: usize| (self.count * (n + 1) / children) - (self.count * n / children);
        let stubs = (0..children).map(|n| {
            #[expect(clippy::cast_precision_loss, reason = "a handful of children")]
            let rate = self.rate.map(|rate| rate / children as f64);
            let crowd = Crowd {
                to,
                count: share(n),
                rate,
                manner: self.manner,
                tls: self.tls.then(|| host.clone()),
            };
            let mut stub = Load::Connections(crowd).stub();
            stub.network.clone_from(&network);
            stub
        });
        Ok(Plan {
            target: format!("server {}", self.to),
            effect: format!(
                "{} {}connections are held, {}",
                self.count,
                if self.tls { "TLS " } else { "" },
                self.manner.words()
            ),
            stubs: stubs.collect(),
            within: Duration::from_secs(20),
            counts: true,
            place: None,
        })
    }
}
