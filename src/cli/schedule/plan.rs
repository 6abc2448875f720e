//! The schedule file: jobs with their times, and times at which none begins.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Deserialize;

use crate::base::text::quoted;
use crate::base::units;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::project::parse;

/// What a schedule file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    jobs: Vec<WrittenJob>,
    #[serde(default)]
    blackout: Vec<WrittenBlackout>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenJob {
    name: String,
    run: PathBuf,
    cron: String,
    timezone: Option<String>,
    jitter: Option<String>,
    environment: Option<String>,
    #[serde(default)]
    args: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBlackout {
    name: String,
    from: Option<String>,
    to: Option<String>,
    weekly: Option<String>,
    timezone: Option<String>,
    #[serde(default)]
    environments: Vec<String>,
}

/// A schedule, judged.
#[derive(Debug)]
pub(super) struct Schedule {
    /// The file, as an absolute path.
    pub file: PathBuf,
    /// Its jobs.
    pub jobs: Vec<Job>,
    blackouts: Vec<Blackout>,
}

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    /// Its name, unique in the file.
    pub name: String,
    /// The script or folder, as an absolute path.
    pub run: PathBuf,
    /// Its times as they are written.
    pub written: String,
    cron: Cron,
    /// The zone of its times.
    pub zone: TimeZone,
    /// The zone's name.
    pub zone_name: String,
    /// By how much it may begin later, drawn anew each time.
    pub jitter: Duration,
    /// Where it is run.
    pub environment: Option<String>,
    /// More arguments of `rchaos run`.
    pub args: Vec<String>,
}

/// A time at which nothing begins.
#[derive(Debug)]
struct Blackout {
    name: String,
    zone: TimeZone,
    when: When,
    environments: Vec<String>,
}

#[derive(Debug)]
enum When {
    /// From the one to the other, which is not part of it.
    Between(DateTime, DateTime),
    /// On these days, from the one to the other.
    Weekly(Vec<Weekday>, Time, Time),
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is wrong; file, job and what to write instead are named.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let wrong = |text: String| Failure::new(Exit::Usage, format!("{shown}: {text}"));
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let written: Written = parse(&text, &shown)?;
        let file = path
            .canonicalize()
            .map_err(|error| wrong(error.to_string()))?;
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        let jobs: Result<Vec<Job>, String> = written
            .jobs
            .into_iter()
            .map(|job| {
                let name = quoted(&job.name);
                Job::of(job, &folder).map_err(|text| format!("job {name}: {text}"))
            })
            .collect();
        let jobs = jobs.map_err(wrong)?;
        if jobs.is_empty() {
            return Err(wrong(
                "it has no jobs; write [[jobs]] with name, run and cron".to_owned(),
            ));
        }
        for (at, job) in jobs.iter().enumerate() {
            if jobs[..at].iter().any(|other| other.name == job.name) {
                return Err(wrong(format!("two jobs are called {}", quoted(&job.name))));
            }
        }
        let blackouts: Result<Vec<Blackout>, String> = written
            .blackout
            .into_iter()
            .map(|one| {
                let name = quoted(&one.name);
                Blackout::of(one).map_err(|text| format!("blackout {name}: {text}"))
            })
            .collect();
        Ok(Self {
            file,
            jobs,
            blackouts: blackouts.map_err(wrong)?,
        })
    }

    /// The name of the blackout that a job would begin in.
    pub(super) fn blackout(&self, job: &Job, at: Timestamp) -> Option<&str> {
        let applies = |one: &&Blackout| {
            let here = job.environment.as_ref();
            one.environments.is_empty() || here.is_some_and(|name| one.environments.contains(name))
        };
        let mut all = self.blackouts.iter().filter(applies);
        all.find(|one| one.covers(at)).map(|one| one.name.as_str())
    }
}

impl Job {
    fn of(written: WrittenJob, folder: &Path) -> Result<Self, String> {
        let cron = Cron::from_str(&written.cron).map_err(|error| {
            format!(
                "cron {}: {error}; write five fields such as \"0 */6 * * *\"",
                quoted(&written.cron)
            )
        })?;
        let jitter = written.jitter.as_deref().map(units::duration).transpose();
        let run = folder.join(&written.run);
        if !run.exists() {
            return Err(format!(
                "run: {} is not there",
                quoted(&run.display().to_string())
            ));
        }
        let (zone, zone_name) = zone(written.timezone)?;
        Ok(Self {
            name: written.name,
            run,
            written: written.cron,
            cron,
            zone,
            zone_name,
            jitter: jitter
                .map_err(|error| format!("jitter: {error}"))?
                .unwrap_or_default(),
            environment: written.environment,
            args: written.args,
        })
    }

    /// The next time after another; `None` if there is none.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after: Zoned = after.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp())
    }
}

fn zone(name: Option<String>) -> Result<(TimeZone, String), String> {
    let name = name.unwrap_or_else(|| "UTC".to_owned());
    let found = if name == "UTC" {
        Ok(TimeZone::UTC)
    } else {
        TimeZone::get(&name)
    };
    match found {
        Ok(zone) => Ok((zone, name)),
        Err(_) => Err(format!(
            "timezone {} is not known here; write a name such as \"Europe/Berlin\" (Debian's package tzdata has them)",
            quoted(&name)
        )),
    }
}

