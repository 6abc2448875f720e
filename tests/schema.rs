//! Holds real summaries to `docs/summary.schema.json`.

use serde_json::Value;

use crate::support::corpus::root;
use crate::support::{Behaviour, Rchaos, Server};

/// What is wrong with `value`, as far as the keywords that our schema uses can tell.
fn problems(all: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(path) = schema["$ref"].as_str() {
        let target = all.pointer(path.trim_start_matches('#')).unwrap();
        return problems(all, target, value, place);
    }
    let mut found = Vec::new();
    let mut wrong = |text: String| found.push(format!("{place}: {text}"));
    if let Some(variants) = schema["oneOf"].as_array() {
        let fits = |one: &&Value| problems(all, one, value, place).is_empty();
        if variants.iter().filter(fits).count() != 1 {
            wrong(format!("{value} fits not exactly one variant"));
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| is(name, value)) {
        wrong(format!("{value} is not {types:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        wrong(format!("{value} is not {}", schema["const"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|words| !words.contains(value))
    {
        wrong(format!("{value} is none of {}", schema["enum"]));
    }
    let number = value.as_f64().unwrap_or_default();
    let below = schema["minimum"]
        .as_f64()
        .is_some_and(|least| number < least);
    let above = schema["maximum"].as_f64().is_some_and(|most| number > most);
    if below || above {
        wrong(format!("{value} is out of range"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(problems(
            all,
            &schema["items"],
            item,
            &format!("{place}[{index}]"),
        ));
    }
    found.extend(members(all, schema, value, place));
    found
}

fn members(all: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Some(object) = value.as_object() else {
        return found;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            found.push(format!("{place}: {name} is missing"));
        }
    }
    for (name, member) in object {
        let place = format!("{place}.{name}");
        let other = &schema["additionalProperties"];
        match schema["properties"].get(name) {
            Some(known) => found.extend(problems(all, known, member, &place)),
            None if other == &Value::Bool(false) => found.push(format!("{place}: unknown")),
            None => found.extend(problems(all, other, member, &place)),
        }
    }
    found
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("the schema uses a type \"{other}\""),
    }
}

#[track_caller]
fn obeys(summary: &Value) {
    let text = std::fs::read_to_string(root().join("docs/summary.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let found = problems(&schema, &schema, summary, "summary");
    assert!(found.is_empty(), "{found:#?}\n{summary:#}");
}

#[test]
fn the_summary_of_a_full_run_obeys_the_schema() {
    let server = Server::start(Behaviour::Ok);
    let done = Rchaos::script(&format!(
        "local size = metrics.trend('size', {{ unit = 'items' }})
        local level = metrics.gauge('level')
        local paid = metrics.counter('paid')
        local good = metrics.rate('good')
        options {{ thresholds = {{
            http_req_duration = {{ 'p(95) < 10s', {{ 'p(95) < 10s', window = '1s' }} }},
            ['http_reqs{{scenario:a}}'] = 'count > 1', grpc_never = nil, size = 'max < 1',
        }} }}
        setup(function() end) teardown(function() end)
        scenario('a', {{ vus = 2, iterations = 6 }}, function(vu)
            check(http.get('{url}/a'), {{ up = function(r) return r.status == 200 end, odd = vu.iteration % 2 == 1 }})
            size:add(vu.iteration) level:add(-1.5) paid:add(1) good:add(true)
            if vu.iteration == 2 then error('now and then') end
        end)
        scenario('b', {{ rate = '20/s', duration = '300ms', max_vus = 1 }}, function() sleep('200ms') end)
        scenario('c', {{ vus = 1, duration = '100ms', graceful_stop = '0s' }}, function() sleep('9s') end)",
        url = server.url()
    ))
    .run()
    .exits(5);
    obeys(&done.summary);
    for metric in [
        "http_reqs",
        "http_req_duration",
        "http_req_waiting",
        "http_req_failed",
        "http_req_connecting",
        "http_req_sending",
        "http_req_receiving",
        "http_req_blocked",
        "http_req_dns",
        "http_req_total",
        "checks",
        "iterations",
        "iteration_duration",
        "iteration_errors",
        "iteration_lag",
        "dropped_iterations",
        "data_sent",
        "data_received",
        "vus",
        "vus_max",
        "size",
        "level",
        "paid",
        "good",
    ] {
        assert!(
            done.values(metric).is_object(),
            "no {metric}: {:#}",
            done.summary["metrics"]
        );
    }
    assert_eq!(done.count("http_reqs"), 6.0);
    assert_eq!(done.values("level")["min"], -1.5);
    let script = done.summary["script"].as_str().unwrap();
    assert!(script.ends_with("script.lua"), "{script}");
}

#[test]
fn summaries_of_other_ends_obey_the_schema() {
    for script in [
        "",
        "expect(false, 'no')",
        "scenario('s', { vus = 1 }, function() end)",
        "setup(function() error('no') end) scenario('s', { vus = 1 }, function() end)",
        "scenario('s', { vus = 1 }, function() pcall(sleep, 5) end)",
        "summary(function() error('no') end) scenario('s', { vus = 1 }, function() end)",
        "options { thresholds = { checks = 'rate > 1%' } } scenario('s', { vus = 1 }, function() end)",
    ] {
        let done = Rchaos::script(script).run();
        if !done.summary.is_null() {
            obeys(&done.summary);
            assert_eq!(
                done.summary["exit_code"],
                done.status.code().unwrap(),
                "{script}"
            );
        }
    }
}
