//! Which script: a file, or `-` for stdin.

use std::io::Read;
use std::path::Path;

use crate::script::{STDIN, Source, Sources};

use super::diagnostic::Failure;
use super::exit::Exit;

/// Reads the script that the command line names.
///
/// # Errors
///
/// The file is missing or not text; exit code 2.
pub fn read(file: &Path, sources: &Sources) -> Result<Source, Failure> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| {
                Failure::new(
                    Exit::Usage,
                    format!("cannot read the script from stdin: {error}"),
                )
            })?;
        return Ok(sources.insert(STDIN, &text));
    }
    sources
        .read(file)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}
