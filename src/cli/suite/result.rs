//! What the runs of several scripts come to.

use std::path::Path;
use std::time::Duration;

use super::files::{Group, Script};
use super::store::Store;
use crate::cli::exit::Exit;
use crate::output::{
    Figures, FileResult, Judgement, SUITE_SCHEMA, SuiteSummary, Summary, Targets, Times, Verdict,
    advice, report,
};

/// A script that ran: what its summary says, or at least its exit code. A page is written beside a summary that is
/// kept.
pub(super) fn of(
    group: &Group,
    script: &Script,
    code: u8,
    summary: &Path,
    took: Duration,
    store: &Store,
) -> FileResult {
    let text = std::fs::read_to_string(summary).ok();
    let read = text.and_then(|text| Summary::read(&text).ok());
    let mut file = blank(group, script);
    file.exit_code = Some(code);
    file.duration_seconds = took.as_secs_f64();
    match read {
        Some(read) => {
            file.verdict = Some(read.verdict);
            file.reasons.clone_from(&read.reasons);
            file.figures = Figures::of(&read);
            if store.is_kept() {
                let name = summary
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned());
                file.summary = name;
                // The numbers are there without it, and `rchaos report` makes it again.
                let _ = std::fs::write(summary.with_extension("html"), report(&read));
            }
        }
        None => {
            file.verdict = Some(verdict(code));
            file.reasons
                .push(format!("{}; it has no result", word(code)));
        }
    }
    file
}

/// A script that did not run.
pub(super) fn not_run(group: &Group, script: &Script, why: &str) -> FileResult {
    let mut file = blank(group, script);
    file.reasons.push(why.to_owned());
    file
}

fn blank(group: &Group, script: &Script) -> FileResult {
    FileResult {
        path: script.path.clone(),
        id: script.id.clone(),
        title: script.title.clone(),
        suite: group.name.clone(),
        verdict: None,
        exit_code: None,
        reasons: Vec::new(),
        duration_seconds: 0.0,
        figures: Figures::default(),
        summary: None,
    }
}

/// A file's name of an id; ids are people's words.
pub(super) fn file_name(group: &Group, id: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            c
        } else {
            '_'
        }
    };
    let whole = if group.name.is_empty() {
        id.to_owned()
    } else {
        format!("{}-{id}", group.name)
    };
    let name: String = whole.chars().map(plain).take(100).collect();
    name.trim_start_matches('.').to_owned()
}

/// The result of the whole, but for where and when it was. Of a part of the suites no target is asked that it says
/// nothing about.
pub(super) fn whole(
    files: Vec<FileResult>,
    targets: Option<&Targets>,
    is_part: bool,
    interrupted: bool,
) -> SuiteSummary {
    let mut judged = targets.map_or_else(Vec::new, |targets| targets.judge(&files));
    if is_part {
        judged.retain(|one| one.measured.is_some());
    }
    let (exit, reasons) = judge(&files, &judged, interrupted);
    let times = |pick: fn(&Figures) -> &Vec<u64>| {
        Times::of(
            files
                .iter()
                .flat_map(move |file| pick(&file.figures).iter().copied()),
        )
    };
    SuiteSummary {
        schema: SUITE_SCHEMA.to_owned(),
        verdict: verdict(exit as u8),
        reasons,
        exit_code: exit as u8,
        folder: String::new(),
        suites: Vec::new(),
        environment: None,
        seed: 0,
        time_scale: 1.0,
        started: String::new(),
        duration_seconds: 0.0,
        recommendations: advice(&files, &judged),
        targets: judged,
        detect: times(|figures| &figures.detect_ms),
        recover: times(|figures| &figures.recover_ms),
        files,
    }
}

/// The exit of the whole, and why it is not `passed`, most important first.
fn judge(files: &[FileResult], judged: &[Judgement], interrupted: bool) -> (Exit, Vec<String>) {
    let mut exit = files
        .iter()
        .filter_map(|file| file.exit_code.map(Exit::of))
        .fold(Exit::Passed, Exit::worse);
    let mut reasons: Vec<String> = Vec::new();
    let count = |wanted: fn(&FileResult) -> bool| files.iter().filter(|file| wanted(file)).count();
    let failed = count(|file| file.exit_code.is_some_and(|code| code != 0));
    let skipped = count(|file| file.exit_code.is_none());
    if failed > 0 {
        let ids = files
            .iter()
            .filter(|file| file.exit_code.is_some_and(|code| code != 0));
        let ids: Vec<&str> = ids.map(|file| file.id.as_str()).collect();
        reasons.push(format!(
            "{failed} of {} scripts did not pass: {}",
            files.len(),
            ids.join(", ")
        ));
    }
    if skipped > 0 {
        reasons.push(format!("{skipped} of {} scripts were not run", files.len()));
        exit = exit.worse(if interrupted {
            Exit::Aborted
        } else {
            Exit::Failed
        });
    }
    for target in judged.iter().filter(|target| !target.ok) {
        let measured = target.measured.as_deref().unwrap_or("not measured");
        let (name, wanted) = (&target.name, &target.wanted);
        reasons.push(format!("target {name}: {measured}, wanted {wanted}"));
        exit = exit.worse(Exit::Failed);
    }
    (exit, reasons)
}

fn verdict(code: u8) -> Verdict {
    match code {
        0 => Verdict::Passed,
        6 => Verdict::Aborted,
        4 | 5 | 7 => Verdict::Failed,
        _ => Verdict::Error,
    }
}

fn word(code: u8) -> &'static str {
    match Exit::of(code) {
        Exit::Passed => "it passed",
        Exit::Internal => "it ended in an internal error",
        Exit::Usage => "its command line is wrong",
        Exit::Script => "the script is wrong",
        Exit::Precondition => "a precondition is not met",
        Exit::Failed => "it failed",
        Exit::Aborted => "it was aborted",
        Exit::Unhealed => "something is left unhealed",
    }
}
