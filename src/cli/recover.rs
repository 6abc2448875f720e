//! `rchaos recover`: heals what runs that were killed have left on this host.

use clap::Args;
use serde_json::json;

use super::diagnostic::Failure;
use super::exit::Exit;
use crate::agent::protocol::Mended;
use crate::agent::{Entry, Life, Paths, Recovered, Recovery, recover, roster};
use crate::base::text::printable;

/// Options of `rchaos recover`.
#[derive(Debug, Args)]
pub(super) struct RecoverArgs {
    /// List what there is to heal, and what is live; touch nothing
    #[arg(long)]
    list: bool,
    /// Say what would be healed; touch nothing
    #[arg(long, conflicts_with = "list")]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Heals what dead agents left.
///
/// # Errors
///
/// The state folder cannot be read, or something could not be healed (7).
pub(super) fn run(args: &RecoverArgs) -> Result<Exit, Failure> {
    let paths = Paths::of_user();
    if args.list {
        return super::status::show(&paths, args.json, true);
    }
    let dying = dying(&paths)?;
    if !args.dry_run {
        wait_for(&paths, &dying)?;
    }
    let wanted = Recovery {
        dry_run: args.dry_run,
        ..Recovery::default()
    };
    let all = recover(&paths, &wanted).map_err(|error| trouble(&error))?;
    if args.json {
        println!(
            "{}",
            json!({ "recovered": all.iter().map(as_json).collect::<Vec<_>>() })
        );
    } else {
        for one in &all {
            for line in lines(one, args.dry_run) {
                println!("{line}");
            }
        }
        if all.is_empty() {
            println!("nothing to heal");
        }
    }
    let clean = all
        .iter()
        .all(|one| one.left_alone.is_none() && one.mended.iter().all(Mended::clean));
    Ok(if clean || args.dry_run {
        Exit::Passed
    } else {
        Exit::Unhealed
    })
}

/// Before a run: heals what earlier ones left, and says so on stderr.
pub(super) fn before_run() {
    let paths = Paths::of_user();
    match recover(&paths, &Recovery::default()) {
        Ok(all) => {
            for one in &all {
                for line in lines(one, false) {
                    eprintln!("{line}");
                }
            }
        }
        // Somebody else's folder: the run may never inject anything.
        Err(error) => tracing::warn!(
            "what earlier runs left on {}: {error}",
            paths.state.display()
        ),
    }
}

fn trouble(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Internal, format!("the state folder: {error}"))
}

/// Agents whose controller has gone: they are healing, or about to.
fn dying(paths: &Paths) -> Result<Vec<String>, Failure> {
    let all = roster(paths).map_err(|error| trouble(&error))?;
    let here = crate::agent::host_name();
    let dying = |entry: &&Entry| {
        entry.life == Life::Live
            && entry.header.as_ref().is_some_and(|header| {
                header.host == here
                    && !std::path::Path::new(&format!("/proc/{}", header.controller)).exists()
            })
    };
    Ok(all
        .iter()
        .filter(dying)
        .map(|entry| entry.agent.clone())
        .collect())
}

/// Waits until agents have healed by themselves, or are dead.
fn wait_for(paths: &Paths, agents: &[String]) -> Result<(), Failure> {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while std::time::Instant::now() < limit {
        let all = roster(paths).map_err(|error| trouble(&error))?;
        let busy = |entry: &Entry| entry.life == Life::Live && agents.contains(&entry.agent);
        if !all.iter().any(busy) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Ok(())
}

fn lines(one: &Recovered, dry_run: bool) -> Vec<String> {
    let whose = one.header.as_ref().map_or_else(
        || format!("agent {}", one.agent),
        |header| format!("run {} ({})", header.run, printable(&header.script)),
    );
    let mut lines = Vec::new();
    if let Some(why) = &one.left_alone {
        lines.push(format!("left alone: {whose}: {why}"));
    }
    for fault in &one.mended {
        lines.push(if dry_run {
            let effect = printable(&fault.effect);
            format!("would heal: {whose}: {} ({effect})", printable(&fault.name))
        } else {
            fault.told(&format!("{whose}: "))
        });
    }
    if one.torn > 0 && !one.mended.is_empty() {
        lines.push(format!(
            "note: {whose}: {} lines of its journal were torn; their effects had not begun",
            one.torn
        ));
    }
    lines
}

fn as_json(one: &Recovered) -> serde_json::Value {
    json!({
        "agent": one.agent,
        "run": one.header.as_ref().map(|header| &header.run),
        "script": one.header.as_ref().map(|header| &header.script),
        "torn_lines": one.torn,
        "left_alone": one.left_alone,
        "faults": one.mended.iter().map(|fault| json!({
            "name": fault.name,
            "effect": fault.effect,
            "clean": fault.clean(),
            "outcome": fault.outcome.as_ref().ok(),
            "error": fault.outcome.as_ref().err().map(ToString::to_string),
        })).collect::<Vec<_>>(),
    })
}
