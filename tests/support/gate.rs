//! What a test needs of the machine: skipped loudly without it, unless it is required.

use std::io::Write;
use std::path::Path;

/// Whether the machine has what the test `test` needs. `RCHAOS_REQUIRE` lists what must be there:
/// then its absence is a failure.
pub fn has(need: &str, test: &str, present: bool) -> bool {
    let required = std::env::var("RCHAOS_REQUIRE").unwrap_or_default();
    let required = required.split([' ', ',']).any(|one| one == need);
    assert!(
        present || !required,
        "{test} needs {need}, which RCHAOS_REQUIRE lists"
    );
    if !present {
        // Past the test harness, which would keep it to itself: a skip must be seen.
        let _ = writeln!(std::io::stderr(), "SKIP {test}: needs {need}");
    }
    present
}

/// Whether the machine has a capability that examples and scripts name in `-- needs:`.
pub fn met(need: &str, test: &str) -> bool {
    let present = match need {
        "root" => rustix::process::geteuid().is_root(),
        "docker" => images(),
        "cgroup" => super::groups::present(),
        "fuse" => rustix::process::geteuid().is_root() && Path::new("/dev/fuse").exists(),
        "netns" => rchaos::fault::net::namespace::Scratch::create().is_ok(),
        "ipv6" => std::net::TcpListener::bind("[::1]:0").is_ok(),
        "postgres" => on_path(need) || debian_has_postgres(),
        command => on_path(command),
    };
    has(need, test, present)
}

/// Whether there is an engine, with the images that tests and examples use: they are made if they are missing.
fn images() -> bool {
    static MADE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let make = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/images");
        let made = std::process::Command::new(script).status();
        made.is_ok_and(|status| status.success())
    };
    Path::new("/var/run/docker.sock").exists() && *MADE.get_or_init(make)
}

/// Debian keeps the server's programs out of the path, by version.
fn debian_has_postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let mut versions = versions.into_iter().flatten().flatten();
    versions.any(|version| version.path().join("bin/postgres").is_file())
}

fn on_path(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(command).is_file())
}
