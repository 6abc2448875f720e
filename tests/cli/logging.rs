//! Streams: results on stdout, the rest on stderr, colour only where it is wanted.

use serde_json::Value;

use crate::support::Rchaos;

const SCRIPT: &str = "scenario('s', { vus = 1, iterations = 2 }, function() log.info('hello') end)";

#[test]
fn quiet_prints_nothing_of_its_own() {
    let silent = "scenario('s', { vus = 1, iterations = 1 }, function() end)";
    let done = Rchaos::script(silent).args(["--quiet"]).run().exits(0);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));
}

#[test]
fn quiet_still_shows_errors() {
    Rchaos::script("local x = = 1")
        .args(["--quiet"])
        .run()
        .exits(3)
        .says("script.lua:1:");
}

#[test]
fn quiet_says_why_a_run_failed() {
    let done = Rchaos::script(
        "options { thresholds = { iterations = 'count > 9' } }
        scenario('s', { vus = 1, iterations = 3 }, function() error('no stock') end)",
    )
    .args(["--quiet"])
    .run()
    .exits(5);
    let expected = "error: script.lua:2: no stock (3×)
failed: threshold failed: iterations: count > 9
failed: 3 iterations ended with an error
";
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", expected));
}

#[test]
fn json_logs_are_lines_of_json() {
    let done = Rchaos::script(SCRIPT)
        .args(["--log-format", "json", "--quiet"])
        .run()
        .exits(0);
    let messages: Vec<Value> = done
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    assert_eq!(messages.len(), 2, "{}", done.stderr);
    assert!(messages[0].to_string().contains("hello"));
}

#[test]
fn progress_and_logs_keep_off_stdout() {
    let done = Rchaos::script(SCRIPT)
        .run()
        .exits(0)
        .says("hello")
        .says("seed ");
    assert!(!done.stdout.contains("hello"), "{}", done.stdout);
}

#[test]
fn a_pipe_gets_no_colour() {
    for (name, value) in [("PLAIN", "1"), ("NO_COLOR", "1")] {
        let done = Rchaos::script(SCRIPT).env(name, value).run().exits(0);
        assert!(!done.all().contains('\x1b'), "{}", done.all());
    }
}

#[test]
fn colour_can_be_forced_unless_it_is_refused() {
    let forced = Rchaos::script(SCRIPT)
        .env("CLICOLOR_FORCE", "1")
        .run()
        .exits(0);
    assert!(forced.stdout.contains("\x1b["), "{}", forced.stdout);
    let refused = Rchaos::script(SCRIPT)
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .run()
        .exits(0);
    assert!(!refused.all().contains('\x1b'), "{}", refused.all());
}

#[test]
fn the_top_level_logs_once_however_many_users() {
    let done = Rchaos::script(
        "print('@ top')
        scenario('s', { executor = 'per-vu-iterations', vus = 4 }, function() end)",
    )
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["top"]);
}
