//! `rchaos run FOLDER`: suites, environments, what is protected, targets.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Finished, Rchaos};

const PASSES: &str = "expect(true, 'holds')\n";
const FAILS: &str = "expect(false, 'never holds')\n";

/// A folder with these files; `rchaos.toml` is one of them.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    home
}

fn run(home: &TempDir, more: &[&str]) -> (Finished, Value) {
    let out = home.path().join("out.json");
    let mut args = vec![
        "run",
        home.path().to_str().unwrap(),
        "--summary",
        out.to_str().unwrap(),
    ];
    args.extend(more);
    let done = Rchaos::new(&args)
        .env(
            "RCHAOS_STATE_DIR",
            home.path().join("state").display().to_string(),
        )
        .timeout(Duration::from_secs(90))
        .run();
    let text = fs::read_to_string(&out).unwrap_or_default();
    (done, serde_json::from_str(&text).unwrap_or_default())
}

/// Asserts on the end summary.
pub fn shows(done: &Finished, text: &str) {
    assert!(done.stdout.contains(text), "{text}\n{}", done.all());
}

fn verdicts(summary: &Value) -> Vec<(String, String)> {
    let files = summary["files"].as_array().unwrap();
    let word = |file: &Value| file["verdict"].as_str().unwrap_or("not run").to_owned();
    files
        .iter()
        .map(|file| (file["id"].as_str().unwrap().to_owned(), word(file)))
        .collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(id, word): &(&str, &str)| ((*id).to_owned(), (*word).to_owned());
    wanted.iter().map(own).collect()
}

#[test]
fn every_script_of_a_folder_has_a_verdict_and_the_worst_counts() {
    let home = folder(&[
        ("a.lua", &format!("-- TC-01: it holds.\n{PASSES}")),
        ("b/two.lua", &format!("-- Something fails\n{FAILS}")),
        ("c.lua", PASSES),
        ("lib/helper.lua", "return {}"),
        ("_draft.lua", "error('never run')"),
    ]);
    let (done, summary) = run(&home, &["--continue"]);
    let done = done.exits(5);
    shows(&done, "TC-01  it holds");
    let wanted = [("TC-01", "passed"), ("two", "failed"), ("c", "passed")];
    assert_eq!(verdicts(&summary), pairs(&wanted), "{}", done.all());
    assert_eq!(summary["files"][1]["exit_code"], 5);
    assert_eq!(summary["files"][1]["title"], "Something fails");
    assert!(!home.path().join("results").exists(), "nobody asked for it");
    // Without --continue the first failure is the last.
    let (_, summary) = run(&home, &[]);
    let wanted = [("TC-01", "passed"), ("two", "failed"), ("c", "not run")];
    assert_eq!(verdicts(&summary), pairs(&wanted));
    let (done, summary) = run(&home, &["--only", "tc-01", "--only", "c"]);
    done.exits(0);
    assert_eq!(
        verdicts(&summary),
        pairs(&[("TC-01", "passed"), ("c", "passed")])
    );
}

const PROJECT: &str = r#"
environment = "local"
[suites.health]
title = "Health"
files = [{ path = "up.lua", id = "H-1", env = { WHO = "file" } }]
hooks = ["server"]
[suites.chaos]
files = ["chaos/*.lua"]
needs = ["health"]
tags = ["slow"]
[suites.all]
suites = ["health", "chaos"]
[hooks.server]
start = ["sh", "-c", "echo up >> hooks.log"]
stop = ["sh", "-c", "echo down >> hooks.log"]
[environments.local]
env = { BASE = "here" }
[environments.staging]
env = { BASE = "there", FAIL = "yes" }
[targets]
availability = "99%"
"#;

fn project() -> TempDir {
    let up = "expect(env('WHO') == 'file', 'its own')
        expect(env('FAIL', 'no') == 'no', 'fails in ' .. env('BASE'))";
    folder(&[
        ("rchaos.toml", PROJECT),
        ("up.lua", up),
        (
            "chaos/one.lua",
            "expect(env('BASE') == 'here', env('BASE'))",
        ),
    ])
}

#[test]
fn suites_run_what_they_need_first_in_an_environment_with_hooks() {
    let home = project();
    let (done, summary) = run(&home, &["--suite", "slow"]);
    let done = done.exits(0);
    assert_eq!(
        verdicts(&summary),
        pairs(&[("H-1", "passed"), ("one", "passed")]),
        "{}",
        done.all()
    );
    assert_eq!(summary["environment"], "local");
    let log = || fs::read_to_string(home.path().join("hooks.log")).unwrap();
    assert_eq!(log(), "up\ndown\n");
    let kept = fs::read_dir(home.path().join("results")).unwrap();
    let kept = kept.flatten().next().unwrap().path();
    for name in ["suite.json", "health-H-1.json", "health-H-1.html"] {
        assert!(kept.join(name).is_file(), "{name}");
    }
    // A target without data is a failure, but not of a part of the suites.
    let (done, _) = run(&home, &[]);
    shows(&done.exits(5), "target availability: not measured");
    assert_eq!(log(), "up\ndown\nup\ndown\n");
    fs::remove_file(home.path().join("hooks.log")).unwrap();
    // What is needed did not pass there; the hooks are stopped all the same.
    let (done, summary) = run(
        &home,
        &["--suite", "all", "--environment", "staging", "--continue"],
    );
    shows(&done.exits(5), "needs the suite health, which did not pass");
    assert_eq!(
        verdicts(&summary),
        pairs(&[("H-1", "failed"), ("one", "not run")])
    );
    assert_eq!(log(), "up\ndown\n");
}

