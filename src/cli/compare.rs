//! `rchaos compare`: what got better or worse between two results.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::base::text::quoted;
use crate::base::units::{Share, share};
use crate::output::{Effect, Look, Recorded, compare, comparison_page};

use super::diagnostic::Failure;
use super::exit::Exit;

/// Options of `rchaos compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The result to compare with: what `rchaos run --summary` wrote
    before: PathBuf,
    /// The result to judge
    after: PathBuf,
    /// By how much a number may change unremarked
    #[arg(short, long, value_name = "SHARE", default_value = "10%", value_parser = share)]
    tolerance: Share,
    /// Print everything that was looked at as JSON
    #[arg(long)]
    json: bool,
}

/// Compares two results; exit code 5 if the second is worse.
///
/// # Errors
///
/// A file cannot be read or is not a summary.
pub fn run(args: &CompareArgs) -> Result<Exit, Failure> {
    let [before, after] = [&args.before, &args.after].map(|path| read(path));
    let comparison = compare(&before?, &after?, args.tolerance.0);
    let text = if args.json {
        serde_json::to_string_pretty(&comparison)
            .map_err(|error| Failure::new(Exit::Internal, format!("the comparison: {error}")))?
            + "\n"
    } else {
        comparison_page(&comparison, &Look::detect(&stdout(), false))
    };
    // A reader such as `head` may have left; the verdict is in the exit code.
    let _ = stdout().write_all(text.as_bytes());
    Ok(match comparison.verdict {
        Effect::Worse => Exit::Failed,
        _ => Exit::Passed,
    })
}

fn read(path: &Path) -> Result<Recorded, Failure> {
    let shown = || quoted(&path.display().to_string());
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", shown())))?;
    Recorded::read(&text)
        .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", shown())))
}
