//! Trouble with a fault as an error of the script.

use mlua::{Error, Lua};

use crate::fault::Trouble;
use crate::script::{Kind, ScriptError, misuse};

/// The error that the native `what` raises: a mistake ends the run (3), a missing precondition ends it with 4 if nothing
/// was injected, a failure with 5, something left with 7.
#[must_use]
pub fn raise(lua: &Lua, what: &str, trouble: &Trouble) -> Error {
    let text = if trouble.to_string().starts_with(what) {
        trouble.to_string()
    } else {
        format!("{what}: {trouble}")
    };
    let kind = match trouble {
        Trouble::Misuse(_) => return misuse(lua, text),
        Trouble::Precondition(_) => Kind::Precondition,
        Trouble::Fenced(_) | Trouble::Vanished(_) | Trouble::Failed(_) | Trouble::Left(_) => {
            Kind::Injection
        }
    };
    Error::external(ScriptError::here(lua, kind, text))
}
