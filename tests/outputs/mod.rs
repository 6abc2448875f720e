//! `--out`: what destinations get is what the summary says, and none of them holds up a run.

mod receiver;

use std::fs::OpenOptions;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Behaviour, Finished, Rchaos, Server};

/// Load for two and a half seconds, with a threshold and a check that fail.
fn load(url: &str) -> String {
    format!(
        "options {{ thresholds = {{ http_reqs = 'count > 1000000', checks = 'rate > 1%' }} }}
        scenario('browse', {{ rate = '20/s', duration = '2500ms', max_vus = 5 }}, function(vu)
            check(http.get('{url}/a', {{ name = 'a, \"quoted\"' }}), {{ odd = vu.iteration % 2 == 1 }})
        end)"
    )
}

fn lines(text: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap();
    text.lines().map(line).collect()
}

/// A metric's curve.
fn curve<'a>(done: &'a Finished, metric: &str, stat: &str) -> &'a Vec<Value> {
    let columns = done.summary["series"]["columns"].as_array().unwrap();
    let found = columns
        .iter()
        .find(|one| one["metric"] == metric && one["stat"] == stat);
    found.unwrap_or_else(|| panic!("{}", done.all()))["values"]
        .as_array()
        .unwrap()
}

#[test]
fn files_hold_what_the_summary_says() {
    let server = Server::start(Behaviour::Ok);
    let done = Rchaos::script(&load(&server.url()))
        .args(["--out", "json=points.json", "--out", "csv=points.csv"])
        .args(["--out", "junit=junit.xml", "-o", "journal=journal.json"])
        .run()
        .exits(5);
    let count = done.count("http_reqs");
    let points = lines(&done.left("points.json"));
    let of =
        |metric: &str| -> Vec<&Value> { points.iter().filter(|p| p["metric"] == metric).collect() };
    let sum = |key: &str, of: &[&Value]| of.iter().map(|p| p[key].as_f64().unwrap()).sum::<f64>();
    assert_eq!(sum("sum", &of("http_reqs")), count);
    assert_eq!(sum("count", &of("http_req_duration")), count);
    assert_eq!(of("http_reqs")[0]["tags"]["name"], "a, \"quoted\"");
    assert!(of("http_req_duration").len() >= 2, "{}", done.all());
    let kinds: Vec<_> = points.iter().map(|p| p["type"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("run", "end"));
    let timeline = done.summary["timeline"].as_array().unwrap();
    let begins = points.iter().filter(|p| p["type"] == "event").count();
    assert!(begins >= 2 && begins <= timeline.len(), "{points:#?}");
    assert_eq!(points.last().unwrap()["verdict"], "failed");
    assert_eq!(points.last().unwrap()["lost"], 0);

    let csv = done.left("points.csv");
    let rows = csv.lines().filter(|row| row.contains(",http_reqs,"));
    let total: f64 = rows
        .map(|row| row.split(',').nth(7).unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(total, count, "{csv}");

    let junit = done.left("junit.xml");
    assert!(
        junit.contains("<testcase name=\"http_reqs count &gt; 1000000\""),
        "{junit}"
    );
    assert!(
        junit.contains("<testcase name=\"odd\" classname=\"script.lua.checks\""),
        "{junit}"
    );
    let journal: Value = serde_json::from_str(&done.left("journal.json")).unwrap();
    assert_eq!(
        (&journal["status"], &journal["deviated"]),
        (&"completed".into(), &true.into())
    );

    // Each step of a curve is a second, the last one what was left.
    let per_second = curve(&done, "http_reqs", "per second");
    let expected = done.summary["duration_seconds"].as_f64().unwrap();
    assert!(
        (per_second.len() as f64 - expected).abs() <= 1.0,
        "{per_second:?}"
    );
    assert_eq!(
        per_second.len(),
        curve(&done, "http_req_duration", "p(95)").len()
    );
    // What the steps hold adds up to all; the last is as long as what was left.
    let value = |at: usize| per_second[at].as_f64().unwrap();
    let last = per_second.len() - 1;
    let whole: f64 = (0..last).map(value).sum();
    let total = whole + value(last) * (expected - last as f64);
    assert!(
        (total - count).abs() <= 1.0,
        "{total} {count} {per_second:?}"
    );
}

#[test]
fn a_wrong_destination_is_told_before_anything_runs() {
    for (out, said) in [
        ("jsn=a", "\"jsn\" is no output; did you mean json?"),
        (
            "json=no/such/a",
            "cannot write json to \"no/such/a\": No such file",
        ),
        ("junit=.", "cannot write junit to \".\": Is a directory"),
        ("listen=256.0.0.1:1", "is no address to listen on"),
    ] {
        let done =
            Rchaos::script("scenario('s', { iterations = 1 }, function() print('@ ran') end)")
                .args(["--out", out])
                .run()
                .exits(2)
                .says(said);
        assert!(done.marks().is_empty(), "{}", done.all());
    }
}

#[test]
fn a_reader_that_stands_still_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    // Open for reading, and never read.
    let reader = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(&pipe)
        .unwrap();
    let done = Rchaos::script(
        "local many = metrics.counter('many')
        scenario('s', { vus = 1, duration = '2s' }, function(vu)
            for n = 1, 1000 do many:add(1, { n = tostring(n) }) end
            sleep('10ms')
        end)",
    )
    .args(["--out".to_owned(), format!("json={}", pipe.display())])
    .timeout(Duration::from_secs(60))
    .run()
    .exits(1)
    .says("does not take what it was given");
    assert_eq!(done.summary["verdict"], "passed");
    let length = done.summary["duration_seconds"].as_f64().unwrap();
    assert!(length < 10.0, "{length}");
    drop(reader);
}

#[test]
fn figures_can_be_scraped_while_the_run_goes_on() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    Rchaos::script(&format!(
        "scenario('s', {{ rate = '20/s', duration = '2500ms', max_vus = 5 }}, function() end)
        teardown(function()
            local own = prometheus.scrape('http://{address}/metrics')
            local seen = own:value('rchaos_iterations_total', {{ scenario = 's' }})
            expect(seen >= 1 and seen <= 50, 'what there is by then, not ' .. tostring(seen))
            expect(own:quantile(0.5, 'rchaos_iteration_duration_seconds') < 1, 'a histogram')
        end)"
    ))
    .args(["--out".to_owned(), format!("listen={address}")])
    .run()
    .exits(0);
}

#[test]
fn github_shows_what_failed() {
    let script = "scenario('s', { iterations = 2 }, function() check(1, { holds = false }) end)";
    let done = Rchaos::script(script)
        .env("GITHUB_ACTIONS", "true")
        .run()
        .says("::warning title=check failed::holds: 2 of 2 failed");
    assert!(!done.stdout.contains("::warning"), "{}", done.all());
    let quiet = Rchaos::script(script).env("GITHUB_ACTIONS", "false").run();
    assert!(!quiet.stderr.contains("::warning"), "{}", quiet.all());
}
