//! What people do about runs from another terminal: status, halt, recover, and two runs at once.

use rustix::process::Signal;

use super::Victim;
use crate::support::Rchaos;
use crate::support::rollback::{Faulty, PROMISE, Part, within};

#[test]
fn status_lists_live_faults_with_their_time() {
    let victim = Victim::start();
    let body = format!(
        "inject(process.find{{ pid = {} }}:pause(), {{ name = 'nap', ttl = '1m' }})",
        victim.pid()
    );
    let faulty = Faulty::start(&body);
    let status = faulty.status();
    let fault = &status["agents"][0]["faults"][0];
    assert_eq!(fault["name"], "nap");
    assert!(
        (1..=60).contains(&fault["remaining_seconds"].as_i64().unwrap()),
        "{status}"
    );
    let text = faulty.command(&["status"]).run().exits(0).stdout;
    assert!(text.starts_with("live: run "), "{text}");
    assert!(text.contains("nap [process.pause, journal]"), "{text}");
}

#[test]
fn halt_heals_and_the_run_ends_as_aborted() {
    let victim = Victim::start();
    let faulty = Faulty::start(&victim.pause());
    let wrong = faulty.command(&["halt", "nobody"]).run().exits(2);
    assert!(
        wrong.stderr.contains("no live run is called \"nobody\""),
        "{}",
        wrong.all()
    );
    faulty.command(&["halt"]).run().exits(0);
    assert!(!victim.stopped());
    let done = faulty.running.wait().exits(6);
    assert!(done.all().contains("halted"), "{}", done.all());
}

fn is_dead(faulty: &Faulty) {
    let dead = within(PROMISE, || faulty.status()["agents"][0]["life"] == "dead");
    assert!(dead, "{}", faulty.status());
}

#[test]
fn recover_says_what_it_would_heal_and_then_heals_it() {
    let victim = Victim::start();
    let faulty = Faulty::start(&victim.pause());
    faulty.signal(
        &[Part::Controller, Part::Guardian, Part::Worker],
        Signal::KILL,
    );
    is_dead(&faulty);
    let would = faulty.command(&["recover", "--dry-run"]).run().exits(0);
    assert!(would.stdout.contains("would heal: run "), "{}", would.all());
    let listed = faulty.command(&["recover", "--list"]).run().exits(0);
    assert!(listed.stdout.starts_with("dead: run "), "{}", listed.all());
    assert!(victim.stopped(), "a dry run has healed");
    let healed = faulty.command(&["recover"]).run().exits(0);
    assert!(
        healed.stdout.starts_with("healed: run "),
        "{}",
        healed.all()
    );
    assert!(!victim.stopped());
    let again = faulty.command(&["recover"]).run().exits(0);
    assert_eq!(again.stdout, "nothing to heal\n");
}

#[test]
fn the_next_run_heals_what_a_dead_one_left_and_says_so() {
    let victim = Victim::start();
    let faulty = Faulty::start(&victim.pause());
    faulty.signal(
        &[Part::Controller, Part::Guardian, Part::Worker],
        Signal::KILL,
    );
    is_dead(&faulty);
    let next = Rchaos::script("log.info('hello')").env("RCHAOS_STATE_DIR", faulty.state());
    let done = next.run().exits(0);
    assert!(done.stderr.contains("healed: run "), "{}", done.all());
    assert!(!victim.stopped());
}

#[test]
fn two_runs_do_not_touch_the_same_thing() {
    let victim = Victim::start();
    let faulty = Faulty::start(&victim.pause());
    let second = Rchaos::script(&victim.pause()).env("RCHAOS_STATE_DIR", faulty.state());
    let done = second.run().exits(4);
    assert!(
        done.stderr.contains("is held by \"pause\" of run "),
        "{}",
        done.all()
    );
    assert!(
        victim.stopped(),
        "the second run has healed what the first one holds"
    );
}

#[test]
fn runs_that_start_at_once_leave_each_other_alone() {
    let state = tempfile::tempdir().unwrap();
    let wrong: Vec<_> = std::thread::scope(|scope| {
        let state = &state;
        let once = move |_| {
            Rchaos::script(
                "expect('it runs', process.spawn({ cmd = { 'sleep', '100' } }):running())",
            )
            .env("RCHAOS_STATE_DIR", state.path().display().to_string())
            .run()
        };
        let one = move || (0..5).map(once).find(|done| !done.status.success());
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        runs.into_iter()
            .filter_map(|run| run.join().unwrap())
            .collect()
    });
    let texts: Vec<_> = wrong.iter().map(|done| done.all()).collect();
    assert!(texts.is_empty(), "{}", texts.join("\n"));
    let left = std::fs::read_dir(state.path()).unwrap().flatten();
    let journals = left.filter(|file| file.path().extension().is_some_and(|end| end == "journal"));
    assert_eq!(journals.count(), 0);
}
