//! Heals what dead agents left, from their journals alone.

use std::fs::File;
use std::time::Duration;

use super::host::{Place, now};
use super::journal::{self, Header, Journal, State, Unhealed};
use super::paths::Paths;
use super::protocol::Mended;
use super::roster::{Beats, Entry, Life, forget, roster};
use crate::base::wait::within;
use crate::fault::process::Identity;
use crate::fault::{Healed, Survives, Trouble, find};

/// What is to be healed.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Only this agent; by default all that are dead.
    pub agent: Option<String>,
    /// Say what would be healed, and touch nothing.
    pub dry_run: bool,
    /// Whether it is the guardian that heals in its own worker's place.
    pub as_guardian: bool,
}

/// What became of one dead agent.
#[derive(Debug)]
pub struct Recovered {
    /// Its id.
    pub agent: String,
    /// Whose it was.
    pub header: Option<Header>,
    /// How many lines of its journal were unreadable.
    pub torn: usize,
    /// Its faults, newest first, and how their heals ended (in a dry run: what is recorded of them).
    pub mended: Vec<Mended>,
    /// Why it was left alone, if it was.
    pub left_alone: Option<String>,
}

/// Heals what dead agents left. Nothing that lives is touched.
///
/// # Errors
///
/// The state folder cannot be read.
pub fn recover(paths: &Paths, wanted: &Recovery) -> std::io::Result<Vec<Recovered>> {
    let mut all = Vec::new();
    for entry in roster(paths)? {
        if wanted.agent.as_ref().is_some_and(|id| *id != entry.agent) {
            continue;
        }
        let dead = entry.life == Life::Dead || wanted.as_guardian;
        if !dead {
            if entry.life == Life::Elsewhere {
                all.push(elsewhere(entry));
            }
            continue;
        }
        all.push(one(paths, entry, wanted));
    }
    Ok(all)
}

fn elsewhere(entry: Entry) -> Recovered {
    let reason =
        "it was made on another machine or in another pid namespace; run `rchaos recover` there";
    Recovered {
        agent: entry.agent,
        header: entry.header,
        torn: entry.torn,
        mended: Vec::new(),
        left_alone: Some(reason.to_owned()),
    }
}

fn one(paths: &Paths, entry: Entry, wanted: &Recovery) -> Recovered {
    let mut recovered = Recovered {
        agent: entry.agent.clone(),
        header: entry.header.clone(),
        torn: entry.torn,
        mended: Vec::new(),
        left_alone: None,
    };
    if wanted.dry_run {
        recovered.mended = entry
            .unhealed
            .iter()
            .map(|one| mended(&entry.agent, one, Ok(Healed::Unchanged)))
            .collect();
        return recovered;
    }
    // Two that heal at once would each undo what the other has put back.
    let lock = File::open(&entry.journal);
    let locked = lock
        .as_ref()
        .is_ok_and(|file| within(Duration::from_secs(10), || file.try_lock().is_ok()));
    if !locked {
        let reason = "another process is healing it";
        recovered.left_alone = Some(reason.to_owned());
        return recovered;
    }
    if let Some(header) = &entry.header {
        for identity in [&header.guardian, &header.worker] {
            end(identity);
        }
    }
    // Whoever else looks shall see that somebody is at it.
    let beats = Beats::open(paths, &entry.agent).ok();
    // It may have gone on between the look and the lock.
    let read = journal::read(&entry.journal);
    let unhealed = read.map_or(entry.unhealed, |read| read.unhealed);
    let mut journal = journal::reopen(&entry.journal).ok();
    let place = Place::here();
    let rebooted = entry
        .header
        .as_ref()
        .is_some_and(|header| header.place.boot != place.boot);
    let mut clean = true;
    for fault in &unhealed {
        if let Some(beats) = &beats {
            beats.beat();
        }
        let outcome = heal(fault, rebooted, beats.as_ref());
        clean &= outcome.is_ok();
        note(journal.as_mut(), fault.intent.id, &outcome);
        recovered.mended.push(mended(&entry.agent, fault, outcome));
    }
    if clean {
        forget(paths, &entry.agent);
    }
    recovered
}

/// Heals one. An effect that was only intended may still land: until it no longer can, it is looked at
/// again and again.
fn heal(fault: &Unhealed, rebooted: bool, beats: Option<&Beats>) -> Result<Healed, Trouble> {
    let intent = &fault.intent;
    if rebooted && intent.survives == Survives::Process {
        return Ok(Healed::Vanished);
    }
    let kind = find(&intent.kind)?;
    let window = Duration::from_millis(intent.at_ms.saturating_add(intent.max_duration_ms));
    let mut restored = false;
    loop {
        let outcome = (kind.recover)(&intent.undo);
        restored |= matches!(outcome, Ok(Healed::Restored));
        let settled = rebooted || fault.state == State::Done || now() >= window;
        if settled {
            return outcome.map(|healed| match healed {
                Healed::Unchanged | Healed::Vanished if restored => Healed::Restored,
                healed => healed,
            });
        }
        if let Some(beats) = beats {
            beats.beat();
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn note(journal: Option<&mut Journal>, id: u64, outcome: &Result<Healed, Trouble>) {
    if let (Some(journal), Ok(healed)) = (journal, outcome) {
        // Healed is healed, also where the disk no longer takes notes.
        let _ = journal.healed(id, healed.clone());
    }
}

fn mended(agent: &str, fault: &Unhealed, outcome: Result<Healed, Trouble>) -> Mended {
    Mended {
        agent: agent.to_owned(),
        id: fault.intent.id,
        name: fault.intent.name.clone(),
        effect: fault.intent.effect.clone(),
        outcome,
    }
}

/// Ends a process that hangs, so that it cannot go on later with what it was about to do.
fn end(identity: &Identity) {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    if identity.pid == own || !identity.alive() {
        return;
    }
    if let Err(error) = identity.signal(rustix::process::Signal::KILL) {
        tracing::warn!("{error}");
    }
    if !within(Duration::from_secs(5), || !identity.alive()) {
        tracing::warn!("process {} does not end", identity.pid);
    }
}
