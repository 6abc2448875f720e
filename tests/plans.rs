//! The reliability plans of `examples/`: each passes as a whole when all is well, and what their scripts are to find is
//! found when it is there.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::support::corpus::{Header, root, scripts, suite_of};
use crate::support::{Rchaos, gate};

/// A script, the stand-in that is broken, and what is then said.
type Broken = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const BROKEN: &[Broken] = &[
    (
        "bzzz/cascade",
        &[("MEMBERS", "3")],
        "the rest elect a leader",
    ),
    (
        "bzzz/metrics",
        &[("LIE", "1")],
        "tasks: 30 shown, 31 actual",
    ),
    (
        "bzzz/dashboards",
        &[("DASHBOARD", "../../tests/plans/broken_dashboard.json")],
        "renamed: over 5m: no data",
    ),
    (
        "bzzz/database",
        &[("LOSE_ROW", "1")],
        "public.orders.rows: 5000 before, 4999 after",
    ),
    ("bzzz/rebuild", &[("FORGET", "cache")], "cache.keys: 300"),
    ("bzzz/tasks", &[("LAST", "failed")], "task 1 is failed"),
    (
        "virtengine/cascade",
        &[("BREAKER", "off"), ("WITHIN", "4s")],
        "the breaker is open",
    ),
    (
        "virtengine/gameday",
        &[("RESTART", ""), ("WITHIN", "4s")],
        "it is restored",
    ),
    (
        "aitbc/coordinator",
        &[("RESTART", "no"), ("WITHIN", "3s")],
        "all are back",
    ),
    (
        "biowerk/outage",
        &[("BREAKER", "off")],
        "the breaker is open",
    ),
    ("biowerk/outage", &[("RETRIES", "9")], "at most two retries"),
    (
        "biowerk/slow",
        &[("BULKHEAD", "off")],
        "concurrency is capped",
    ),
    (
        "biowerk/restore",
        &[("LOSE", "row")],
        "public.samples.rows: 3000 before, 2999 after",
    ),
];

/// Those that take longer, or say less of the stand-in.
const BROKEN_TOO: &[Broken] = &[
    (
        "bzzz/alerts",
        &[("RULES", "broken"), ("WITHIN", "12s")],
        "TaskQueueBackup",
    ),
    ("bzzz/scaling", &[("SCALED", "1")], "throughput is up"),
    ("bzzz/load", &[("STORE_DELAY", "3s")], "http_req_failed"),
    (
        "bzzz/service_mesh",
        &[("CUT", "redis")],
        "just this one is reported",
    ),
    (
        "virtengine/kill_random",
        &[("RESTART", "no"), ("WITHIN", "5s")],
        "replaced within 30 s",
    ),
    (
        "virtengine/disaster",
        &[("FAULT", "no_replay")],
        "public.ledger.rows: 1050 before, 1000 after",
    ),
    (
        "virtengine/disaster",
        &[("FAULT", "no_failover"), ("WITHIN", "3s")],
        "the other site takes writes",
    ),
    (
        "virtengine/latency",
        &[("DELAY", "400ms")],
        "a provisioning in time",
    ),
    (
        "virtengine/load",
        &[("STORE_DELAY", "3s")],
        "http_req_failed",
    ),
    (
        "virtengine/synthetic",
        &[("STORE_DELAY", "3s")],
        "synthetic_ok",
    ),
    (
        "aitbc/network",
        &[("RATIO", "0.8")],
        "the rest have a leader",
    ),
    (
        "aitbc/database",
        &[("BROKEN", "1"), ("WITHIN", "3s")],
        "latency of 5000 ms",
    ),
    ("biowerk/postgres", &[("CACHE", "off")], "reads go on"),
    (
        "biowerk/fan_out",
        &[("CAP", "off")],
        "the cap is what was agreed",
    ),
    (
        "biowerk/pressure",
        &[("LIMIT", "off")],
        "what is too much is refused",
    ),
    (
        "biowerk/partition",
        &[("CUT", "majority")],
        "the healthy part has a leader",
    ),
    (
        "biowerk/load",
        &[("STORE_DELAY", "600ms")],
        "threshold failed",
    ),
    ("rbee/load", &[("STORE_DELAY", "700ms")], "threshold failed"),
    ("rbee/workers", &[("KEEPER", "off")], "every job is done"),
    ("rbee/workers", &[("FENCE", "off")], "none is done twice"),
    (
        "virtengine/memory",
        &[("ALERT", "2"), ("WITHIN", "10s")],
        "MemoryPressure",
    ),
    (
        "bzzz/resource_pressure",
        &[("ALERT", "2"), ("WITHIN", "10s")],
        "BZZZMemoryPressure",
    ),
];

