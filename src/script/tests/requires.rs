//! `require` in a folder of files.

use std::path::Path;

use crate::script::testing::Bench;
use crate::script::{Kind, ScriptError};

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// Runs `main.lua` of a folder of files.
fn run<R: mlua::FromLuaMulti + 'static>(files: &[(&str, &str)]) -> Result<R, ScriptError> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    let bench = Bench::new();
    let source = bench.sources.read(&folder.path().join("main.lua")).unwrap();
    let (body, _) = bench.vm.load(&source)?.instance()?;
    bench.block_on(body.call_async::<R>(()))
}

#[test]
fn files_are_found_relative_to_the_one_that_asks() {
    let sum: i32 = run(&[
        (
            "main.lua",
            "return require('./lib/a').n + require('./lib/pack').n",
        ),
        ("lib/a.luau", "return { n = 1 + require('../b.lua').n }"),
        ("b.lua", "return { n = 10 }"),
        ("lib/pack/init.lua", "return { n = 100 }"),
    ])
    .unwrap();
    assert_eq!(sum, 111);
}

#[test]
fn a_file_runs_once_and_shares_its_virtual_users_globals() {
    let (same, count, nothing): (bool, i32, bool) = run(&[
        (
            "main.lua",
            "local a, b = require('./a'), require('./a.lua'); return a == b, count, require('./n')",
        ),
        ("a.lua", "count = (count or 0) + 1; return {}"),
        ("n.lua", ""),
    ])
    .unwrap();
    assert!(same && nothing);
    assert_eq!(count, 1);
}

#[test]
fn each_virtual_user_gets_its_own_instance_from_one_reading() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("main.lua", "return require('./c').bump()"),
            (
                "c.lua",
                "local n = 0; return { bump = function() n += 1 return n end }",
            ),
        ],
    );
    let mut bench = Bench::new();
    let source = bench.sources.read(&folder.path().join("main.lua")).unwrap();
    let chunk = bench.vm.load(&source).unwrap();
    for _ in 0..3 {
        bench.vu = bench.another();
        let (body, _) = chunk.instance().unwrap();
        assert_eq!(bench.block_on(body.call_async::<i32>(())), Ok(1));
        std::fs::write(folder.path().join("c.lua"), "syntax error").unwrap();
    }
    let sought = bench.sources.sought();
    let found = sought.iter().filter(|path| path.exists()).count();
    assert_eq!(found, 2, "{sought:?}");
}

#[test]
fn a_file_may_wait_at_its_top_level() {
    let files = [
        ("main.lua", "return require('./a')"),
        ("a.lua", "return nap(1) + 1"),
    ];
    assert_eq!(run::<i32>(&files), Ok(2));
}

#[test]
fn cycles_are_reported_as_a_chain() {
    let error = run::<()>(&[
        ("main.lua", "require('./a')"),
        ("a.lua", "require('./b')"),
        ("b.lua", "\nlocal a = require('./a')"),
    ])
    .unwrap_err();
    assert_eq!(error.kind, Kind::Misuse);
    let names: Vec<_> = error
        .message
        .split(" → ")
        .map(|n| n.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(names, ["a.lua", "b.lua", "a.lua"], "{error}");
    assert_eq!(error.location.unwrap().line, 2);
}

#[test]
fn a_file_that_failed_can_be_required_again() {
    let (first, second): (bool, String) = run(&[
        (
            "main.lua",
            "tries = 0
             local first = pcall(require, './a')
             return first, require('./a')",
        ),
        (
            "a.lua",
            "tries += 1; if tries == 1 then error('no') end; return 'fine'",
        ),
    ])
    .unwrap();
    assert!(!first);
    assert_eq!(second, "fine");
}

#[test]
fn errors_inside_required_files_show_both_places() {
    let error = run::<()>(&[
        (
            "main.lua",
            "local cart = require('./lib/cart')\n\ncart.pay()",
        ),
        (
            "lib/cart.lua",
            "return { pay = function()\n  tools.fail_later('x')\nend }",
        ),
    ])
    .unwrap_err();
    let at = error.location.clone().unwrap();
    assert!(at.file.ends_with("lib/cart.lua"), "{error}");
    assert_eq!(at.line, 2);
    assert_eq!(error.frames.last().unwrap().location.line, 3);
    let error = run::<()>(&[
        ("main.lua", "\nrequire('./a')"),
        ("a.lua", "\n\nlocal local"),
    ]);
    let at = error.unwrap_err().location.unwrap();
    assert!(at.file.ends_with("a.lua"));
    assert_eq!(at.line, 3);
}

#[test]
fn bad_paths_say_what_to_write() {
    let message = |text: &str| {
        let error = run::<()>(&[("main.lua", text)]).unwrap_err();
        assert_eq!(error.kind, Kind::Misuse);
        error.message
    };
    let missing = message("require('./lib/x')");
    for tried in [
        "lib/x.lua",
        "lib/x.luau",
        "lib/x/init.lua",
        "lib/x/init.luau",
    ] {
        assert!(missing.contains(tried), "{missing}");
    }
    assert!(message("require('/etc/passwd')").contains("absolute"));
    assert!(message("require('lib/x')").contains("write \"./lib/x\""));
    assert!(message("require('@std/nope')").contains("standard library"));
    assert!(message("require(5)").contains("expected a path"));
}
