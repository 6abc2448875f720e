//! Changing a service: read, changed, written; once more when the swarm itself was faster.

use crate::docker::models::{Service, ServiceSpec};
use crate::docker::parameters::UpdateServiceOptionsBuilder;
use crate::docker::{Engine, EngineError};
use crate::fault::docker::trouble::ANSWER;

/// How often it is tried while the swarm changes it in between.
const TRIES: usize = 10;

/// A service, by name or id.
pub(super) fn service(engine: &Engine, name: &str) -> Result<Service, EngineError> {
    let name = name.to_owned();
    engine.call(ANSWER, |docker| async move {
        docker.inspect_service(&name, None).await
    })
}

/// By id, or by name if it was made anew meanwhile; `None` when there is no such service.
pub(super) fn still(engine: &Engine, id: &str, name: &str) -> Result<Option<Service>, EngineError> {
    for known in [id, name] {
        match service(engine, known) {
            Err(EngineError::Missing(_)) => {}
            found => return found.map(Some),
        }
    }
    Ok(None)
}

/// Changes what is said of a service.
pub(super) fn change(
    engine: &Engine,
    id: &str,
    edit: impl Fn(&mut ServiceSpec),
) -> Result<(), EngineError> {
    send(engine, id, edit, UpdateServiceOptionsBuilder::new)
}

/// Puts a service back to what it was before its last update, as its own settings for that say.
pub(super) fn roll_back(engine: &Engine, id: &str) -> Result<(), EngineError> {
    let options = || UpdateServiceOptionsBuilder::new().rollback("previous");
    send(engine, id, |_| {}, options)
}

fn send(
    engine: &Engine,
    id: &str,
    edit: impl Fn(&mut ServiceSpec),
    options: impl Fn() -> UpdateServiceOptionsBuilder,
) -> Result<(), EngineError> {
    again(|| {
        let found = service(engine, id)?;
        let mut spec = found.spec.unwrap_or_default();
        edit(&mut spec);
        let version = found.version.and_then(|one| one.index).unwrap_or_default();
        let version = i32::try_from(version).unwrap_or(i32::MAX);
        let (id, options) = (id.to_owned(), options().version(version).build());
        let sent = engine.call(ANSWER, |docker| async move {
            docker.update_service(&id, spec, options, None).await
        });
        sent.map(|_| ())
    })
}

/// Does it until nobody was faster.
pub(super) fn again(mut work: impl FnMut() -> Result<(), EngineError>) -> Result<(), EngineError> {
    let mut tried = Ok(());
    for _ in 0..TRIES {
        tried = work();
        match &tried {
            Err(EngineError::Refused { text, .. }) if text.contains("out of sequence") => {}
            _ => break,
        }
    }
    tried
}
