//! Faults are injected only where the watch is armed, and a save waits for them or heals them first.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::Rchaos;
use crate::support::running::Running;

/// A step that holds a fault until a file is there; the proxy is known by its port.
const SCRIPT: &str = r#"
local gate
setup(function()
    gate = netfault.proxy { name = "gate", upstream = demo.shop {}.address }
    return { url = "http://" .. gate.listen .. "/health" }
end)
scenario("idle", { vus = 1, duration = "5m" }, function() sleep("10ms") end)
experiment("e", function(x, session)
    x:load("idle")
    x:step("break it", function(s)
        s:inject(gate:down {}, { name = "broken gate" })
        print("@ VERSION " .. (http.get(session.url, { timeout = "2s" }).ok and "whole" or "broken"))
        for _ = 1, HOLD do s:sleep("100ms") end
    end)
    print("@ healed VERSION")
    x:sleep("2m")
end)
teardown(function() print("@ down VERSION") end)
"#;

fn script(folder: &Path, version: &str, hold: u32) {
    let text = SCRIPT.replace("VERSION", version);
    let text = text.replace("HOLD", &hold.to_string());
    fs::write(folder.join("a.lua"), text).unwrap();
}

fn watch(folder: &Path, options: &[&str]) -> Running {
    Rchaos::new(["watch", "a.lua"])
        .args(options)
        .within(folder)
        .timeout(Duration::from_secs(90))
        .start()
}

#[test]
fn nothing_is_injected_on_a_save() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "v1", 1200);
    let running = watch(folder.path(), &[]);
    running.until_stderr("@ v1 whole");
    script(folder.path(), "v2", 1200);
    // Nothing is live, so the run makes way at once.
    running
        .until_stderr("watch: the run is interrupted for the new one")
        .until_stderr("@ v2 whole");
    running.signal(Signal::INT);
    let done = running.wait().exits(0);
    assert!(!done.all().contains("broken\n"), "{}", done.all());
}

#[test]
fn a_save_waits_for_the_faults_of_an_armed_run() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "v1", 40);
    let running = watch(folder.path(), &["--arm"]);
    running
        .until_stderr("watch: run 1, armed")
        .until_stderr("@ v1 broken");
    script(folder.path(), "v2", 1200);
    running
        .until_stderr("watch: faults are live: the new one waits until they are healed")
        .until_stderr("watch: the run is interrupted for the new one")
        .until_stderr("@ v2 broken");
    running.signal(Signal::INT);
    let done = running.wait().exits(0);
    let marks = done.marks();
    // The step went through to its end, and the runs came one after the other.
    assert_eq!(
        marks,
        ["v1 broken", "healed v1", "down v1", "v2 broken", "down v2"],
        "{}",
        done.all()
    );
}

#[test]
fn restart_cancels_heals_and_starts_anew() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "v1", 1200);
    let running = watch(folder.path(), &["--arm", "--on-busy", "restart"]);
    running.until_stderr("@ v1 broken");
    // Until the fault is known to be live here, as somebody at an editor takes to save.
    sleep(Duration::from_millis(500));
    script(folder.path(), "v2", 1200);
    running
        .until_stderr("watch: the run is cancelled; the new one starts when its faults are healed")
        .until_stderr("@ v2 broken");
    running.signal(Signal::INT);
    let done = running.wait().exits(0);
    assert_eq!(
        done.marks(),
        ["v1 broken", "down v1", "v2 broken", "down v2"],
        "{}",
        done.all()
    );
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "v1", 1);
    for (options, text) in [
        (
            &["--arm", "--dry-run"][..],
            "cannot be used with '--dry-run'",
        ),
        (&["--on-busy", "restart"], "--arm"),
        (
            &["--arm", "--on-busy", "never"],
            "possible values: queue, restart",
        ),
    ] {
        Rchaos::new(["watch", "a.lua"])
            .args(options)
            .within(folder.path())
            .run()
            .exits(2)
            .says(text);
    }
}
