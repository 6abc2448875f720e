//! `rchaos completions`: scripts that the shells accept and that know every command.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Rchaos, gate};

#[test]
fn every_shell_gets_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let done = Rchaos::new(["completions", shell]).run().exits(0);
        for command in ["run", "check", "watch", "new", "compare", "demo", "proxy"] {
            assert!(done.stdout.contains(command), "{shell}: no {command}");
        }
        for hidden in ["only-check", "files-read", "colours"] {
            assert!(!done.stdout.contains(hidden), "{shell}: {hidden}");
        }
        accepts(shell, &done.stdout);
    }
    Rchaos::new(["completions", "tcsh"]).run().exits(2);
}

/// Whether the shell, if it is here, finds the script well-formed.
fn accepts(shell: &str, script: &str) {
    if !gate::met(shell, "every_shell_gets_every_command") {
        return;
    }
    let mut child = Command::new(shell)
        .args(["-n", "/dev/stdin"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(script.as_bytes()).unwrap();
    drop(pipe);
    assert!(child.wait().unwrap().success(), "{shell} refuses it");
}
