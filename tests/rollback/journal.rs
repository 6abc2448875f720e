//! Nothing is injected that could not be undone from the disk.

use std::process::Command;

use super::Victim;
use crate::support::{Rchaos, gate};

#[test]
fn without_a_state_folder_nothing_is_injected() {
    let victim = Victim::start();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    // A folder below a file cannot be made, not even by root.
    let done = Rchaos::script(&victim.pause())
        .env("RCHAOS_STATE_DIR", file.join("state").display().to_string())
        .run()
        .exits(4);
    assert!(done.stderr.contains("RCHAOS_STATE_DIR"), "{}", done.all());
    assert_eq!(victim.state(), Some('S'));
}

/// A small filesystem of its own, unmounted with the test.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Self(folder);
        disk.command(&["mount", "-t", "tmpfs", "-o", options, "rchaos-test"]);
        disk
    }

    fn command(&self, words: &[&str]) {
        let done = Command::new(words[0])
            .args(&words[1..])
            .arg(self.0.path())
            .status();
        assert!(done.unwrap().success(), "{words:?}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn on_a_full_disk_nothing_is_injected() {
    if !gate::met("root", "on_a_full_disk_nothing_is_injected") {
        return;
    }
    let victim = Victim::start();
    let disk = Disk::mount("size=1m,mode=700");
    let filler = disk.0.path().join("filler");
    // All but one page for the header of the journal.
    std::fs::write(&filler, vec![0; (1 << 20) - 8192]).unwrap();
    let done = Rchaos::script(&victim.pause())
        .env("RCHAOS_STATE_DIR", disk.0.path().display().to_string())
        .run()
        .exits(4);
    assert!(
        done.stderr.contains("nothing was injected"),
        "{}",
        done.all()
    );
    assert_eq!(victim.state(), Some('S'));
}

#[test]
fn on_a_read_only_disk_nothing_is_injected() {
    if !gate::met("root", "on_a_read_only_disk_nothing_is_injected") {
        return;
    }
    let victim = Victim::start();
    let disk = Disk::mount("size=1m,mode=700");
    disk.command(&["mount", "-o", "remount,ro"]);
    let done = Rchaos::script(&victim.pause())
        .env("RCHAOS_STATE_DIR", disk.0.path().display().to_string())
        .run()
        .exits(4);
    assert!(done.stderr.contains("Read-only"), "{}", done.all());
    assert_eq!(victim.state(), Some('S'));
}

#[test]
fn no_secret_reaches_the_disk() {
    let victim = Victim::start();
    let state = tempfile::tempdir().unwrap();
    let text = format!("local token = env('TOKEN')\n{}", victim.pause());
    let state_dir = state.path().display().to_string();
    let copy = tempfile::tempdir().unwrap();
    let keep = copy.path().join("journal");
    let text = format!("{text}\nlog.info('faults are live')\nsleep('2s')");
    let running = Rchaos::script(&text)
        .env("RCHAOS_STATE_DIR", &state_dir)
        .args(["--env", "TOKEN=very-secret-value"])
        .start();
    running.until_stderr("faults are live");
    for entry in std::fs::read_dir(state.path()).unwrap().flatten() {
        if entry.path().extension().is_some_and(|one| one == "journal") {
            std::fs::copy(entry.path(), &keep).unwrap();
        }
    }
    let done = running.wait().exits(0);
    let journal = std::fs::read_to_string(&keep).unwrap();
    assert!(journal.contains("process.pause"), "{journal}");
    assert!(!journal.contains("very-secret-value"), "{journal}");
    assert!(!done.summary.to_string().contains("very-secret-value"));
}
