//! Why a run ended before its work was done.

use crate::script::ScriptError;

/// Why a run ended before its work was done.
#[derive(Debug, Clone)]
pub enum Ending {
    /// A signal asked for it.
    Signal(&'static str),
    /// A threshold with `abort_on_fail` failed.
    Threshold(String),
    /// What the script expects outside of iterations does not hold.
    Expectation(ScriptError),
    /// The script is wrong, or used too much.
    Script(ScriptError),
    /// Something that a fault needs is missing, and nothing was injected.
    Precondition(ScriptError),
    /// A fault could not be put in force, or not be undone.
    Injection(ScriptError),
    /// Somebody on an agent's host asked for it.
    Halt(String),
    /// An agent is lost: nothing can be held, or surely healed, any more.
    AgentLost(String),
    /// A defect of rchaos.
    Defect,
}

impl Ending {
    /// Why an experiment under way was cut.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Signal(name) => name,
            Self::Threshold(_) => "a threshold ended the run",
            Self::Expectation(error) | Self::Precondition(error) | Self::Injection(error) => {
                &error.message
            }
            Self::Halt(text) | Self::AgentLost(text) => text,
            Self::Script(_) => "a script error ended the run",
            Self::Defect => "a defect of rchaos ended the run",
        }
    }
}
