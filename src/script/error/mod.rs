//! Errors of a script as its author should see them: place, source line, script frames.

mod naming;
mod parse;
mod raised;
mod render;

use std::fmt;
use std::sync::Arc;

use mlua::{Function, Lua};

pub(super) use raised::note as note_raised;

/// The chunk name of all Lua that belongs to the host. mlua gives its own async wrapper this name
/// and looks for it when it drops a suspended thread; the coroutine shim relies on that.
pub(super) const INTERNAL: &str = "__mlua_async_poll";

/// What kind of trouble a script ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The text is not valid Luau.
    Syntax,
    /// A native was used wrongly: an unknown option, a missing unit. Ends the run.
    Misuse,
    /// What the script expects does not hold: `expect`, `eventually`, `fail`.
    Expectation,
    /// Something that a fault needs is missing; nothing was touched for it.
    Precondition,
    /// A fault could not be put in force, or not be undone.
    Injection,
    /// Anything else the script raised.
    Runtime,
    /// Stopped from outside: the end of its scenario, or of the run.
    Interrupted,
    /// The memory limit was reached.
    Memory,
    /// It ran too long without a pause.
    CpuLimit,
}

/// A line of a script.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The script's name, as in [`super::Source::name`].
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// One script function that was running.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Where it was.
    pub location: Location,
    /// Its name, if it has one; a file's top level has none.
    pub function: Option<String>,
}

/// An error of a script, cleaned of the interpreter's own frames and wrappers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    /// What kind of error.
    pub kind: Kind,
    /// The message, without a place.
    pub message: String,
    /// Where it happened, if a script frame was found.
    pub location: Option<Location>,
    /// The script frames, innermost first.
    pub frames: Vec<Frame>,
    /// Context that callers added, innermost first.
    pub notes: Vec<String>,
}

/// A native was used wrongly. Raise it with [`super::misuse`], so that `pcall` cannot hide it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Misuse {
    /// What is wrong and what to write instead.
    pub message: String,
}

/// What an error is grouped by: message and place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    message: String,
    location: Option<Location>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl ScriptError {
    /// An error without a place.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            location: None,
            frames: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// An error at the place the script is at now; for natives.
    #[must_use]
    pub fn here(lua: &Lua, kind: Kind, message: impl Into<String>) -> Self {
        let frames = stack(lua);
        Self {
            location: place(&frames),
            frames,
            ..Self::new(kind, message)
        }
    }

    /// Cleans what mlua reports: finds the first script frame, drops frames and words of the
    /// interpreter, and keeps what callers added as notes.
    #[must_use]
    pub fn from_lua(error: &mlua::Error) -> Self {
        parse::clean(error)
    }

    /// What equal errors have in common; errors of a thousand iterations group by it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            message: self.message.clone(),
            location: self.location.clone(),
        }
    }
}

impl From<mlua::Error> for ScriptError {
    fn from(error: mlua::Error) -> Self {
        Self::from_lua(&error)
    }
}

/// The line of the script that is running now, for natives.
#[must_use]
pub fn here(lua: &Lua) -> Option<Location> {
    place(&stack(lua))
}

/// The script functions that are running now, innermost first.
pub(super) fn stack(lua: &Lua) -> Vec<Frame> {
    let mut frames = Vec::new();
    // Deep recursion says nothing new after this many.
    for level in 0..64 {
        let seen = lua.inspect_stack(level, |debug| {
            let source = debug.source();
            let file = source.source?.strip_prefix('@')?.to_owned();
            let location = Location {
                file: Arc::from(file),
                line: u32::try_from(debug.current_line()?).ok()?,
            };
            let function = debug.names().name.map(|name| name.into_owned());
            Some(Frame { location, function })
        });
        match seen {
            None => break,
            Some(frame) => frames.extend(frame),
        }
    }
    frames
}

/// The function that called the native now running, skipping the host's own Lua.
pub(super) fn caller(lua: &Lua) -> Option<(Location, Function)> {
    (0..64).find_map(|level| {
        lua.inspect_stack(level, |debug| {
            let source = debug.source().source?;
            let location = Location {
                file: Arc::from(source.strip_prefix('@')?),
                line: u32::try_from(debug.current_line()?).ok()?,
            };
            Some((location, debug.function()))
        })
        .flatten()
    })
}

/// The innermost frame of the user's own files; of the embedded library if there is no other.
fn place(frames: &[Frame]) -> Option<Location> {
    frames
        .iter()
        .find(|frame| !frame.location.file.starts_with("@std/"))
        .or(frames.first())
        .map(|frame| frame.location.clone())
}
