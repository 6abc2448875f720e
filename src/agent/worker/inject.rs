//! The way in of one fault: look, enter it in ledger and journal, inject, read back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::desk::{Desk, Holding};
use super::heal;
use crate::agent::host::{self, now};
use crate::agent::journal::Intent;
use crate::agent::ledger;
use crate::agent::protocol::{Injected, Order};
use crate::base::units::millis;
use crate::fault::{
    Fault, Kind, Preflight, Resource, Sharing, Sight, Spec, Trouble, find, queries,
};

/// How long after a fault that could cut the channel a fresh beat must have come.
const PROVISIONAL: Duration = Duration::from_secs(2);

/// Looks, touching nothing.
pub(super) fn preflight(desk: &Desk, spec: &Spec) -> Result<Preflight, Trouble> {
    let kind = find(&spec.kind)?;
    let mut fault = (kind.build)(spec, &desk.context(0, &spec.kind))?;
    let preflight = fault.preflight()?;
    allowed(desk, kind, &preflight)?;
    compatible(desk, &preflight.resources)?;
    ledger::refuse_held(&desk.args.paths, &desk.args.agent, &preflight.resources)?;
    Ok(preflight)
}

/// Answers a question about the host.
pub(super) fn ask(desk: &Desk, name: &str, options: &Value) -> Result<Value, Trouble> {
    let query = queries().find(|query| query.name == name).ok_or_else(|| {
        Trouble::Misuse(format!(
            "this agent knows no query `{name}`; is it of another version?"
        ))
    })?;
    (query.ask)(options, &desk.context(0, name))
}

/// Injects a fault and holds it.
pub(super) fn inject(desk: &Arc<Desk>, order: Order, epoch: u64) -> Result<Injected, Trouble> {
    let kind = find(&order.spec.kind)?;
    let mut fault = (kind.build)(&order.spec, &desk.context(order.id, &order.name))?;
    let preflight = fault.preflight()?;
    allowed(desk, kind, &preflight)?;
    let holding = enter(desk, order, kind, fault, preflight)?;
    // Whoever heals meanwhile waits for this lock, and heals what is there then.
    let mut fault = lock(&holding);
    if holding.is_healed() {
        // Whoever heals was faster than this: what lands now would be nobody's.
        let text = "it was healed before it was injected";
        return Err(Trouble::Fenced(text.to_owned()));
    }
    let result = effect(desk, &holding, &mut fault, epoch);
    holding.landed.store(true, Ordering::Release);
    drop(fault);
    result.map_err(|trouble| undone(desk, &holding, trouble))
}

/// Refuses what is protected; a fixture is what the script makes for itself.
fn allowed(desk: &Desk, kind: &Kind, preflight: &Preflight) -> Result<(), Trouble> {
    if kind.fixture {
        return Ok(());
    }
    let protected = &desk.hello.protected;
    protected.host(&[&host::name()])?;
    protected.targets(preflight)
}

/// Locks a fault; a panic in its code does not make it untouchable.
pub(super) fn lock(holding: &Holding) -> MutexGuard<'_, Box<dyn Fault>> {
    holding.fault.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enters a fault into ledger and journal: from here on it is healed on every way out.
fn enter(
    desk: &Desk,
    order: Order,
    kind: &'static Kind,
    fault: Box<dyn Fault>,
    preflight: Preflight,
) -> Result<Arc<Holding>, Trouble> {
    let free = |one: &Resource| one.sharing == Sharing::Free;
    let turn = if preflight.resources.iter().all(free) {
        None
    } else {
        Some(ledger::turn(&desk.args.paths)?)
    };
    ledger::refuse_held(&desk.args.paths, &desk.args.agent, &preflight.resources)?;
    let mut held = desk.held();
    if desk.closed() {
        let text = "the agent is healing and takes no more faults";
        return Err(Trouble::Fenced(text.to_owned()));
    }
    if desk.is_cancelled(order.id) {
        let text = "it was healed before it was injected";
        return Err(Trouble::Fenced(text.to_owned()));
    }
    clash(held.values(), &preflight.resources)?;
    if held.contains_key(&order.id) {
        let text = format!("fault {} is there already", order.id);
        return Err(Trouble::Misuse(text));
    }
    let at = now();
    let expires = order.ttl_ms.map(|ttl| at + Duration::from_millis(ttl));
    desk.audit.injecting(&order.name, kind.name, &preflight)?;
    desk.journal().intent(Intent {
        id: order.id,
        name: order.name.clone(),
        kind: kind.name.to_owned(),
        effect: format!("{}: {}", preflight.targets.join(", "), preflight.effect),
        tier: preflight.tier,
        survives: preflight.survives,
        resources: preflight.resources.clone(),
        undo: fault.undo(),
        at_ms: millis(at),
        max_duration_ms: millis(fault.max_duration()),
        expires_ms: expires.map(millis),
    })?;
    let holding = Arc::new(Holding {
        id: order.id,
        name: order.name,
        kind,
        preflight,
        expires,
        fault: Mutex::new(fault),
        landed: AtomicBool::new(false),
        observed: AtomicBool::new(false),
        ending: AtomicBool::new(false),
        healed: Mutex::default(),
    });
    held.insert(order.id, holding.clone());
    drop(turn);
    Ok(holding)
}

