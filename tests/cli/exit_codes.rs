//! Every exit code that the documentation lists and a load test can reach.

use crate::support::reserved::Refusing;
use crate::support::{Behaviour, Rchaos, Server};

const PASSES: &str = "scenario('s', { vus = 1, iterations = 1 }, function() end)";

#[test]
fn what_passes_exits_0() {
    Rchaos::script(PASSES).run().exits(0).prints("passed");
}

#[test]
fn an_ad_hoc_script_is_its_own_run() {
    let server = Server::start(Behaviour::Ok);
    let text = format!(
        "local r = http.get('{}/x'); expect(r.status == 200)",
        server.url()
    );
    Rchaos::script(&text).run().exits(0);
    assert_eq!(server.paths(), ["/x"]);
}

#[test]
fn an_ad_hoc_expectation_that_fails_exits_5() {
    Rchaos::script("expect(1 == 2, 'one is two')")
        .run()
        .exits(5)
        .says("one is two");
}

#[test]
fn a_missing_file_exits_2() {
    Rchaos::new(["run", "nowhere.lua"])
        .run()
        .exits(2)
        .says("error: cannot find \"nowhere.lua\"");
    Rchaos::new(["check", "nowhere.lua"]).run().exits(2);
}

#[test]
fn a_file_that_is_no_text_exits_2() {
    Rchaos::new(["run", "binary.lua"])
        .file("binary.lua", b"local a = \xff\xfe")
        .run()
        .exits(2)
        .says("not UTF-8");
}

#[test]
fn a_wrong_command_line_exits_2() {
    for (args, text) in [
        (vec!["run", "script.lua", "--vuss", "3"], "--vus"),
        (vec!["run", "script.lua", "--vus", "0"], "--vus"),
        (vec!["run", "script.lua", "--vus", "many"], "--vus"),
        (
            vec!["run", "script.lua", "--duration", "10"],
            "\"10\" has no unit",
        ),
        (
            vec!["run", "script.lua", "--duration", "10x"],
            "unknown unit",
        ),
        (
            vec!["run", "script.lua", "--iterations", "1.5"],
            "--iterations",
        ),
        (
            vec!["run", "script.lua", "--memory-limit", "64"],
            "\"64\" has no unit",
        ),
        (vec!["run", "script.lua", "--env", "NOVALUE"], "NAME=VALUE"),
        (vec!["run", "script.lua", "--tag", "=x"], "=VALUE"),
        (vec!["run", "script.lua", "--seed", "x"], "--seed"),
        (vec!["run", "script.lua", "--log-format", "xml"], "json"),
        (
            vec!["run", "script.lua", "--only", "t"],
            "no scenario is called \"t\"",
        ),
        (vec!["run"], "Usage"),
        (vec!["fly"], "fly"),
        (vec![], "Usage"),
    ] {
        Rchaos::new(&args)
            .file("script.lua", PASSES)
            .run()
            .exits(2)
            .says(text);
    }
}

#[test]
fn help_and_version_exit_0() {
    Rchaos::new(["--help"]).run().exits(0).prints("Exit codes");
    Rchaos::new(["run", "--help"])
        .run()
        .exits(0)
        .prints("--summary");
    Rchaos::new(["--version"])
        .run()
        .exits(0)
        .prints(env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_summary_that_cannot_be_written_exits_2_before_anything_runs() {
    let server = Server::start(Behaviour::Ok);
    let text = format!("http.get('{}')", server.url());
    Rchaos::new(["run", "script.lua", "--summary", "no/such/folder.json"])
        .file("script.lua", text)
        .run()
        .exits(2)
        .says("no/such/folder.json");
    assert_eq!(server.connections(), 0);
}

#[test]
fn whatever_is_wrong_inside_the_script_exits_3() {
    for (script, text) in [
        ("local x = = 1", "script.lua:1:"),
        ("nothing.here()", "script.lua:1:"),
        ("error('boom')", "boom"),
        ("scenario('s', { vsu = 1 }, function() end)", "`vus`"),
        (
            "scenario('s', { vus = 1, duration = 10 }, function() end)",
            "10 has no unit",
        ),
        (
            "options { thresholds = { http_reqs = 'coutn > 1' } }",
            "coutn",
        ),
        (
            "options { thresholds = { http_reqz = 'count > 1' } }",
            "http_reqs",
        ),
        (
            "http.get('http://127.0.0.1:1', { timeotu = '1s' })",
            "`timeout`",
        ),
        ("http.gett('http://127.0.0.1:1')", "get"),
        ("sleep(5)", "\"5s\""),
        ("http = nil", "built in"),
        ("math.randomseed(1)", "--seed"),
    ] {
        let scenario = if script.starts_with("options") {
            PASSES
        } else {
            ""
        };
        Rchaos::new(["run", "script.lua"])
            .file("script.lua", format!("{script}\n{scenario}"))
            .run()
            .exits(3)
            .says(text);
    }
}

#[test]
fn a_failed_threshold_exits_5() {
    let text = format!("options {{ thresholds = {{ iterations = 'count > 1' }} }}\n{PASSES}");
    let done = Rchaos::script(&text).run().exits(5).prints("failed");
    assert_eq!(done.summary["verdict"], "failed");
    assert_eq!(done.summary["exit_code"], 5);
    assert_eq!(done.summary["thresholds"][0]["observed"], 1.0);
}

#[test]
fn a_script_from_stdin_runs() {
    Rchaos::new(["run", "-"])
        .stdin(PASSES)
        .with_summary()
        .run()
        .exits(0);
    Rchaos::new(["run", "-"])
        .stdin("\n\nlocal x = = 1")
        .run()
        .exits(3)
        .says("stdin:3:");
}

#[test]
fn an_empty_script_passes() {
    Rchaos::script("").run().exits(0);
}

#[test]
fn an_ad_hoc_script_judges_a_dead_server_itself() {
    let refusing = Refusing::new();
    let url = refusing.url();
    let expects = format!("expect(http.get('{url}').error_code == 1212, 'refused')");
    Rchaos::script(&expects).run().exits(0);
}
