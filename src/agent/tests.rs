//! The journal under every kind of tear, and effects that land after the heal.

use std::fs;

use serde_json::json;

use super::host::{Place, now};
use super::journal::{Header, Intent, Journal, State, read, reopen};
use super::paths::Paths;
use super::recover::{Recovery, recover};
use crate::fault::process::Identity;
use crate::fault::{Healed, Survives, Tier};

fn header() -> Header {
    let me = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
    Header {
        agent: "a1".into(),
        program: "0".into(),
        run: "r1".into(),
        script: "x.lua".into(),
        place: Place::here(),
        guardian: me.clone(),
        worker: me,
        host: "h".into(),
        controller: 1,
        lease_ms: 5000,
        started: 0,
    }
}

fn intent(id: u64) -> Intent {
    Intent {
        id,
        name: format!("fault {id}"),
        kind: "process.pause".into(),
        effect: "stopped".into(),
        tier: Tier::Journal,
        survives: Survives::Process,
        resources: Vec::new(),
        undo: json!([{ "before": id }]),
        at_ms: 1,
        max_duration_ms: 5000,
        expires_ms: None,
    }
}

/// Three faults: healed, done, and intended only.
fn written(folder: &tempfile::TempDir) -> std::path::PathBuf {
    let path = folder.path().join("a1.journal");
    let mut journal = Journal::create(&path, header()).unwrap();
    journal.intent(intent(1)).unwrap();
    journal.done(1, json!([1])).unwrap();
    journal.intent(intent(2)).unwrap();
    journal.healed(1, Healed::Restored).unwrap();
    journal.done(2, json!([2, "more"])).unwrap();
    journal.intent(intent(3)).unwrap();
    path
}

#[test]
fn what_is_not_healed_is_read_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let found = read(&written(&folder)).unwrap();
    assert_eq!(found.header.unwrap().agent, "a1");
    assert_eq!(found.torn, 0);
    let states: Vec<_> = found
        .unhealed
        .iter()
        .map(|one| (one.intent.id, one.state, one.intent.undo.clone()))
        .collect();
    assert_eq!(
        states,
        [
            (3, State::Intended, json!([{ "before": 3 }])),
            (2, State::Done, json!([2, "more"])),
        ]
    );
}

#[test]
fn torn_at_every_byte_a_prefix_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(written(&folder)).unwrap();
    let torn = folder.path().join("torn.journal");
    for cut in 0..=whole.len() {
        fs::write(&torn, &whole[..cut]).unwrap();
        let found = read(&torn).unwrap();
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        // A line whose last byte is there but its end of line is not is whole all the same.
        let whole_line = cut < whole.len() && whole[cut] == b'\n';
        let lines = lines + usize::from(whole_line);
        let live: Vec<u64> = found.unhealed.iter().map(|one| one.intent.id).collect();
        let expected: &[u64] = match lines {
            0 | 1 => &[],
            2 | 3 => &[1],
            4 => &[2, 1],
            5 | 6 => &[2],
            _ => &[3, 2],
        };
        assert_eq!(live, expected, "cut at {cut}");
        assert_eq!(found.header.is_some(), lines > 0, "cut at {cut}");
        // What is appended afterwards is read, whatever the tear left.
        if found.unhealed.iter().any(|one| one.intent.id == 2) {
            reopen(&torn).unwrap().healed(2, Healed::Restored).unwrap();
            let after = read(&torn).unwrap();
            assert!(after.unhealed.iter().all(|one| one.intent.id != 2));
        }
    }
}

#[test]
fn a_damaged_line_in_the_middle_does_not_hide_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let mut bytes = fs::read(&path).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 20;
    bytes[second] ^= 1;
    fs::write(&path, bytes).unwrap();
    let found = read(&path).unwrap();
    assert_eq!(found.torn, 1);
    assert_eq!(found.unhealed.len(), 2);
}

#[test]
fn an_effect_that_lands_after_the_heal_is_healed_too() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths {
        state: folder.path().to_owned(),
        runtime: folder.path().join("run"),
    };
    paths.make().unwrap();
    let mut victim = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let identity = Identity::of(i32::try_from(victim.id()).unwrap()).unwrap();
    let mut late = intent(1);
    late.undo = json!([{ "identity": identity, "stopped_before": false }]);
    late.at_ms = u64::try_from(now().as_millis()).unwrap();
    late.max_duration_ms = 2000;
    let mut dead = header();
    // Its guardian and worker are of the past.
    dead.guardian.start += 1;
    dead.worker.start += 1;
    let mut journal = Journal::create(&paths.journal("a1"), dead).unwrap();
    journal.intent(late).unwrap();
    drop(journal);
    // No beat: the agent is dead. Its last act, a slow one, is still on its way.
    let slow = identity.clone();
    let effect = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(700));
        slow.signal(rustix::process::Signal::STOP).unwrap();
    });
    let recovered = recover(&paths, &Recovery::default()).unwrap();
    effect.join().unwrap();
    let state = identity.state();
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_ne!(state, Some('T'), "the late effect stays");
    assert_eq!(recovered[0].mended[0].outcome, Ok(Healed::Restored));
    assert!(!paths.journal("a1").exists());
}
