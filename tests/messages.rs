//! What a user reads when something is wrong: each `messages/*.lua` beside its exact `*.stderr`.
//!
//! `RCHAOS_BLESS=1 cargo test messages` writes what is there now; look at the difference before it
//! is committed.

use std::fs;

use crate::support::Rchaos;
use crate::support::corpus::{Header, root, scripts};

#[test]
fn messages_read_as_written() {
    let folder = root().join("tests/messages");
    let bless = std::env::var_os("RCHAOS_BLESS").is_some();
    let mut wrong = Vec::new();
    let all = scripts(&folder);
    assert!(all.len() >= 20, "only {} scripts", all.len());
    for script in all {
        let header = Header::read(&fs::read_to_string(&script).unwrap());
        let done = Rchaos::new(["run", "--quiet"])
            .args([script.file_name().unwrap()])
            .args(&header.flags)
            .within(&folder)
            .run();
        let golden = script.with_extension("stderr");
        if bless {
            fs::write(&golden, &done.stderr).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        let name = script.display();
        if done.stderr != expected {
            wrong.push(format!(
                "{name}\n--- expected\n{expected}--- got\n{}",
                done.stderr
            ));
        }
        if done.status.code() != Some(header.exit) {
            wrong.push(format!("{name}: not exit {}: {}", header.exit, done.all()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} messages:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_message_has_its_script() {
    let folder = root().join("tests/messages");
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "stderr") {
            assert!(path.with_extension("lua").exists(), "{}", path.display());
        }
    }
}
