//! `rchaos plan`: what a run would inject, where, held by what, and what is missing; touches nothing.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::base::text::printable;
use crate::base::units::show_duration;
use crate::engine::{Planned, PlannedFault, plan as walk};
use crate::script::Sources;

use super::diagnostic::Failure;
use super::exit::Exit;
use super::{project, run, script_input};

/// Options of `rchaos plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The script, or - for stdin
    file: PathBuf,
    /// Set a variable that scripts read with env("NAME")
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = run::pair)]
    env: Vec<(String, String)>,
    /// As in this environment of rchaos.toml
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Walks through a script and looks what its faults would touch.
///
/// # Errors
///
/// Everything that is wrong with the script.
pub(super) fn run(args: PlanArgs, verbose: bool) -> Result<Exit, Failure> {
    let rules = project::rules(&args.file, args.environment.as_deref())?;
    let sources = Sources::new();
    let source = script_input::read(&args.file, &sources)?;
    let config = run::quiet_config(args.env, source, sources.clone(), &rules);
    let planned = run::event_loop()?
        .block_on(walk(config))
        .map_err(|error| Failure::of_run(&error, &sources, verbose))?;
    let file = args.file.display().to_string();
    if args.json {
        println!("{:#}", as_json(&file, &planned));
    } else {
        print!("{}", as_text(&file, &planned));
    }
    let ready = planned.faults.iter().all(|fault| fault.preflight.is_ok());
    Ok(if ready {
        Exit::Passed
    } else {
        Exit::Precondition
    })
}

fn as_text(file: &str, planned: &Planned) -> String {
    let mut out = format!("{file}: {}\n", counted(planned.faults.len(), "fault"));
    let mut scope = "";
    for fault in &planned.faults {
        if fault.scope != scope {
            scope = &fault.scope;
            out += &format!("\n{}\n", printable(scope));
        }
        let ready = if fault.preflight.is_ok() {
            "✓"
        } else {
            "✗"
        };
        out += &format!(
            "  {ready} {}  {}\n",
            printable(&fault.name),
            printable(&fault.label)
        );
        let mut line = |name: &str, text: &str| {
            if !text.is_empty() {
                out += &format!("      {name:8} {}\n", printable(text));
            }
        };
        line("kind", &fault.kind);
        line("agent", agent(fault));
        match &fault.preflight {
            Ok(found) => {
                line("targets", &found.targets.join(", "));
                line("effect", &found.effect);
                line("undo", &found.undo);
                line("tier", found.tier.word());
                let provisional = "healed at once if it cuts off its own agent";
                line("note", if found.provisional { provisional } else { "" });
            }
            Err(missing) => {
                line("tier", fault.tier.unwrap_or_default());
                line("missing", missing);
            }
        }
        let ttl = fault.ttl.map(show_duration).unwrap_or_default();
        line("ttl", &ttl);
    }
    if !planned.stops.is_empty() {
        out += "\nnot known, since nothing is reached outside while planning\n";
        for stop in &planned.stops {
            out += &format!("  {}\n", printable(stop));
        }
    }
    out
}

fn counted(count: usize, word: &str) -> String {
    match count {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    }
}

fn agent(fault: &PlannedFault) -> &str {
    if fault.agent.is_empty() {
        "local"
    } else {
        &fault.agent
    }
}

fn as_json(file: &str, planned: &Planned) -> Value {
    let faults: Vec<Value> = planned
        .faults
        .iter()
        .map(|fault| {
            let found = fault.preflight.as_ref();
            json!({
                "name": fault.name,
                "kind": fault.kind,
                "label": fault.label,
                "agent": agent(fault),
                "scope": fault.scope,
                "ttl_seconds": fault.ttl.map(|ttl| ttl.as_secs_f64()),
                "ready": found.is_ok(),
                "missing": found.err(),
                "tier": found.map_or(fault.tier, |found| Some(found.tier.word())),
                "targets": found.map(|found| found.targets.clone()).unwrap_or_default(),
                "effect": found.ok().map(|found| &found.effect),
                "undo": found.ok().map(|found| &found.undo),
                "provisional": found.ok().map(|found| found.provisional),
            })
        })
        .collect();
    let names = |kind: &str| -> Vec<String> {
        let all = planned.plan.methods.iter();
        let wanted = all.filter(|method| method.kind.word() == kind);
        wanted.map(|method| method.name.to_string()).collect()
    };
    let scenarios = planned.plan.scenarios.iter();
    let scenarios: Vec<String> = scenarios.map(|one| one.name.to_string()).collect();
    json!({
        "script": file,
        "scenarios": scenarios,
        "experiments": names("experiment"),
        "gamedays": names("gameday"),
        "faults": faults,
        "not_known": planned.stops,
    })
}
