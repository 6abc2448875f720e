//! `rchaos doctor`: what this machine can inject, and why not the rest, by trying.

use clap::Args;
use serde_json::json;

use super::diagnostic::Failure;
use super::exit::Exit;
use crate::agent::Paths;
use crate::fault::{Kind, kinds};

/// Options of `rchaos doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Tries what every fault needs, in scratch namespaces and on things of its own.
///
/// # Errors
///
/// None: what is missing is the answer.
pub(super) fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let paths = Paths::of_user();
    let state = paths
        .make()
        .map(|()| format!("journals in {}", paths.state.display()))
        .map_err(|error| error.to_string());
    let found: Vec<(&Kind, Result<String, String>)> =
        kinds().map(|kind| (kind, tried(kind))).collect();
    if args.json {
        let faults: Vec<_> = found
            .iter()
            .map(|(kind, result)| {
                json!({
                    "name": kind.name,
                    "fixture": kind.fixture,
                    "tier": kind.tier.word(),
                    "available": result.is_ok(),
                    "by": result.as_ref().ok(),
                    "missing": result.as_ref().err(),
                })
            })
            .collect();
        let state = json!({ "available": state.is_ok(), "missing": state.err() });
        println!("{}", json!({ "state": state, "faults": faults }));
        return Ok(Exit::Passed);
    }
    match state {
        Ok(text) => println!("yes  state: {text}"),
        Err(text) => println!("no   state: {text}"),
    }
    let widest = found.iter().map(|(kind, _)| kind.name.len()).max();
    let widest = widest.unwrap_or_default();
    for (kind, result) in &found {
        let (word, text) = match result {
            Ok(by) => ("yes", by),
            Err(missing) => ("no ", missing),
        };
        let tier = kind.tier.word();
        println!("{word}  {:widest$}  {tier:7}  {text}", kind.name);
    }
    if !rustix::process::geteuid().is_root() {
        println!(
            "not root: faults on other users' things need --agent local=\"sudo rchaos agent\""
        );
    }
    Ok(Exit::Passed)
}

/// Tries a kind; a defect in the try is an answer too.
fn tried(kind: &Kind) -> Result<String, String> {
    std::panic::catch_unwind(kind.probe).unwrap_or_else(|_| Err("the try itself failed".to_owned()))
}
