//! `process.kill` and `process.pause`: what becomes of a victim, and of it alone.

use std::process::{Child, Command};
use std::time::Duration;

use rchaos::fault::process::{Find, KILL, Kill, PAUSE, Pause, Restart, SignalName};
use rchaos::fault::{Healed, Pick};

use crate::support::faults::{LEASE, alive, build, context, eventually};

/// A program with a command line of its own, ended with the test.
struct Victim(Child);

impl Victim {
    fn start(mark: &str) -> Self {
        let child = Command::new("sh")
            .args(["-c", "while :; do sleep 0.05; done", mark])
            .spawn()
            .unwrap();
        let victim = Self(child);
        let find = find(mark);
        eventually("the victim runs", Duration::from_secs(10), || {
            find.all()
                .unwrap()
                .iter()
                .any(|one| one.identity.pid == victim.pid())
        });
        victim
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn find(mark: &str) -> Find {
    Find {
        cmdline: Some(format!("done {mark}")),
        ..Find::default()
    }
}

fn kill(mark: &str, signal: &str) -> Kill {
    Kill {
        find: find(mark),
        signal: SignalName::parse(signal).unwrap(),
        restart: None,
    }
}

#[test]
fn the_signal_hits_those_that_match_and_nobody_else() {
    let (victim, other) = (Victim::start("kill-one"), Victim::start("kill-two"));
    let mut fault = build(&KILL, &kill("kill-one", "SIGKILL"), &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert!(!alive(victim.pid()));
    assert!(alive(other.pid()));
    assert_eq!(fault.inspect().unwrap().hits, Some(1));
    assert_eq!(fault.heal(), Ok(Healed::Unchanged));
    assert_eq!(fault.facts()["pids"][0], victim.pid());
}

#[test]
fn a_share_of_those_that_match_is_hit() {
    let mark = "kill-share";
    let victims: Vec<_> = (0..4).map(|_| Victim::start(mark)).collect();
    let mut options = kill(mark, "TERM");
    options.find.pick = Pick::Percent(0.5);
    let mut fault = build(&KILL, &options, &context());
    let plan = fault.preflight().unwrap();
    assert_eq!(plan.targets.len(), 2);
    fault.inject(LEASE).unwrap();
    let left = || victims.iter().filter(|one| alive(one.pid())).count();
    eventually("two have ended", Duration::from_secs(10), || left() == 2);
}

#[test]
fn what_was_killed_is_started_again() {
    let mark = "kill-again";
    let victim = Victim::start(mark);
    let mut options = kill(mark, "KILL");
    let command = ["sh", "-c", "while :; do sleep 0.05; done", mark];
    options.restart = Some(Restart {
        command: command.map(str::to_owned).to_vec(),
        cwd: None,
        within: Duration::from_secs(20),
    });
    let mut fault = build(&KILL, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert!(!alive(victim.pid()));
    let undo = fault.undo();
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    let back = find(mark).all().unwrap();
    assert_eq!(back.len(), 1, "{back:?}");
    assert_ne!(back[0].identity.pid, victim.pid());
    // It is there again: who heals once more has nothing to do.
    assert_eq!((KILL.recover)(&undo), Ok(Healed::Unchanged));
    assert_eq!(
        back[0].identity.signal(rustix::process::Signal::KILL),
        Ok(true)
    );
}

#[test]
fn a_paused_process_stands_still_until_it_is_healed() {
    let victim = Victim::start("pause-one");
    let state = || {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", victim.pid())).unwrap();
        text.rsplit_once(')').unwrap().1.trim().chars().next()
    };
    let options = Pause {
        find: find("pause-one"),
        freeze: false,
    };
    let shared = context();
    let mut first = build(&PAUSE, &options, &shared);
    first.preflight().unwrap();
    first.inject(LEASE).unwrap();
    assert_eq!(state(), Some('T'));
    // A second pause composes: the first one to go leaves it paused.
    let again = rchaos::fault::Context {
        id: shared.id + 1000,
        ..shared
    };
    let mut second = build(&PAUSE, &options, &again);
    second.preflight().unwrap();
    second.inject(LEASE).unwrap();
    assert_eq!(first.heal(), Ok(Healed::Unchanged));
    assert_eq!(state(), Some('T'));
    assert_eq!(second.heal(), Ok(Healed::Restored));
    assert_ne!(state(), Some('T'));
    assert_eq!((PAUSE.recover)(&second.undo()), Ok(Healed::Unchanged));
}

#[test]
fn what_would_never_be_undone_is_refused() {
    let spec = rchaos::fault::Spec::new(&KILL, &kill("x", "SIGSTOP")).unwrap();
    let error = (KILL.build)(&spec, &context()).err().unwrap();
    assert!(error.to_string().contains("write :pause()"), "{error}");
}
