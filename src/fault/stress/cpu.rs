//! `stress.cpu`: keeps cores busy for a share of the time, in the control groups of the target.

use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::crew::{self, Load, Plan, Report, Work};
use crate::fault::place::{cgroups, cpus, process};
use crate::fault::{Context, Kind, Target, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cpu {
    /// How busy each core is, 0 to 1.
    pub load: f64,
    /// How many cores; all that the target may use where left out.
    pub workers: Option<usize>,
    /// Which cores, by number.
    pub cores: Option<Vec<usize>>,
    /// Whose control groups, and with them limits, it counts in; none where left out.
    pub target: Option<Target>,
    /// How long it takes to get there.
    pub over: Option<Duration>,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.cpu",
    tier: Tier::Kernel,
    fixture: false,
    build: crew::build::<Cpu>,
    recover: crew::recover,
    probe: || Ok("children that die with the agent".to_owned()),
};

impl Work for Cpu {
    fn kind() -> &'static Kind {
        &KIND
    }

    fn plan(&self, context: &Context) -> Result<Plan, Trouble> {
        let found = process(KIND.name, self.target.as_ref(), context)?;
        let allowed = cpus(found.as_ref());
        let cores = match &self.cores {
            Some(cores) => cores.clone(),
            None => {
                let workers = self.workers.unwrap_or(allowed.len());
                (0..workers).map(|n| allowed[n % allowed.len()]).collect()
            }
        };
        if let Some(other) = cores.iter().find(|core| !allowed.contains(core)) {
            let text = format!(
                "{}: option `cores`: there is no core {other} for it",
                KIND.name
            );
            return Err(Trouble::Precondition(text));
        }
        if cores.is_empty() {
            let text = format!("{}: no core is named", KIND.name);
            return Err(Trouble::Misuse(text));
        }
        let files = cgroups(found.as_ref())?;
        let stubs = cores.iter().map(|core| {
            let burn = Burn {
                load: self.load,
                core: *core,
                over: self.over.unwrap_or_default(),
            };
            let mut stub = Load::Cpu(burn).stub();
            stub.cgroups.clone_from(&files);
            stub
        });
        let shown: Vec<_> = cores.iter().map(usize::to_string).collect();
        Ok(Plan {
            target: found.map_or_else(|| "this host".to_owned(), |found| found.label()),
            effect: format!(
                "core {} busy for {}% of the time",
                shown.join(", "),
                self.load * 100.0
            ),
            stubs: stubs.collect(),
            within: Duration::from_secs(20),
            counts: false,
            place: None,
        })
    }
}

/// What one child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Burn {
    load: f64,
    core: usize,
    over: Duration,
}

/// How long a busy and an idle piece take together: short against what schedulers and graphs average over.
const PERIOD: Duration = Duration::from_millis(20);

/// The most that is made up for when others had the core.
const DEBT: f64 = 1.0;

impl Burn {
    pub(super) fn run(self) -> std::io::Result<()> {
        let mut set = CpuSet::new();
        set.set(self.core);
        sched_setaffinity(None, &set)?;
        let began = Instant::now();
        let (mut before, mut owed) = (began, 0.0_f64);
        let mut spent = cpu_time();
        let mut told = None;
        loop {
            let now = Instant::now();
            let share = began.elapsed().as_secs_f64() / self.over.as_secs_f64().max(1e-9);
            let load = self.load * share.min(1.0);
            // What is due by the clock, less what the kernel says was spent: others on the core, and this
            // loop's own overhead, even out.
            owed += load * now.duration_since(before).as_secs_f64();
            let total = cpu_time();
            owed = (owed - (total - spent)).min(DEBT);
            (before, spent) = (now, total);
            if told.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(1)) {
                told = Some(now);
                let text = format!("core {} at {:.0}%", self.core, load * 100.0);
                Report::tell(0, text)?;
            }
            // The debt of one period is burnt within the period: at full load without a pause.
            let due = owed + load * PERIOD.as_secs_f64();
            let end = now + PERIOD;
            burn(total + due, end);
            if let Some(rest) = end.checked_duration_since(Instant::now()) {
                std::thread::sleep(rest);
            }
        }
    }
}

/// Computes until so much processor time was spent in all, or the time is up.
fn burn(until: f64, end: Instant) {
    let mut value = 0x9e37_79b9_u64;
    while cpu_time() < until && Instant::now() < end {
        for _ in 0..2000 {
            value = std::hint::black_box(value.wrapping_mul(6_364_136_223_846_793_005) ^ 0x5bd1);
        }
    }
}

/// The processor time of this process, in seconds.
fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64())
}
