//! Gamedays: people led through phases, what they are asked, and who answers when nobody is there.

mod answers;
mod console;
mod desk;
mod state;

pub use answers::Answers;
pub use desk::{Desk, GamedayConfig, Question, Reply, Wanted};
pub use state::Gameday;
