//! `rchaos agent`: what controllers start on the hosts where faults are injected; not for people to type.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Args;

use super::diagnostic::Failure;
use super::exit::Exit;
use crate::agent::protocol::{Mended, Report, line};
use crate::agent::{
    GuardianArgs, Life, Paths, Recovery, WorkerArgs, guard, recover, roster, stop_deadman, work,
};
use crate::fault::Stub;

/// What `rchaos agent` is told. Without options it is a guardian that waits for a controller on its input.
#[derive(Debug, Args)]
pub(super) struct AgentArgs {
    /// Be the worker of the guardian with this id
    #[arg(long, value_name = "ID", hide = true)]
    worker: Option<String>,
    /// Heal what the agent with this id left, once it is dead
    #[arg(long, value_name = "ID")]
    recover: Option<String>,
    /// With --recover: look once, and wait for nobody
    #[arg(long, requires = "recover")]
    now: bool,
    /// Let a timer of systemd heal here if guardian and worker are both lost
    #[arg(long)]
    deadman: bool,
    /// Become a child of an agent, as this JSON says
    #[arg(long, value_name = "JSON", hide = true, value_parser = Stub::parse)]
    stub: Option<Stub>,
}

pub(super) fn run(args: AgentArgs) -> Result<Exit, Failure> {
    let paths = Paths::of_user();
    if let Some(stub) = args.stub {
        if let Err(error) = stub.play() {
            eprintln!("error: {error}");
            // As a shell says that a command cannot be started.
            std::process::exit(127);
        }
        return Ok(Exit::Passed);
    }
    if let Some(agent) = args.recover {
        return rescue(&paths, &agent, args.now);
    }
    let clean = match args.worker {
        Some(agent) => work(WorkerArgs { agent, paths }),
        None => guard(&GuardianArgs {
            paths,
            deadman: args.deadman,
        }),
    };
    match clean {
        Ok(true) => Ok(Exit::Passed),
        Ok(false) => Ok(Exit::Unhealed),
        Err(error) => Err(Failure::new(Exit::Internal, format!("agent: {error}"))),
    }
}

/// How long an agent may take to be dead, or done.
const PATIENCE: Duration = Duration::from_secs(90);

/// Heals in the place of an agent that its controller has lost; says how that went as one line of the protocol.
fn rescue(paths: &Paths, agent: &str, now: bool) -> Result<Exit, Failure> {
    let wanted = Recovery {
        agent: Some(agent.to_owned()),
        ..Recovery::default()
    };
    let trouble = |error| Failure::new(Exit::Unhealed, format!("recover: {error}"));
    let limit = Instant::now() + PATIENCE;
    loop {
        let there = roster(paths).map_err(trouble)?;
        let healed = match there.iter().find(|entry| entry.agent == agent) {
            // It has healed everything, and has gone.
            None => Some(Vec::new()),
            Some(entry) if entry.life == Life::Dead => recover(paths, &wanted)
                .map_err(trouble)?
                .into_iter()
                .find(|one| one.left_alone.is_none())
                .map(|one| one.mended),
            Some(_) => None,
        };
        if let Some(healed) = healed {
            let clean = healed.iter().all(Mended::clean);
            let reason = "healed in its place".to_owned();
            if clean && now {
                stop_deadman(agent);
            }
            let report = line(&Report::Guardian { reason, healed });
            let _ = std::io::stdout().write_all(report.as_bytes());
            return Ok(if clean { Exit::Passed } else { Exit::Unhealed });
        }
        if now {
            return Ok(Exit::Passed);
        }
        if Instant::now() > limit {
            let text = format!("recover: agent {agent} is still at work; see `rchaos status`");
            return Err(Failure::new(Exit::Unhealed, text));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
