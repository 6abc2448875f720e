//! Every way an error can arise shows the script's own place and frames, and nothing of mlua.

use crate::script::testing::Bench;
use crate::script::{Kind, ScriptError};

fn place(error: &ScriptError) -> String {
    error
        .location
        .as_ref()
        .map_or("nowhere".to_owned(), ToString::to_string)
}

fn clean(text: &str) {
    for noise in ["__mlua", "[C]", "runtime error", "stack traceback", "0x"] {
        assert!(!text.contains(noise), "{noise} in {text}");
    }
}

/// What it is, a script that raises `x`, and the line where it does.
const SETTINGS: &[(&str, &str, u32)] = &[
    ("sync", "\ntools.fail('x')", 2),
    ("async", "\ntools.fail_later('x')", 2),
    ("script", "\nerror('x')", 2),
    ("no position", "\nerror('x', 0)", 2),
    (
        "tail call",
        "local function f()\nreturn tools.fail('x')\nend\nreturn f()",
        2,
    ),
    (
        "async tail call",
        "local function f()\nreturn tools.fail_later('x')\nend\nf()",
        2,
    ),
    (
        "level 2",
        "local function f()\nerror('x', 2)\nend\n\nf()",
        5,
    ),
    (
        "wrap, sync",
        "\ncoroutine.wrap(function()\ntools.fail('x')\nend)()",
        3,
    ),
    (
        "wrap, async",
        "\ncoroutine.wrap(function()\ntools.fail_later('x')\nend)()",
        3,
    ),
    (
        "wrap, script",
        "\ncoroutine.wrap(function()\nerror('x')\nend)()",
        3,
    ),
    (
        "through a native",
        "\ntools.call(function()\ntools.fail('x')\nend)",
        3,
    ),
    (
        "through a native, script",
        "\ntools.call(function()\nerror('x')\nend)",
        3,
    ),
    (
        "rethrown",
        "local ok, e = pcall(function()\ntools.fail('x')\nend)\nerror(e, 0)",
        2,
    ),
    (
        "rethrown, async",
        "local ok, e = pcall(function()\ntools.fail_later('x')\nend)\nerror(e, 0)",
        2,
    ),
    (
        "method",
        "local o = { go = function(self)\ntools.fail('x') end }\no:go()",
        2,
    ),
    (
        "metamethod",
        "local t = setmetatable({}, { __index = function()\ntools.fail('x') end })\nlocal y = t.a",
        2,
    ),
    (
        "sort",
        "table.sort({ 3, 2, 1 }, function()\ntools.fail('x') end)",
        2,
    ),
];

#[test]
fn the_place_is_found_in_every_setting() {
    for (name, text, line) in SETTINGS {
        let error = Bench::new().fails(text);
        assert_eq!(
            place(&error),
            format!("main.lua:{line}"),
            "{name}: {error:?}"
        );
        assert_eq!(error.message, "x", "{name}");
        assert_eq!(error.kind, Kind::Runtime, "{name}");
        clean(&format!("{error:?}"));
    }
}

#[test]
fn pcall_gives_text_with_a_place() {
    let bench = Bench::new();
    for native in ["fail", "fail_later"] {
        let (kind, text): (String, String) = bench
            .run_named(
                &format!("{native}.lua"),
                &format!("local ok, e = pcall(tools.{native}, 'refused')\nreturn type(e), e"),
            )
            .unwrap();
        assert_eq!(kind, "string");
        assert_eq!(text, format!("{native}.lua:1: refused"));
        let text: String = bench
            .run_named(
                &format!("{native}-2.lua"),
                &format!("local ok, e = xpcall(function()\n tools.{native}('refused') end, function(e) return e .. '!' end)\nreturn e"),
            )
            .unwrap();
        assert_eq!(text, format!("{native}-2.lua:2: refused!"));
    }
    let kept: bool = bench
        .run("local t = {}; local ok, e = pcall(error, t); return rawequal(e, t)")
        .unwrap();
    assert!(kept);
    assert!(
        bench
            .run_named::<bool>("ok.lua", "return pcall(function() nap(1) end)")
            .unwrap()
    );
}

#[test]
fn values_that_are_not_strings_are_described() {
    let error = Bench::new().fails("error({ code = 42, text = 'x', list = { 1, { {} } } })");
    assert_eq!(
        error.message,
        "{code = 42, list = {[1] = 1, [2] = table}, text = \"x\"}"
    );
    assert_eq!(place(&error), "main.lua:1");
    let text = "error(setmetatable({}, { __tostring = function() return 'custom' end }))";
    assert_eq!(Bench::new().fails(text).message, "custom");
    assert_eq!(Bench::new().fails("\nerror(7)").message, "7");
    assert_eq!(Bench::new().fails("error()").message, "nil");
    let error =
        Bench::new().fails("local t = { code = 1 }\nlocal ok, e = pcall(error, t)\nerror(e)");
    assert_eq!(error.message, "{code = 1}");
}

