//! `rchaos run`: load, checks, thresholds, verdict.

mod folder;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::base::limits::raise_descriptor_limit;
use crate::base::rng::fresh_seed;
use crate::base::scale::TimeScale;
use crate::base::text::printable;
use crate::base::units::{self, Bytes};
use crate::engine::{
    AgentSettings, Answers, Ending, GamedayConfig, Outcome, Overrides, RunConfig, VERBS, check,
    default_memory_limit, run as run_script, summarise,
};
use crate::modules::ALL;
use crate::output::{About, EventKind, Feed, Look, Summary, Verdict, end_summary};
use crate::script::{Source, Sources};

use super::destinations::DestinationArgs;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::faulting::FaultingArgs;
use super::project::Rules;
use super::suite::SuiteArgs;
use super::watched::WatchedArgs;
use super::{live, project, screen, script_input, suite};

const MAX_SERIES: usize = 10_000;

/// Options of `rchaos run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The script, - for stdin, or a folder of scripts
    file: PathBuf,
    /// Set a variable that scripts read with env("NAME")
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// Repeat the random choices of an earlier run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Users: how many of a closed model, at most how many of an open one
    #[arg(short = 'u', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    vus: Option<u32>,
    /// How long scenarios run; stages are stretched or shortened to it
    #[arg(short, long, value_name = "TIME", value_parser = units::duration)]
    duration: Option<Duration>,
    /// Iterations in all, shared by the users
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    iterations: Option<u64>,
    /// Shorten every hold, stage and interval of the script, not its time-outs and thresholds
    #[arg(long, value_name = "FACTOR", default_value = "1", hide_default_value = true, value_parser = TimeScale::parse)]
    time_scale: TimeScale,
    /// Run this scenario of a script, or this script of a folder, only; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Put a tag on every sample; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    tag: Vec<(String, String)>,
    #[command(flatten)]
    destinations: DestinationArgs,
    /// No progress and no end summary; errors are still shown
    #[arg(short, long)]
    quiet: bool,
    /// Show the run on the whole terminal: stages, curves, faults, steps, log; q stops and heals
    #[arg(long, conflicts_with = "quiet")]
    tui: bool,
    /// End the run when the process uses more [default: half of the memory or the cgroup's limit]
    #[arg(long, value_name = "SIZE", value_parser = units::bytes)]
    memory_limit: Option<Bytes>,
    /// Keep at most so many series; what exceeds it is counted together
    #[arg(long, value_name = "N", default_value_t = MAX_SERIES)]
    max_series: usize,
    /// Threads that generate load [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    #[command(flatten)]
    faulting: FaultingArgs,
    /// Answer a gameday's questions from a JSON file: {"prompt": "answer"}
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Answer a gameday's other questions with yes, the default, or the first choice
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    pub(super) suites: SuiteArgs,
    #[command(flatten)]
    watched: WatchedArgs,
}

impl RunArgs {
    /// The script.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the run wants the whole terminal.
    pub(super) fn wants_terminal(&self) -> bool {
        self.tui
    }

    /// Whether faults are only logged.
    pub(super) fn is_dry(&self) -> bool {
        self.faulting.is_dry()
    }

    /// Where the result goes, if anywhere.
    pub(super) fn summary(&self) -> Option<&Path> {
        self.destinations.summary()
    }
}

/// Reads `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// Runs a script.
///
/// # Errors
///
/// The script does not load, or a destination cannot be written.
pub fn run(args: RunArgs, verbose: bool) -> Result<Exit, Failure> {
    if args.file.is_dir() {
        return suite::run(&args);
    }
    args.fits_a_script()?;
    let rules = project::rules(&args.file, args.suites.environment.as_deref())?;
    let _alone = if args.watched.is_part() {
        None
    } else {
        project::lock(&rules, &args.file.display().to_string())?
    };
    args.watched.bind_to_parent()?;
    raise_descriptor_limit();
    let sources = Sources::new();
    let seen = args.watched.seen();
    let _lister = args.watched.list(&sources, seen.as_ref())?;
    let source = script_input::read(&args.file, &sources)?;
    if args.watched.only_check {
        return only_check(args, source, &sources, &rules, verbose);
    }
    live::possible(args.tui)?;
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let script = args.file.display().to_string();
    let about = About {
        script: script.clone(),
        seed,
        started: std::time::SystemTime::now(),
    };
    let destinations = args.destinations.open(&about)?;
    let (quiet, tui) = (args.quiet, args.tui);
    let look = args.watched.look();
    if !quiet {
        eprintln!("{}", args.headline(&script, seed));
    }
    super::recover::before_run();
    let gameday = gameday(&args)?;
    let feed = destinations.feed();
    let mut config = config(args, source, sources.clone(), &rules, (seed, feed, gameday));
    config.agents.seen = seen;
    let runtime = event_loop()?;
    if tui {
        screen::begin_whole(&format!("rchaos {script}, seed {seed}"));
    } else if !quiet {
        screen::begin();
    }
    let (outcome, summary) = runtime.block_on(async {
        let outcome = run_script(config, &mut |progress| screen::show(progress)).await;
        screen::end();
        let mut outcome = outcome.map_err(|error| Failure::of_run(&error, &sources, verbose))?;
        let summary = summarise(&mut outcome, &script, &sources);
        let summary = hook(&mut outcome, summary, (!quiet).then_some(look)).await?;
        Ok::<_, Failure>((outcome, summary))
    })?;
    let written = destinations.write(&summary);
    let shown = show_error(&outcome, &sources, verbose);
    if quiet && !shown {
        show_reasons(&summary);
    }
    Ok(Exit::of(summary.exit_code).worse(written))
}

