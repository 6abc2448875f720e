//! `rchaos history`: the runs that are kept, how their figures went, and where one turned.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::diagnostic::Failure;
use super::exit::Exit;
use super::project::Project;
use super::suite::store::{SUITE_FILE, runs};
use crate::output::{
    KeptRun, Look, SUITE_SCHEMA, SuiteSummary, history_index, history_page, trends,
};

/// Options of `rchaos history`.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// The results folder, or a project's folder [default: that of the nearest rchaos.toml]
    folder: Option<PathBuf>,
    /// The newest runs only
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,
    /// Runs in this environment only
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a page, which leads to the pages of the runs if it lies in the results folder
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Shows the runs that are kept.
///
/// # Errors
///
/// There are none, or they cannot be read.
pub(super) fn run(args: &HistoryArgs) -> Result<Exit, Failure> {
    let folder = folder(args.folder.as_deref())?;
    let shown = folder.display().to_string();
    let mut kept = read(&folder)?;
    if let Some(name) = &args.environment {
        kept.retain(|run| run.summary.environment.as_ref() == Some(name));
    }
    let last = usize::try_from(args.last).unwrap_or(usize::MAX);
    kept.drain(..kept.len().saturating_sub(last));
    if kept.is_empty() {
        let text =
            format!("{shown} has no results; `rchaos run FOLDER --results {shown}` keeps them");
        return Err(Failure::new(Exit::Usage, text));
    }
    let trends = trends(&kept);
    if let Some(path) = &args.html {
        std::fs::write(path, history_index(&shown, &kept, &trends)).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("cannot write {}: {error}", path.display()),
            )
        })?;
    }
    let text = if args.json {
        format!("{:#}\n", json!({ "runs": kept, "trends": trends }))
    } else {
        history_page(&shown, &kept, &trends, &Look::detect(&stdout(), false))
    };
    // A reader such as `head` may have left.
    let _ = stdout().write_all(text.as_bytes());
    Ok(Exit::Passed)
}

/// The results folder that is meant.
fn folder(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let here = given.unwrap_or(Path::new("."));
    let direct = runs(here).is_ok_and(|found| !found.is_empty());
    if direct {
        return Ok(here.to_owned());
    }
    let project = Project::near(here)?;
    Ok(project.map_or_else(|| here.to_owned(), |project| project.results()))
}

fn read(folder: &Path) -> Result<Vec<KeptRun>, Failure> {
    let wrong = |text: String| Failure::new(Exit::Usage, text);
    let found = runs(folder)
        .map_err(|error| wrong(format!("cannot read {}: {error}", folder.display())))?;
    let mut all = Vec::new();
    for path in found {
        let file = path.join(SUITE_FILE);
        let text = std::fs::read_to_string(&file)
            .map_err(|error| wrong(format!("cannot read {}: {error}", file.display())))?;
        match serde_json::from_str::<SuiteSummary>(&text) {
            Ok(summary) if summary.schema == SUITE_SCHEMA => all.push(KeptRun {
                name: path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                summary,
            }),
            // Of another version; the others are worth reading all the same.
            _ => tracing::warn!("{} is no result of a suite", file.display()),
        }
    }
    Ok(all)
}
