//! The option `pick`: which of those that match.

use mlua::{Result, Value};

use crate::base::text::{nearest, quoted};
use crate::base::units::Share;
use crate::fault::Pick;
use crate::script::Options;

/// Reads `pick = "one"` or `pick = { mode = "percent", value = "50%" }`; all where it is left out.
///
/// # Errors
///
/// An unknown mode, or a value that does not go with it.
pub fn pick(options: &Options) -> Result<Pick> {
    let (mode, inner) = match options.get_raw("pick") {
        Value::Nil => return Ok(Pick::All),
        Value::String(mode) => (mode.to_string_lossy(), None),
        _ => {
            let inner = options.child("pick", &["mode", "value"])?;
            let Some(inner) = inner else {
                return Ok(Pick::All);
            };
            (inner.required::<String>("mode")?, Some(inner))
        }
    };
    let pick = match mode.as_str() {
        "one" => Pick::One,
        "all" => Pick::All,
        "fixed" => Pick::Fixed(value(options, inner.as_ref(), "fixed", "2")?),
        "percent" => {
            let share: Share = value(options, inner.as_ref(), "percent", "\"50%\"")?;
            return Ok(Pick::Percent(share.0));
        }
        "random-max-percent" => {
            let share: Share = value(options, inner.as_ref(), "random-max-percent", "\"50%\"")?;
            return Ok(Pick::RandomMaxPercent(share.0));
        }
        other => {
            let hint = match nearest(other, Pick::MODES) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the modes are {}", Pick::MODES.join(", ")),
            };
            let message = format!("unknown mode {}; {hint}", quoted(other));
            return Err(options.invalid("pick", message));
        }
    };
    if inner.is_some_and(|inner| inner.has("value") && !matches!(pick, Pick::Fixed(_))) {
        let message = format!("mode \"{mode}\" has no value");
        return Err(options.invalid("pick", message));
    }
    Ok(pick)
}

fn value<T: crate::script::FromOption>(
    options: &Options,
    inner: Option<&Options>,
    mode: &str,
    example: &str,
) -> Result<T> {
    let found = inner.map(|inner| inner.optional("value")).transpose()?;
    found.flatten().ok_or_else(|| {
        let text = format!("write {{ mode = \"{mode}\", value = {example} }}");
        options.invalid("pick", text)
    })
}
