//! `rchaos run --tui`: what is shown, and the terminal as it was on every end.

use std::fs;
use std::path::Path;

use rustix::process::{Signal, kill_process};

use crate::support::terminal::Terminal;
use crate::support::{Rchaos, gate};
use crate::watch::processes;

/// Load through a proxy that a step makes slower for a minute.
const SCRIPT: &str = r#"
local slow
setup(function()
    local shop = demo.shop {}
    slow = netfault.proxy { name = "shop", upstream = shop.address }
    log.info("@ set up")
    return { url = "http://" .. slow.listen }
end)
teardown(function() log.info("@ torn down") end)
scenario("visitors", { rate = "20/s", duration = "5m", max_vus = 20 }, function(_, session)
    http.get(session.url .. "/items/1", { name = "item" })
end)
experiment("slow", function(x)
    x:load("visitors")
    x:step("make it slow", function(s)
        s:inject(slow:latency { delay = "20ms" }, { name = "slow shop", ttl = "90s" })
        s:sleep("1m")
    end)
end)
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.lua"), SCRIPT).unwrap();
    folder
}

/// With a state folder of its own: agents of other tests are none of its business.
fn line() -> String {
    let program = env!("CARGO_BIN_EXE_rchaos");
    format!("RCHAOS_STATE_DIR=$PWD/state {program} run a.lua --tui")
}

fn run(terminal: &Terminal) {
    terminal.enter("stty -g > before").enter(&line());
    terminal
        .until_shown("step \"make it slow\" begins")
        .until_shown("s left")
        .until_shown("@ set up");
}

/// The run has ended as aborted and healed, and the terminal is as it was before.
fn is_over(terminal: &Terminal, folder: &Path) {
    terminal
        .until_status("$")
        .enter("echo code $?; stty -g > after; echo written")
        .until_shown("code 6\nwritten");
    let read = |name| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(read("before"), read("after"));
    assert_eq!(terminal.says("#{alternate_on} #{cursor_flag}"), "0 1");
}

#[test]
fn the_run_is_shown_and_q_heals() {
    if !gate::met("tmux", "the_run_is_shown_and_q_heals") {
        return;
    }
    let folder = folder();
    let terminal = Terminal::open(folder.path());
    run(&terminal);
    assert_eq!(terminal.says("#{alternate_on} #{cursor_flag}"), "1 0");
    terminal
        .until_shown("1 fault live")
        .until_shown("slow shop  1m")
        .until_shown("visitors")
        .until_shown("/20 VUs")
        .until_shown("users ")
        .until_shown("errors 0%")
        .until("curves", |shown| {
            let curve = |title: &str| {
                let line = shown.lines().find(|line| line.contains(title));
                line.is_some_and(|line| !line.contains(&format!("{title} -")))
            };
            curve("requests/s") && curve("p95") && shown.contains('█')
        });
    terminal.press("q");
    is_over(&terminal, folder.path());
    let shown = terminal.shown();
    // What was logged is not gone with the view, and the summary follows it.
    assert!(shown.contains("@ set up"), "{shown}");
    assert!(shown.contains("@ torn down"), "{shown}");
    assert!(shown.contains("slow shop"), "{shown}");
    assert!(shown.contains("aborted"), "{shown}");
}

#[test]
fn every_signal_gives_the_terminal_back() {
    if !gate::met("tmux", "every_signal_gives_the_terminal_back") {
        return;
    }
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let folder = folder();
        let terminal = Terminal::open(folder.path());
        run(&terminal);
        for run in processes(folder.path(), "run") {
            kill_process(run, signal).unwrap();
        }
        is_over(&terminal, folder.path());
    }
}

#[test]
fn a_suspended_run_leaves_the_terminal_and_comes_back() {
    if !gate::met("tmux", "a_suspended_run_leaves_the_terminal_and_comes_back") {
        return;
    }
    let folder = folder();
    let terminal = Terminal::open(folder.path());
    run(&terminal);
    terminal.press("C-z").until_shown("Stopped");
    assert_eq!(terminal.says("#{alternate_on} #{cursor_flag}"), "0 1");
    terminal
        .enter("stty -g > meanwhile; echo here I am")
        .until_shown("\nhere I am");
    let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("before"), read("meanwhile"));
    terminal.enter("fg").until_shown("q stops and heals");
    assert_eq!(terminal.says("#{alternate_on} #{cursor_flag}"), "1 0");
    terminal.press("q");
    is_over(&terminal, folder.path());
}

#[test]
fn a_question_has_the_terminal_for_itself() {
    if !gate::met("tmux", "a_question_has_the_terminal_for_itself") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = r#"gameday("g", function(g)
        g:phase("p", function(p)
            local name = p:ask("who is there?")
            log.info("@ it is " .. name)
            sleep("1m")
        end)
    end)"#;
    fs::write(folder.path().join("a.lua"), script).unwrap();
    let terminal = Terminal::open(folder.path());
    terminal.enter("stty -g > before").enter(&line());
    terminal.until_shown("who is there?");
    assert_eq!(terminal.says("#{alternate_on}"), "0");
    // With a letter that is a key of the view.
    terminal.enter("queen").until_shown("@ it is queen");
    assert_eq!(terminal.says("#{alternate_on}"), "1");
    terminal.press("q");
    is_over(&terminal, folder.path());
}

#[test]
fn it_needs_a_terminal() {
    let folder = folder();
    Rchaos::new(["run", "a.lua", "--tui"])
        .within(folder.path())
        .run()
        .exits(2)
        .says("error: --tui needs a terminal, and standard output is none; leave --tui out");
    Rchaos::new(["watch", "a.lua", "--tui"])
        .within(folder.path())
        .run()
        .exits(2)
        .says("error: --tui cannot be watched");
    Rchaos::new(["run", "a.lua", "--tui", "--quiet"])
        .run()
        .exits(2)
        .says("cannot be used with '--quiet'");
}
