//! `stress.clock`: nothing of it is left when parts of a run are lost.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::gate;
use crate::support::rollback::crash_tests;

#[test]
fn clocks_and_their_files_are_gone_whoever_is_lost() {
    if !gate::met(
        "faketime",
        "clocks_and_their_files_are_gone_whoever_is_lost",
    ) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display();
    // The program tells its time, and which file it has it from.
    let script = format!(
        "echo $FAKETIME_TIMESTAMP_FILE > {shown}/file; while :; do date +%s > {shown}/new; mv {shown}/new {shown}/time; sleep 0.05; done"
    );
    let body = format!(
        r#"
local program = process.spawn {{ cmd = {{ "sh", "-c", "{script}" }}, clock = {{ wall = true }} }}
eventually("it runs", function() return program:running() end, {{ within = "10s" }})
inject(stress.clock {{ target = program, offset = "+1h" }})
sleep("500ms")
"#
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    crash_tests(&body, || {
        let told: u64 = read("time").trim().parse().unwrap_or_default();
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        // What a program that has ended told last does not count.
        let wrong = Duration::from_secs(told) > since + Duration::from_secs(1800);
        let fresh = fs::metadata(folder.path().join("time"))
            .and_then(|data| data.modified())
            .is_ok_and(|at| at.elapsed().unwrap_or_default() < Duration::from_secs(1));
        let file = PathBuf::from(read("file").trim());
        (wrong && fresh) || file.is_file()
    });
}