fn compatible(desk: &Desk, wanted: &[Resource]) -> Result<(), Trouble> {
    clash(desk.held().values(), wanted)
}

/// Refuses what does not go together with a fault of this agent.
fn clash<'a>(
    held: impl Iterator<Item = &'a Arc<Holding>>,
    wanted: &[Resource],
) -> Result<(), Trouble> {
    for holding in held {
        for one in wanted {
            let same = holding
                .preflight
                .resources
                .iter()
                .find(|r| r.key == one.key);
            let alone = |sharing: Sharing| matches!(sharing, Sharing::Alone);
            if same.is_some_and(|same| alone(same.sharing) || alone(one.sharing)) {
                return Err(Trouble::Precondition(format!(
                    "\"{}\" is live on {}, and the two do not compose; heal it first",
                    holding.name, one.key
                )));
            }
        }
    }
    Ok(())
}

/// Makes it happen and reads it back.
fn effect(
    desk: &Desk,
    holding: &Holding,
    fault: &mut MutexGuard<'_, Box<dyn Fault>>,
    epoch: u64,
) -> Result<Injected, Trouble> {
    fault.inject(desk.lease_of(holding.expires))?;
    if desk.epoch() > epoch {
        let text = "everything was healed while it was being injected";
        return Err(Trouble::Fenced(text.to_owned()));
    }
    let landed = now();
    desk.journal().done(holding.id, fault.undo())?;
    let sight = fault.inspect()?;
    if !sight.installed {
        return Err(Trouble::Failed(format!(
            "it is not in place after it was injected: {}",
            sight.detail
        )));
    }
    if holding.preflight.provisional {
        still_connected(desk, landed)?;
    }
    Ok(Injected {
        preflight: holding.preflight.clone(),
        facts: fault.facts(),
        observed: seen(holding, &sight),
        detail: sight.detail,
    })
}

/// Gives a live fault other settings. Its undo is on disk already, and is noted anew.
pub(super) fn update(desk: &Desk, id: u64, spec: &Spec, epoch: u64) -> Result<Injected, Trouble> {
    let gone = || Trouble::Precondition("it is not live any more; inject it anew".to_owned());
    let holding = desk.held().get(&id).cloned().ok_or_else(gone)?;
    if spec.kind != holding.kind.name {
        let text = format!("it is {}, not {}", holding.kind.name, spec.kind);
        return Err(Trouble::Misuse(text));
    }
    // Whoever heals it meanwhile waits for this lock, or has had it before.
    let mut fault = lock(&holding);
    let healed = holding
        .healed
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if healed.is_some() || desk.epoch() > epoch || desk.closed() {
        return Err(gone());
    }
    drop(healed);
    desk.audit.updating(&holding.name, spec)?;
    fault.update(spec)?;
    desk.journal().done(id, fault.undo())?;
    let sight = fault.inspect()?;
    Ok(Injected {
        preflight: fault.preflight()?,
        facts: fault.facts(),
        observed: seen(&holding, &sight),
        detail: sight.detail,
    })
}

/// Notes whether a fault was seen to act. Where acting cannot be counted, being there is acting.
pub(super) fn seen(holding: &Holding, sight: &Sight) -> bool {
    let acted = sight.installed && sight.hits.is_none_or(|hits| hits > 0);
    if acted {
        holding.observed.store(true, Ordering::Release);
    }
    acted
}

/// Waits for a beat that was answered after the effect has landed.
fn still_connected(desk: &Desk, landed: Duration) -> Result<(), Trouble> {
    while desk.pulse.fresh_at() < landed {
        if now().saturating_sub(landed) > PROVISIONAL {
            return Err(Trouble::Failed(
                "it cut this agent's own channel to the controller, so it was healed at once; \
                 leave the controller's address out of it"
                    .to_owned(),
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Heals what an injection that failed may have done, and says how that went.
fn undone(desk: &Arc<Desk>, holding: &Holding, trouble: Trouble) -> Trouble {
    match heal::one(desk, holding.id) {
        Ok(_) => trouble,
        Err(left) => Trouble::Left(format!("{trouble}; and it could not be undone: {left}")),
    }
}
