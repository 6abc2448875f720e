//! Every way a run can end while faults are live.

use std::time::Duration;

use rustix::process::Signal;

use super::Victim;
use crate::support::Rchaos;
use crate::support::rollback::{Faulty, PROMISE, within};

/// Runs a script to its end, with a state folder of its own.
fn run(text: &str) -> crate::support::Finished {
    let state = tempfile::tempdir().unwrap();
    Rchaos::script(text)
        .args(["--lease", "2s"])
        .env("RCHAOS_STATE_DIR", state.path().display().to_string())
        .timeout(Duration::from_secs(60))
        .run()
}

#[test]
fn a_script_that_ends_leaves_nothing() {
    let victim = Victim::start();
    let text = format!("{}\nassert(true)", victim.pause());
    let done = run(&text).exits(0);
    assert!(!victim.stopped());
    let fault = &done.summary["faults"][0];
    assert_eq!(fault["outcome"], "healed");
    assert_eq!(fault["verified"], true);
    assert_eq!(fault["tier"], "journal");
    assert_eq!(fault["kind"], "process.pause");
}

#[test]
fn ctrl_c_heals_before_anything_else() {
    let victim = Victim::start();
    let faulty = Faulty::start(&victim.pause());
    faulty.running.signal(Signal::INT);
    assert!(within(Duration::from_secs(2), || !victim.stopped()));
    faulty.running.wait().exits(6);
}

#[test]
fn two_signals_leave_at_once_and_the_agent_heals() {
    let victim = Victim::start();
    let faulty = Faulty::start(&victim.pause());
    faulty.running.signal(Signal::INT);
    faulty.running.signal(Signal::INT);
    assert!(within(PROMISE, || !victim.stopped()));
}

#[test]
fn an_error_a_mistake_and_a_failed_expectation_heal() {
    for (line, code) in [
        ("error('broken')", 3),
        ("inject(process.find{ pid = 1 }:pause(), { tll = '1s' })", 3),
        ("expect(false, 'never')", 5),
        ("while true do end", 3),
        (
            "local t = {} while true do t[#t + 1] = string.rep('x', 1e6) .. #t end",
            3,
        ),
    ] {
        let victim = Victim::start();
        let done = run(&format!("{}\n{line}", victim.pause()));
        assert!(!victim.stopped(), "{line}: {}", done.all());
        let done = done.exits(code);
        assert_eq!(done.summary["faults"][0]["outcome"], "healed", "{line}");
    }
}

#[test]
fn setup_and_teardown_that_fail_leave_nothing() {
    for hook in ["setup", "teardown"] {
        let victim = Victim::start();
        let text = format!(
            "scenario('one', {{ vus = 1, iterations = 1 }}, function() end)\n\
             {hook}(function() {}\n error('broken') end)",
            victim.pause()
        );
        let done = run(&text);
        assert!(!victim.stopped(), "{hook}: {}", done.all());
        done.exits(3);
    }
}

#[test]
fn an_injection_that_a_guard_interrupts_is_undone_with_its_step() {
    let front = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = front.local_addr().unwrap();
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    // A second or more to make, in which the front breaks down.
    let text = format!(
        "experiment('first', function(x)
             x:steady_state('front', function(probe) probe:tcp('front', '{address}') end)
             x:guard {{ every = '100ms' }}
             x:step('inodes', function(s)
                 s:inject(stress.inodes {{ path = '{}', count = 150000, force = true }})
             end)
         end)
         experiment('second', function(x)
             x:steady_state('none', function(probe) probe:fn('yes', function() return true end) end)
             x:step('wait', function(s) log.info('the first is over') s:sleep('60s') end)
         end)",
        folder.path().display()
    );
    let state = tempfile::tempdir().unwrap();
    let running = Rchaos::script(&text)
        .env("RCHAOS_STATE_DIR", state.path().display().to_string())
        .timeout(Duration::from_secs(120))
        .start();
    let used = || std::fs::read_dir(folder.path()).unwrap().count() > 0;
    assert!(within(Duration::from_secs(30), used), "never begun");
    drop(front);
    std::thread::sleep(Duration::from_secs(1));
    let _back = std::net::TcpListener::bind(address).unwrap();
    running.until_stderr("the first is over");
    assert!(!used(), "it landed after its step");
    running.signal(Signal::INT);
    running.wait().exits(6);
    assert!(!used());
}

