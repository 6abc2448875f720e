//! Without a terminal: what is run again, and what is not.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{folder, part, processes, replace, script};
use crate::support::running::Running;
use crate::support::{Finished, Rchaos};

fn watch(folder: &Path) -> Running {
    Rchaos::new(["watch", "a.lua"])
        .within(folder)
        .timeout(Duration::from_secs(60))
        .start()
}

fn end(running: Running) -> Finished {
    running.signal(Signal::INT);
    running.wait().exits(0)
}

fn runs(done: &Finished) -> usize {
    done.marks()
        .iter()
        .filter(|mark| mark.starts_with("up"))
        .count()
}

#[test]
fn a_saved_script_module_or_data_file_is_run_again() {
    let folder = folder();
    let path = folder.path();
    let running = watch(path);
    running.until_stderr("@ up s1 p1 r1");
    part(path, "p2");
    running.until_stderr("@ up s1 p2 r1");
    replace(&path.join("rows.txt"), "r2\n");
    running.until_stderr("@ up s1 p2 r2");
    script(path, "s2");
    running.until_stderr("@ up s2 p2 r2");
    let done = end(running);
    // Each run tore down before the next one began, and the last one before the watch ended.
    let marks = done.marks();
    let kinds: Vec<_> = marks.iter().map(|mark| &mark[..2]).collect();
    assert_eq!(kinds, ["up", "do"].repeat(4), "{}", done.all());
}

#[test]
fn what_does_not_load_leaves_the_run_alone() {
    let folder = folder();
    let path = folder.path();
    let running = watch(path);
    running.until_stderr("@ up s1 p1 r1");
    fs::write(path.join("part.lua"), "return {").unwrap();
    running
        .until_stderr("error: part.lua:1: Expected")
        .until_stderr("watch: not started; the run goes on");
    part(path, "p1");
    running.until_stderr("watch: as it was when the run was started");
    fs::remove_file(path.join("rows.txt")).unwrap();
    running
        .until_stderr("watch: gone: rows.txt")
        .until_stderr("cannot find \"rows.txt\"");
    fs::write(path.join("rows.txt"), "r2\n").unwrap();
    running.until_stderr("@ up s1 p1 r2");
    let done = end(running);
    assert_eq!(runs(&done), 2, "{}", done.all());
}

#[test]
fn a_script_that_does_not_load_at_first_is_run_when_it_does() {
    let folder = folder();
    let path = folder.path();
    fs::remove_file(path.join("part.lua")).unwrap();
    let running = watch(path);
    running
        .until_stderr("cannot find \"./part\"")
        .until_stderr("watch: not started\n");
    part(path, "p9");
    running.until_stderr("@ up s1 p9 r1");
    assert_eq!(runs(&end(running)), 1);
}

#[test]
fn a_touch_or_an_identical_save_does_nothing() {
    let folder = folder();
    let path = folder.path();
    let running = watch(path);
    running.until_stderr("@ up s1 p1 r1");
    // Until the files that the run has read are known as well.
    sleep(Duration::from_millis(500));
    script(path, "s1");
    replace(&path.join("rows.txt"), "r1\n");
    fs::write(path.join("other.lua"), "not read by anybody").unwrap();
    sleep(Duration::from_millis(800));
    let done = end(running);
    assert_eq!(runs(&done), 1, "{}", done.all());
    assert!(!done.stderr.contains("changed"), "{}", done.all());
}

#[test]
fn a_file_that_only_an_iteration_opens_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("late.txt"), "one").unwrap();
    let text = r#"scenario("s", { vus = 1, duration = "5m" }, function()
        print("@ " .. data.lines("late.txt")[1])
        sleep("1m")
    end)"#;
    fs::write(path.join("a.lua"), text).unwrap();
    let running = watch(path);
    running.until_stderr("@ one");
    sleep(Duration::from_millis(500));
    fs::write(path.join("late.txt"), "two").unwrap();
    running.until_stderr("@ two");
    end(running);
}

#[test]
fn results_are_compared_with_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let text = "scenario('s', { vus = 1, iterations = 20 }, function() sleep('Tms') end)";
    fs::write(path.join("a.lua"), text.replace('T', "5")).unwrap();
    let running = Rchaos::new(["-v", "watch", "--tag", "a=b", "a.lua", "--env", "X=1"])
        .within(path)
        .start();
    running.until_stderr("watch: run 1: passed · p95 ");
    fs::write(path.join("a.lua"), text.replace('T', "50")).unwrap();
    running.until_stderr("watch: run 2: passed · p95 ");
    let done = end(running);
    let line = done.stderr.lines().find(|line| line.contains("run 2: "));
    let line = line.unwrap();
    assert!(
        line.contains(" (×") && line.contains("iterations/s (-"),
        "{line}"
    );
}

#[test]
fn a_run_that_does_not_end_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let text = r#"options { teardown_timeout = "5m" }
        setup(function() print("@ VERSION") end)
        teardown(function() sleep("4m") end)
        scenario("s", { vus = 1, duration = "5m" }, function() sleep("10ms") end)"#;
    fs::write(path.join("a.lua"), text.replace("VERSION", "first")).unwrap();
    let running = watch(path);
    running.until_stderr("@ first");
    fs::write(path.join("a.lua"), text.replace("VERSION", "second")).unwrap();
    running
        .until_stderr("watch: run 1: did not end in time and was killed")
        .until_stderr("@ second");
    // Told twice, it does not wait for the teardown.
    running.signal(Signal::TERM);
    sleep(Duration::from_millis(500));
    running.signal(Signal::TERM);
    running
        .wait()
        .exits(0)
        .took_less_than(Duration::from_secs(40));
}

#[test]
fn no_run_outlives_its_watch() {
    let folder = folder();
    let path = folder.path();
    let running = watch(path);
    running.until_stderr("@ up s1 p1 r1");
    assert_eq!(processes(path, "run").len(), 1);
    running.signal(Signal::KILL);
    let limit = Instant::now() + Duration::from_secs(20);
    while !processes(path, "run").is_empty() {
        assert!(Instant::now() < limit, "the run goes on");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn only_a_file_can_be_watched() {
    Rchaos::new(["watch", "-"])
        .run()
        .exits(2)
        .says("stdin cannot be watched");
    Rchaos::new(["watch", "no.lua"])
        .run()
        .exits(2)
        .says("error: cannot find \"no.lua\"");
}
