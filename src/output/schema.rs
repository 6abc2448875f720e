//! Holds `docs/summary.schema.json` and the summary's types together.

use serde_json::{Value, json};

use super::sample::{chaos, sample};
use super::{EntryKind, EventKind, FaultOutcome, Summary, Tier, Verdict};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/summary.schema.json")).unwrap()
}

/// What is wrong with `value`, as far as the keywords that our schema uses can tell.
fn problems(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(path) = schema["$ref"].as_str() {
        let target = root.pointer(path.trim_start_matches('#')).unwrap();
        return problems(root, target, value, place);
    }
    let mut found = Vec::new();
    if let Some(variants) = schema["oneOf"].as_array() {
        let fits = |variant: &&Value| problems(root, variant, value, place).is_empty();
        if variants.iter().filter(fits).count() != 1 {
            found.push(format!("{place}: fits not exactly one variant"));
        }
    }
    let named = schema["type"].as_str().map(|name| vec![name]);
    let listed = schema["type"].as_array();
    let types = named.or_else(|| listed.map(|l| l.iter().filter_map(Value::as_str).collect()));
    if types.is_some_and(|types| !types.iter().any(|name| is(name, value))) {
        found.push(format!("{place}: {value} is not {}", schema["type"]));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{place}: {value} is not {}", schema["const"]));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{place}: {value} is none of {words:?}"));
    }
    let number = value.as_f64().unwrap_or_default();
    if schema["minimum"]
        .as_f64()
        .is_some_and(|least| number < least)
        || schema["maximum"].as_f64().is_some_and(|most| number > most)
    {
        found.push(format!("{place}: {value} is out of range"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(problems(
            root,
            &schema["items"],
            item,
            &format!("{place}[{index}]"),
        ));
    }
    found.extend(members(root, schema, value, place));
    found
}

fn members(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
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
            Some(known) => found.extend(problems(root, known, member, &place)),
            None if other == &Value::Bool(false) => found.push(format!("{place}: unknown")),
            None => found.extend(problems(root, other, member, &place)),
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

/// Every place of the schema that describes a value.
fn describe(schema: &Value, place: &str, missing: &mut Vec<String>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if !(inner["description"].is_string() || inner["$ref"].is_string()) {
            missing.push(format!("{place}/{name}"));
        }
        describe(inner, &format!("{place}/{name}"), missing);
    }
    for (name, inner) in schema["$defs"].as_object().into_iter().flatten() {
        describe(inner, &format!("{place}/{name}"), missing);
    }
    for inner in schema["oneOf"].as_array().into_iter().flatten() {
        describe(inner, place, missing);
    }
    if schema["items"].is_object() {
        describe(&schema["items"], &format!("{place}[]"), missing);
    }
}

#[test]
fn a_summary_obeys_its_schema() {
    for summary in [sample(), chaos()] {
        let (schema, summary) = (schema(), serde_json::to_value(summary).unwrap());
        let found = problems(&schema, &schema, &summary, "summary");
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn a_summary_is_read_back_whole() {
    for written in [sample(), chaos()] {
        let text = serde_json::to_string(&written).unwrap();
        let read: Summary = serde_json::from_str(&text).unwrap();
        assert_eq!(read, written);
    }
}

#[test]
fn the_schema_notices_what_is_wrong() {
    let schema = schema();
    let breaks: [(&str, Value); 11] = [
        ("/verdict", json!("splendid")),
        ("/exit_code", json!(8)),
        ("/seed", json!(1.5)),
        ("/thresholds/0/observed", json!("fast")),
        ("/metrics/http_reqs/type", json!("gauge")),
        ("/metrics/vus/values", json!({ "value": 1 })),
        (
            "/timeline/0",
            json!({ "at_ms": 0, "kind": "run", "text": "", "more": 1 }),
        ),
        ("/faults/0/tier", json!("luck")),
        ("/experiments/0/steady_state/before", json!({ "ok": true })),
        ("/experiments/0/verdict", json!("splendid")),
        ("/gamedays/0/entries/0/kind", json!("sing")),
    ];
    for (place, wrong) in breaks {
        let mut summary = serde_json::to_value(chaos()).unwrap();
        *summary.pointer_mut(place).unwrap() = wrong;
        assert!(
            !problems(&schema, &schema, &summary, "").is_empty(),
            "{place}"
        );
    }
}

#[test]
fn every_property_is_described() {
    let mut missing = Vec::new();
    describe(&schema(), "", &mut missing);
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn fields_keep_their_order() {
    let summary = serde_json::to_value(sample()).unwrap();
    let written: Vec<_> = summary.as_object().unwrap().keys().collect();
    let schema = schema();
    let documented: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(written, documented);
    let trend = &summary["metrics"]["http_req_duration"];
    assert_eq!(
        trend.to_string(),
        r#"{"type":"trend","unit":"ms","values":{"count":1000,"min":0.1,"avg":1.2,"med":1.0,"max":12000.0,"p90":2.0,"p95":3.2,"p99":5.0,"p999":9.0}}"#
    );
}

#[test]
fn words_are_the_same_everywhere() {
    for verdict in [
        Verdict::Passed,
        Verdict::Failed,
        Verdict::Aborted,
        Verdict::Error,
    ] {
        assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.word());
    }
    let kinds = [
        EventKind::Run,
        EventKind::Setup,
        EventKind::Scenario,
        EventKind::Threshold,
        EventKind::Warning,
        EventKind::Error,
        EventKind::Interrupt,
        EventKind::Teardown,
        EventKind::Experiment,
        EventKind::Step,
        EventKind::Probe,
        EventKind::Guard,
        EventKind::Fault,
        EventKind::Heal,
        EventKind::Gameday,
        EventKind::Phase,
        EventKind::Recover,
    ];
    for kind in kinds {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
    }
    let schema = schema();
    let documented = &schema["$defs"]["event"]["properties"]["kind"]["enum"];
    assert_eq!(&serde_json::to_value(kinds).unwrap(), documented);
}

/// The words that the schema lists at a place.
fn documented(place: &str) -> Vec<String> {
    let schema = schema();
    serde_json::from_value(schema.pointer(place).unwrap().clone()).unwrap()
}

#[test]
fn words_of_faults_and_gamedays_are_the_same_everywhere() {
    let tiers = [Tier::Kernel, Tier::Lease, Tier::Journal, Tier::Inline];
    let words: Vec<_> = tiers.iter().map(|tier| tier.word()).collect();
    assert_eq!(words, documented("/$defs/fault/properties/tier/enum"));
    assert_eq!(serde_json::to_value(tiers).unwrap(), json!(words));
    let outcomes = [
        FaultOutcome::Planned,
        FaultOutcome::Healed,
        FaultOutcome::NeverHit,
        FaultOutcome::Refused,
        FaultOutcome::DryRun,
        FaultOutcome::Drifted,
        FaultOutcome::Unhealed,
        FaultOutcome::Void,
    ];
    let words: Vec<_> = outcomes.iter().map(|outcome| outcome.word()).collect();
    assert_eq!(words, documented("/$defs/fault/properties/outcome/enum"));
    assert_eq!(serde_json::to_value(outcomes).unwrap(), json!(words));
    let entries = [
        EntryKind::Confirm,
        EntryKind::Choose,
        EntryKind::Ask,
        EntryKind::Note,
        EntryKind::Observe,
        EntryKind::Score,
        EntryKind::Countdown,
        EntryKind::Mark,
        EntryKind::Action,
        EntryKind::Retro,
    ];
    let words: Vec<_> = entries.iter().map(|entry| entry.word()).collect();
    let place = "/$defs/gameday/properties/entries/items/properties/kind/enum";
    assert_eq!(words, documented(place));
    assert_eq!(serde_json::to_value(entries).unwrap(), json!(words));
}
