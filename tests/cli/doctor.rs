//! `rchaos doctor`: what can be injected here, by trying.

use serde_json::Value;

use crate::support::{Rchaos, gate};

fn faults(done: &str) -> Vec<Value> {
    let found: Value = serde_json::from_str(done).unwrap();
    assert_eq!(found["state"]["available"], true);
    found["faults"].as_array().unwrap().clone()
}

#[test]
fn every_kind_is_tried_and_says_what_is_missing() {
    let done = Rchaos::new(["doctor", "--json"]).run().exits(0);
    for fault in faults(&done.stdout) {
        let available = fault["available"].as_bool().unwrap();
        assert_eq!(available, fault["by"].is_string(), "{fault}");
        assert_eq!(available, fault["missing"].is_null(), "{fault}");
    }
    let text = Rchaos::new(["doctor"]).run().exits(0).stdout;
    assert!(text.starts_with("yes  state: journals in "), "{text}");
    assert!(text.contains("yes  process.pause"), "{text}");
}

#[test]
fn root_can_cut_packets_here() {
    if !gate::met("root", "root_can_cut_packets_here") {
        return;
    }
    let done = Rchaos::new(["doctor", "--json"]).run().exits(0);
    let all = faults(&done.stdout);
    for name in [
        "netfault.blackhole",
        "netfault.partition",
        "stress.disk_fill",
    ] {
        let fault = all.iter().find(|fault| fault["name"] == name).unwrap();
        assert_eq!(fault["available"], true, "{fault}");
    }
}