#[test]
fn frames_are_those_of_the_script() {
    let text = "local function inner()\n  tools.fail_later('x')\nend
local function step()\n  inner()\nend
step()";
    let error = Bench::new().fails(text);
    let frames: Vec<_> = error
        .frames
        .iter()
        .map(|frame| {
            let name = frame.function.as_deref().unwrap_or("-");
            format!("{name} {}", frame.location)
        })
        .collect();
    assert_eq!(
        frames,
        ["inner main.lua:2", "step main.lua:5", "- main.lua:7"]
    );
}

#[test]
fn an_error_is_shown_with_its_line_and_path() {
    let bench = Bench::new();
    let text = "local function step()\n    tools.misuse(\"netfault.latency: wrong\")\nend\nstep()";
    let error = bench.fails(text);
    assert_eq!(
        error.render(&bench.sources, false),
        "error: main.lua:2: netfault.latency: wrong\n  2 |     tools.misuse(\"netfault.latency: wrong\")\n  in step (main.lua:2), called from main.lua:4"
    );
    let verbose = error.render(&bench.sources, true);
    assert!(
        verbose.ends_with("\n  at step (main.lua:2)\n  at main.lua:4"),
        "{verbose}"
    );

    let bench = Bench::new();
    let error = bench.fails("local cart = {}\nfunction cart.add() end\n\ncart.ad(1)");
    let text = error.render(&bench.sources, false);
    assert_eq!(
        text,
        "error: main.lua:4: `cart.ad` is nil, so it cannot be called; did you mean `add`?\n  4 | cart.ad(1)"
    );
    let bench = Bench::new();
    let text = bench
        .fails("local cfg = {}\nprint(cfg.server.port)")
        .render(&bench.sources, false);
    assert!(
        text.contains("`cfg.server` is nil, so it has no field `port`"),
        "{text}"
    );
    let bench = Bench::new();
    let text = bench
        .fails("error('a\\27[31mb')")
        .render(&bench.sources, false);
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_syntax_error_has_its_line() {
    let bench = Bench::new();
    let error = bench.fails("local x = 1\nlocal = 5\n");
    assert_eq!(
        (error.kind, place(&error).as_str()),
        (Kind::Syntax, "main.lua:2")
    );
    let text = error.render(&bench.sources, false);
    assert!(text.contains("\n  2 | local = 5"), "{text}");
    clean(&text);
    let error = Bench::new().fails("while true do\n");
    assert_eq!(error.kind, Kind::Syntax);
    assert!(error.location.is_some(), "{error:?}");
    assert_eq!(Bench::new().fails("\u{1b}Lua").kind, Kind::Syntax);
}

#[test]
fn wrong_arguments_read_well() {
    let error = Bench::new().fails("\ntools.fail(nil)");
    assert_eq!(
        error.to_string(),
        "main.lua:2: argument 1 must be a string, got nil"
    );
    let error = Bench::new().fails("\n\nnap('soon')");
    assert_eq!(place(&error), "main.lua:3");
    assert!(
        error
            .message
            .starts_with("argument 1 must be a whole number, got string"),
        "{error}"
    );
    clean(&error.message);
}

#[test]
fn waiting_where_it_cannot_be_says_so() {
    let error = Bench::new().fails("table.sort({ 2, 1 }, function() nap(1) return true end)");
    assert!(
        error.message.contains("cannot be called inside"),
        "{error:?}"
    );
    assert_eq!(place(&error), "main.lua:1");
}

#[test]
fn equal_errors_group() {
    let bench = Bench::new();
    let raise = || bench.fails("assert(false, { 1 })").fingerprint();
    assert_eq!(raise(), raise());
    let bench = Bench::new();
    let first = bench.fails("tools.fail('x')").fingerprint();
    assert_eq!(first, bench.fails("tools.fail('x')").fingerprint());
    assert_ne!(first, Bench::new().fails("\ntools.fail('x')").fingerprint());
}

#[test]
fn endless_recursion_is_an_error() {
    let error = Bench::new().fails("local function f() return 1 + f() end\nf()");
    assert!(
        error.message.contains("stack overflow"),
        "{}",
        error.message
    );
    assert!(error.frames.len() < 100);
}
