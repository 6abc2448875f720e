//! In a terminal: keys, the status line, bursts of saves, and the terminal as it was.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::{folder, part, processes, replace, script};
use crate::support::gate;
use crate::support::terminal::Terminal;

fn watch(terminal: &Terminal) -> &Terminal {
    terminal.enter(&format!("{} watch a.lua", env!("CARGO_BIN_EXE_rchaos")))
}

fn count(shown: &str, text: &str) -> usize {
    shown.matches(text).count()
}

#[test]
fn keys_rerun_stop_pause_and_quit() {
    if !gate::met("tmux", "keys_rerun_stop_pause_and_quit") {
        return;
    }
    let folder = folder();
    let terminal = Terminal::open(folder.path());
    terminal.enter("stty -g > before");
    watch(&terminal)
        .until_shown("@ up s1 p1 r1")
        .until_status("running a.lua, ")
        .until_status("r re-run  s stop  p pause  q quit");
    terminal
        .press("r")
        .until("a second run", |shown| count(shown, "@ up s1 p1 r1") == 2);
    terminal
        .press("s")
        .until_status("waiting for a change")
        .until("both torn down", |shown| count(shown, "@ down") == 2);
    terminal.press("p").until_status("paused");
    part(folder.path(), "p2");
    terminal.until_shown("changed: part.lua");
    sleep(Duration::from_millis(500));
    assert!(!terminal.shown().contains("@ up s1 p2"), "run while paused");
    terminal.press("p").until_shown("@ up s1 p2 r1");
    terminal.press("q").until_status("$");
    terminal
        .enter("echo code $?; stty -g > after; echo written")
        .until_shown("code 0\nwritten");
    assert_eq!(count(&terminal.shown(), "@ down"), 3);
    let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("before"), read("after"));
}

#[test]
fn ctrl_c_ends_the_run_and_the_watch() {
    if !gate::met("tmux", "ctrl_c_ends_the_run_and_the_watch") {
        return;
    }
    let folder = folder();
    let terminal = Terminal::open(folder.path());
    watch(&terminal).until_shown("@ up s1 p1 r1");
    terminal.press("C-c").until_status("$");
    terminal.enter("echo code $?").until_shown("code 0");
    // Once: the teardown was not cut short.
    assert_eq!(count(&terminal.shown(), "@ down"), 1);
}

#[test]
fn signals_leave_the_terminal_as_it_was() {
    if !gate::met("tmux", "signals_leave_the_terminal_as_it_was") {
        return;
    }
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let folder = folder();
        let terminal = Terminal::open(folder.path());
        terminal.enter("stty -g > before");
        watch(&terminal);
        terminal.until_shown("@ up s1 p1 r1");
        for watch in processes(folder.path(), "watch") {
            kill_process(watch, signal).unwrap();
        }
        terminal.until_status("$");
        terminal
            .enter("echo code $?; stty -g > after; echo written")
            .until_shown("code 0\nwritten");
        assert_eq!(count(&terminal.shown(), "@ down"), 1);
        let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("before"), read("after"));
    }
}

#[test]
fn fifty_saves_are_few_runs_and_the_last_one_counts() {
    if !gate::met("tmux", "fifty_saves_are_few_runs_and_the_last_one_counts") {
        return;
    }
    let folder = folder();
    let path = folder.path();
    let terminal = Terminal::open(path);
    watch(&terminal).until_shown("@ up s1 p1 r1");
    let begun = Instant::now();
    for version in 2..=51 {
        match version % 3 {
            0 => script(path, &format!("s{version}")),
            1 => part(path, &format!("p{version}")),
            _ => replace(&path.join("rows.txt"), &format!("r{version}\n")),
        }
        sleep(Duration::from_millis(10));
    }
    let took = begun.elapsed();
    terminal.until_shown("@ up s51 p49 r50");
    sleep(Duration::from_millis(500));
    let shown = terminal.shown();
    assert!(terminal.last_line().contains("running a.lua"), "{shown}");
    // One for the first, one for the last, and one a second where the machine is slow.
    let most = 3 + usize::try_from(took.as_secs()).unwrap();
    assert!(count(&shown, "@ up") <= most, "{took:?}\n{shown}");
    terminal.press("q").until_status("$");
    let shown = terminal.shown();
    assert_eq!(count(&shown, "@ up"), count(&shown, "@ down"), "{shown}");
}

#[test]
fn a_file_that_is_removed_may_come_back() {
    if !gate::met("tmux", "a_file_that_is_removed_may_come_back") {
        return;
    }
    let folder = folder();
    let path = folder.path();
    let terminal = Terminal::open(path);
    watch(&terminal).until_shown("@ up s1 p1 r1");
    fs::remove_file(path.join("part.lua")).unwrap();
    terminal
        .until_shown("gone: part.lua")
        .until_shown("cannot find \"./part\"")
        .until_shown("not started; the run goes on")
        .until_status("running a.lua");
    part(path, "p1");
    terminal.until_shown("as it was when the run was started");
    fs::remove_file(path.join("a.lua")).unwrap();
    terminal.until_shown("gone: a.lua");
    script(path, "s2");
    terminal.until_shown("@ up s2 p1 r1");
    assert_eq!(count(&terminal.shown(), "@ up"), 2);
    terminal.press("q").until_status("$");
}
