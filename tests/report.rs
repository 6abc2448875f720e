//! The report as a browser shows it: its own numbers are the summary's.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Behaviour, Finished, Rchaos, Server, gate};

const SCRIPT: &str = "
    options { thresholds = { http_req_duration = 'p(95) < 5s', http_reqs = 'count > 1000000' } }
    scenario('browse', { rate = '30/s', duration = '2500ms', max_vus = 5 }, function(vu)
        check(http.get(env('URL') .. '/a'), { ['odd </script>'] = vu.iteration % 2 == 1 })
    end)";

/// What headless Chromium makes of a page: the DOM after its scripts ran.
fn dom(page: &Path) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--hide-scrollbars",
            "--window-size=1100,2400",
            "--virtual-time-budget=2000",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!(
            "--screenshot={}",
            page.with_extension("png").display()
        ))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The text of the first element after a mark.
fn after<'a>(page: &'a str, mark: &str) -> &'a str {
    let start = page
        .find(mark)
        .unwrap_or_else(|| panic!("no {mark} in\n{page}"))
        + mark.len();
    let text = &page[start..];
    text[..text.find('<').unwrap()].trim()
}

/// The cells of a table's row.
fn row<'a>(page: &'a str, section: &str, name: &str) -> Vec<&'a str> {
    let from = page.find(&format!("id=\"{section}\"")).unwrap();
    let page = &page[from..];
    let start = page.find(&format!("data-row=\"{name}\"")).unwrap();
    let row = &page[start..start + page[start..].find("</tr>").unwrap()];
    let cell = |cell: &'a str| cell.split('>').nth(1).unwrap().split('<').next().unwrap();
    row.split("<td").skip(1).map(cell).collect()
}

fn run() -> (Finished, String) {
    let server = Server::start(Behaviour::Ok);
    let done = Rchaos::script(SCRIPT)
        .env("URL", server.url())
        .args(["--report", "report.html"])
        .run()
        .exits(5);
    let page = done.left("report.html");
    (done, page)
}

#[test]
fn a_browser_shows_the_numbers_of_the_summary() {
    if !gate::met("chromium", "a_browser_shows_the_numbers_of_the_summary") {
        return;
    }
    let (done, page) = run();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    fs::write(&path, page).unwrap();
    let page = dom(&path);
    assert_eq!(
        after(&page, "id=\"verdict\"><span class=\"badge bad\">"),
        "failed"
    );
    let requests = done.count("http_reqs");
    assert_eq!(
        after(&page, "data-card=\"count\"><b>"),
        format!("{requests}")
    );
    let trend = row(&page, "metrics", "http_req_duration");
    assert_eq!(trend[1], format!("{requests}"));
    let p95 = done.values("http_req_duration")["p95"].as_f64().unwrap();
    for shown in [trend[6], after(&page, "data-card=\"p95\"><b>")] {
        let shown = millis(shown);
        assert!((shown / p95 - 1.0).abs() < 0.01, "{shown} {p95}");
    }
    let checks = row(&page, "checks", "odd &lt;/script&gt;");
    let tally = &done.summary["checks"][0];
    assert_eq!(checks[2], tally["passes"].to_string());
    assert_eq!(checks[3], tally["fails"].to_string());
    assert!(row(&page, "thresholds", "http_reqs")[3].starts_with(&format!("{requests}")));

    // The curve has a point for each second with samples, and the page carries the data it draws.
    let curves = page
        .split("<path class=\"curve\" style=\"stroke:var(--mid)\" d=\"")
        .skip(1);
    let drawn = curves.map(|curve| curve.split('"').next().unwrap().matches(['M', 'L']).count());
    let lone = page.matches("r=\"2.5\" style=\"fill:var(--mid)\"").count();
    let series = done.summary["series"]["columns"].as_array().unwrap();
    let p95 = series
        .iter()
        .find(|one| one["metric"] == "http_req_duration" && one["stat"] == "p(95)");
    let values = p95.unwrap()["values"].as_array().unwrap();
    let sampled = values.iter().filter(|value| !value.is_null()).count();
    assert_eq!(drawn.sum::<usize>() + lone, sampled);
    let start = page.find("id=\"summary\">").unwrap() + "id=\"summary\">".len();
    let json = &page[start..start + page[start..].find("</script>").unwrap()];
    let embedded: Value = serde_json::from_str(json).unwrap();
    assert_eq!(embedded, done.summary);
    let picture = fs::read(path.with_extension("png")).unwrap();
    assert!(picture.len() > 20_000, "{} bytes", picture.len());
}

/// `3.2ms` as 3.2.
fn millis(text: &str) -> f64 {
    let at = text.find(|c: char| c.is_alphabetic() || c == 'µ').unwrap();
    let number: f64 = text[..at].parse().unwrap();
    match &text[at..] {
        "ns" => number / 1e6,
        "µs" => number / 1e3,
        "ms" => number,
        "s" => number * 1e3,
        other => panic!("{other}"),
    }
}

#[test]
fn a_page_can_be_made_of_a_summary_later() {
    let (done, page) = run();
    let again = Rchaos::new(["report", "result.json", "-o", "again.html"])
        .file("result.json", done.summary.to_string())
        .run()
        .exits(0)
        .left("again.html");
    // What is shown; the JSON beside it may differ in the last digit of a number.
    let shown = |page: &str| page.split("id=\"summary\"").next().unwrap().to_owned();
    assert!(shown(&again) == shown(&page), "the pages differ");
    let text = Rchaos::new(["report", "result.json", "-o", "again.md"])
        .file("result.json", done.summary.to_string())
        .run()
        .exits(0)
        .left("again.md");
    assert!(text.starts_with("# script.lua: failed\n"), "{text}");
    Rchaos::new(["report", "result.json"])
        .file("result.json", "{}")
        .run()
        .exits(2)
        .says("\"result.json\": not a summary");
    Rchaos::script("")
        .args(["--report", "a.pdf"])
        .run()
        .exits(2)
        .says("\"a.pdf\" does not say what to write; end it in .html or .md")
        .took_less_than(Duration::from_secs(5));
}
