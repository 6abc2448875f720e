//! From what mlua reports to what the author of the script should see.

use std::sync::Arc;

use mlua::Error;

use super::{Frame, INTERNAL, Kind, Location, Misuse, ScriptError, place, raised};
use crate::script::pulse::Interrupted;

/// Heads the call stack that mlua appends to messages.
const STACK: &str = "\nstack traceback:";

/// Luau's words where a coroutine cannot be left, and ours.
const YIELD: &str = "attempt to yield across metamethod/C-call boundary";
const CANNOT_WAIT: &str = "what waits, such as sleep or a request, cannot be called inside a \
                           metamethod, or a callback of table.sort or string.gsub";

/// Endless recursion has thousands of frames that say the same.
const DEEPEST: usize = 64;

pub(super) fn clean(error: &Error) -> ScriptError {
    let mut stacks = Vec::new();
    let mut notes = Vec::new();
    let mut cause = error;
    loop {
        match cause {
            Error::CallbackError {
                traceback,
                cause: inner,
            } => {
                stacks.push(frames(traceback));
                cause = inner;
            }
            Error::WithContext {
                context,
                cause: inner,
            } => {
                notes.push(context.clone());
                cause = inner;
            }
            _ => break,
        }
    }
    let mut shaped = innermost(cause, &mut stacks);
    notes.reverse();
    shaped.notes.extend(notes);
    if shaped.frames.is_empty() {
        shaped.frames = joined(stacks);
    }
    if shaped.location.is_none() {
        split_place(&mut shaped);
    }
    if shaped.location.is_none() {
        shaped.location = place(&shaped.frames);
    }
    shaped
}

/// The error at the bottom of the wrappers. Stacks inside its text are added to `stacks`.
fn innermost(cause: &Error, stacks: &mut Vec<Vec<Frame>>) -> ScriptError {
    match cause {
        Error::SyntaxError { message, .. } => ScriptError::new(Kind::Syntax, message.as_str()),
        Error::MemoryError(_) => ScriptError::new(
            Kind::Memory,
            "the script ran out of memory; see --memory-limit",
        ),
        Error::RuntimeError(text) => from_text(text, stacks),
        Error::ExternalError(inner) => {
            if let Some(shaped) = inner.downcast_ref::<ScriptError>() {
                shaped.clone()
            } else if let Some(misuse) = inner.downcast_ref::<Misuse>() {
                ScriptError::new(Kind::Misuse, misuse.message.as_str())
            } else if let Some(interrupted) = inner.downcast_ref::<Interrupted>() {
                interrupted.shaped()
            } else {
                ScriptError::new(Kind::Runtime, inner.to_string())
            }
        }
        Error::BadArgument {
            pos, name, cause, ..
        } => bad_argument(*pos, name.as_deref(), cause, stacks),
        Error::FromLuaConversionError { from, to, message } => ScriptError::new(
            Kind::Misuse,
            format!("expected {}, got {from}", kind_of(to, message.as_deref())),
        ),
        other => ScriptError::new(Kind::Runtime, other.to_string()),
    }
}

fn from_text(text: &str, stacks: &mut Vec<Vec<Frame>>) -> ScriptError {
    let mut parts = text.split(STACK);
    let message = parts.next().unwrap_or_default();
    let inner: Vec<_> = parts.map(frames).collect();
    stacks.extend(inner.into_iter().rev());
    let message = message.strip_prefix("runtime error: ").unwrap_or(message);
    if message == "not enough memory" {
        return ScriptError::new(
            Kind::Memory,
            "the script ran out of memory; see --memory-limit",
        );
    }
    let message = if message.ends_with(YIELD) {
        message.replace(YIELD, CANNOT_WAIT)
    } else {
        raised::described(message).unwrap_or_else(|| message.to_owned())
    };
    ScriptError::new(Kind::Runtime, message)
}

