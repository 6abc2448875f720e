//! `rchaos status`: which runs inject on this host, and what they hold.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::diagnostic::Failure;
use super::exit::Exit;
use crate::agent::{Entry, Life, Paths, Unhealed, boot_time, roster};
use crate::base::text::printable;
use crate::base::units::show_duration;

/// Options of `rchaos status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists live runs with their faults, and what dead ones left.
///
/// # Errors
///
/// The state folder cannot be read.
pub(super) fn run(args: &StatusArgs) -> Result<Exit, Failure> {
    show(&Paths::of_user(), args.json, false)
}

/// Shows the agents of this host; with `dead`, only what is to be healed comes first.
pub(super) fn show(paths: &Paths, json: bool, dead: bool) -> Result<Exit, Failure> {
    let mut all = roster(paths)
        .map_err(|error| Failure::new(Exit::Internal, format!("the state folder: {error}")))?;
    if dead {
        all.sort_by_key(|entry| entry.life == Life::Live);
    }
    if json {
        println!(
            "{}",
            json!({ "agents": all.iter().map(as_json).collect::<Vec<_>>() })
        );
        return Ok(Exit::Passed);
    }
    if all.is_empty() {
        println!("no run injects on this host, and none has left anything");
    }
    for entry in &all {
        println!("{}", headline(entry));
        for fault in &entry.unhealed {
            println!("  {}", fault_line(fault));
        }
    }
    if all.iter().any(|entry| entry.life == Life::Dead) {
        println!("`rchaos recover` heals what dead runs left");
    }
    Ok(Exit::Passed)
}

fn headline(entry: &Entry) -> String {
    let life = word(entry.life);
    match &entry.header {
        Some(header) => format!(
            "{life}: run {} ({}), controller {} on {}, {} held",
            header.run,
            printable(&header.script),
            header.controller,
            printable(&header.host),
            entry.unhealed.len()
        ),
        None => format!("{life}: agent {} had not begun", entry.agent),
    }
}

fn word(life: Life) -> &'static str {
    match life {
        Life::Live => "live",
        Life::Dead => "dead",
        Life::Elsewhere => "elsewhere",
    }
}

fn fault_line(fault: &Unhealed) -> String {
    let intent = &fault.intent;
    let left = remaining(fault).map_or_else(
        || "until its scope ends".to_owned(),
        |left| format!("{} left", show_duration(left)),
    );
    format!(
        "{} [{}, {}]: {}; {left}",
        printable(&intent.name),
        intent.kind,
        intent.tier.word(),
        printable(&intent.effect)
    )
}

/// Time until a fault ends by itself, in whole seconds.
fn remaining(fault: &Unhealed) -> Option<Duration> {
    let end = Duration::from_millis(fault.intent.expires_ms?);
    Some(Duration::from_secs(
        end.saturating_sub(boot_time()).as_secs(),
    ))
}

fn as_json(entry: &Entry) -> serde_json::Value {
    let header = entry.header.as_ref();
    json!({
        "agent": entry.agent,
        "life": word(entry.life),
        "run": header.map(|header| &header.run),
        "script": header.map(|header| &header.script),
        "controller": header.map(|header| header.controller),
        "host": header.map(|header| &header.host),
        "guardian": header.map(|header| header.guardian.pid),
        "worker": header.map(|header| header.worker.pid),
        "journal": entry.journal,
        "faults": entry.unhealed.iter().map(|fault| json!({
            "id": fault.intent.id,
            "name": fault.intent.name,
            "kind": fault.intent.kind,
            "tier": fault.intent.tier.word(),
            "effect": fault.intent.effect,
            "remaining_seconds": remaining(fault).map(|left| left.as_secs()),
        })).collect::<Vec<_>>(),
    })
}
