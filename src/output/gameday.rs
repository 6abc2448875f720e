//! What happened at a gameday, as plain data: phases, answers, scores, actions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Verdict;

/// A gameday and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GamedaySummary {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Its phases in order.
    pub phases: Vec<PhaseSummary>,
    /// What was asked, answered and noted, in order.
    pub entries: Vec<GamedayEntry>,
    /// What was measured against a target.
    pub scores: Vec<Score>,
    /// What somebody is to do about it.
    pub actions: Vec<Action>,
}

/// A phase of a gameday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseSummary {
    /// Its name.
    pub name: String,
    /// When it began, from the start of the run.
    pub at_ms: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// Whether it went through.
    pub ok: bool,
}

/// Something that was asked or noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GamedayEntry {
    /// When, from the start of the run.
    pub at_ms: u64,
    /// The phase it belongs to; empty outside of phases.
    pub phase: String,
    /// Which verb it comes from.
    pub kind: EntryKind,
    /// What was asked or noted.
    pub prompt: String,
    /// What was answered; `None` where nothing is to be answered, or nobody did.
    pub answer: Option<String>,
    /// Who answered: a name, `answers` for the file, `--yes`, `timeout`; empty where nobody did.
    pub by: String,
}

/// Which verb an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A yes or no.
    Confirm,
    /// One of several.
    Choose,
    /// Free text.
    Ask,
    /// Something worth keeping.
    Note,
    /// What somebody saw.
    Observe,
    /// A number against its target.
    Score,
    /// A wait that everybody sees.
    Countdown,
    /// A moment that somebody marked.
    Mark,
    /// Something to be done.
    Action,
    /// What was learnt.
    Retro,
}

/// A measure against its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Its name.
    pub name: String,
    /// What it came to: a number or a text; `None` if it was not measured.
    pub value: Option<Value>,
    /// What it should have been; `None` without a target.
    pub target: Option<Value>,
    /// Whether it reached the target; `None` without one.
    pub ok: Option<bool>,
}

/// Something to be done after the gameday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What.
    pub text: String,
    /// By whom.
    pub owner: Option<String>,
}

impl EntryKind {
    /// The word in JSON and on the terminal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Choose => "choose",
            Self::Ask => "ask",
            Self::Note => "note",
            Self::Observe => "observe",
            Self::Score => "score",
            Self::Countdown => "countdown",
            Self::Mark => "mark",
            Self::Action => "action",
            Self::Retro => "retro",
        }
    }
}
