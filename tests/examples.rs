//! Runs every example as a stranger would: no root, no Docker, its own server. What belongs to a plan is run with it, by
//! `plans.rs`.

use std::fs;
use std::time::Duration;

use crate::support::corpus::{root, run_all, scripts, suite_of};

#[test]
fn every_example_ends_as_it_says() {
    let mut all = scripts(&root().join("examples"));
    assert!(!all.is_empty(), "there are no examples");
    all.retain(|script| suite_of(script).is_none());
    let wrong = run_all(&all, Duration::from_secs(60));
    let count = (wrong.len(), all.len());
    assert!(
        wrong.is_empty(),
        "{} of {} examples:\n{}",
        count.0,
        count.1,
        wrong.join("\n")
    );
}

#[test]
fn the_index_names_every_example() {
    let folder = root().join("examples");
    let index = fs::read_to_string(folder.join("README.md")).unwrap();
    let missing: Vec<_> = scripts(&folder)
        .into_iter()
        .map(|path| path.strip_prefix(&folder).unwrap().display().to_string())
        .filter(|name| !index.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in examples/README.md: {missing:?}");
}
