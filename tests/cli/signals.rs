//! Ctrl-C and SIGTERM: once to end, twice to leave.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::Rchaos;

const LONG: &str = "teardown(function() print('@ down') end)
    scenario('s', { vus = 2, duration = '5m' }, function(vu)
        print('@ begun ' .. vu.id)
        sleep('60s')
    end)";

#[test]
fn ctrl_c_interrupts_tears_down_and_reports() {
    for signal in [Signal::INT, Signal::TERM] {
        let running = Rchaos::script(LONG).start();
        running
            .until_stderr("@ begun 1")
            .until_stderr("@ begun 2")
            .signal(signal);
        let done = running
            .wait()
            .exits(6)
            .took_less_than(Duration::from_secs(15))
            .prints("aborted");
        assert_eq!(done.marks().last(), Some(&"down"), "{}", done.all());
        assert_eq!(done.summary["verdict"], "aborted");
        assert_eq!(done.summary["exit_code"], 6);
        assert_eq!(done.tally("s"), (0, 0, 2));
    }
}

#[test]
fn ctrl_c_twice_does_not_wait_for_teardown() {
    let running = Rchaos::script(
        "teardown(function() print('@ down'); sleep('60s') end)
        scenario('s', { vus = 1, duration = '5m' }, function() print('@ begun'); sleep('60s') end)",
    )
    .start();
    running.until_stderr("@ begun").signal(Signal::INT);
    running.until_stderr("@ down").signal(Signal::INT);
    running
        .wait()
        .exits(6)
        .took_less_than(Duration::from_secs(15));
}

#[test]
fn ctrl_c_ends_what_computes_and_what_catches_errors() {
    for body in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do pcall(sleep, '1ms') end",
    ] {
        let running = Rchaos::script(&format!(
            "options {{ cpu_limit = '5m' }}
            scenario('s', {{ vus = 1, duration = '5m' }}, function() print('@ begun'); {body} end)"
        ))
        .start();
        running.until_stderr("@ begun").signal(Signal::INT);
        running
            .wait()
            .exits(6)
            .took_less_than(Duration::from_secs(15));
    }
}

#[test]
fn ctrl_c_in_setup_runs_no_scenario() {
    let running = Rchaos::script(
        "setup(function() print('@ up'); sleep('60s') end)
        scenario('s', { vus = 1 }, function() print('@ ran') end)",
    )
    .start();
    running.until_stderr("@ up").signal(Signal::INT);
    let done = running
        .wait()
        .exits(6)
        .took_less_than(Duration::from_secs(15));
    assert_eq!(done.marks(), ["up"]);
}

#[test]
fn ctrl_c_ends_an_ad_hoc_script() {
    for body in ["sleep('60s')", "while true do end"] {
        let running = Rchaos::script(&format!("print('@ begun'); {body}")).start();
        running.until_stderr("@ begun").signal(Signal::INT);
        running
            .wait()
            .exits(6)
            .took_less_than(Duration::from_secs(15));
    }
}

#[test]
fn the_demo_ends_by_ctrl_c() {
    let running = Rchaos::new(["demo", "--listen", "127.0.0.1:0"]).start();
    running.until_stdout("Ctrl-C ends it").signal(Signal::INT);
    running.wait().exits(0).prints("shop   http://127.0.0.1:");
}

#[test]
fn the_demo_stays_on_loopback() {
    Rchaos::new(["demo", "--listen", "0.0.0.0:0"])
        .run()
        .exits(2)
        .says("loopback");
}
