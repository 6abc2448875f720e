//! `process.kill`: sends a signal; what it ended is started again where a command says how.

use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::find::{Find, Found};
use super::restart::Restart;
use super::signal::SignalName;
use crate::fault::outcome::{recorded, within};
use crate::fault::{
    Children, Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Spec, Survives,
    Tier, Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kill {
    /// Which processes.
    pub find: Find,
    /// Which signal.
    pub signal: SignalName,
    /// How they are started again; left out, somebody else's business (a service manager's).
    pub restart: Option<Restart>,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "process.kill",
    tier: Tier::Journal,
    fixture: false,
    build,
    recover: |undo| recorded::<Undo>(undo)?.heal(&Children::default()),
    probe: || Ok("pidfd_send_signal".to_owned()),
};

fn build(spec: &Spec, context: &Context) -> Result<Box<dyn Fault>, Trouble> {
    let options: Kill = spec.read()?;
    if options.signal.0 == Signal::STOP || options.signal.0 == Signal::TSTP {
        return Err(Trouble::Misuse(format!(
            "process.kill: {} would leave it stopped for good; write :pause()",
            options.signal.label()
        )));
    }
    let only_pid = options
        .find
        .pid
        .or(options.find.identity.as_ref().map(|one| one.pid));
    if let (Some(_), Some(pid)) = (&options.restart, only_pid) {
        return Err(Trouble::Misuse(format!(
            "process.kill: option `restart`: what is started again is not pid {pid}; find it by name, cmdline or port"
        )));
    }
    Ok(Box::new(Killed {
        options,
        context: context.clone(),
        targets: Vec::new(),
        before: 0,
        sent: 0,
    }))
}

struct Killed {
    options: Kill,
    context: Context,
    targets: Vec<Found>,
    /// How many matched, picked or not.
    before: usize,
    sent: u64,
}

/// What starts them again.
#[derive(Serialize, Deserialize)]
struct Undo {
    restart: Option<Restart>,
    find: Find,
    before: usize,
}

impl Undo {
    fn heal(&self, children: &Children) -> Result<Healed, Trouble> {
        match &self.restart {
            None => Ok(Healed::Unchanged),
            Some(restart) => restart.heal(&self.find, self.before, children),
        }
    }
}

impl Killed {
    fn record(&self) -> Undo {
        Undo {
            restart: self.options.restart.clone(),
            find: self.options.find.clone(),
            before: self.before,
        }
    }

    /// Whether the signal ends whoever gets it, whatever it does about signals.
    fn is_final(&self) -> bool {
        self.options.signal.0 == Signal::KILL
    }

    fn left(&self) -> usize {
        let alive = self.targets.iter().filter(|one| one.identity.alive());
        alive.count()
    }
}

impl Fault for Killed {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        self.before = self.options.find.all()?.len();
        self.targets = self.options.find.targets(&self.context)?;
        let key = |found: &Found| {
            let identity = &found.identity;
            format!("process {}@{} life", identity.pid, identity.start)
        };
        let restart = self.options.restart.as_ref();
        Ok(Preflight {
            targets: self.targets.iter().map(Found::label).collect(),
            effect: format!("sent {}", self.options.signal.label()),
            undo: restart.map_or_else(
                || "none: whoever started it starts it again".to_owned(),
                |restart| format!("`{}`, unless it is back already", restart.line()),
            ),
            tier: Tier::Journal,
            survives: Survives::Boot,
            resources: self
                .targets
                .iter()
                .map(|found| Resource::new(key(found), Sharing::Stacks))
                .collect(),
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.record())
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        for found in &self.targets {
            // One that has ended by itself in the meantime is as dead as was wanted.
            if found.identity.signal(self.options.signal.0)? {
                self.sent += 1;
            }
        }
        if self.is_final() && !within(Duration::from_secs(5), || self.left() == 0) {
            let left = self.left();
            return Err(Trouble::Failed(format!(
                "{left} of {} processes are there still, after five seconds: held by the kernel (state D)",
                self.targets.len()
            )));
        }
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let left = self.left();
        Ok(Sight {
            installed: !self.is_final() || left == 0,
            hits: Some(self.sent),
            detail: format!(
                "{} sent to {}, {left} of them there still",
                self.options.signal.label(),
                self.sent
            ),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        if self.sent == 0 {
            return Ok(Healed::Unchanged);
        }
        self.record().heal(&self.context.shared.get())
    }

    fn facts(&self) -> Value {
        let pids = self.targets.iter().map(|found| found.identity.pid);
        json!({"pids": pids.collect::<Vec<_>>()})
    }
}
