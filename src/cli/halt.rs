//! `rchaos halt`: makes live runs heal and end.

use std::time::{Duration, Instant};

use clap::Args;

use super::diagnostic::Failure;
use super::exit::Exit;
use crate::agent::{Entry, Life, Paths, roster};
use crate::base::text::{nearest, printable};

/// Options of `rchaos halt`.
#[derive(Debug, Args)]
pub(super) struct HaltArgs {
    /// Only this run, as `rchaos status` names it [default: all that inject on this host]
    run: Option<String>,
}

/// How long a run may take to heal and end.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks live runs to end, and waits until nothing of them is left here.
///
/// # Errors
///
/// There is no such run, or it does not end (7).
pub(super) fn run(args: &HaltArgs) -> Result<Exit, Failure> {
    let paths = Paths::of_user();
    let all = live(&paths)?;
    let wanted: Vec<Entry> = match &args.run {
        None => all,
        Some(run) => {
            let runs: Vec<String> = all.iter().map(name).collect();
            let found: Vec<Entry> = all
                .into_iter()
                .filter(|entry| name(entry) == *run)
                .collect();
            if found.is_empty() {
                return Err(unknown(run, &runs));
            }
            found
        }
    };
    if wanted.is_empty() {
        println!("no run injects on this host");
        return Ok(Exit::Passed);
    }
    for entry in &wanted {
        let path = paths.halt(&entry.agent);
        std::fs::write(&path, "").map_err(|error| {
            Failure::new(Exit::Internal, format!("{}: {error}", path.display()))
        })?;
        println!("halting run {}", name(entry));
    }
    let limit = Instant::now() + PATIENCE;
    loop {
        let left: Vec<Entry> = live(&paths)?
            .into_iter()
            .filter(|entry| wanted.iter().any(|one| one.agent == entry.agent))
            .collect();
        if left.is_empty() {
            println!("healed and ended");
            return Ok(Exit::Passed);
        }
        if Instant::now() > limit {
            let names: Vec<String> = left.iter().map(name).collect();
            let text = format!(
                "{} does not end; kill its controller, then run `rchaos recover`",
                names.join(", ")
            );
            return Err(Failure::new(Exit::Unhealed, text));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn live(paths: &Paths) -> Result<Vec<Entry>, Failure> {
    let mut all = roster(paths)
        .map_err(|error| Failure::new(Exit::Internal, format!("the state folder: {error}")))?;
    all.retain(|entry| entry.life == Life::Live);
    Ok(all)
}

fn name(entry: &Entry) -> String {
    let header = entry.header.as_ref();
    header.map_or_else(|| entry.agent.clone(), |header| header.run.clone())
}

fn unknown(run: &str, runs: &[String]) -> Failure {
    let near = nearest(run, runs.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("; did you mean \"{near}\"?"),
        None if runs.is_empty() => "; none injects on this host".to_owned(),
        None => format!("; there are {}", runs.join(", ")),
    };
    let run = printable(run);
    Failure::new(
        Exit::Usage,
        format!("halt: no live run is called \"{run}\"{hint}"),
    )
}
