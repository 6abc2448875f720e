//! Options as scripts write them, rightly and wrongly.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::base::units::{Bandwidth, Bytes, Rate, Share};
use crate::script::ScriptError;
use crate::script::testing::Bench;

fn options(text: &str, known: &[&str]) -> mlua::Result<Options> {
    let lua = Lua::new();
    let value: Value = lua.load(text).eval()?;
    Options::read("netfault.latency", known, &lua, value)
}

fn message<T: FromOption>(value: &str) -> String {
    let options = options(&format!("{{ delay = {value} }}"), &["delay"]).unwrap();
    match options.required::<T>("delay") {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_are_read_by_type() {
    let text = "{ d = '250ms', b = '64MiB', w = '10mbit', r = '30/m', s = '30%', f = true,
                  n = 3, x = 1.5, t = 'text', l = { 'a', 'b' }, m = { a = 'x', b = 2 } }";
    let known = ["d", "b", "w", "r", "s", "f", "n", "x", "t", "l", "m", "z"];
    let o = options(text, &known).unwrap();
    assert_eq!(
        o.required::<Duration>("d").unwrap(),
        Duration::from_millis(250)
    );
    assert_eq!(o.required::<Bytes>("b").unwrap(), Bytes(64 << 20));
    assert_eq!(o.required::<Bandwidth>("w").unwrap(), Bandwidth(1.25e6));
    assert_eq!(o.required::<Rate>("r").unwrap(), Rate(0.5));
    assert_eq!(o.required::<Share>("s").unwrap(), Share(0.3));
    assert!(o.required::<bool>("f").unwrap());
    assert_eq!(o.required::<u32>("n").unwrap(), 3);
    assert!((o.required::<f64>("x").unwrap() - 1.5).abs() < 1e-9);
    assert_eq!(o.required::<String>("t").unwrap(), "text");
    assert_eq!(o.required::<Vec<String>>("l").unwrap(), ["a", "b"]);
    let map: BTreeMap<String, String> = o.required("m").unwrap();
    assert_eq!(map["b"], "2");
    assert_eq!(o.optional::<u64>("z").unwrap(), None);
    assert!(o.has("d") && !o.has("z"));
}

#[test]
fn a_missing_unit_shows_the_right_spelling() {
    let start = "netfault.latency: option `delay`: ";
    for (value, expected) in [
        ("'250'", "\"250\" has no unit; write \"250ms\" or \"250s\""),
        ("250", "250 has no unit; write \"250ms\" or \"250s\""),
        ("{}", "expected a duration such as \"250ms\", got a table"),
    ] {
        assert_eq!(message::<Duration>(value), format!("{start}{expected}"));
    }
    assert!(message::<Rate>("200").contains("200 has no unit; write \"200/s\""));
    assert!(message::<Share>("30").contains("30 has no unit; write \"30%\""));
    assert!(message::<Share>("0.3").contains("write \"30%\""));
    assert!(message::<Bytes>("64").contains("64 has no unit; write \"64B\""));
}

#[test]
fn wrong_types_are_refused() {
    assert!(message::<u64>("5.5").ends_with("5.5 is not a whole number"));
    assert!(message::<u64>("-1").ends_with("-1 is negative"));
    assert!(message::<u32>("5000000000").ends_with("is too large; at most 4294967295"));
    assert!(message::<u64>("'5'").ends_with("expected a whole number, got \"5\""));
    assert!(message::<f64>("0/0").ends_with("is not a finite number"));
    assert!(message::<bool>("1").ends_with("expected true or false, got 1"));
    assert!(message::<String>("5").ends_with("expected a string, got 5"));
    assert!(message::<Vec<u64>>("{1, 2.5}").ends_with("item 2: 2.5 is not a whole number"));
    assert!(message::<Vec<u64>>("{a = 1}").ends_with("expected a list, got the key \"a\""));
    assert!(message::<mlua::Function>("1").ends_with("expected a function, got 1"));
}

#[test]
fn unknown_keys_come_first_with_the_nearest_known() {
    let error = options("{ dealy = '1s' }", &["delay", "jitter"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "netfault.latency: unknown option `dealy`; did you mean `delay`?"
    );
    let error = options("{ banana = 1 }", &["delay", "jitter"]).unwrap_err();
    assert!(error.to_string().ends_with("the options are delay, jitter"));
    let error = options("{ hold = '5s' }", &["delay", "load"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "netfault.latency: unknown option `hold`; it is said where the fault is injected: \
         inject(fault, { ttl = \"30s\" })"
    );
    assert!(options("{ 'delay' }", &["delay"]).is_err());
    assert!(
        options("5", &["delay"])
            .unwrap_err()
            .to_string()
            .contains("are a table, got 5")
    );
    let missing = options("nil", &["delay"]).unwrap();
    let error = missing.required::<Duration>("delay").unwrap_err();
    assert_eq!(
        error.to_string(),
        "netfault.latency: option `delay` is missing"
    );
}

#[test]
fn every_problem_is_collected() {
    let lua = Lua::new();
    let text = "{ vus = 1.5, rate = 5, stagse = 1,
                  stages = { { target = 'x' }, { durration = 1 }, 3 } }";
    let value: Value = lua.load(text).eval().unwrap();
    let problems = Problems::new();
    let known = ["vus", "rate", "stages"];
    let options = Options::collect("scenario", &known, &lua, value, &problems);
    assert!(options.required::<u64>("vus").is_err());
    assert!(options.optional::<Rate>("rate").is_err());
    let stages = options.children("stages", &["target", "duration"]).unwrap();
    assert_eq!(stages.len(), 3);
    assert!(stages[0].required::<u64>("target").is_err());
    assert!(
        stages[1]
            .optional::<Duration>("duration")
            .unwrap()
            .is_none()
    );
    let found: Vec<_> = problems.list().into_iter().map(|p| p.what).collect();
    let expected = [
        "scenario: unknown option `stagse`; did you mean `stages`?",
        "scenario: option `vus`: 1.5 is not a whole number",
        "scenario: option `rate`: 5 has no unit; write \"5/s\" or \"5/m\"",
        "scenario: unknown option `stages[2].durration`; did you mean `duration`?",
        "scenario: option `stages[3]`: expected a table, got 3",
        "scenario: option `stages[1].target`: expected a whole number, got \"x\"",
    ];
    assert_eq!(found, expected);
}

#[test]
fn misuse_cannot_be_caught() {
    let bench = Bench::new();
    let sleep = |lua: &Lua, value: Value| {
        unit_arg::<Duration>(lua, "sleep", 1, value).map(|time| time.as_secs_f64())
    };
    let function = bench.vm.lua().create_function(sleep).unwrap();
    let source = bench.sources.insert(
        "main.lua",
        "local sleep = ...\nwhile true do\n pcall(sleep, 250)\nend",
    );
    let (body, _) = bench.vm.load(&source).unwrap().instance().unwrap();
    let error: ScriptError = bench.block_on(body.call_async::<()>(function)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "main.lua:3: sleep: argument 1: 250 has no unit; write \"250ms\" or \"250s\""
    );
}
