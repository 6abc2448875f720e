//! `rchaos run DIR`: several scripts, a verdict for each and one for all.

pub(super) mod child;
mod files;
mod hooks;
mod result;
pub(super) mod store;

use std::ffi::OsString;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use clap::Args;

use self::child::Signals;
use self::files::{Group, Script};
use self::hooks::Started;
use self::store::Store;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::project::{self, Project};
use super::run::RunArgs;
use crate::base::rng::fresh_seed;
use crate::base::units;
use crate::output::{FileResult, Look, SuiteSummary, rfc3339, suite_page};

/// Options of runs of a folder.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SuiteArgs {
    /// Run this suite of rchaos.toml, by name or tag; may be repeated [default: all]
    #[arg(long, value_name = "NAME")]
    pub suite: Vec<String>,
    /// Run in this environment of rchaos.toml: its variables, its limits, what it protects
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Run the other scripts of a folder after one that failed
    #[arg(long = "continue")]
    pub go_on: bool,
    /// Keep every result in this folder [default: that of rchaos.toml]
    #[arg(long, value_name = "FOLDER")]
    pub results: Option<PathBuf>,
    /// Run a folder again and again, so long from start to start
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub every: Option<Duration>,
    /// With --every: begin no run after this time
    #[arg(long = "for", value_name = "TIME", value_parser = units::duration, requires = "every")]
    pub during: Option<Duration>,
}

impl SuiteArgs {
    /// The option that only a folder has, if one was given for a script.
    pub(super) fn misplaced(&self) -> Option<&'static str> {
        let given = [
            (!self.suite.is_empty(), "--suite"),
            (self.go_on, "--continue"),
            (self.every.is_some(), "--every"),
            (self.results.is_some(), "--results"),
        ];
        given.into_iter().find(|one| one.0).map(|one| one.1)
    }
}

/// Runs the scripts of a folder, once or again and again.
///
/// # Errors
///
/// `rchaos.toml` is wrong, or there is nothing to run.
pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    if let Some(option) = args.unfit_for_folders() {
        let text = format!("{option} is about one script; name a script instead of a folder");
        return Err(Failure::new(Exit::Usage, text));
    }
    let folder = args.file();
    let project = Project::near(folder)?;
    // Those above the folder say how to run it, but its own say what there is.
    let own = project.as_ref().filter(|project| {
        folder
            .canonicalize()
            .is_ok_and(|path| path == project.folder)
    });
    let groups = files::select(folder, own, &args.suites.suite, args.only())?;
    let rules = project::rules(folder, args.suites.environment.as_deref())?;
    let _alone = project::lock(&rules, &folder.display().to_string())?;
    let signals = Signals::catch()
        .map_err(|error| Failure::new(Exit::Internal, format!("signals: {error}")))?;
    let begin = Instant::now();
    let mut worst = Exit::Passed;
    let mut times = 0;
    loop {
        let next = begin + args.suites.every.unwrap_or_default() * times;
        if !wait_until(next, &signals) {
            return Ok(worst.worse(Exit::Aborted));
        }
        let round = Round {
            args,
            project: project.as_ref(),
            folder,
            groups: &groups,
            signals: &signals,
            seed: args.seed().unwrap_or_else(fresh_seed),
        };
        let exit = round.play()?;
        worst = worst.worse(exit);
        let Some(every) = args.suites.every else {
            return Ok(worst);
        };
        // One that took longer than the interval is not made up for.
        let passed = begin.elapsed().as_secs_f64() / every.as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of intervals, from zero"
        )]
        let elapsed = passed as u32;
        times = elapsed + 1;
        let over = args.suites.during.is_some_and(|all| every * times > all);
        if signals.came() || over {
            return Ok(worst);
        }
    }
}

/// Whether the time came before a signal did.
pub(super) fn wait_until(time: Instant, signals: &Signals) -> bool {
    while Instant::now() < time {
        if signals.came() {
            return false;
        }
        let left = time.saturating_duration_since(Instant::now());
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
    !signals.came()
}

/// One run of all scripts.
struct Round<'a> {
    args: &'a RunArgs,
    project: Option<&'a Project>,
    folder: &'a Path,
    groups: &'a [Group],
    signals: &'a Signals,
    seed: u64,
}

