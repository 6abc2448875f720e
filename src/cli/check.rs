//! `rchaos check`: validates a script and lists what it would run; touches nothing.

use std::path::PathBuf;

use clap::Args;

use crate::base::units::show_duration;
use crate::engine::{RunConfig, StartAfter, check as check_script};
use crate::script::Sources;

use super::diagnostic::Failure;
use super::exit::Exit;
use super::{project, run, script_input};

/// Options of `rchaos check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The script, or - for stdin
    file: PathBuf,
    /// Set a variable that scripts read with env("NAME")
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = run::pair)]
    env: Vec<(String, String)>,
    /// As in this environment of rchaos.toml
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

/// Validates a script.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn run(args: CheckArgs, verbose: bool) -> Result<Exit, Failure> {
    let rules = project::rules(&args.file, args.environment.as_deref())?;
    let sources = Sources::new();
    let source = script_input::read(&args.file, &sources)?;
    let config: RunConfig = run::quiet_config(args.env, source, sources.clone(), &rules);
    let runtime = run::event_loop()?;
    let checked = runtime
        .block_on(check_script(&config))
        .map_err(|error| Failure::of_run(&error, &sources, verbose))?;
    println!("{}: ok", args.file.display());
    if checked.ad_hoc {
        println!("  ad hoc: its top level is the run; checked up to its first input or output");
    }
    for scenario in &checked.plan.scenarios {
        let start = match &scenario.start {
            StartAfter::Offset(offset) if offset.is_zero() => String::new(),
            StartAfter::Offset(offset) => format!(", after {}", show_duration(*offset)),
            StartAfter::Scenario(name) => format!(", after scenario \"{name}\""),
            StartAfter::Load => ", when it is loaded".to_owned(),
        };
        println!(
            "  scenario \"{}\": {}: {}{start}",
            scenario.name,
            scenario.executor.name(),
            scenario.executor.describe()
        );
    }
    for method in &checked.plan.methods {
        println!("  {} \"{}\"", method.kind.word(), method.name);
    }
    for threshold in &checked.plan.options.thresholds {
        println!(
            "  threshold {}: {}",
            threshold.selector, threshold.expression
        );
    }
    let hooks = checked.plan.hooks;
    for (name, given) in [
        ("setup", hooks.setup),
        ("teardown", hooks.teardown),
        ("summary", hooks.summary),
    ] {
        if given {
            println!("  {name}");
        }
    }
    Ok(Exit::Passed)
}