/// Loads and judges the script as a run with these options would.
fn only_check(
    args: RunArgs,
    source: Source,
    sources: &Arc<Sources>,
    rules: &Rules,
    verbose: bool,
) -> Result<Exit, Failure> {
    let gameday = gameday(&args)?;
    let feed = Feed::default();
    let config = config(args, source, Arc::clone(sources), rules, (0, feed, gameday));
    event_loop()?
        .block_on(check(&config))
        .map(|_| Exit::Passed)
        .map_err(|error| Failure::of_run(&error, sources, verbose))
}

/// The controller's event loop.
pub(super) fn event_loop() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, format!("no event loop: {error}")))
}

/// What scripts see of the environment: the process' own, over it the project's, and over both what was given.
fn environment(
    project: &BTreeMap<String, String>,
    given: Vec<(String, String)>,
) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    // Whoever names an environment means it, whatever the shell has exported.
    env.extend(project.clone());
    env.extend(given);
    env
}

/// The configuration of a script that is only looked at.
pub(super) fn quiet_config(
    env: Vec<(String, String)>,
    source: Source,
    sources: Arc<Sources>,
    rules: &Rules,
) -> RunConfig {
    RunConfig {
        source,
        sources,
        modules: ALL,
        verbs: VERBS,
        env: environment(&rules.env, env),
        tags: Vec::new(),
        seed: 0,
        overrides: Overrides::default(),
        memory_limit: default_memory_limit(),
        max_series: MAX_SERIES,
        workers: 1,
        agents: AgentSettings::default(),
        alerts: None,
        feed: Feed::default(),
        live_view: false,
        gameday: GamedayConfig::default(),
    }
}

/// Who answers a gameday's questions.
fn gameday(args: &RunArgs) -> Result<GamedayConfig, Failure> {
    let answers = args.answers.as_deref().map(Answers::read).transpose();
    Ok(GamedayConfig {
        answers: answers.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?,
        yes: args.yes,
        terminal: stdin().is_terminal() && stderr().is_terminal(),
        hush: Some(screen::hush),
    })
}

fn config(
    args: RunArgs,
    source: Source,
    sources: Arc<Sources>,
    rules: &Rules,
    (seed, feed, gameday): (u64, Feed, GamedayConfig),
) -> RunConfig {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    RunConfig {
        source,
        sources,
        modules: ALL,
        verbs: VERBS,
        env: environment(&rules.env, args.env),
        tags: args.tag,
        seed,
        overrides: Overrides {
            vus: args.vus,
            duration: args.duration,
            iterations: args.iterations,
            only: args.only,
            time_scale: args.time_scale,
        },
        memory_limit: args.memory_limit.unwrap_or_else(default_memory_limit),
        max_series: args.max_series,
        workers: args.workers.map_or(cores, usize::from),
        agents: args.faulting.settings(rules),
        alerts: rules.alerts.clone(),
        feed,
        live_view: args.tui,
        gameday,
    }
}

/// Shows the end summary with a look, if it has one, or what the script's `summary` function makes of it.
async fn hook(
    outcome: &mut Outcome,
    mut summary: Summary,
    look: Option<Look>,
) -> Result<Summary, Failure> {
    let json = serde_json::to_string(&summary)
        .map_err(|error| Failure::new(Exit::Internal, format!("the summary: {error}")))?;
    match outcome.texts(json).await {
        Ok(Some(texts)) => {
            for (place, text) in texts {
                write_text(&place, &text)?;
            }
            return Ok(summary);
        }
        Ok(None) => {}
        Err(error) => {
            summary.verdict = Verdict::Error;
            summary.exit_code = Exit::Script as u8;
            summary
                .reasons
                .insert(0, format!("summary: {}", error.message));
            outcome.control.script_error(error);
        }
    }
    if let Some(look) = look {
        for event in &summary.timeline {
            if event.kind == EventKind::Warning {
                tracing::warn!("{}", event.text);
            }
        }
        let text = end_summary(&summary, &look);
        // A reader such as `head` may have left; the verdict is in the exit code.
        let _ = stdout().write_all(text.as_bytes());
    }
    Ok(summary)
}

fn write_text(place: &str, text: &str) -> Result<(), Failure> {
    let written = match place {
        "stdout" => stdout().write_all(text.as_bytes()),
        "stderr" => stderr().write_all(text.as_bytes()),
        path => std::fs::write(path, text),
    };
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Script,
            format!("summary: cannot write \"{place}\": {error}"),
        )),
        _ => Ok(()),
    }
}

/// Shows the error that ended the run, if one did, with its source line; the summary has only its
/// message.
fn show_error(outcome: &Outcome, sources: &Sources, verbose: bool) -> bool {
    let ending = &outcome.control.ending;
    if let Some(
        Ending::Script(error)
        | Ending::Expectation(error)
        | Ending::Precondition(error)
        | Ending::Injection(error),
    ) = ending
    {
        eprintln!("{}", error.render(sources, verbose));
        return true;
    }
    false
}

/// Says why a run did not pass, where no end summary does.
fn show_reasons(summary: &Summary) {
    if summary.verdict == Verdict::Passed {
        return;
    }
    for error in &summary.errors {
        let place = error.location.as_deref().unwrap_or(&summary.script);
        let message = printable(&error.message);
        eprintln!("error: {place}: {message} ({}×)", error.count);
    }
    for reason in &summary.reasons {
        eprintln!("{}: {}", summary.verdict.word(), printable(reason));
    }
}
