//! Runs every script of `tests/lua` and holds natives to their documents, tests and examples.

use std::fs;
use std::time::Duration;

use rchaos::engine::VERBS;
use rchaos::modules::ALL;

use crate::support::corpus::{root, run_all, scripts};

/// Every name that scripts see and that is documented, tested and shown by itself.
fn names() -> Vec<&'static str> {
    let modules = ALL.iter().map(|module| module.name);
    modules.chain(VERBS.iter().map(|verb| verb.name)).collect()
}

#[test]
fn every_script_does_what_its_header_says() {
    let all = scripts(&root().join("tests/lua"));
    assert!(all.len() > 20, "only {} scripts", all.len());
    let wrong = run_all(&all, Duration::from_secs(30));
    let count = (wrong.len(), all.len());
    assert!(
        wrong.is_empty(),
        "{} of {} scripts:\n{}",
        count.0,
        count.1,
        wrong.join("\n")
    );
}

#[test]
fn names_are_unique() {
    let mut names = names();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
}

#[test]
fn every_native_has_tests() {
    let folder = root().join("tests/lua");
    // In a folder of its own, or in a file of its own among its kin.
    let own = |name: &str| {
        let mut all = scripts(&folder).into_iter();
        all.any(|path| {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            path.parent().unwrap().ends_with(name) || stem.split('-').next() == Some(name)
        })
    };
    let untested: Vec<_> = names().into_iter().filter(|name| !own(name)).collect();
    assert!(
        untested.is_empty(),
        "in no file or folder of tests/lua: {untested:?}"
    );
}

#[test]
fn every_native_has_types() {
    let folder = root().join("stdlib/types");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let globals = read("globals.d.luau");
    let declares = |text: &str, name: &str| {
        text.lines().any(|line| {
            let rest = line
                .strip_prefix("declare function ")
                .or(line.strip_prefix("declare "));
            rest.and_then(|rest| rest.trim_start().strip_prefix(name))
                .is_some_and(|rest| rest.trim_start().starts_with(['(', ':', '<']))
        })
    };
    let undeclared: Vec<_> = names()
        .into_iter()
        .filter(|name| {
            !declares(&globals, name) && !declares(&read(&format!("{name}.d.luau")), name)
        })
        .collect();
    assert!(
        undeclared.is_empty(),
        "not declared in stdlib/types: {undeclared:?}"
    );
}

#[test]
fn every_native_has_an_example() {
    let texts: Vec<String> = scripts(&root().join("examples"))
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let called = |text: &str, name: &str| {
        text.lines()
            .filter_map(|line| line.split("--").next())
            .any(|line| calls(line, name))
    };
    let unshown: Vec<_> = names()
        .into_iter()
        .filter(|name| !texts.iter().any(|text| called(text, name)))
        .collect();
    assert!(unshown.is_empty(), "in no example: {unshown:?}");
}

/// Whether a line uses a name as a function or a table, not as a part of another name.
fn calls(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].trim_start().chars().next();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '.' | ':' | '"' | '\''))
            && after.is_some_and(|c| matches!(c, '.' | '(' | '{' | '"' | ','))
    })
}
