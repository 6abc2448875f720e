//! What controller and agent tell each other: one JSON object a line on the agent's standard streams.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::text::printable;
use crate::fault::{Healed, Preflight, Protected, Spec, Trouble};

/// Both ends must speak the same; a change that breaks the other end changes the number.
pub const VERSION: u32 = 2;

/// The longest line that is accepted, in bytes.
pub const LONGEST: u64 = 16 << 20;

/// From the controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The first line.
    Hello(Hello),
    /// A sign of life that repeats the newest number that the agent has sent.
    Beat {
        /// The number.
        echo: u64,
    },
    /// Something to do; answered by [`Report::Reply`].
    Do {
        /// The number of the command, for its answer.
        seq: u64,
        /// The epoch that the controller knows; a lower one than the agent's is refused.
        epoch: u64,
        /// The newest number of the agent that the controller had seen when it wrote this. A command
        /// that has lain in a pipe for longer than the lease is refused.
        echo: u64,
        /// What to do.
        task: Task,
    },
    /// The run is over: heal what is left and end.
    Bye,
}

/// Who the controller is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol's version.
    pub version: u32,
    /// The program's version, for messages.
    pub program: String,
    /// The run's id.
    pub run: String,
    /// The script, for `status`.
    pub script: String,
    /// How long the agent waits without a fresh beat before it heals, in milliseconds.
    pub lease_ms: u64,
    /// The run's seed.
    pub seed: u64,
    /// Addresses that faults must leave reachable.
    pub exempt: Vec<IpAddr>,
    /// The controller's host.
    pub host: String,
    /// The controller's pid on its host.
    pub pid: i32,
    /// Who answers for the run, for the audit log.
    #[serde(default)]
    pub operator: String,
    /// What allows the run, for the audit log.
    #[serde(default)]
    pub ticket: Option<String>,
    /// The greatest share (0 to 1) of a selection that one fault may act on; all by default.
    #[serde(default)]
    pub max_blast: Option<f64>,
    /// What no fault may touch.
    #[serde(default)]
    pub protected: Protected,
}

/// What an agent can be asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Build and look; touch nothing.
    Preflight(Spec),
    /// Inject and hold.
    Inject(Order),
    /// Give a live one other settings.
    Update {
        /// Its number.
        id: u64,
        /// What it is to be from now on; of the same kind.
        spec: Spec,
    },
    /// Heal one.
    Heal {
        /// Its number.
        id: u64,
    },
    /// Heal all faults, newest first.
    HealAll {
        /// Whether what the script made for itself goes, too.
        fixtures: bool,
    },
    /// Answer a question about the host.
    Ask {
        /// The query's name.
        query: String,
        /// Its options.
        options: Value,
    },
}

/// A fault to inject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Its number, given by the controller, unique in the run.
    pub id: u64,
    /// Its name in timeline and tags.
    pub name: String,
    /// What it is.
    pub spec: Spec,
    /// How long it lasts at most, in milliseconds.
    pub ttl_ms: Option<u64>,
}

/// From the agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The answer to hello.
    Ready(Ready),
    /// A sign of life, with a number that the controller repeats.
    Beat {
        /// The number.
        nonce: u64,
        /// The agent's epoch.
        epoch: u64,
    },
    /// The answer to a command.
    Reply {
        /// The command's number.
        seq: u64,
        /// What came of it.
        result: Result<Answer, Trouble>,
    },
    /// A fault has changed without having been told to.
    Changed {
        /// Its number.
        id: u64,
        /// What happened.
        change: Change,
    },
    /// Somebody on the host asked for the run to end.
    Halt,
    /// The agent cannot work, and ends.
    Refused {
        /// Why.
        trouble: Trouble,
    },
    /// The guardian has healed in the worker's place.
    Guardian {
        /// Why it had to.
        reason: String,
        /// What it healed, and what it could not.
        healed: Vec<Mended>,
    },
    /// Everything is healed, or all that can be; the agent ends.
    Gone {
        /// What is left.
        left: Vec<Mended>,
    },
}

/// Who the agent is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    /// Its id.
    pub agent: String,
    /// The program's version.
    pub program: String,
    /// Its host's name.
    pub host: String,
    /// Its user.
    pub uid: u32,
    /// Where its journal is.
    pub journal: String,
    /// The worker's pid on its host.
    pub worker: i32,
    /// The guardian's pid on its host.
    pub guardian: i32,
    /// The epoch to begin with.
    pub epoch: u64,
    /// What earlier runs had left and is healed now.
    pub recovered: Vec<Mended>,
}

/// A fault that was healed, or could not be, without its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// The agent that had injected it.
    pub agent: String,
    /// Its number there.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// What it did to whom, in words.
    pub effect: String,
    /// How it ended.
    pub outcome: Result<Healed, Trouble>,
}

impl Mended {
    /// Whether nothing is left of it.
    #[must_use]
    pub fn clean(&self) -> bool {
        matches!(
            self.outcome,
            Ok(Healed::Restored | Healed::Unchanged | Healed::Vanished)
        )
    }

    /// How it ended, in a line; `whose` says whose fault it was, if that is not known anyway: `run 12ab (x.lua): `.
    #[must_use]
    pub fn told(&self, whose: &str) -> String {
        let what = format!(
            "{whose}{} ({})",
            printable(&self.name),
            printable(&self.effect)
        );
        match &self.outcome {
            Ok(Healed::Restored) => format!("healed: {what}"),
            Ok(Healed::Unchanged) => format!("nothing to heal: {what}: it is as before"),
            Ok(Healed::Vanished) => format!("nothing to heal: {what}: the target is gone"),
            Ok(Healed::Drifted(found)) => {
                format!("left as it is: {what}: somebody else changed it: {found}")
            }
            Err(trouble) => format!("not healed: {what}: {trouble}"),
        }
    }
}

/// What a command came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What would be touched.
    Preflight(Preflight),
    /// It is in place, also with other settings than before.
    Injected(Injected),
    /// It is healed.
    Healed(Healed),
    /// All are; with what is left of each.
    HealedAll {
        /// The epoch from now on.
        epoch: u64,
        /// Every fault that was live, and how its heal ended.
        all: Vec<(u64, Result<Healed, Trouble>)>,
    },
    /// What a question came to.
    Told(Value),
}

/// A fault that is in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Injected {
    /// What was touched.
    pub preflight: Preflight,
    /// What the script may know of it.
    pub facts: Value,
    /// What was read back.
    pub detail: String,
    /// Whether it has acted already.
    pub observed: bool,
}

/// What happened to a fault on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was seen to act.
    Observed {
        /// What was read.
        detail: String,
    },
    /// Something that concerns it, and has not ended it: an address that has changed.
    Noted {
        /// What it was.
        detail: String,
    },
    /// Its time was up, or its lease was lost, and it was healed.
    Healed {
        /// Why.
        reason: String,
        /// How that ended.
        outcome: Result<Healed, Trouble>,
    },
    /// Its target is gone, and the effect with it.
    Void {
        /// What was seen.
        detail: String,
    },
}

/// One message as a line.
#[must_use]
pub fn line(message: &impl Serialize) -> String {
    // All types here have string keys and finite numbers.
    let mut text = serde_json::to_string(message).unwrap_or_default();
    text.push('\n');
    text
}