impl Round<'_> {
    fn play(&self) -> Result<Exit, Failure> {
        let started = rfc3339(SystemTime::now());
        let begin = Instant::now();
        let kept = self.args.suites.results.clone();
        let kept = kept.or_else(|| self.project.map(Project::results));
        let internal = |error: std::io::Error| {
            Failure::new(Exit::Internal, format!("the results folder: {error}"))
        };
        let store = Store::open(kept.as_deref(), &started).map_err(internal)?;
        let files = self.files(&store);
        let mut summary = self.summary(files, started);
        summary.duration_seconds = begin.elapsed().as_secs_f64();
        let keep = self.project.and_then(|project| project.results.keep);
        store.finish(&summary, keep).map_err(internal)?;
        if let Some(path) = self.args.summary() {
            let text = serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n";
            std::fs::write(path, text).map_err(|error| {
                Failure::new(
                    Exit::Usage,
                    format!("cannot write {}: {error}", path.display()),
                )
            })?;
        }
        if !self.args.is_quiet() {
            let text = suite_page(&summary, &Look::detect(&stdout(), false));
            // A reader such as `head` may have left; the verdict is in the exit code.
            let _ = stdout().write_all(text.as_bytes());
        }
        Ok(Exit::of(summary.exit_code))
    }

    /// Runs all scripts that can be run.
    fn files(&self, store: &Store) -> Vec<FileResult> {
        let folder = self.project.map_or(self.folder, |project| &project.folder);
        let mut hooks = Started::new(folder);
        let mut all: Vec<FileResult> = Vec::new();
        let mut stopped: Option<String> = None;
        for group in self.groups {
            let why = stopped.clone().or_else(|| lacking(group, &all));
            let why = why.or_else(|| self.start(group, &mut hooks).err());
            if !group.title.is_empty() && !self.args.is_quiet() {
                eprintln!("\n==== {}", group.title);
            }
            for script in &group.scripts {
                if let Some(why) = stopped.as_ref().or(why.as_ref()) {
                    all.push(result::not_run(group, script, why));
                    continue;
                }
                let one = self.one(group, script, store);
                let code = one.exit_code;
                all.push(one);
                stopped = match code {
                    _ if self.signals.came() => Some("the run was interrupted".to_owned()),
                    // What is broken for good would only spoil the results of the rest.
                    Some(7) => Some(format!("{} left something unhealed", script.id)),
                    Some(0) => None,
                    _ if self.args.suites.go_on => None,
                    _ => Some(format!(
                        "{} did not pass; --continue runs the rest",
                        script.id
                    )),
                };
            }
        }
        all
    }

    fn start<'h>(&'h self, group: &'h Group, hooks: &mut Started<'h>) -> Result<(), String> {
        let Some(project) = self.project else {
            return Ok(());
        };
        for name in &group.hooks {
            if let Some(hook) = project.hooks.get(name) {
                hooks.start(name, hook)?;
            }
        }
        Ok(())
    }

    fn one(&self, group: &Group, script: &Script, store: &Store) -> FileResult {
        let summary = store.file(&format!("{}.json", result::file_name(group, &script.id)));
        let begin = Instant::now();
        if !self.args.is_quiet() {
            eprintln!("\n== {} {}", script.id, script.title);
        }
        let arguments = self.arguments(script, &summary);
        let code = child::run(&arguments, self.signals).unwrap_or_else(|error| {
            eprintln!("error: cannot start {}: {error}", script.id);
            1
        });
        result::of(group, script, code, &summary, begin.elapsed(), store)
    }

    /// The command line of a script's own run.
    fn arguments(&self, script: &Script, summary: &Path) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec!["run".into(), script.file.clone().into()];
        all.extend([
            "--summary".into(),
            summary.into(),
            "--until-parent-ends".into(),
        ]);
        all.extend(["--seed".into(), self.seed.to_string().into()]);
        for (name, value) in &script.env {
            all.extend(["--env".into(), format!("{name}={value}").into()]);
        }
        if let Some(environment) = &self.args.suites.environment {
            all.extend(["--environment".into(), environment.into()]);
        }
        all.extend(self.args.passed_on());
        all
    }

    fn summary(&self, files: Vec<FileResult>, started: String) -> SuiteSummary {
        let rules = self
            .project
            .and_then(|project| project.rules(self.args.suites.environment.as_deref()).ok());
        let targets = self.project.map(|project| &project.targets);
        let is_part = !self.args.suites.suite.is_empty() || !self.args.only().is_empty();
        let mut summary = result::whole(files, targets, is_part, self.signals.came());
        summary.folder = self.folder.display().to_string();
        summary.suites.clone_from(&self.args.suites.suite);
        summary.environment = rules.and_then(|rules| rules.environment);
        summary.seed = self.seed;
        summary.time_scale = self.args.time_scale().factor();
        summary.started = started;
        summary
    }
}

/// The suite that a group needs and that has not passed.
fn lacking(group: &Group, done: &[FileResult]) -> Option<String> {
    let passed = |name: &&String| {
        done.iter()
            .filter(|file| file.suite == **name)
            .all(|file| file.exit_code == Some(0))
    };
    let name = group.needs.iter().find(|name| !passed(name))?;
    Some(format!("needs the suite {name}, which did not pass"))
}
