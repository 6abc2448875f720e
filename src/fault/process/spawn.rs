//! `process.spawn`: a program of the script's own, which ends with its scope, and all that it forked with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clock::{self, Clock};
use super::identity::Identity;
use super::owner::user_entry;
use super::ready::Ready;
use super::running::{Programs, Running};
use super::signal::SignalName;
use super::supervise::{Supervise, kill_marked};
use crate::base::text::{command_line, quoted};
use crate::base::units::show_duration;
use crate::fault::outcome::{recorded, worst};
use crate::fault::place::process;
use crate::fault::stub::{Role, Stub};
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Query, Resource, Sharing, Sight, Survives, Target,
    Tier, Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spawn {
    /// Program and arguments.
    pub command: Vec<String>,
    /// As messages name it; the program's name where left out.
    pub name: String,
    /// Variables added to the agent's environment.
    pub env: BTreeMap<String, String>,
    /// Its working folder; the agent's where left out.
    pub cwd: Option<PathBuf>,
    /// Whose process it is, by name or number; the agent's user where left out.
    pub user: Option<String>,
    /// Where its network is; the agent's where left out.
    pub network: Option<Target>,
    /// What is waited for before it counts as started.
    pub ready: Option<Ready>,
    /// How it is ended.
    pub stop: Stop,
    /// Its clock; the system's where left out.
    #[serde(default)]
    pub clock: Clock,
}

/// How a program is ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stop {
    /// What asks it to end; `SIGTERM` by default.
    pub signal: SignalName,
    /// How long it has before it is killed; five seconds by default.
    pub within: Duration,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            signal: SignalName(Signal::TERM),
            within: Duration::from_secs(5),
        }
    }
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "process.spawn",
    tier: Tier::Kernel,
    fixture: true,
    build: |spec, context| {
        let options: Spawn = spec.read()?;
        if options.command.is_empty() {
            let text = "process.spawn: option `cmd` names no program".to_owned();
            return Err(Trouble::Misuse(text));
        }
        if let Some(ready) = &options.ready {
            ready.sign.check()?;
        }
        Ok(Box::new(Spawned {
            options,
            context: context.clone(),
            running: None,
            looked: false,
        }))
    },
    recover: |undo| recorded::<Undo>(undo)?.heal(),
    probe: || Ok("PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER".to_owned()),
};

/// Seen by the agent's protocol as `process.spawned`: output and end of the program with this number.
pub const QUERY: Query = Query {
    name: "process.spawned",
    ask: |options, context| {
        let number = options.get("spawned").and_then(Value::as_u64);
        let programs = context.shared.get::<Programs>();
        let state = number.and_then(|number| programs.get(number));
        let state = state.ok_or_else(|| {
            Trouble::Vanished("process.spawn: the program has ended, long ago".to_owned())
        })?;
        let ended = state.ended();
        Ok(json!({
            "log": state.output.text(),
            "running": ended.is_none(),
            "ended": ended,
        }))
    },
};

struct Spawned {
    options: Spawn,
    context: Context,
    running: Option<Running>,
    /// Whether it was looked at since it was started.
    looked: bool,
}

/// What can be left if the agent has gone: processes that have our mark, and the file of their clock.
#[derive(Debug, Serialize, Deserialize)]
struct Undo {
    marker: String,
    name: String,
    #[serde(default)]
    clock: Option<PathBuf>,
    #[serde(default)]
    program: Option<Identity>,
}

impl Undo {
    fn heal(&self) -> Result<Healed, Trouble> {
        let killed = kill_marked(&self.marker, &format!("process {}", self.name));
        let file = self.clock.as_ref();
        let removed = file.map(|file| clock::remove(file, self.program.as_ref()));
        worst(std::iter::once(killed).chain(removed))
    }
}

impl Spawned {
    fn record(&self) -> Undo {
        Undo {
            marker: format!("{}-{}", self.context.agent, self.context.id),
            name: self.options.name.clone(),
            clock: self.options.clock.file(&self.context),
            program: self.running.as_ref().and_then(|one| one.program.clone()),
        }
    }

