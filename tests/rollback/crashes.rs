//! Parts of a run killed or frozen while a fault is live; asserted on the target itself.

use std::time::Duration;

use rustix::process::Signal;

use super::Victim;
use crate::support::rollback::{Faulty, PROMISE, Part, crash_tests, within};

#[test]
fn a_paused_process_goes_on_whoever_is_lost() {
    let (victim, other) = (Victim::start(), Victim::start());
    crash_tests(&victim.pause(), || victim.stopped());
    // Nothing else has changed.
    assert_eq!(other.state(), Some('S'));
    assert_eq!(victim.state(), Some('S'));
}

#[test]
fn a_process_that_was_stopped_before_stays_so() {
    let victim = Victim::start();
    let pid = rustix::process::Pid::from_raw(i32::try_from(victim.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::STOP).unwrap();
    assert!(within(PROMISE, || victim.stopped()));
    let faulty = Faulty::start(&victim.pause());
    faulty.signal(&[Part::Worker], Signal::KILL);
    within(PROMISE, || {
        faulty.status()["agents"].as_array().unwrap().is_empty()
    });
    assert!(
        victim.stopped(),
        "what somebody else had stopped was resumed"
    );
}

#[test]
fn two_faults_on_one_process_are_both_undone() {
    let victim = Victim::start();
    let body = format!("{}\n{}", victim.pause(), victim.pause());
    for loss in [Part::Controller, Part::Worker] {
        let faulty = Faulty::start(&body);
        assert!(victim.stopped());
        faulty.signal(&[loss], Signal::KILL);
        assert!(within(PROMISE, || !victim.stopped()), "{loss:?}");
    }
}

#[test]
fn a_controller_that_was_frozen_for_too_long_ends_as_aborted() {
    let victim = Victim::start();
    let faulty = Faulty::start(&victim.pause());
    faulty.signal(&[Part::Controller], Signal::STOP);
    assert!(within(PROMISE, || !victim.stopped()));
    faulty.signal(&[Part::Controller], Signal::CONT);
    let done = faulty.running.wait();
    let done = done.exits(6);
    let outcome = &done.summary["faults"][0]["outcome"];
    assert_eq!(outcome, "healed", "{}", done.all());
}

#[test]
fn a_lost_agent_ends_the_run_as_aborted_with_everything_healed() {
    for signal in [Signal::KILL, Signal::STOP] {
        let victim = Victim::start();
        let faulty = Faulty::start(&victim.pause());
        faulty.signal(&[Part::Worker, Part::Guardian], signal);
        assert!(within(PROMISE, || !victim.stopped()), "{signal:?}");
        let done = faulty.running.wait().exits(6);
        let fault = &done.summary["faults"][0];
        assert_eq!(fault["outcome"], "healed", "{signal:?}: {}", done.all());
        let text = done.summary["timeline"].to_string();
        assert!(text.contains("is lost"), "{signal:?}: {text}");
    }
}

#[test]
fn a_thousand_faults_live_at_once_are_all_undone() {
    let victims: Vec<Victim> = (0..10).map(|_| Victim::start()).collect();
    let mut body = String::new();
    for victim in &victims {
        body += &format!("for _ = 1, 100 do {} end\n", victim.pause());
    }
    let faulty = Faulty::with(&body, |rchaos| rchaos.timeout(Duration::from_secs(180)));
    let held = faulty.status()["agents"][0]["faults"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(held, 1000);
    assert!(victims.iter().all(Victim::stopped));
    faulty.signal(&[Part::Controller, Part::Worker], Signal::KILL);
    let healed = || victims.iter().all(|victim| !victim.stopped());
    assert!(within(PROMISE, healed), "some are still stopped");
}

/// The text of an experiment that pauses a process in a step.
fn experiment(victim: &Victim) -> String {
    format!(
        "experiment('a nap', function(x)
             x:steady_state('always', function(probe) probe:fn('yes', function() return true end) end)
             x:guard {{ every = '500ms', tolerate = 2 }}
             x:step('pause', function(s)
                 s:inject(process.find {{ pid = {} }}:pause())
                 log.info('faults are live')
                 s:sleep('60s')
             end)
         end)",
        victim.pid()
    )
}

#[test]
fn an_experiment_whose_run_loses_a_part_is_healed_too() {
    for (loss, signal) in [
        (Part::Controller, Signal::KILL),
        (Part::Controller, Signal::STOP),
        (Part::Worker, Signal::KILL),
        (Part::Worker, Signal::STOP),
    ] {
        let victim = Victim::start();
        let faulty = Faulty::script(&experiment(&victim), |rchaos| rchaos);
        assert!(victim.stopped());
        faulty.signal(&[loss], signal);
        assert!(
            within(PROMISE, || !victim.stopped()),
            "{signal:?} of {loss:?}"
        );
    }
}

#[test]
fn ctrl_c_in_a_step_and_in_teardown_heals() {
    let victim = Victim::start();
    let faulty = Faulty::script(&experiment(&victim), |rchaos| rchaos);
    faulty.running.signal(Signal::INT);
    assert!(within(PROMISE, || !victim.stopped()));
    faulty.running.wait().exits(6);
    let other = Victim::start();
    let text = format!(
        "scenario('one', {{ vus = 1, iterations = 1 }}, function() end)
         teardown(function() {} log.info('faults are live') sleep('60s') end)",
        other.pause()
    );
    let faulty = Faulty::script(&text, |rchaos| rchaos);
    faulty.running.signal(Signal::INT);
    assert!(within(PROMISE, || !other.stopped()));
    faulty.running.wait().exits(6);
}
