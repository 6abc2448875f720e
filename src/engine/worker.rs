//! A load worker: one thread with one runtime and one VM, thousands of users.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::LocalSet;

use crate::metrics::{TagSetId, builtin};
use crate::script::{Kind, ScriptError};

use super::plan::ScenarioPlan;
use super::pool::{Arrival, Pool};
use super::share::Share;
use super::site::{Report, Site, SiteSetup};

/// What the controller tells a worker.
#[derive(Debug)]
pub enum Command {
    /// What `setup` returned, as JSON.
    Session(Option<Arc<str>>),
    /// Start a scenario's share.
    Start {
        /// Which one of the plan.
        scenario: usize,
        /// When it begins.
        begin: Instant,
    },
    /// End a scenario's share before its profile does, gracefully.
    Retire(usize),
    /// Interrupt everything.
    Stop,
    /// Send the last figures and end.
    Finish,
}

/// What a worker knows of a scenario.
pub struct Part {
    /// The scenario's plan.
    pub plan: Arc<ScenarioPlan>,
    /// The id of its first user.
    pub first_id: u64,
    /// What all workers share.
    pub pool: Arc<Pool>,
    /// Arrivals that other workers hand over.
    pub handed: Option<UnboundedReceiver<Arrival>>,
}

/// A running worker thread.
pub struct Worker {
    commands: mpsc::Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(
        setup: SiteSetup,
        index: usize,
        parts: Vec<Part>,
        flush_every: Duration,
    ) -> io::Result<Self> {
        let (commands, inbox) = mpsc::channel(64);
        let thread = std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                let reports = setup.reports.clone();
                if let Err(error) = run(setup, index, parts, flush_every, inbox) {
                    let _ = reports.blocking_send(Report::Fatal(error));
                }
            })?;
        Ok(Self {
            commands,
            thread: Some(thread),
        })
    }

    /// Tells the worker something; a worker that has ended does not hear it.
    pub async fn tell(&self, command: Command) {
        let _ = self.commands.send(command).await;
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the thread; `false` when it panicked.
    pub fn join(&mut self) -> bool {
        self.thread
            .take()
            .is_none_or(|thread| thread.join().is_ok())
    }
}

fn run(
    setup: SiteSetup,
    index: usize,
    parts: Vec<Part>,
    flush_every: Duration,
    inbox: mpsc::Receiver<Command>,
) -> Result<(), ScriptError> {
    let runtime = super::site::runtime()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let site = Site::open(setup, index)?;
        serve(site, parts, flush_every, inbox).await
    })
}

async fn serve(
    site: Rc<Site>,
    mut parts: Vec<Part>,
    flush_every: Duration,
    mut inbox: mpsc::Receiver<Command>,
) -> Result<(), ScriptError> {
    site.report(Report::Ready).await;
    let flushing = tokio::task::spawn_local(site.clone().flush_every(flush_every));
    let stalling = tokio::task::spawn_local(measure_stalls(site.clone()));
    let mut shares: Vec<(usize, Rc<Share>)> = Vec::new();
    while let Some(command) = inbox.recv().await {
        match command {
            Command::Session(json) => site.set_session(json.as_deref())?,
            Command::Start { scenario, begin } => {
                let share = start(&site, &mut parts[scenario], scenario, begin)?;
                shares.push((scenario, share));
            }
            Command::Retire(scenario) => {
                let wanted = shares.iter().filter(|(number, _)| *number == scenario);
                wanted.for_each(|(_, share)| share.retire_all());
            }
            Command::Stop => shares.iter().for_each(|(_, share)| share.stop()),
            Command::Finish => break,
        }
    }
    flushing.abort();
    stalling.abort();
    site.flush().await;
    Ok(())
}

fn start(
    site: &Rc<Site>,
    part: &mut Part,
    scenario: usize,
    begin: Instant,
) -> Result<Rc<Share>, ScriptError> {
    let share = Share::new(
        site.clone(),
        part.plan.clone(),
        scenario,
        part.first_id,
        part.pool.clone(),
    )
    .map_err(|error| ScriptError::new(Kind::Runtime, format!("no timer for the load: {error}")))?;
    if let Some(handed) = part.handed.take() {
        let (share, site) = (share.clone(), site.clone());
        tokio::task::spawn_local(async move {
            share.run(begin, handed).await;
            site.flush().await;
            site.report(Report::Done(scenario)).await;
        });
    }
    Ok(share)
}

/// Measures how late this worker gets to its work; a late generator measures itself.
async fn measure_stalls(site: Rc<Site>) {
    let every = Duration::from_millis(20);
    let series = site
        .recorder
        .borrow_mut()
        .series(builtin::WORKER_STALL, TagSetId::EMPTY);
    loop {
        let due = Instant::now() + every;
        tokio::time::sleep_until(due.into()).await;
        let late = due.elapsed();
        site.recorder.borrow_mut().time(series, late);
    }
}