/// What is wrong, if anything; ports and networks of its own keep it apart from the script in `examples.rs`.
fn wrong(number: usize, (script, env, said): &Broken) -> Option<String> {
    let file = root().join(format!("examples/{script}.lua"));
    let header = Header::read(&fs::read_to_string(&file).unwrap());
    let name = format!("{script} {env:?}");
    if !header.needs.iter().all(|need| gate::met(need, &name)) {
        return None;
    }
    let mut run = Rchaos::new(["run"])
        .args([file.file_name().unwrap()])
        .args(&header.flags)
        .args(["--env", &format!("PORTS={}", 27_000 + number * 100)])
        .args(["--env", &format!("SUBNET=10.78.{number}.0/24")])
        .within(file.parent().unwrap())
        .timeout(Duration::from_secs(120));
    for (key, value) in *env {
        run = run.args(["--env", &format!("{key}={value}")]);
    }
    let done = run.run();
    // Where one failure leaves nothing to begin with for the next experiment, the code is 4.
    let found = matches!(done.status.code(), Some(4 | 5)) && done.all().contains(said);
    (!found).then(|| format!("{name}: not found: {said}\n{}", done.all()))
}

/// The plans, those that take longest first.
const PLANS: [&str; 5] = ["virtengine", "bzzz", "rbee", "biowerk", "aitbc"];

/// What a plan says when it does not pass; where the machine lacks something, the scripts that need it are left out.
fn rehearsed(plan: &str) -> Option<String> {
    let folder = root().join("examples").join(plan);
    let mut all = scripts(&folder);
    all.retain(|script| suite_of(script).is_some());
    let met = |script: &Path| {
        let header = Header::read(&fs::read_to_string(script).unwrap());
        let name = script.strip_prefix(root()).unwrap().display().to_string();
        header.needs.iter().all(|need| gate::met(need, &name))
    };
    let count = all.len();
    all.retain(|script| met(script));
    let results = tempfile::tempdir().unwrap();
    let mut run = Rchaos::new(["run"])
        .args([folder.as_path()])
        .args(["--time-scale", "0.02", "--environment", "rehearsal"])
        .args(["--continue", "--results"])
        .args([results.path()])
        .timeout(Duration::from_secs(600));
    if all.len() < count {
        let names = all.iter().filter_map(|script| script.file_name());
        run = run.args(names.flat_map(|name| ["--only".into(), name.to_owned()]));
    }
    let done = run.run();
    (!done.status.success()).then(|| format!("{plan}:\n{}", done.all()))
}

#[test]
fn every_plan_passes_when_it_is_rehearsed() {
    let rest = Mutex::new(PLANS.iter());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(plan) = rest.lock().unwrap().next() else {
                        return;
                    };
                    if let Some(text) = rehearsed(plan) {
                        failed.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn all_fail(rows: &[Broken], first: usize) {
    let rest = Mutex::new((first..).zip(rows));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((number, row)) = rest.lock().unwrap().next() else {
                        return;
                    };
                    if let Some(text) = wrong(number, row) {
                        failed.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_broken_stand_in_fails_its_row() {
    all_fail(BROKEN, 0);
}

#[test]
#[ignore = "minutes; scripts/nightly runs it"]
fn every_broken_stand_in_fails_its_row() {
    all_fail(BROKEN_TOO, BROKEN.len());
}

#[test]
fn the_table_of_runs_is_a_schedule() {
    let folder = root().join("examples/virtengine");
    let list = Rchaos::new(["schedule", "schedule.toml", "--list"]);
    let done = list.within(&folder).run().exits(0);
    let project = fs::read_to_string(folder.join("rchaos.toml")).unwrap();
    let schedule = fs::read_to_string(folder.join("schedule.toml")).unwrap();
    assert_eq!(done.stdout.lines().count(), 10, "{}", done.all());
    for line in schedule
        .lines()
        .filter_map(|line| line.strip_prefix("args = "))
    {
        let words = line.trim_matches(['[', ']']).split(", ");
        let words: Vec<_> = words.map(|word| word.trim_matches('"')).collect();
        for pair in words.windows(2).filter(|pair| pair[0] == "--only") {
            let id = format!("id = \"{}\"", pair[1]);
            assert!(project.contains(&id), "rchaos.toml has no {id}");
        }
    }
}

#[test]
fn every_plan_says_what_it_shows() {
    for plan in PLANS {
        let folder = root().join("examples").join(plan);
        let table = fs::read_to_string(folder.join("README.md")).unwrap();
        let project = fs::read_to_string(folder.join("rchaos.toml")).unwrap();
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with(".lua") {
                assert!(table.contains(&format!("]({name})")), "{plan}/{name}");
                // One that asks people is run by itself.
                let asks = name == "gameday.lua";
                assert!(asks || project.contains(&format!("\"{name}\"")), "{name}");
            }
        }
        // It is read before the name is looked for.
        Rchaos::new(["run"])
            .args([folder.as_path()])
            .args(["--suite", "nope"])
            .run()
            .exits(2)
            .says("nope");
    }
}
