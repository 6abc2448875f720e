//! The same schedule for others that start programs: systemd, GitHub Actions, cron.

use clap::ValueEnum;

use super::plan::{Job, Schedule};
use crate::base::units::show_duration;

/// Who is to start the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Timers and services of systemd
    Systemd,
    /// Workflows of GitHub Actions
    Github,
    /// Lines of a crontab
    Crontab,
}

/// The schedule in this form. Each job is started by its name, so that blackouts and the lock hold there too.
pub(super) fn printed(schedule: &Schedule, form: Form) -> String {
    let texts = schedule.jobs.iter().map(|job| match form {
        Form::Systemd => systemd(schedule, job),
        Form::Github => github(schedule, job),
        Form::Crontab => crontab(schedule, job),
    });
    texts.collect::<Vec<String>>().join("\n")
}

fn command(schedule: &Schedule, job: &Job) -> String {
    let file = quote(&schedule.file.display().to_string());
    format!("rchaos schedule {file} --job {}", quote(&job.name))
}

/// As one word of a shell.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn crontab(schedule: &Schedule, job: &Job) -> String {
    // A percent sign ends the command of a crontab's line.
    let command = command(schedule, job).replace('%', "\\%");
    format!("CRON_TZ={}\n{} {command}\n", job.zone_name, job.written)
}

fn github(schedule: &Schedule, job: &Job) -> String {
    let note = if job.zone_name == "UTC" {
        String::new()
    } else {
        format!(
            "    # GitHub knows only UTC; the schedule is in {}.\n",
            job.zone_name
        )
    };
    let file = schedule.file.file_name().unwrap_or_default();
    let file = quote(&file.to_string_lossy());
    let name = quote(&job.name);
    format!(
        "# .github/workflows/{}.yml\nname: {name}\non:\n  schedule:\n{note}    - cron: '{}'\n  workflow_dispatch: {{}}\n\
         concurrency:\n  group: rchaos-{}\njobs:\n  rchaos:\n    runs-on: ubuntu-latest\n    steps:\n\
         \x20     - uses: actions/checkout@v4\n      - run: rchaos schedule {file} --job {name} --no-jitter\n",
        job.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        job.written,
        job.environment.as_deref().unwrap_or("default"),
    )
}

fn systemd(schedule: &Schedule, job: &Job) -> String {
    let unit = job.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let mut out = format!(
        "# /etc/systemd/system/rchaos-{unit}.service\n[Unit]\nDescription=rchaos {}\n\n[Service]\nType=oneshot\n\
         ExecStart={} --no-jitter\n# What was broken is mended before systemd ends anything.\nKillMode=mixed\n\
         TimeoutStopSec=120\n\n# /etc/systemd/system/rchaos-{unit}.timer\n[Timer]\n",
        job.name,
        command(schedule, job)
    );
    match calendars(&job.written) {
        Some(calendars) => {
            for calendar in calendars {
                out += &format!("OnCalendar={calendar} {}\n", job.zone_name);
            }
        }
        None => {
            out += &format!(
                "# systemd has no form of \"{}\": write OnCalendar= by hand\n",
                job.written
            );
        }
    }
    if !job.jitter.is_zero() {
        let jitter = show_duration(job.jitter);
        out += &format!("RandomizedDelaySec={jitter}\n");
    }
    out + "\n[Install]\nWantedBy=timers.target\n"
}

/// A cron expression as systemd writes times; two where cron's day of month and day of week are alternatives. `None` for
/// what systemd cannot say.
fn calendars(cron: &str) -> Option<Vec<String>> {
    let cron = match cron {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.try_into().ok()?;
    let (minute, hour) = (numbers(minute, 0)?, numbers(hour, 0)?);
    let (days, month) = (numbers(day, 1)?, numbers(&months(month), 1)?);
    let line = |week: &str, day: &str| {
        let week = if week.is_empty() {
            String::new()
        } else {
            format!("{week} ")
        };
        format!("{week}*-{month}-{day} {hour}:{minute}:00")
    };
    Some(match (day, weekday) {
        (_, "*") => vec![line("", &days)],
        ("*", week) => vec![line(&weekdays(week)?, "*")],
        (_, week) => vec![line("", &days), line(&weekdays(week)?, "*")],
    })
}

/// One field of numbers: lists, ranges and steps.
fn numbers(field: &str, first: u32) -> Option<String> {
    let one = |part: &str| -> Option<String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok()?)),
            None => (part, None),
        };
        let range = match range.split_once('-') {
            Some((from, to)) => {
                format!("{}..{}", from.parse::<u32>().ok()?, to.parse::<u32>().ok()?)
            }
            None if range == "*" && step.is_some() => first.to_string(),
            None if range == "*" => "*".to_owned(),
            None => range.parse::<u32>().ok()?.to_string(),
        };
        Some(step.map_or(range.clone(), |step| format!("{range}/{step}")))
    };
    let parts: Option<Vec<String>> = field.split(',').map(one).collect();
    parts.map(|parts| parts.join(","))
}

const DAYS: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Names of months as numbers.
fn months(field: &str) -> String {
    let mut text = field.to_ascii_lowercase();
    for (at, name) in MONTHS.iter().enumerate() {
        text = text.replace(name, &(at + 1).to_string());
    }
    text
}

fn weekdays(field: &str) -> Option<String> {
    let day = |text: &str| -> Option<&'static str> {
        match text.parse::<usize>() {
            Ok(number) => DAYS.get(number).copied(),
            Err(_) => DAYS
                .into_iter()
                .find(|name| name.eq_ignore_ascii_case(text)),
        }
    };
    let one = |part: &str| match part.split_once('-') {
        Some((from, to)) => Some(format!("{}..{}", day(from)?, day(to)?)),
        None => day(part).map(str::to_owned),
    };
    let parts: Option<Vec<String>> = field.split(',').map(one).collect();
    parts.map(|parts| parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cron_becomes_calendar_events() {
        for (cron, wanted) in [
            ("0 */6 * * *", vec!["*-*-* 0/6:0:00"]),
            ("30 2 * * 1-5", vec!["Mon..Fri *-*-* 2:30:00"]),
            ("15 10,14 1 jan-mar *", vec!["*-1..3-1 10,14:15:00"]),
            ("0 0 13 * 5", vec!["*-*-13 0:0:00", "Fri *-*-* 0:0:00"]),
            ("@weekly", vec!["Sun *-*-* 0:0:00"]),
        ] {
            assert_eq!(calendars(cron).unwrap(), wanted, "{cron}");
        }
        assert_eq!(calendars("0 0 L * *"), None);
        assert_eq!(calendars("0 0 * * 5#2"), None);
    }
}
