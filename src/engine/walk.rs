//! `rchaos plan`: walks through a script without a run, and looks what its faults would touch.

use std::sync::{Arc, Mutex, PoisonError};

use mlua::Lua;

use crate::agent::client::{Agents, Held};
use crate::fault::{Kind, Preflight, find};
use crate::script::phase::Reached;

use super::director::{Ask, ask};
use super::gameday::GamedayConfig;
use super::plan::Plan;
use super::run::{RunConfig, RunError, accept, load};
use super::stage::Stage;

/// What was met on the walk, in its order; shared by the main VM and the controller.
#[derive(Debug, Clone, Default)]
pub struct Walk(Arc<Mutex<Vec<Met>>>);

#[derive(Debug, Clone)]
enum Met {
    Fault(Arc<Held>, String),
    Stopped(String),
}

impl Walk {
    fn push(&self, met: Met) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(met);
    }

    /// Notes a fault that a scope would hold.
    pub fn fault(lua: &Lua, held: &Arc<Held>, scope: &str) {
        if let Some(walk) = lua.app_data_ref::<Self>() {
            walk.push(Met::Fault(held.clone(), scope.to_owned()));
        }
    }

    /// Notes where the walk through a scope ended.
    pub fn stopped(lua: &Lua, scope: &str, reached: &Reached) {
        let at = reached.at.as_ref().map(|at| format!("{at}: "));
        let at = at.unwrap_or_default();
        let what = &reached.what;
        Self::broke_off(
            lua,
            &format!("{at}{scope} calls {what}, which reaches outside"),
        );
    }

    /// Notes why the walk through a scope ended.
    pub fn broke_off(lua: &Lua, why: &str) {
        if let Some(walk) = lua.app_data_ref::<Self>() {
            walk.push(Met::Stopped(why.to_owned()));
        }
    }
}

/// A script as it would be run.
pub struct Planned {
    /// What it declares.
    pub plan: Plan,
    /// The faults that were met, in the order in which they would be injected.
    pub faults: Vec<PlannedFault>,
    /// Where the walk ended early, and why: what follows there is not known.
    pub stops: Vec<String>,
}

/// A fault that a run would inject.
pub struct PlannedFault {
    /// Its name in timeline, tags and summary.
    pub name: String,
    /// Its kind: `netfault.latency`.
    pub kind: String,
    /// What it does to whom, in a few words.
    pub label: String,
    /// The agent that would hold it; empty for this host's.
    pub agent: String,
    /// What would hold it: `step "cut"`.
    pub scope: String,
    /// How long it would last at most.
    pub ttl: Option<std::time::Duration>,
    /// The worst tier of its kind.
    pub tier: Option<&'static str>,
    /// What it would touch, or what is missing.
    pub preflight: Result<Preflight, String>,
}

/// Walks through a script. Nothing is injected; targets are looked up.
///
/// # Errors
///
/// The script does not load, or what it declares is wrong.
pub async fn plan(mut config: RunConfig) -> Result<Planned, RunError> {
    config.agents.dry_run = true;
    config.gameday = GamedayConfig {
        yes: true,
        ..GamedayConfig::default()
    };
    let (mut stage, loaded) = load(&config, true).await?;
    let walk = stage.setup.walk.clone().unwrap_or_default();
    let ad_hoc = loaded.plan.is_ad_hoc();
    if let (true, Some(reached)) = (ad_hoc, &loaded.reached) {
        let at = reached.at.as_ref().map(|at| format!("{at}: "));
        let at = at.unwrap_or_default();
        let text = format!(
            "{at}the script calls {}, which reaches outside",
            reached.what
        );
        walk.push(Met::Stopped(text));
    }
    let plan = accept(&config, &mut stage, loaded)?;
    stage.arm(&plan, config.gameday.clone())?;
    walk_methods(&mut stage, plan.methods.len()).await?;
    let met = walk
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let mut planned = Planned {
        plan,
        faults: Vec::new(),
        stops: Vec::new(),
    };
    let agents = stage.agents.clone();
    for met in met {
        match met {
            Met::Stopped(text) => planned.stops.push(text),
            Met::Fault(held, scope) => {
                let fault = look_up(&mut stage, &agents, &held, scope).await;
                planned.faults.push(fault);
            }
        }
    }
    stage.control.close().await;
    Ok(planned)
}

/// Walks through the experiments and gamedays.
async fn walk_methods(stage: &mut Stage, count: usize) -> Result<(), RunError> {
    let asks = stage.director.asks();
    for index in 0..count {
        let Some(harness) = stage.harness.clone() else {
            break;
        };
        let walking = ask(asks.clone(), |reply| Ask::Method(index, harness, reply));
        let grace = std::time::Duration::from_secs(5);
        match stage.control.during(walking, grace, |_, _| {}).await {
            Some(Some(Ok(()))) => {}
            Some(Some(Err(error))) => return Err(RunError::Script(error)),
            _ => return Err(RunError::Internal("the walk broke off".to_owned())),
        }
    }
    Ok(())
}

/// Looks what a fault would touch.
async fn look_up(stage: &mut Stage, agents: &Agents, held: &Held, scope: String) -> PlannedFault {
    let looking = agents.preflight(&held.order);
    let grace = std::time::Duration::from_secs(30);
    let looked = stage.control.during(looking, grace, |_, _| {}).await;
    PlannedFault {
        name: held.name.clone(),
        kind: held.order.spec.kind.clone(),
        label: held.order.label.clone(),
        agent: held.order.agent.clone(),
        scope,
        ttl: held.order.ttl,
        tier: find(&held.order.spec.kind)
            .ok()
            .map(|kind: &Kind| kind.tier.word()),
        preflight: match looked {
            Some(Ok(preflight)) => Ok(preflight),
            Some(Err(trouble)) => Err(trouble.to_string()),
            None => Err("interrupted".to_owned()),
        },
    }
}
