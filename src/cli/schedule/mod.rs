//! `rchaos schedule`: runs scripts and folders at the times of a file, one at a time in each environment.

mod forms;
mod memory;
mod plan;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;

use self::forms::{Form, printed};
use self::memory::Memory;
use self::plan::{Job, Schedule};
use super::diagnostic::Failure;
use super::exit::Exit;
use super::suite::child::{Signals, run as run_child};
use super::suite::wait_until;
use crate::base::rng::fresh_seed;
use crate::base::text::{nearest, quoted};
use crate::base::units;

/// Options of `rchaos schedule`.
#[derive(Debug, Args)]
pub(super) struct ScheduleArgs {
    /// The schedule: a TOML file with [[jobs]] and [[blackout]]
    file: PathBuf,
    /// Run this job once now, unless it is blacked out, and end with its exit code
    #[arg(long, value_name = "NAME", conflicts_with_all = ["print", "list"])]
    job: Option<String>,
    /// With --job: begin at once
    #[arg(long, requires = "job")]
    no_jitter: bool,
    /// Say when jobs begin next, and end
    #[arg(long, conflicts_with = "print")]
    list: bool,
    /// Print the same schedule for another scheduler, and end
    #[arg(long, value_name = "FORM")]
    print: Option<Form>,
    /// End after this time
    #[arg(long = "for", value_name = "TIME", value_parser = units::duration)]
    during: Option<Duration>,
}

/// Runs jobs at their times until Ctrl-C.
///
/// # Errors
///
/// The schedule is wrong.
pub(super) fn run(args: &ScheduleArgs) -> Result<Exit, Failure> {
    let schedule = Schedule::read(&args.file)?;
    if let Some(form) = args.print {
        print!("{}", printed(&schedule, form));
        return Ok(Exit::Passed);
    }
    if args.list {
        list(&schedule);
        return Ok(Exit::Passed);
    }
    let signals = Signals::catch()
        .map_err(|error| Failure::new(Exit::Internal, format!("signals: {error}")))?;
    super::recover::before_run();
    if let Some(name) = &args.job {
        let job = find(&schedule, name)?;
        if !args.no_jitter && !wait_until(Instant::now() + jitter(job), &signals) {
            return Ok(Exit::Aborted);
        }
        return Ok(play(&schedule, job, &signals));
    }
    serve(&schedule, args.during, &signals)
}

fn find<'a>(schedule: &'a Schedule, name: &str) -> Result<&'a Job, Failure> {
    if let Some(job) = schedule.jobs.iter().find(|job| job.name == name) {
        return Ok(job);
    }
    let names: Vec<&str> = schedule.jobs.iter().map(|job| job.name.as_str()).collect();
    let hint = nearest(name, names.iter().copied()).map_or_else(
        || format!("there are {}", names.join(", ")),
        |near| format!("did you mean {}?", quoted(near)),
    );
    let text = format!("--job: no job is called {}; {hint}", quoted(name));
    Err(Failure::new(Exit::Usage, text))
}

fn list(schedule: &Schedule) {
    let now = Timestamp::now();
    for job in &schedule.jobs {
        let next = job.next(now);
        let when = next.map_or_else(
            || "never".to_owned(),
            |next| {
                next.to_zoned(job.zone.clone())
                    .strftime("%Y-%m-%d %H:%M:%S %Z")
                    .to_string()
            },
        );
        let out = next.and_then(|next| schedule.blackout(job, next));
        let out = out.map_or_else(String::new, |name| format!(" (blackout {})", quoted(name)));
        println!("{}  {when}{out}  {}", job.name, job.run.display());
    }
}

fn jitter(job: &Job) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a share of the jitter")]
    let share = (fresh_seed() >> 11) as f64 / (1_u64 << 53) as f64;
    job.jitter.mul_f64(share)
}

/// Waits for the next time of any job, and runs what is due; jobs that come due during another one wait for it.
fn serve(
    schedule: &Schedule,
    during: Option<Duration>,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let memory = Memory::open(schedule).map_err(|error| {
        Failure::new(Exit::Usage, format!("what the schedule remembers: {error}"))
    })?;
    let end = during.map(|during| Instant::now() + during);
    let mut due: Vec<(Timestamp, &Job)> = Vec::new();
    let now = Timestamp::now();
    for job in &schedule.jobs {
        for text in memory.missed(job, now) {
            say(&text);
        }
        due.extend(next(job, now));
    }
    loop {
        let Some(at) = due.iter().map(|(time, _)| *time).min() else {
            say("no job has a time left");
            return Ok(Exit::Passed);
        };
        let left = at.duration_since(Timestamp::now());
        let begin = Instant::now() + Duration::try_from(left).unwrap_or_default();
        let over = end.filter(|end| *end < begin);
        if !wait_until(over.unwrap_or(begin), signals) || over.is_some() {
            return Ok(Exit::Passed);
        }
        let Some(index) = due.iter().position(|(time, _)| *time == at) else {
            continue;
        };
        let (_, job) = due.swap_remove(index);
        memory.began(job, at);
        play(schedule, job, signals);
        memory.ended(job, at);
        // What came due in the meantime is not made up for: runs would follow each other without a pause.
        due.extend(next(job, Timestamp::now()));
    }
}

/// The next begin of a job, its jitter included.
fn next(job: &Job, after: Timestamp) -> Option<(Timestamp, &Job)> {
    let time = job.next(after)?;
    let late = time.checked_add(jitter(job)).unwrap_or(time);
    Some((late, job))
}

/// Runs a job now, unless it is blacked out.
fn play(schedule: &Schedule, job: &Job, signals: &Signals) -> Exit {
    if let Some(name) = schedule.blackout(job, Timestamp::now()) {
        say(&format!(
            "{} is left out: blackout {}",
            job.name,
            quoted(name)
        ));
        return Exit::Passed;
    }
    say(&format!("{} begins", job.name));
    let mut args: Vec<OsString> = vec!["run".into(), job.run.clone().into()];
    if let Some(environment) = &job.environment {
        args.extend(["--environment".into(), environment.into()]);
    }
    args.extend(job.args.iter().map(OsString::from));
    let code = run_child(&args, signals).unwrap_or_else(|error| {
        say(&format!("{} cannot be started: {error}", job.name));
        1
    });
    say(&format!("{} ended with exit code {code}", job.name));
    Exit::of(code)
}

fn say(text: &str) {
    let now = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S");
    eprintln!("{now} {text}");
}
