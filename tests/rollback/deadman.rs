//! `--deadman`: what systemd is told, on a machine that may not have it.

use std::os::unix::fs::PermissionsExt;

use super::Victim;
use crate::support::Rchaos;

/// A folder for PATH with commands that note how they were called.
fn commands(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        let log = folder.path().join("log").display().to_string();
        std::fs::write(&path, format!("#!/bin/sh\necho {name} \"$@\" >> {log}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[test]
fn a_timer_is_started_before_the_fault_and_stopped_after_it() {
    let victim = Victim::start();
    let folder = commands(&["systemd-run", "systemctl"]);
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    Rchaos::script(&victim.pause())
        .args(["--deadman"])
        .env("PATH", path)
        .run()
        .exits(0);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].starts_with("systemd-run --quiet"), "{log}");
    assert!(lines[0].contains(" agent --recover "), "{log}");
    assert!(
        lines[1].starts_with("systemctl stop --quiet rchaos-deadman-"),
        "{log}"
    );
}

#[test]
fn without_systemd_nothing_is_injected() {
    let victim = Victim::start();
    let empty = tempfile::tempdir().unwrap();
    let done = Rchaos::script(&victim.pause())
        .args(["--deadman"])
        .env("PATH", empty.path().display().to_string())
        .run()
        .exits(4);
    assert!(done.stderr.contains("no systemd here"), "{}", done.all());
    assert_eq!(victim.state(), Some('S'));
}
