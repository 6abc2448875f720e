//! One ledger per host: who touches what, so that no fault breaks another's heal.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use super::paths::Paths;
use super::roster::{Entry, Life, roster};
use crate::base::wait::within;
use crate::fault::{Resource, Sharing, Trouble};

/// Held while an agent looks at the ledger and enters its own line.
pub(super) struct Turn(#[expect(dead_code, reason = "the lock ends with the file")] File);

/// Waits for this agent's turn.
///
/// # Errors
///
/// Another agent does not let go of it.
pub(super) fn turn(paths: &Paths) -> Result<Turn, Trouble> {
    let path = paths.state.join("ledger.lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| Trouble::system(path.display(), error))?;
    if within(Duration::from_secs(10), || file.try_lock().is_ok()) {
        return Ok(Turn(file));
    }
    Err(Trouble::Precondition(format!(
        "{} is locked by another agent that does not let go; see `rchaos status`",
        path.display()
    )))
}

/// Refuses resources that agents of other runs hold, or have left unhealed.
///
/// # Errors
///
/// Names the resource, the fault and the run that holds it.
pub(super) fn refuse_held(paths: &Paths, agent: &str, wanted: &[Resource]) -> Result<(), Trouble> {
    if wanted.iter().all(|one| one.sharing == Sharing::Free) {
        return Ok(());
    }
    let others = roster(paths).map_err(|error| Trouble::system("the ledger", error))?;
    for other in others.iter().filter(|other| other.agent != agent) {
        refuse(other, wanted)?;
    }
    Ok(())
}

fn refuse(other: &Entry, wanted: &[Resource]) -> Result<(), Trouble> {
    for fault in &other.unhealed {
        let clash = wanted.iter().find(|one| {
            let same = |held: &Resource| held.key == one.key && held.sharing != Sharing::Free;
            one.sharing != Sharing::Free && fault.intent.resources.iter().any(same)
        });
        let Some(clash) = clash else { continue };
        let (run, script) = other.header.as_ref().map_or(("?", "?"), |header| {
            (header.run.as_str(), header.script.as_str())
        });
        let advice = match other.life {
            Life::Live => "wait for it, or end it with `rchaos halt`",
            Life::Dead | Life::Elsewhere => "it is dead: heal it with `rchaos recover`",
        };
        return Err(Trouble::Precondition(format!(
            "{} is held by \"{}\" of run {run} ({script}); {advice}",
            clash.key, fault.intent.name
        )));
    }
    Ok(())
}
