//! What a fixture's listener leaves behind when its holder is killed: a Unix socket's file.

use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::proxy::{Address, Protocol, listener};
use crate::fault::{Healed, Preflight, Resource, Sharing, Survives, Tier, Trouble};

/// The undo of a listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The Unix socket's path, if it is one.
    pub path: Option<String>,
    /// Whether something was there before.
    pub before: bool,
}

impl Trace {
    /// Looks before anything is listened on.
    pub fn of(address: &Address) -> Self {
        match address {
            Address::Tcp { .. } => Self::default(),
            Address::Unix(path) => Self {
                path: Some(path.display().to_string()),
                before: path.symlink_metadata().is_ok(),
            },
        }
    }

    pub fn undo(&self) -> Value {
        json!(self)
    }
}

/// Removes the file of a socket that nobody listens on any more. TCP and UDP leave nothing: their
/// ports were freed with the process.
pub fn recover(undo: &Value) -> Result<Healed, Trouble> {
    let trace: Trace = serde_json::from_value(undo.clone())
        .map_err(|error| Trouble::Failed(format!("the record of a listener: {error}")))?;
    let Some(path) = trace.path.filter(|_| !trace.before) else {
        return Ok(Healed::Unchanged);
    };
    let path = Path::new(&path);
    let Ok(found) = path.symlink_metadata() else {
        return Ok(Healed::Unchanged);
    };
    if !found.file_type().is_socket() || UnixStream::connect(path).is_ok() {
        let text = format!(
            "{} belongs to somebody else now; it was left",
            path.display()
        );
        return Ok(Healed::Drifted(text));
    }
    std::fs::remove_file(path)
        .map(|()| Healed::Restored)
        .map_err(|error| Trouble::system(format!("cannot remove {}", path.display()), error))
}

/// Whether the address can be had, tried by taking it for a moment.
pub fn try_out(address: &Address, protocol: Protocol) -> Result<(), Trouble> {
    let Address::Unix(path) = address else {
        return listener(address, protocol)
            .map(drop)
            .map_err(|error| Trouble::Precondition(error.to_string()));
    };
    // Trying would leave a file: whether it can be made is seen when it is.
    let parent = path.parent().unwrap_or(Path::new("."));
    if parent.is_dir() {
        return Ok(());
    }
    let folder = parent.display();
    Err(Trouble::Precondition(format!(
        "there is no folder {folder}"
    )))
}

/// What plan shows of a listener.
pub fn preflight(name: &str, listen: &Address, upstream: &str, protocol: Protocol) -> Preflight {
    // A port that the system chooses is nobody else's.
    let chosen = matches!(listen, Address::Tcp { port: 0, .. });
    let key = format!("listener {protocol} {listen}");
    Preflight {
        targets: vec![format!("proxy {name} on {listen} to {upstream}")],
        effect: format!("{protocol} passes through rchaos"),
        undo: "the listener and its connections are closed".to_owned(),
        tier: Tier::Inline,
        survives: Survives::Process,
        resources: (!chosen)
            .then(|| Resource::new(key, Sharing::Alone))
            .into_iter()
            .collect(),
        provisional: false,
    }
}

/// An address of a fixture's options.
pub fn address(option: &str, text: &str) -> Result<Address, Trouble> {
    Address::parse(text).map_err(|error| Trouble::Misuse(format!("option `{option}`: {error}")))
}