fn bad_argument(
    position: usize,
    name: Option<&str>,
    cause: &Error,
    stacks: &mut Vec<Vec<Frame>>,
) -> ScriptError {
    if name == Some("self") {
        return ScriptError::new(Kind::Misuse, "a method is called with `:`, not with `.`");
    }
    let inner = innermost(cause, stacks);
    let message = match cause {
        Error::FromLuaConversionError { from, to, message } => format!(
            "argument {position} must be {}, got {from}",
            kind_of(to, message.as_deref())
        ),
        _ => format!("argument {position}: {}", inner.message),
    };
    ScriptError {
        kind: Kind::Misuse,
        message,
        ..inner
    }
}

/// A Rust type's name in the words of a script's author.
fn kind_of(rust: &str, detail: Option<&str>) -> String {
    let bare = rust.rsplit("::").next().unwrap_or(rust);
    let word = match bare {
        "String" | "string" | "LuaString" | "str" | "&str" | "BString" => "a string",
        "f64" | "f32" | "number" => "a number",
        "i64" | "i32" | "u64" | "u32" | "usize" | "u16" | "u8" | "integer" => "a whole number",
        "bool" | "boolean" => "true or false",
        "Table" | "table" | "HashMap" | "BTreeMap" | "Vec" => "a table",
        "Function" | "function" => "a function",
        _ => {
            return match detail {
                Some(detail) => detail.to_owned(),
                None => format!("a {bare}"),
            };
        }
    };
    word.to_owned()
}

/// Moves a leading `file:line: ` of the message into the location.
fn split_place(error: &mut ScriptError) {
    // A frame's own spelling first: it may hold spaces and colons.
    let known = error.frames.iter().find_map(|frame| {
        let rest = error.message.strip_prefix(&*frame.location.file)?;
        let (line, rest) = rest.strip_prefix(':')?.split_once(": ")?;
        Some((frame.location.file.to_string(), line.parse().ok()?, rest))
    });
    let found = known.or_else(|| {
        let first = error.message.lines().next()?;
        let (file, tail) = first.match_indices(':').find_map(|(at, _)| {
            let tail = &first[at + 1..];
            let digits = tail.find(|c: char| !c.is_ascii_digit())?;
            (digits > 0 && tail[digits..].starts_with(':')).then_some((&first[..at], tail))
        })?;
        let line: u32 = tail.split(':').next()?.parse().ok()?;
        let skip = file.len() + 1 + tail.find(':')? + 1;
        let looks = file.ends_with(".lua")
            || file.ends_with(".luau")
            || file == super::super::source::STDIN;
        let embedded = file.starts_with("@std/") || file == INTERNAL;
        (looks || embedded).then(|| (file.to_owned(), line, error.message[skip..].trim_start()))
    });
    let Some((file, line, rest)) = found else {
        return;
    };
    let message = rest.to_owned();
    if file != INTERNAL {
        error.location = Some(Location {
            file: Arc::from(file),
            line,
        });
    }
    error.message = message;
}

/// The script frames of one call stack, innermost first.
fn frames(stack: &str) -> Vec<Frame> {
    stack.lines().filter_map(frame).collect()
}

/// Reads `file:12: in function 'step'`; frames of natives and of the host have no file and line.
fn frame(line: &str) -> Option<Frame> {
    let (place, function) = line.trim().split_once(": in function ")?;
    let (file, line) = place.rsplit_once(':')?;
    if file == INTERNAL || file.starts_with('[') {
        return None;
    }
    let named = function
        .strip_prefix('\'')
        .and_then(|name| name.strip_suffix('\''));
    Some(Frame {
        location: Location {
            file: Arc::from(file),
            line: line.parse().ok()?,
        },
        function: named.map(str::to_owned),
    })
}

/// One stack from several, given outermost first: an outer one often repeats the inner one's end.
fn joined(stacks: Vec<Vec<Frame>>) -> Vec<Frame> {
    let mut all: Vec<Frame> = Vec::new();
    for stack in stacks.into_iter().rev() {
        if !all.ends_with(&stack) {
            all.extend(stack);
        }
    }
    all.truncate(DEEPEST);
    all
}
