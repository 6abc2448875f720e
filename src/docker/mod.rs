//! The client of container engines: Docker, and Podman's socket that speaks the same language.
//!
//! ```text
//! endpoint   where an engine answers: what is said, DOCKER_HOST, contexts, the usual sockets
//! engine     a connection with a negotiated version, for callers that block
//! error      why an engine did not do what was asked
//! ```

mod endpoint;
mod engine;
mod error;

pub use endpoint::Endpoint;
pub use engine::Engine;
pub use error::EngineError;

/// What engines say and are told, as bollard has it.
pub use bollard::{models, query_parameters as parameters};
