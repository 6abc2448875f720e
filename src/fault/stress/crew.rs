//! Faults that are child processes at work: started together, watched, and gone when they are killed or the agent is.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::outcome::{recorded, within};
use crate::fault::place::Place;
use crate::fault::process::{Output, kill_marked, mark};
use crate::fault::stub::{Role, Stub};
use crate::fault::{
    Built, Children, Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Spec,
    Survives, Tier, Trouble, ended,
};

/// A kind of work: its options, which say what the children do.
pub(super) trait Work: DeserializeOwned + Send + 'static {
    /// The kind.
    fn kind() -> &'static Kind;

    /// Looks where and how much, and what to start.
    fn plan(&self, context: &Context) -> Result<Plan, Trouble>;
}

/// What is going to be started.
pub(super) struct Plan {
    /// Where the effect is, as plan and timeline name it.
    pub target: String,
    /// What the effect is.
    pub effect: String,
    /// The children.
    pub stubs: Vec<Stub>,
    /// How long they may take until the first of the effect is there.
    pub within: Duration,
    /// Whether what they report is a number of hits.
    pub counts: bool,
    /// The folder that they work in, held for as long as they do.
    #[expect(
        dead_code,
        reason = "its descriptor is what the children's path leads through"
    )]
    pub place: Option<Place>,
}

/// What a child tells of its work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    /// How much of its unit it has done or holds.
    pub count: u64,
    /// In words.
    pub text: String,
}

impl Report {
    /// Tells the agent. An error: it is gone, and this process will be too.
    pub(super) fn tell(count: u64, text: impl Into<String>) -> std::io::Result<()> {
        let text = text.into();
        let mut line = serde_json::to_string(&Self { count, text })?;
        line.push('\n');
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()
    }
}

/// Builds the fault of a kind of work.
pub(super) fn build<W: Work>(spec: &Spec, context: &Context) -> Built {
    Ok(Box::new(Crewed {
        work: spec.read::<W>()?,
        context: context.clone(),
        plan: None,
        crew: Vec::new(),
    }))
}

/// Undoes it from the record: kills whoever has the mark.
pub(super) fn recover(undo: &Value) -> Result<Healed, Trouble> {
    let undo: Undo = recorded(undo)?;
    kill_marked(&undo.marker, &undo.what)
}

#[derive(Serialize, Deserialize)]
struct Undo {
    marker: String,
    what: String,
}

struct Crewed<W> {
    work: W,
    context: Context,
    plan: Option<Plan>,
    crew: Vec<Hand>,
}

/// One child.
pub(super) struct Hand {
    child: Child,
    told: Arc<Mutex<Option<Report>>>,
    errors: Output,
}

impl Hand {
    /// Starts it, with a mark by which it is found when the agent is gone.
    pub(super) fn start(stub: &Stub, marker: &str, children: &Children) -> std::io::Result<Self> {
        let mut child = children.start(stub, |command| {
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            mark(command, marker);
        })?;
        let (told, errors) = (Arc::<Mutex<Option<Report>>>::default(), Output::default());
        if let Some(err) = child.stderr.take() {
            errors.read(err)?;
        }
        if let Some(out) = child.stdout.take() {
            let told = told.clone();
            let listen = move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if let Ok(report) = serde_json::from_str(&line) {
                        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
                    }
                }
            };
            std::thread::Builder::new()
                .name("stress".to_owned())
                .spawn(listen)?;
        }
        Ok(Self {
            child,
            told,
            errors,
        })
    }

    /// What it told last.
    pub(super) fn report(&self) -> Option<Report> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and waits until it has.
    pub(super) fn end(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// How it ended, if it has.
    pub(super) fn gone(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        let errors = self.errors.tail(2).replace('\n', " | ");
        let errors = errors.trim_start_matches("error: ");
        Some(if errors.is_empty() {
            ended(status)
        } else {
            format!("{errors} ({})", ended(status))
        })
    }
}

impl<W: Work> Crewed<W> {
    fn record(&self) -> Undo {
        Undo {
            marker: format!("{}-{}", self.context.agent, self.context.id),
            what: W::kind().name.to_owned(),
        }
    }

    fn first_gone(&mut self) -> Option<String> {
        self.crew.iter_mut().find_map(Hand::gone)
    }
}

