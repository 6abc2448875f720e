//! What the agents tell the controller without having been asked.

use std::sync::Arc;

use super::held::Held;

/// Something that belongs on the timeline, and may end the run.
#[derive(Debug, Clone)]
pub enum Notice {
    /// An agent has started; what it healed of earlier runs is in the texts.
    Started {
        /// Its name; empty for this host.
        agent: String,
        /// Who it is, and what it has healed, a line each.
        texts: Vec<String>,
    },
    /// A fault has changed its state.
    Fault {
        /// Which.
        held: Arc<Held>,
        /// What happened, as a fragment.
        text: String,
    },
    /// Somebody on an agent's host asked for the run to end.
    Halt {
        /// The agent's name.
        agent: String,
    },
    /// An agent is lost: the run must end.
    Lost {
        /// The agent's name.
        agent: String,
        /// Why it counts as lost.
        reason: String,
    },
    /// What a lost agent held was healed in its place, or could not be.
    Mended {
        /// The agent's name.
        agent: String,
        /// How that went, a line for each fault.
        texts: Vec<String>,
        /// Whether nothing is left.
        clean: bool,
    },
}
