//! One run at a time in each environment: two would spoil each other's results, and break more than either may.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};

use super::Rules;
use crate::agent::Paths;
use crate::base::text::{printable, quoted};
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;

/// Takes the lock of the environment that a run is in, until it is dropped; none without an environment. The lock ends
/// with the process, whatever ends that.
///
/// # Errors
///
/// Another run has it: a precondition that is not met.
pub(in crate::cli) fn lock(rules: &Rules, script: &str) -> Result<Option<File>, Failure> {
    let Some(name) = &rules.environment else {
        return Ok(None);
    };
    let folder = Paths::of_user().state;
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let file: String = name.chars().map(plain).collect();
    let path = folder.join(format!("environment-{file}.lock"));
    let opened = fs::create_dir_all(&folder).and_then(|()| {
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
    });
    let mut opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(
                "{}: {error}; nothing keeps a second run out",
                path.display()
            );
            return Ok(None);
        }
    };
    if opened.try_lock().is_err() {
        let mut holder = String::new();
        // Who it is helps; that it is there is what counts.
        let _ = opened.read_to_string(&mut holder);
        let holder = printable(holder.trim());
        let text = format!(
            "environment {} is in use by {holder}; wait for it",
            quoted(name)
        );
        return Err(Failure::new(Exit::Precondition, text));
    }
    let holder = format!("{script} (process {})\n", std::process::id());
    // As above.
    let _ = opened
        .set_len(0)
        .and_then(|()| opened.rewind())
        .and_then(|()| opened.write_all(holder.as_bytes()));
    Ok(Some(opened))
}