impl<W: Work> Fault for Crewed<W> {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let plan = self.work.plan(&self.context)?;
        let preflight = Preflight {
            targets: vec![plan.target.clone()],
            effect: plan.effect.clone(),
            undo: "the processes that do it are killed".to_owned(),
            tier: Tier::Kernel,
            survives: Survives::Process,
            resources: vec![Resource::new(
                format!("work {}", self.record().marker),
                Sharing::Free,
            )],
            provisional: false,
        };
        self.plan = Some(plan);
        Ok(preflight)
    }

    fn undo(&self) -> Value {
        json!(self.record())
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let what = W::kind().name;
        let Some(plan) = self.plan.take() else {
            return Err(Trouble::Failed(format!("{what}: it was not planned")));
        };
        let children = self.context.shared.get::<Children>();
        let marker = self.record().marker;
        for stub in &plan.stubs {
            let hand = Hand::start(stub, &marker, &children);
            self.crew
                .push(hand.map_err(|error| Trouble::system(what, error))?);
        }
        let limit = std::time::Instant::now() + plan.within;
        let within = plan.within;
        self.plan = Some(plan);
        while !self.crew.iter().all(|hand| hand.report().is_some()) {
            if let Some(how) = self.first_gone() {
                return Err(Trouble::Failed(format!("{what}: {how}")));
            }
            if std::time::Instant::now() > limit {
                let limit = crate::base::units::show_duration(within);
                let text = format!("{what}: it has not begun within {limit}");
                return Err(Trouble::Failed(text));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        if let Some(how) = self.first_gone() {
            let what = W::kind().name;
            return Err(Trouble::Vanished(format!("{what} has ended: {how}")));
        }
        let reports: Vec<Report> = self.crew.iter().filter_map(Hand::report).collect();
        let plan = self.plan.as_ref();
        let counts = plan.is_some_and(|plan| plan.counts);
        let all = plan.is_some_and(|plan| plan.stubs.len() == self.crew.len());
        let texts: Vec<_> = reports.iter().map(|report| report.text.clone()).collect();
        Ok(Sight {
            installed: all,
            hits: counts.then(|| reports.iter().map(|report| report.count).sum()),
            detail: texts.join(", "),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        if self.crew.is_empty() {
            return Ok(Healed::Unchanged);
        }
        for hand in &mut self.crew {
            // It may have ended already.
            let _ = hand.child.kill();
        }
        let gone = within(Duration::from_secs(30), || {
            let all = self.crew.iter();
            all.map(|hand| hand.child.id()).all(is_over)
        });
        if !gone {
            let pids = self.crew.iter().map(|hand| hand.child.id().to_string());
            let pids = pids.collect::<Vec<_>>().join(" ");
            let what = W::kind().name;
            return Err(Trouble::Failed(format!(
                "{what}: a process is held by the kernel (state D); wait for: {pids}"
            )));
        }
        for mut hand in self.crew.drain(..) {
            let _ = hand.child.wait();
        }
        Ok(Healed::Restored)
    }

    fn facts(&self) -> Value {
        let pids: Vec<_> = self.crew.iter().map(|hand| hand.child.id()).collect();
        let count: u64 = self
            .crew
            .iter()
            .filter_map(|hand| Some(hand.report()?.count))
            .sum();
        json!({"pids": pids, "count": count})
    }
}

/// Whether a child of ours has ended, reaped or not.
pub(super) fn is_over(pid: u32) -> bool {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return true;
    };
    let state = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    state.starts_with('Z') || state.starts_with('X')
}

/// Work as a stub's role carries it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Computes.
    Cpu(super::cpu::Burn),
    /// Holds memory.
    Memory(super::memory::Hold),
    /// Fills memory that is no process's own.
    Fill(super::memory::Fill),
    /// Reads and writes.
    DiskIo(super::disk_io::Churn),
    /// Holds connections.
    Connections(super::crowd::Crowd),
    /// Holds threads.
    Pids(super::pids::Threads),
    /// Stands between programs and a folder.
    IoErrors(super::io_errors::Broken),
    /// Takes its mount away.
    Unmount(super::io_errors::Unmount),
}

impl Load {
    /// Works until it is killed.
    pub(in crate::fault) fn run(self) -> std::io::Result<()> {
        match self {
            Self::Cpu(work) => work.run(),
            Self::Memory(work) => work.run(),
            Self::Fill(work) => work.run(),
            Self::DiskIo(work) => work.run(),
            Self::Connections(work) => work.run(),
            Self::Pids(work) => work.run(),
            Self::IoErrors(work) => work.run(),
            Self::Unmount(work) => work.run(),
        }
    }

    /// The stub that becomes it.
    pub(super) fn stub(self) -> Stub {
        Stub::new(Role::Load(self))
    }
}
