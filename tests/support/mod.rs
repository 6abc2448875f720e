//! What the tests stand on: the program as a child process, and servers that misbehave on request.

pub mod chaos;
pub mod corpus;
pub mod docker;
pub mod faults;
pub mod gate;
pub mod groups;
pub mod reserved;
pub mod rollback;
pub mod running;
pub mod server;
pub mod terminal;

pub use chaos::Rchaos;
pub use running::Finished;
pub use server::{Behaviour, Server};
