//! `uuid`: a random identifier from the run's seed.

use mlua::{Lua, Result, Value};

use crate::script::{Verb, current};

/// Seen by scripts as the global `uuid`.
pub const VERB: Verb = Verb {
    name: "uuid",
    open: |lua| Ok(Value::Function(lua.create_function(uuid)?)),
};

/// A version 4 UUID in lower case; the same seed gives the same ones.
fn uuid(_: &Lua, (): ()) -> Result<String> {
    let task = current()?;
    let mut rng = task.vu.rng.borrow_mut();
    let bits = (u128::from(rng.bits()) << 64) | u128::from(rng.bits());
    let id = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
    Ok(id.hyphenated().to_string())
}
