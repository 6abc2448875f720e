//! What faults need while they are held: leases renewed, effects observed, times that are up.

use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError};
use std::time::{Duration, Instant};

use super::desk::{Desk, Holding};
use super::heal;
use super::inject::seen;
use crate::agent::host::now;
use crate::agent::protocol::{Change, Report};
use crate::fault::{Healed, Trouble};

/// How often times are looked at.
const TICK: Duration = Duration::from_millis(100);

/// How many faults are inspected in one tick, so that a thousand of them cost no more than a hundred.
const INSPECTIONS: usize = 50;

/// Starts the thread.
pub(super) fn start(desk: &Arc<Desk>) -> std::io::Result<()> {
    let desk = desk.clone();
    std::thread::Builder::new()
        .name("upkeep".to_owned())
        .spawn(move || {
            let renewal = desk.lease / 4;
            let (mut renewed, mut inspected) = (Instant::now(), Instant::now());
            let mut turn = 0;
            loop {
                std::thread::sleep(TICK);
                expire(&desk);
                if renewed.elapsed() >= renewal {
                    renewed = Instant::now();
                    renew(&desk);
                }
                if inspected.elapsed() >= Duration::from_millis(500) {
                    inspected = Instant::now();
                    turn = inspect(&desk, turn);
                }
            }
        })?;
    Ok(())
}

/// Those whose injection is over: before that there is nothing to renew, and nothing to miss.
fn live(desk: &Desk) -> Vec<Arc<Holding>> {
    let landed = |holding: &&Arc<Holding>| holding.landed.load(Ordering::Acquire);
    desk.held().values().filter(landed).cloned().collect()
}

fn expire(desk: &Arc<Desk>) {
    let now = now();
    for holding in live(desk) {
        if holding.expires.is_some_and(|at| at <= now) {
            let reason = "its time to live was up";
            end(desk, holding, reason.to_owned());
        }
    }
}

/// Renews leases, as long as the controller is known to be there.
fn renew(desk: &Arc<Desk>) {
    for holding in live(desk) {
        if now().saturating_sub(desk.pulse.fresh_at()) > desk.lease {
            return;
        }
        let result = match holding.fault.try_lock() {
            Ok(mut fault) => fault.renew(desk.lease_of(holding.expires)),
            Err(TryLockError::Poisoned(fault)) => {
                fault.into_inner().renew(desk.lease_of(holding.expires))
            }
            // It is being injected or healed.
            Err(TryLockError::WouldBlock) => continue,
        };
        match result {
            Ok(()) => {}
            Err(Trouble::Vanished(detail)) => gone(desk, holding, detail),
            Err(trouble) => end(
                desk,
                holding,
                format!("its lease was not renewed: {trouble}"),
            ),
        }
    }
}

/// Looks whether faults act and are still there; returns where the next look begins.
fn inspect(desk: &Arc<Desk>, turn: usize) -> usize {
    let all = live(desk);
    let count = all.len().min(INSPECTIONS);
    let first = if turn >= all.len() { 0 } else { turn };
    for holding in all.iter().cycle().skip(first).take(count) {
        let Ok(mut fault) = holding.fault.try_lock() else {
            continue;
        };
        let sight = fault.inspect();
        let news = fault.news();
        drop(fault);
        for detail in news {
            changed(desk, holding.id, Change::Noted { detail });
        }
        match sight {
            Ok(sight) if !sight.installed => {
                let detail = format!("it is no longer in place: {}", sight.detail);
                gone(desk, holding.clone(), detail);
            }
            Ok(sight) => {
                let before = holding.observed.load(Ordering::Acquire);
                if seen(holding, &sight) && !before {
                    let detail = sight.detail;
                    changed(desk, holding.id, Change::Observed { detail });
                }
            }
            Err(Trouble::Vanished(detail)) => gone(desk, holding.clone(), detail),
            Err(trouble) => tracing::debug!("{}: {trouble}", holding.name),
        }
    }
    first + count
}

/// Heals a fault whose time is over.
fn end(desk: &Arc<Desk>, holding: Arc<Holding>, reason: String) {
    // Once: a heal that fails is tried again when the run ends.
    if holding.ending.swap(true, Ordering::AcqRel) {
        return;
    }
    desk.run(move |desk| {
        // Somebody may have been faster.
        if desk.held().contains_key(&holding.id) {
            let outcome = heal::one(desk, holding.id);
            changed(desk, holding.id, Change::Healed { reason, outcome });
        }
    });
}

/// Clears away a fault whose target is gone.
fn gone(desk: &Arc<Desk>, holding: Arc<Holding>, detail: String) {
    if holding.ending.swap(true, Ordering::AcqRel) {
        return;
    }
    desk.run(move |desk| {
        if !desk.held().contains_key(&holding.id) {
            return;
        }
        match heal::one(desk, holding.id) {
            Ok(Healed::Restored | Healed::Unchanged | Healed::Vanished) => {
                changed(desk, holding.id, Change::Void { detail });
            }
            outcome => {
                let reason = detail;
                changed(desk, holding.id, Change::Healed { reason, outcome });
            }
        }
    });
}

/// Tells the controller of a fault that has changed on its own.
pub(super) fn changed(desk: &Desk, id: u64, change: Change) {
    desk.mouth.say(&Report::Changed { id, change });
}
