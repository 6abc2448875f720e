//! What a lost agent held: healed by its worker or guardian, or by the same command started again.

use std::process::{Command as Process, Stdio};
use std::sync::Arc;

use super::link::Link;
use super::notice::Notice;
use super::shared::Inner;
use crate::agent::protocol::{Mended, Report};

/// The guardian has healed in the worker's place.
pub(super) fn take(inner: &Inner, link: &Link, reason: &str, healed: Vec<Mended>) {
    // What is not among them had been healed before: its journal says so.
    gone(inner, link, &healed);
    if healed.iter().all(Mended::clean) {
        link.settle();
    }
    let mut texts: Vec<String> = healed.iter().map(|one| one.told("")).collect();
    texts.insert(0, reason.to_owned());
    inner.notice(Notice::Mended {
        agent: link.name.clone(),
        clean: healed.iter().all(Mended::clean),
        texts,
    });
}

/// The worker has healed everything but what is left, and ends.
pub(super) fn gone(inner: &Inner, link: &Link, left: &[Mended]) {
    for held in inner.all() {
        if held.order.agent != link.name {
            continue;
        }
        let outcome = left
            .iter()
            .find(|one| one.id == held.id)
            .map_or(Ok(crate::fault::Healed::Restored), |one| {
                one.outcome.clone()
            });
        held.healed(&outcome);
    }
}

/// Starts the agent's command once more to heal what the lost one held; on a thread, since that may take its time.
pub(super) fn start(inner: &Arc<Inner>, link: &Arc<Link>) {
    let (shared, lost) = (inner.clone(), link.clone());
    let thread = std::thread::Builder::new().name("rescue".to_owned());
    let spawned = thread.spawn(move || {
        let healed = run(&lost);
        match healed {
            Ok(healed) => take(&shared, &lost, "healed in its place", healed),
            Err(problem) => shared.notice(Notice::Mended {
                agent: lost.name.clone(),
                texts: vec![format!(
                    "{problem}; run `{} --recover` on its host",
                    lost.command.join(" ")
                )],
                clean: false,
            }),
        }
        lost.settle();
    });
    if let Err(error) = spawned {
        tracing::error!("no thread to heal in a lost agent's place: {error}");
        link.settle();
    }
}

fn run(link: &Link) -> Result<Vec<Mended>, String> {
    let Some((program, arguments)) = link.command.split_first() else {
        return Err("it has no command".to_owned());
    };
    let Some(ready) = link.ready() else {
        return Ok(Vec::new());
    };
    let output = Process::new(program)
        .args(arguments)
        .args(["--recover", &ready.agent])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text
        .lines()
        .find_map(|line| serde_json::from_str(line).ok());
    match found {
        Some(Report::Guardian { healed, .. }) => Ok(healed),
        _ => Err(format!(
            "the command for recovery ended with {} and said nothing",
            crate::fault::ended(output.status)
        )),
    }
}

/// What was healed of earlier runs, a line each.
pub(super) fn texts(mended: &[Mended]) -> Vec<String> {
    mended.iter().map(|one| one.told("")).collect()
}
