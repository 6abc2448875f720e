//! The way out, of one fault and of all.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::desk::{Desk, Holding};
use super::inject::{lock, seen};
use super::upkeep::changed;
use crate::agent::protocol::{Change, Mended};
use crate::agent::roster::forget;
use crate::fault::{Fault, Healed, Trouble};

/// How many faults are healed at once.
const HANDS: usize = 8;

/// How one heal ended.
pub(super) type Outcome = Result<Healed, Trouble>;

/// Heals a fault; one that is healed already says how that went.
pub(super) fn one(desk: &Desk, id: u64) -> Outcome {
    match desk.find_or_cancel(id) {
        Some(holding) => heal(desk, &holding),
        // It was healed before, and the controller has been told how; or it will not be injected.
        None => Ok(Healed::Unchanged),
    }
}

fn heal(desk: &Desk, holding: &Arc<Holding>) -> Outcome {
    let mut fault = lock(holding);
    let before = holding
        .healed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some(outcome) = before {
        return outcome;
    }
    let attempt = std::panic::AssertUnwindSafe(|| {
        last_look(desk, holding, fault.as_mut());
        fault.heal()
    });
    let outcome = std::panic::catch_unwind(attempt).unwrap_or_else(|_| {
        Err(Trouble::Failed(
            "its code has panicked; run `rchaos recover`".to_owned(),
        ))
    });
    desk.audit.healed(&holding.name, &outcome);
    // What failed may be tried again.
    if let Ok(healed) = &outcome {
        // Healed is healed, also where the disk no longer takes notes.
        let _ = desk.journal().healed(holding.id, healed.clone());
        desk.held().remove(&holding.id);
        let mut done = holding
            .healed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *done = Some(outcome.clone());
    }
    outcome
}

/// Counts once more what it has done: the regular looks are too far apart for a short fault.
fn last_look(desk: &Desk, holding: &Holding, fault: &mut dyn Fault) {
    if holding.observed.load(Ordering::Acquire) {
        return;
    }
    if let Ok(sight) = fault.inspect()
        && seen(holding, &sight)
    {
        let detail = sight.detail;
        changed(desk, holding.id, Change::Observed { detail });
    }
}

/// Heals all faults, newest first and several at once; then, if asked to, fixtures one by one. Commands of before are
/// refused from now on.
pub(super) fn all(desk: &Arc<Desk>, with_fixtures: bool) -> Vec<(u64, Outcome)> {
    desk.raise_epoch();
    let live: Vec<Arc<Holding>> = desk.held().values().rev().cloned().collect();
    let (fixtures, faults): (Vec<_>, Vec<_>) =
        live.into_iter().partition(|holding| holding.kind.fixture);
    let queue = Mutex::new(VecDeque::from(faults));
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let hand = || loop {
            let next = queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            let Some(holding) = next else { return };
            let outcome = heal(desk, &holding);
            outcomes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((holding.id, outcome));
        };
        for _ in 1..HANDS {
            // Without more threads this one does it all.
            let _ = std::thread::Builder::new().spawn_scoped(scope, hand);
        }
        hand();
    });
    let mut outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    for fixture in fixtures.into_iter().filter(|_| with_fixtures) {
        outcomes.push((fixture.id, heal(desk, &fixture)));
    }
    outcomes.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    outcomes
}

/// Heals everything, waits for what is under way, heals that too, and removes the journal. Returns what is left.
///
/// A heal that hangs ends the wait: the worker then exits in failure, and the guardian heals the
/// journal in its place.
pub(super) fn all_and_close(desk: &Arc<Desk>, reason: &str) -> Vec<Mended> {
    desk.close();
    let patience = Duration::from_secs(60);
    let limit = Instant::now() + patience;
    let healer = desk.clone();
    let (done, ended) = std::sync::mpsc::channel();
    let spawned = std::thread::Builder::new()
        .name("healer".to_owned())
        .spawn(move || {
            loop {
                all(&healer, true);
                if healer.idle() && healer.held().is_empty() || Instant::now() > limit {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = done.send(());
        });
    if spawned.is_ok() {
        let _ = ended.recv_timeout(patience);
    } else {
        all(desk, true);
    }
    let left: Vec<Mended> = desk.held().values().map(|one| mended(desk, one)).collect();
    if left.is_empty() {
        forget(&desk.args.paths, &desk.args.agent);
    } else {
        tracing::error!("{} faults are left after: {reason}", left.len());
    }
    left
}

fn mended(desk: &Desk, holding: &Holding) -> Mended {
    let preflight = &holding.preflight;
    Mended {
        agent: desk.args.agent.clone(),
        id: holding.id,
        name: holding.name.clone(),
        effect: format!("{}: {}", preflight.targets.join(", "), preflight.effect),
        outcome: Err(Trouble::Failed("it could not be healed in time".to_owned())),
    }
}
