//! `docker.oom`: drives a container into its memory limit until the kernel ends a process there.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::life::{Alive, bring_back, resource, shown};
use super::part::{self, Act, Part};
use super::select::{Container, LANDS};
use crate::base::units::show_bytes;
use crate::docker::models::ContainerInspectResponse;
use crate::fault::place::cgroups;
use crate::fault::process::{Found, Identity};
use crate::fault::stress::hog;
use crate::fault::{Children, Context, Healed, Kind, Resource, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Oom {
    /// Who is to be ended.
    pub victim: Victim,
    /// How long it may take.
    pub within: Duration,
}

/// Who is ended when memory runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Victim {
    /// The main process, and with it the container.
    Main,
    /// Whom the kernel chooses; what took the memory is among them.
    Any,
}

/// The kind.
pub const KIND: Kind = part::kind::<Oom>();

/// How it was, what its limit is, and how much the kernel liked to end its main process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Before {
    alive: Alive,
    limit: u64,
    main: Identity,
    liking: String,
}

/// More than the limit, so that it is met for sure.
const BEYOND: u64 = 64 << 20;

/// A child that is ended when this goes out of use, whatever happens meanwhile.
struct Hog(Child);

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Act for Oom {
    type Before = Before;

    const NAME: &'static str = "docker.oom";

    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        _: &Context,
    ) -> Result<Before, Trouble> {
        let alive = Alive::look(Self::NAME, container, now)?;
        let host = now.host_config.as_ref();
        let limit = host.and_then(|host| host.memory).unwrap_or_default();
        let limit = u64::try_from(limit).unwrap_or_default();
        // Beyond any memory there is: what a lifted limit reads as.
        if limit == 0 || limit > 1 << 50 {
            return Err(Trouble::Precondition(format!(
                "{}: {} has no memory limit; inject :limit {{ memory = \"64MiB\" }} first",
                Self::NAME,
                container.label()
            )));
        }
        let main = container.process()?;
        cgroups(Some(&main))?;
        let liking = std::fs::read_to_string(liking(&main.identity)).unwrap_or_default();
        Ok(Before {
            alive,
            limit,
            main: main.identity,
            liking: liking.trim().to_owned(),
        })
    }

    fn effect(&self) -> String {
        let who = match self.victim {
            Victim::Main => "its main process",
            Victim::Any => "a process",
        };
        format!("memory is taken in its control group until the kernel ends {who}")
    }

    fn undo(&self) -> String {
        "started again, unless its restart policy did".to_owned()
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        vec![resource(container)]
    }

    fn longest(&self) -> Duration {
        self.within + LANDS
    }

    fn inject(part: &mut Part<Self>, context: &Context) -> Result<(), Trouble> {
        let main = part.container.process()?;
        let mut stub = hog(part.before.limit + BEYOND);
        stub.cgroups = cgroups(Some(&main))?;
        if part.act.victim == Victim::Main {
            // Not all may make themselves unlikely to be ended, but another process likely.
            stub.oom_score_adj = -1000;
            let file = liking(&main.identity);
            std::fs::write(&file, "1000").map_err(|error| Trouble::system(file, error))?;
        }
        let before = kills(&main);
        let children = context.shared.get::<Children>();
        let started = children.start(&stub, |command| {
            command.stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
        });
        let what = format!("{}: no child", Self::NAME);
        let mut hog = Hog(started.map_err(|error| Trouble::system(what, error))?);
        let end = Instant::now() + part.act.within;
        loop {
            // Asked first: where the main process ends, its container takes all others with it.
            let over = matches!(hog.0.try_wait(), Ok(Some(_)));
            let hit = match part.act.victim {
                Victim::Main => !main.identity.alive(),
                Victim::Any => over || kills(&main) > before,
            };
            if hit {
                return Ok(());
            }
            if over || Instant::now() > end {
                #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
                let limit = show_bytes(part.before.limit as f64);
                return Err(Trouble::Failed(format!(
                    "{} did not run out of memory at its limit of {limit}: {}",
                    part.label(),
                    match over {
                        true => "what took memory was ended itself",
                        false => "time was up",
                    }
                )));
            }
            // Short: a container that starts again must not find its memory taken.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble> {
        let now = part.glance()?;
        let killed = now.state.as_ref().and_then(|state| state.oom_killed);
        let noted = match killed {
            Some(true) => ", OOMKilled",
            _ => "",
        };
        let shown = shown(&now, &part.before.alive);
        Ok((part.done, format!("{shown}{noted}")))
    }

    fn heal(part: &Part<Self>, _: Option<&Context>) -> Result<Healed, Trouble> {
        let main = &part.before.main;
        if main.alive() {
            let file = liking(main);
            let put = std::fs::write(&file, &part.before.liking);
            put.map_err(|error| Trouble::system(file, error))?;
        }
        bring_back(part, &part.before.alive)
    }
}

/// Where the kernel reads how much it likes to end a process.
fn liking(process: &Identity) -> String {
    format!("/proc/{}/oom_score_adj", process.pid)
}

/// How often the kernel has ended a process in the memory group of a container.
fn kills(main: &Found) -> u64 {
    use crate::fault::control_group::{groups, named};
    let all = groups(&main.identity.pid.to_string());
    let memory = all.iter().filter(|group| group.has("memory"));
    let count = memory.filter_map(|group| {
        let folder = &group.folder;
        let second = named(folder, "memory.events", "oom_kill ");
        second.or_else(|| named(folder, "memory.oom_control", "oom_kill "))
    });
    count.max().unwrap_or_default()
}