#[test]
fn what_cannot_be_is_said_with_what_can() {
    let home = project();
    for (args, said) in [
        (vec!["--suite", "chaso"], "did you mean \"chaos\"?"),
        (vec!["--environment", "stagin"], "did you mean \"staging\"?"),
        (vec!["--only", "H-2"], "did you mean \"H-1\"?"),
        (vec!["--vus", "3"], "--vus is about one script"),
    ] {
        let (done, _) = run(&home, &args);
        done.exits(2).says(said);
    }
    for (text, said) in [
        ("[suites.a]\nneeds = ['b']", "no suite is called \"b\""),
        ("[suites.a]\nfile = ['x']", "rchaos.toml:2"),
        ("[environments.x]\nmax_blast = '30'", "rchaos.toml:2"),
        (
            "[suites.a]\nfiles = ['no-*.lua']",
            "no file is like \"no-*.lua\"",
        ),
        (
            "[suites.a]\nfiles = ['up.lua']\nneeds = ['b']\n[suites.b]\nneeds = ['a']",
            "suites need each other: a -> b -> a",
        ),
    ] {
        fs::write(home.path().join("rchaos.toml"), text).unwrap();
        let (done, _) = run(&home, &[]);
        done.exits(2).says(said);
    }
    let script = home.path().join("up.lua");
    Rchaos::new(["run", script.to_str().unwrap(), "--continue"])
        .run()
        .exits(2);
}

/// Runs a script beside an `rchaos.toml` that pauses a process of this test.
fn pause_with(project: &str, pid: u32, more: &[&str]) -> Finished {
    let home = folder(&[
        ("rchaos.toml", project),
        (
            "pause.lua",
            &format!("inject(process.find {{ pid = {pid} }}:pause())"),
        ),
    ]);
    let script = home.path().join("pause.lua");
    let mut args = vec!["run", script.to_str().unwrap()];
    args.extend(more);
    Rchaos::new(&args)
        .env(
            "RCHAOS_STATE_DIR",
            home.path().join("state").display().to_string(),
        )
        .timeout(Duration::from_secs(60))
        .run()
}

#[test]
fn what_is_protected_is_not_touched() {
    let mut victim = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let pid = victim.id();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let cases = [
        (
            format!("[protect]\nhosts = ['{}']", host.trim()),
            "is protected by rchaos.toml",
        ),
        (
            "[protect]\ntargets = ['slee*']".to_owned(),
            "target \"sleep\" is protected",
        ),
        (
            "environment = 'prod'\n[environments.prod]\nallow_faults = false".to_owned(),
            "environment \"prod\" allows no faults",
        ),
        (
            "[protect]\nalerts = ['Down']\nprometheus = 'http://127.0.0.1:1'".to_owned(),
            "nobody can say whether the alert \"Down\" fires",
        ),
    ];
    for (project, said) in &cases {
        let done = pause_with(project, pid, &[]);
        assert!(!stopped(pid), "{project}");
        done.exits(4).says(said);
    }
    pause_with(&cases[2].0, pid, &["--dry-run"]).exits(0);
    pause_with("[protect]\ntargets = ['other']", pid, &[]).exits(0);
    let _ = victim.kill();
    let _ = victim.wait();
}

fn stopped(pid: u32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap();
    stat.contains(") T ")
}

#[test]
fn a_suite_that_is_interrupted_ends_its_script_and_says_what_was_not_run() {
    let home = folder(&[
        ("a.lua", "log.info('under way') sleep('60s')"),
        ("b.lua", PASSES),
    ]);
    let running = Rchaos::new(["run", home.path().to_str().unwrap()])
        .timeout(Duration::from_secs(60))
        .start();
    running.until_stderr("under way");
    running.signal(rustix::process::Signal::INT);
    shows(&running.wait().exits(6), "1 of 2 scripts were not run");
}

#[test]
fn a_folder_is_run_again_and_again() {
    let home = folder(&[("a.lua", PASSES)]);
    let results = home.path().join("kept");
    let results = results.to_str().unwrap();
    let (done, _) = run(
        &home,
        &["--every", "1500ms", "--for", "2s", "--results", results],
    );
    done.exits(0);
    assert_eq!(fs::read_dir(results).unwrap().count(), 2);
}

#[test]
fn one_run_at_a_time_in_an_environment() {
    let home = folder(&[
        ("rchaos.toml", "[environments.staging]\n"),
        ("a.lua", "log.info('under way') sleep('60s')"),
        ("b.lua", PASSES),
    ]);
    let state = home.path().join("state").display().to_string();
    let script = |name: &str| home.path().join(name).display().to_string();
    let first = Rchaos::new(["run", &script("a.lua"), "--environment", "staging"])
        .env("RCHAOS_STATE_DIR", &state)
        .timeout(Duration::from_secs(60))
        .start();
    first.until_stderr("under way");
    let second = |args: &[&str]| {
        Rchaos::new(args)
            .env("RCHAOS_STATE_DIR", &state)
            .timeout(Duration::from_secs(30))
            .run()
    };
    second(&["run", &script("b.lua"), "--environment", "staging"])
        .exits(4)
        .says("environment \"staging\" is in use by");
    second(&["run", &script("b.lua")]).exits(0);
    first.signal(rustix::process::Signal::INT);
    first.wait().exits(6);
    second(&["run", &script("b.lua"), "--environment", "staging"]).exits(0);
}
