//! What became of a fault, as plain data: when it acted, how it is held, what undoes it.

use serde::{Deserialize, Serialize};

use crate::fault::Tier;

/// A fault and what became of it. Times are milliseconds from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSummary {
    /// Unique in the run.
    pub id: String,
    /// The name that samples carry in their tag `fault`.
    pub name: String,
    /// What it is: `netfault.latency`.
    pub kind: String,
    /// What it acts on, in words.
    pub target: String,
    /// The agent that holds it: `local`, or its name in `options`.
    pub agent: String,
    /// What heals it should rchaos die.
    pub tier: Tier,
    /// When it was planned.
    pub planned_at_ms: u64,
    /// When it was put in force; `None` if it never was.
    pub injected_at_ms: Option<u64>,
    /// When its effect was read back.
    pub observed_at_ms: Option<u64>,
    /// When it was gone again; `None` if it is not.
    pub healed_at_ms: Option<u64>,
    /// Whether its effect was seen, and seen to be gone after the heal.
    pub verified: bool,
    /// What became of it.
    pub outcome: FaultOutcome,
    /// More on the outcome, in words; may be empty.
    pub detail: String,
    /// What undoes it, in words or as a command.
    pub undo: String,
}

/// What became of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultOutcome {
    /// Not injected: the run ended before.
    Planned,
    /// Seen to act, and healed.
    Healed,
    /// Healed, but nothing was seen to be affected.
    NeverHit,
    /// Not injected, for the reason in `detail`.
    Refused,
    /// Only logged.
    DryRun,
    /// Somebody else changed or removed it while it was in force.
    Drifted,
    /// Still there: `undo` says what mends it.
    Unhealed,
    /// Its target went away with it.
    Void,
}

impl FaultOutcome {
    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Healed => "healed",
            Self::NeverHit => "never_hit",
            Self::Refused => "refused",
            Self::DryRun => "dry_run",
            Self::Drifted => "drifted",
            Self::Unhealed => "unhealed",
            Self::Void => "void",
        }
    }

    /// The word for people: `never hit`.
    #[must_use]
    pub fn words(self) -> String {
        self.word().replace('_', " ")
    }

    /// Whether it went as it should.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Healed | Self::DryRun | Self::Void)
    }
}
