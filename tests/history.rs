//! What is kept of runs, and when they are run: `rchaos history` and `rchaos schedule`.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::suite::{folder, shows};
use crate::support::Rchaos;

#[test]
fn history_lists_runs_and_says_where_a_figure_turned() {
    let home = tempfile::tempdir().unwrap();
    for (day, p95) in [(1, 100.0), (2, 104.0), (3, 98.0), (4, 240.0), (5, 236.0)] {
        let verdict = if day == 5 { "failed" } else { "passed" };
        let run = home.path().join(format!("2026-01-0{day}T100000-abc"));
        fs::create_dir(&run).unwrap();
        let file = serde_json::json!({
            "path": "a.lua", "id": "TC-14", "title": "load", "suite": "", "verdict": verdict,
            "exit_code": if day == 5 { 5 } else { 0 }, "reasons": [], "duration_seconds": 1.0,
            "figures": { "requests": 100.0, "failed": 0.0, "p95_ms": p95, "recover_ms": [1000 + day] },
            "summary": "TC-14.json",
        });
        let suite = serde_json::json!({
            "schema": "rchaos.suite/1", "verdict": verdict, "reasons": [], "exit_code": 0, "folder": "plans",
            "suites": [], "environment": "staging", "seed": 1, "time_scale": 1.0,
            "started": "2026-01-01T10:00:00Z", "duration_seconds": 1.0, "files": [file], "targets": [],
            "detect": null, "recover": null, "recommendations": [],
        });
        fs::write(run.join("suite.json"), suite.to_string()).unwrap();
    }
    let index = home.path().join("index.html");
    let folder = home.path().to_str().unwrap();
    let done = Rchaos::new(["history", folder, "--html", index.to_str().unwrap()])
        .run()
        .exits(0);
    shows(&done, "5 runs");
    shows(
        &done,
        "p95 of TC-14: 100ms before, 238ms since 2026-01-04T100000-abc",
    );
    assert!(
        !done.stdout.contains("time to recover of"),
        "{}",
        done.all()
    );
    let page = fs::read_to_string(&index).unwrap();
    assert!(page.contains("href=\"2026-01-05T100000-abc/TC-14.html\""));
    assert!(!page.contains("http://") && !page.contains("https://"));
    let done = Rchaos::new(["history", folder, "--json", "-n", "2"])
        .run()
        .exits(0);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(told["runs"].as_array().unwrap().len(), 2);
    let empty = tempfile::tempdir().unwrap();
    Rchaos::new(["history", empty.path().to_str().unwrap()])
        .run()
        .exits(2)
        .says("has no results");
}

#[test]
fn a_schedule_runs_its_jobs_and_prints_itself_for_others() {
    let home = folder(&[
        ("a.lua", "log.info('it ran in ' .. env('WHERE', 'nowhere'))"),
        (
            "plan.toml",
            "[[jobs]]\nname = 'often'\nrun = 'a.lua'\ncron = '* * * * * *'\nargs = ['--env', 'WHERE=a job']\n\
             [[jobs]]\nname = 'never now'\nrun = 'a.lua'\ncron = '0 2 * * 1-5'\ntimezone = 'Europe/Berlin'\n\
             jitter = '10m'\nenvironment = 'prod'\n\
             [[blackout]]\nname = 'always'\nfrom = '2000-01-01'\nto = '2999-01-01'\nenvironments = ['prod']\n",
        ),
    ]);
    let file = home.path().join("plan.toml").display().to_string();
    let run = |more: &[&str]| {
        let mut args = vec!["schedule", &file];
        args.extend(more);
        Rchaos::new(&args).timeout(Duration::from_secs(60)).run()
    };
    let done = run(&["--for", "4s"]).exits(0);
    let times = done.stderr.matches("it ran in a job").count();
    assert!((2..=5).contains(&times), "{times}\n{}", done.all());
    run(&["--job", "never now", "--no-jitter"])
        .exits(0)
        .says("is left out: blackout \"always\"");
    run(&["--job", "oftn"])
        .exits(2)
        .says("did you mean \"often\"?");
    // It is down for longer than the job's interval.
    std::thread::sleep(Duration::from_millis(2200));
    run(&["--for", "1ms"]).exits(0).says("often missed");
    shows(&run(&["--list"]), "never now");
    shows(
        &run(&["--print", "crontab"]),
        "CRON_TZ=Europe/Berlin\n0 2 * * 1-5 rchaos schedule",
    );
    shows(
        &run(&["--print", "systemd"]),
        "OnCalendar=Mon..Fri *-*-* 2:0:00 Europe/Berlin",
    );
    shows(&run(&["--print", "github"]), "- cron: '0 2 * * 1-5'");
}
