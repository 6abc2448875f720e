//! `rchaos compare`: two results, a verdict and its exit code.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Finished, Rchaos};

const SCRIPT: &str = r#"
local cart = metrics.trend("cart_time", { unit = "time" })
scenario("s", { executor = "shared-iterations", vus = 1, iterations = 300 }, function()
    for n = 1, 10 do
        cart:add(tostring(n * SCALE) .. "ms")
        check(n, { ["holds"] = n > FAILS })
    end
end)
"#;

/// A summary of a run whose numbers the script decides.
fn recorded(folder: &Path, name: &str, scale: u32, fails: u32) -> Value {
    let text = SCRIPT
        .replace("SCALE", &scale.to_string())
        .replace("FAILS", &fails.to_string());
    let done = Rchaos::script(&text).run().exits(0);
    // What depends on how fast this machine is at the moment is left out.
    let mut summary = done.summary.clone();
    let metrics = summary["metrics"].as_object_mut().unwrap();
    metrics.retain(|name, _| name == "cart_time" || name == "checks");
    std::fs::write(folder.join(name), summary.to_string()).unwrap();
    summary
}

fn compare(folder: &Path, args: &[&str]) -> Finished {
    Rchaos::new(["compare"]).args(args).within(folder).run()
}

#[test]
fn worse_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    recorded(folder, "a.json", 10, 0);
    recorded(folder, "b.json", 20, 2);
    compare(folder, &["a.json", "b.json"])
        .exits(5)
        .prints("worse\n")
        .prints("cart_time")
        .prints("check holds")
        .prints("✗ worse");
    compare(folder, &["b.json", "a.json"])
        .exits(0)
        .prints("✓ better");
    compare(folder, &["a.json", "a.json"])
        .exits(0)
        .prints("✓ same");
    // The failing share went from nothing to something, which no tolerance covers.
    compare(folder, &["a.json", "b.json", "--tolerance", "100%"])
        .exits(5)
        .prints("check holds");
}

#[test]
fn json_has_every_reading() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    recorded(folder, "a.json", 10, 0);
    recorded(folder, "b.json", 20, 0);
    let done = compare(folder, &["a.json", "b.json", "--json"]).exits(5);
    let read: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(read["schema"], "rchaos-compare/1");
    assert_eq!(read["verdict"], "worse");
    let all = read["readings"].as_array().unwrap();
    let p50 = all.iter().find(|one| one["number"] == "p50").unwrap();
    assert_eq!(
        (&p50["kind"], &p50["name"]),
        (&json!("metric"), &json!("cart_time"))
    );
    assert_eq!(
        (&p50["unit"], &p50["effect"]),
        (&json!("ms"), &json!("worse"))
    );
    assert!(
        (p50["change"].as_f64().unwrap() - 1.0).abs() < 0.05,
        "{p50}"
    );
}

#[test]
fn what_is_no_summary_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut other = recorded(folder, "a.json", 1, 0);
    other["schema"] = json!("rchaos-summary/2");
    std::fs::write(folder.join("other.json"), other.to_string()).unwrap();
    std::fs::write(folder.join("text.json"), "hello").unwrap();
    for (file, message) in [
        ("missing.json", "error: cannot read \"missing.json\""),
        ("text.json", "error: \"text.json\": not a summary"),
        ("other.json", "its schema is \"rchaos-summary/2\""),
    ] {
        compare(folder, &["a.json", file]).exits(2).says(message);
        compare(folder, &[file, "a.json"]).exits(2).says(message);
    }
    compare(folder, &["a.json"]).exits(2);
    compare(folder, &["a.json", "a.json", "--tolerance", "10"])
        .exits(2)
        .says("%");
}