impl Blackout {
    fn of(written: WrittenBlackout) -> Result<Self, String> {
        let when = match (&written.from, &written.to, &written.weekly) {
            (Some(from), Some(to), None) => {
                let (from, to) = (moment(from)?, moment(to)?);
                if to <= from {
                    return Err("`to` is not after `from`".to_owned());
                }
                When::Between(from, to)
            }
            (None, None, Some(text)) => weekly(text)?,
            _ => {
                let text =
                    "write from and to (\"2026-12-24\"), or weekly (\"Mon-Fri 09:00-17:00\")";
                return Err(text.to_owned());
            }
        };
        Ok(Self {
            name: written.name,
            zone: zone(written.timezone)?.0,
            when,
            environments: written.environments,
        })
    }

    fn covers(&self, at: Timestamp) -> bool {
        let here = at.to_zoned(self.zone.clone()).datetime();
        match &self.when {
            When::Between(from, to) => (from..to).contains(&&here),
            When::Weekly(days, from, to) => {
                days.contains(&here.weekday()) && (from..to).contains(&&here.time())
            }
        }
    }
}

/// A date, which begins at midnight, or a date with a time.
fn moment(text: &str) -> Result<DateTime, String> {
    let date = || text.parse::<Date>().map(|date| date.at(0, 0, 0, 0));
    text.replace(' ', "T")
        .parse::<DateTime>()
        .or_else(|_| date())
        .map_err(|_| {
            format!(
                "{} is no date; write \"2026-12-24\" or \"2026-12-24 18:00\"",
                quoted(text)
            )
        })
}

/// `Mon-Fri 09:00-17:00`.
fn weekly(text: &str) -> Result<When, String> {
    let wrong = || format!("{}: write \"Mon-Fri 09:00-17:00\"", quoted(text));
    let (days, times) = text.split_once(' ').ok_or_else(wrong)?;
    let (from, to) = times.trim().split_once('-').ok_or_else(wrong)?;
    let time = |text: &str| -> Option<Time> { format!("{text}:00").parse().ok() };
    let end = if to == "24:00" {
        Some(Time::MAX)
    } else {
        time(to)
    };
    let (Some(from), Some(to)) = (time(from), end) else {
        return Err(wrong());
    };
    let mut all = Vec::new();
    for part in days.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Some(first), Some(last)) = (weekday(first), weekday(last)) else {
            return Err(wrong());
        };
        let mut day = first;
        loop {
            all.push(day);
            if day == last {
                break;
            }
            day = day.next();
        }
    }
    if to <= from {
        return Err(format!("{}: it ends before it begins", quoted(text)));
    }
    Ok(When::Weekly(all, from, to))
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_lowercase().as_str() {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(text: &str) -> Result<Schedule, Failure> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("a.lua"), "").unwrap();
        let file = home.path().join("s.toml");
        std::fs::write(&file, text).unwrap();
        Schedule::read(&file)
    }

    const JOB: &str = "[[jobs]]\nname = 'j'\nrun = 'a.lua'\ncron = '30 2 * * *'\n";

    #[test]
    fn times_are_those_of_the_zone() {
        let text = format!("{JOB}timezone = 'Europe/Berlin'\njitter = '10m'\n");
        let schedule = schedule(&text).unwrap();
        let job = &schedule.jobs[0];
        let next = job.next(at("2026-01-10T00:00:00Z")).unwrap();
        assert_eq!(next, at("2026-01-10T01:30:00Z"));
        let next = job.next(at("2026-07-10T00:00:00Z")).unwrap();
        assert_eq!(next, at("2026-07-10T00:30:00Z"));
        assert_eq!(job.jitter, Duration::from_secs(600));
    }

    #[test]
    fn nothing_begins_in_a_blackout() {
        let text = format!(
            "{JOB}environment = 'prod'\n[[blackout]]\nname = 'feast'\nfrom = '2026-12-24'\nto = '2026-12-27'\n\
             [[blackout]]\nname = 'work'\nweekly = 'Mon-Fri 09:00-17:00'\ntimezone = 'Europe/Berlin'\n\
             environments = ['prod']\n"
        );
        let schedule = schedule(&text).unwrap();
        let found = |text| schedule.blackout(&schedule.jobs[0], at(text));
        assert_eq!(found("2026-12-24T00:00:00Z"), Some("feast"));
        assert_eq!(found("2026-12-27T00:00:00Z"), None);
        // A Wednesday in summer: 09:00 there is 07:00 here.
        assert_eq!(found("2026-07-08T07:00:00Z"), Some("work"));
        assert_eq!(found("2026-07-08T15:00:00Z"), None);
        assert_eq!(found("2026-07-11T10:00:00Z"), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, said) in [
            ("", "it has no jobs"),
            (
                &format!("{JOB}timezone = 'Mars/Base'"),
                "job \"j\": timezone \"Mars/Base\"",
            ),
            (&format!("{JOB}jitter = '10'"), "jitter: "),
            (
                &JOB.replace("30 2", "99 2"),
                "job \"j\": cron \"99 2 * * *\"",
            ),
            (&JOB.replace("a.lua", "b.lua"), "is not there"),
            (&format!("{JOB}{JOB}"), "two jobs are called \"j\""),
            (&format!("{JOB}crom = 1"), "s.toml:5: unknown field `crom`"),
            (
                &format!("{JOB}[[blackout]]\nname = 'x'"),
                "blackout \"x\": write from and to",
            ),
            (
                &format!("{JOB}[[blackout]]\nname = 'x'\nweekly = 'Mon 9-17'"),
                "write \"Mon-Fri 09:00-17:00\"",
            ),
        ] {
            let text = schedule(text).map(drop).unwrap_err().text;
            assert!(text.contains(said), "{said}\n{text}");
        }
    }
}
