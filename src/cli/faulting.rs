//! The options of commands that inject: how agents are started, and how far a fault may reach.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::project::Rules;
use super::run::pair;
use crate::agent::client::{AgentCommand, GuardRails};
use crate::base::units::{self, Share};
use crate::engine::AgentSettings;

/// Options about agents and faults.
#[derive(Debug, Args)]
pub(super) struct FaultingArgs {
    /// Heal everything when the run gives no sign of life for so long
    #[arg(long, value_name = "TIME", value_parser = lease, default_value = "5s")]
    lease: Duration,
    /// Start the agent NAME (`local` for this host) with COMMAND, such as "sudo rchaos agent"; may be repeated
    #[arg(long, value_name = "NAME=COMMAND", value_parser = agent)]
    agent: Vec<(String, Vec<String>)>,
    /// Play the whole script, but only log its faults
    #[arg(long)]
    dry_run: bool,
    /// Refuse a fault on more than this share of what its selection matches, such as "30%"
    #[arg(long, value_name = "SHARE", value_parser = units::share)]
    max_blast: Option<Share>,
    /// Also start a timer of systemd on each agent's host, which heals if all else there is lost
    #[arg(long)]
    deadman: bool,
    /// Note in the audit log who answers for the run [default: the user, also behind sudo]
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Note in the audit log what allows the run
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
}

impl FaultingArgs {
    /// What the engine is told.
    pub(super) fn settings(self, rules: &Rules) -> AgentSettings {
        AgentSettings {
            lease: self.lease,
            commands: self.agent.into_iter().map(command).collect(),
            dry_run: self.dry_run,
            deadman: self.deadman,
            guard_rails: GuardRails {
                operator: self.operator.unwrap_or_else(user),
                ticket: self.ticket,
                // The stricter one holds.
                max_blast: match (self.max_blast.map(|share| share.0), rules.max_blast) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                },
                protected: rules.protected.clone(),
                no_faults: rules.no_faults.clone().filter(|_| !self.dry_run),
            },
            seen: None,
        }
    }

    /// Whether faults are only logged.
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run
    }
}

impl FaultingArgs {
    /// These options once more, for a run of its own.
    pub(super) fn passed_on(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: String| all.extend([name.into(), value.into()]);
        option("--lease", format!("{}ms", self.lease.as_millis()));
        for (name, command) in &self.agent {
            let name = if name.is_empty() { "local" } else { name };
            option("--agent", format!("{name}={}", command.join(" ")));
        }
        if let Some(share) = self.max_blast {
            option("--max-blast", format!("{}%", share.0 * 100.0));
        }
        if let Some(operator) = &self.operator {
            option("--operator", operator.clone());
        }
        if let Some(ticket) = &self.ticket {
            option("--ticket", ticket.clone());
        }
        for (given, name) in [(self.dry_run, "--dry-run"), (self.deadman, "--deadman")] {
            if given {
                all.push(name.into());
            }
        }
        all
    }
}

fn command((name, command): (String, Vec<String>)) -> (String, AgentCommand) {
    let control = Vec::new();
    (name, AgentCommand { command, control })
}

/// Who runs this: behind sudo, whoever called it.
fn user() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    named.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// Reads a lease: long enough for a busy host, short enough to be a promise.
fn lease(text: &str) -> Result<Duration, String> {
    let time = units::duration(text).map_err(|error| error.to_string())?;
    if (Duration::from_secs(1)..=Duration::from_secs(600)).contains(&time) {
        Ok(time)
    } else {
        Err("must be between \"1s\" and \"10m\"".to_owned())
    }
}

/// Reads `NAME=COMMAND`; words are separated by spaces.
fn agent(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, command) = pair(text).map_err(|_| "write NAME=COMMAND".to_owned())?;
    let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    if command.is_empty() {
        return Err(
            "the command is empty; write, for example, db1=\"ssh db1 rchaos agent\"".to_owned(),
        );
    }
    let name = if name == "local" { String::new() } else { name };
    Ok((name, command))
}