#[test]
fn a_time_to_live_ends_a_fault_and_heal_does_too() {
    let victim = Victim::start();
    let pid = victim.pid();
    let done = run(&format!(
        "local one = inject(process.find{{ pid = {pid} }}:pause(), {{ ttl = '400ms', name = 'short' }})
         expect(one.active, 'active'); expect(one.remaining <= 0.4, 'remaining')
         eventually('its time is up', function() return not one.active end, {{ within = '5s' }})
         local two = inject(process.find{{ pid = {pid} }}:pause())
         expect(two.name == 'pause', two.name)
         two:heal()
         expect(not two.active, 'healed'); two:heal()"
    ))
    .exits(0);
    assert!(!victim.stopped());
    let outcomes: Vec<&str> = done.summary["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["healed", "healed"], "{}", done.all());
    assert_eq!(done.summary["faults"][0]["name"], "short");
}

#[test]
fn a_target_that_vanishes_makes_the_fault_void() {
    let mut victim = Victim::start();
    let faulty = Faulty::script(
        &format!(
            "local one = {}\nlog.info('faults are live')\n\
             eventually('void', function() return not one.active end, {{ within = '20s' }})",
            victim.pause()
        ),
        |rchaos| rchaos,
    );
    victim.kill();
    let done = faulty.running.wait().exits(0);
    assert_eq!(
        done.summary["faults"][0]["outcome"],
        "void",
        "{}",
        done.all()
    );
}

#[test]
fn a_missing_target_is_a_precondition_and_nothing_is_injected() {
    let done = run("inject(process.find{ name = 'no-such-program' }:pause())").exits(4);
    assert!(done.stderr.contains("script.lua:1"), "{}", done.all());
    assert_eq!(done.summary["faults"][0]["outcome"], "refused");
}

#[test]
fn a_dry_run_touches_nothing() {
    let victim = Victim::start();
    let state = tempfile::tempdir().unwrap();
    let text = format!(
        "local one = {}\nexpect(one.active, 'plays on')",
        victim.pause()
    );
    let done = Rchaos::script(&text)
        .args(["--dry-run"])
        .env("RCHAOS_STATE_DIR", state.path().display().to_string())
        .run()
        .exits(0);
    assert_eq!(victim.state(), Some('S'));
    assert_eq!(done.summary["faults"][0]["outcome"], "dry_run");
}

#[test]
fn virtual_users_do_not_inject() {
    let done = run(
        "scenario('one', { vus = 1, iterations = 1 }, function() inject(process.find{ pid = 1 }:pause()) end)",
    )
    .exits(3);
    assert!(
        done.stderr.contains("virtual users do not touch hosts"),
        "{}",
        done.all()
    );
}

#[test]
fn faults_are_healed_before_teardown_and_fixtures_after_it() {
    let victim = Victim::start();
    let text = format!(
        "scenario('one', {{ vus = 1, iterations = 1 }}, function() end)
         local pid = {}
         local kept
         setup(function()
             kept = process.spawn {{ cmd = {{ 'sleep', '600' }} }}
             inject(process.find {{ pid = pid }}:pause())
         end)
         teardown(function()
             expect('the fixture is there', function() return kept:running() end)
             expect('the fault is not', function()
                 return #process.find {{ pid = pid }}:list() == 1
             end)
             log.info('state ' .. kept.pid)
         end)",
        victim.pid()
    );
    let done = run(&text).exits(0);
    assert!(!victim.stopped());
    let faults = done.summary["faults"].as_array().unwrap();
    let teardown = done.summary["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["kind"] == "teardown")
        .unwrap();
    let healed = faults[0]["healed_at_ms"].as_u64().unwrap();
    assert!(
        healed <= teardown["at_ms"].as_u64().unwrap(),
        "{}",
        done.all()
    );
    let pid = done.stderr.split("state ").nth(1).unwrap();
    let pid: String = pid.chars().take_while(char::is_ascii_digit).collect();
    assert!(
        !std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "the fixture is left"
    );
}