    fn network(&self) -> Result<Option<PathBuf>, Trouble> {
        let network = self.options.network.clone();
        let path = match network {
            None | Some(Target::Host) => return Ok(None),
            Some(Target::Namespace { name }) => PathBuf::from("/run/netns").join(name),
            Some(Target::Process { find }) => {
                let found = find.targets(&self.context)?;
                let [one] = found.as_slice() else {
                    let text = format!(
                        "process.spawn: option `namespace`: {} processes match {}, not one",
                        found.len(),
                        find.label()
                    );
                    return Err(Trouble::Precondition(text));
                };
                PathBuf::from(format!("/proc/{}/ns/net", one.identity.pid))
            }
            Some(Target::Container { id, name, .. }) => {
                let find = super::Find {
                    container: Some(id.clone()),
                    ..super::Find::default()
                };
                let found = find.all()?;
                let first = found.first().ok_or_else(|| {
                    Trouble::Precondition(format!("container {name} has no process here"))
                })?;
                PathBuf::from(format!("/proc/{}/ns/net", first.identity.pid))
            }
            target @ Some(Target::Containers { .. }) => {
                let found = process(KIND.name, target.as_ref(), &self.context)?;
                let pid = found.map_or(0, |found| found.identity.pid);
                PathBuf::from(format!("/proc/{pid}/ns/net"))
            }
        };
        if path.exists() {
            return Ok(Some(path));
        }
        let text = format!("process.spawn: there is no {}", path.display());
        Err(Trouble::Precondition(text))
    }

    /// The program as a file, so that what is missing is known before anything is started.
    fn program(&self) -> Result<PathBuf, Trouble> {
        let program = &self.options.command[0];
        let folder = self.options.cwd.clone().unwrap_or_default();
        let path = self.options.env.get("PATH").map(Into::into);
        let path = path
            .or_else(|| std::env::var_os("PATH"))
            .unwrap_or_default();
        let places: Vec<PathBuf> = if program.contains('/') {
            vec![folder.join(program)]
        } else {
            let folders = std::env::split_paths(&path);
            folders.map(|folder| folder.join(program)).collect()
        };
        let found = places.into_iter().find(|place| place.is_file());
        found.ok_or_else(|| {
            let text = format!(
                "process.spawn: there is no program {} here",
                quoted(program)
            );
            Trouble::Precondition(text)
        })
    }

    fn supervise(&self) -> Result<Stub, Trouble> {
        let user = self.options.user.as_ref().map(|name| {
            let none = || format!("process.spawn: there is no user {} here", quoted(name));
            user_entry(name).ok_or_else(|| Trouble::Precondition(none()))
        });
        let mut command = self.options.command.clone();
        command[0] = self.program()?.to_string_lossy().into_owned();
        let (clock, options) = (self.options.clock, &self.options);
        let file = clock.file(&self.context);
        let env = file.map(|file| clock::environment(&file, &options.env));
        let mut stub = Stub::new(Role::Supervise(Supervise {
            command,
            user: user.transpose()?,
            env: env.transpose()?.unwrap_or_default(),
            ahead: clock.monotonic,
        }));
        stub.network = self.network()?;
        Ok(stub)
    }
}

impl Fault for Spawned {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        self.options.clock.check()?;
        let stub = self.supervise()?;
        let place = stub.network.map_or_else(String::new, |network| {
            format!(" in the network of {}", network.display())
        });
        Ok(Preflight {
            targets: vec![format!("program {}", self.options.name)],
            effect: format!("`{}` runs{place}", command_line(&self.options.command)),
            undo: format!(
                "{}, SIGKILL after {}, with all that it forked",
                self.options.stop.signal.label(),
                show_duration(self.options.stop.within)
            ),
            tier: Tier::Kernel,
            survives: Survives::Process,
            resources: vec![Resource::new(
                format!("spawned {}", self.record().marker),
                Sharing::Free,
            )],
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.record())
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let stub = self.supervise()?;
        let what = format!("process.spawn: cannot start {}", self.options.name);
        let (record, children) = (self.record(), self.context.shared.get());
        if let Some(file) = &record.clock {
            clock::set(file, &clock::shown(0.0)).map_err(|error| Trouble::system(&what, error))?;
        }
        let running = Running::start(&stub, &self.options, &record.marker, &children)
            .map_err(|error| Trouble::system(what, error))?;
        let programs = self.context.shared.get::<Programs>();
        programs.add(self.context.id, running.state.clone());
        let running = self.running.insert(running);
        running.wait(&self.options.name, self.options.ready.as_ref())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let name = &self.options.name;
        let ended = self.running.as_ref().and_then(|one| one.state.ended());
        // The first look is part of starting it, and it may have been quick.
        let first = !std::mem::replace(&mut self.looked, true);
        if let Some(how) = ended.filter(|_| !first) {
            return Err(Trouble::Vanished(format!("{name} has ended: {how}")));
        }
        Ok(Sight {
            installed: self.running.is_some(),
            hits: None,
            detail: "running".to_owned(),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let healed = match &mut self.running {
            Some(running) => running.stop(&self.options.stop)?,
            None => Healed::Unchanged,
        };
        let left = self.record().heal()?;
        self.running = None;
        worst([Ok(healed), Ok(left)].into_iter())
    }

    fn facts(&self) -> Value {
        let program = self.running.as_ref().and_then(|one| one.program.as_ref());
        json!({
            "spawned": self.context.id,
            "name": self.options.name,
            "pid": program.map(|program| program.pid),
            "identity": program,
        })
    }
}
