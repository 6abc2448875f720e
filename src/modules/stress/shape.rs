//! What constructors of `stress` share: target, path, amount, and the inert fault.

use std::path::PathBuf;

use mlua::{Lua, Result};
use serde::Serialize;

use crate::base::text::quoted;
use crate::base::units::{Bytes, Share, show_bytes};
use crate::fault::stress::Amount;
use crate::fault::{Kind, Spec, Target};
use crate::modules::hold::{FaultValue, raise};
use crate::modules::target::TargetValue;
use crate::script::Options;

/// The option `target`: the agent that serves it, and what it is there; this host where it is left out.
pub(super) fn target(options: &Options) -> Result<(String, Option<Target>)> {
    let target: Option<TargetValue> = options.optional("target")?;
    match target {
        None => Ok((String::new(), None)),
        Some(value) if matches!(value.target, Target::Namespace { .. }) => {
            let message = format!(
                "{} has packets only; name a process or a container",
                value.label()
            );
            Err(options.invalid("target", message))
        }
        Some(value) => Ok((value.agent, Some(value.target))),
    }
}

/// The option `path`, as the target sees it.
pub(super) fn path(options: &Options) -> Result<PathBuf> {
    let path: String = options.required("path")?;
    if path.starts_with('/') {
        return Ok(path.into());
    }
    let message = format!(
        "{} must begin with \"/\": the target has a working folder of its own",
        quoted(&path)
    );
    Err(options.invalid("path", message))
}

/// An inert fault of one kind.
pub(super) fn fault(
    lua: &Lua,
    kind: &'static Kind,
    agent: String,
    options: &impl Serialize,
    label: String,
) -> Result<FaultValue> {
    let spec = Spec::new(kind, options).map_err(|trouble| raise(lua, kind.name, &trouble))?;
    Ok(FaultValue::new(kind.name, agent, spec, label))
}

/// How much, and in words.
pub(super) fn amount(options: &Options) -> Result<(Amount, String)> {
    let bytes: Option<Bytes> = options.optional("bytes")?;
    let percent: Option<Share> = options.optional("percent")?;
    let left: Option<Bytes> = options.optional("leave_free")?;
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let show = |bytes: u64| show_bytes(bytes as f64);
    match (bytes, percent, left) {
        (Some(Bytes(bytes)), None, None) => Ok((Amount::Bytes(bytes), show(bytes))),
        (None, Some(Share(share)), None) => {
            let words = format!("until {}% are used", share * 100.0);
            Ok((Amount::Percent(share), words))
        }
        (None, None, Some(Bytes(left))) => {
            let words = format!("until {} are left", show(left));
            Ok((Amount::LeaveFree(left), words))
        }
        _ => {
            let message = "say how much with one of bytes = \"1GB\", percent = \"95%\" and leave_free = \"10MB\"";
            Err(options.wrong(message))
        }
    }
}
