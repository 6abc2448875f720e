//! `stress.pids`: takes process numbers of the target's control group until only so many are left.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::crew::{self, Load, Plan, Report, Work};
use crate::fault::place::{cgroups, pids, process};
use crate::fault::{Context, Kind, Target, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pids {
    /// Until so many are left of the target's own limit.
    pub leave: Option<u64>,
    /// So many.
    pub count: Option<u64>,
    /// Whose limit it is; the agent's own where left out.
    pub target: Option<Target>,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.pids",
    tier: Tier::Kernel,
    fixture: false,
    build: crew::build::<Pids>,
    recover: crew::recover,
    probe: || Ok("children that die with the agent".to_owned()),
};

/// More than any service has, and less than a host needs.
const MOST: u64 = 30_000;

impl Work for Pids {
    fn kind() -> &'static Kind {
        &KIND
    }

    fn plan(&self, context: &Context) -> Result<Plan, Trouble> {
        let found = process(KIND.name, self.target.as_ref(), context)?;
        let target = found.as_ref().map_or_else(
            || "this host".to_owned(),
            crate::fault::process::Found::label,
        );
        let room = pids(found.as_ref());
        let (wanted, words) = match (self.leave, self.count, room) {
            (None, Some(count), _) => (count, String::new()),
            (Some(leave), None, Some((limit, used))) => {
                let words = format!(", {leave} of {limit} are left");
                (limit.saturating_sub(used).saturating_sub(leave), words)
            }
            (Some(_), None, None) => {
                let text = format!(
                    "{}: {target} has no limit of processes; say `count` instead of `leave`",
                    KIND.name
                );
                return Err(Trouble::Precondition(text));
            }
            _ => {
                let text = format!("{}: say how many with one of leave and count", KIND.name);
                return Err(Trouble::Misuse(text));
            }
        };
        if wanted > MOST {
            let text = format!(
                "{}: {wanted} are more than {MOST}, which is the most",
                KIND.name
            );
            return Err(Trouble::Precondition(text));
        }
        // The child itself is one of them.
        let mut stub = Load::Pids(Threads {
            count: wanted.saturating_sub(1),
        })
        .stub();
        stub.cgroups = cgroups(found.as_ref())?;
        Ok(Plan {
            target,
            effect: format!("{wanted} process numbers are taken{words}"),
            stubs: if wanted == 0 { Vec::new() } else { vec![stub] },
            within: Duration::from_secs(60),
            counts: false,
            place: None,
        })
    }
}

/// What the child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Threads {
    count: u64,
}

impl Threads {
    pub(super) fn run(self) -> std::io::Result<()> {
        let mut held = 0;
        // Threads count as processes do, and cost less.
        while held < self.count {
            let thread = std::thread::Builder::new().stack_size(16 << 10);
            let sleep = || loop {
                std::thread::park();
            };
            if thread.spawn(sleep).is_err() {
                // Others were faster: there are none left.
                break;
            }
            held += 1;
        }
        Report::tell(held + 1, format!("{} taken", held + 1))?;
        loop {
            std::thread::park();
        }
    }
}
