//! Remote write into Debian's Prometheus, and into nobody.

use crate::prometheus::receiver;
use crate::support::reserved::Refusing;
use crate::support::{Behaviour, Rchaos, Server, gate};

use super::{curve, load};

#[test]
fn prometheus_has_what_the_summary_says() {
    if !gate::met("prometheus", "prometheus_has_what_the_summary_says") {
        return;
    }
    let prometheus = receiver();
    let server = Server::start(Behaviour::Ok);
    let done = Rchaos::script(&load(&server.url()))
        .args([
            "--out".to_owned(),
            format!("prometheus={}", prometheus.url()),
        ])
        .run()
        .exits(5);
    let count = done.count("http_reqs");
    let failed = done.values("checks")["fails"].as_f64().unwrap();
    Rchaos::script(&format!(
        "local function is(query, expected)
            local value = prometheus.scalar('last_over_time(' .. query .. '[5m])')
            expect(value == expected, query .. ' is ' .. tostring(value) .. ', not ' .. expected)
        end
        is('rchaos_http_reqs_total', {count})
        is('rchaos_http_req_duration_seconds_count', {count})
        is('rchaos_http_req_duration_seconds_bucket{{le=\"+Inf\"}}', {count})
        is('rchaos_checks_total{{value=\"false\",check=\"odd\"}}', {failed})
        local series = prometheus.series('rchaos_http_reqs_total')
        expect(#series == 1 and series[1].name == 'a, \"quoted\"' and series[1].scenario == 'browse', 'labels')"
    ))
    .env("PROMETHEUS_URL", prometheus.url())
    .run()
    .exits(0);
}

#[test]
fn a_receiver_that_is_not_there_is_told_and_changes_no_verdict() {
    let nobody = Refusing::new();
    let url = nobody.url().replace("http://", "http://me:secret@");
    let done = Rchaos::script(
        "scenario('s', { vus = 1, duration = '1500ms' }, function() sleep('50ms') end)",
    )
    .args(["--out".to_owned(), format!("prometheus={url}")])
    .run()
    .exits(0)
    .says("seconds are missing: Connection refused");
    assert!(!done.all().contains("secret"), "{}", done.all());
}

#[test]
fn a_token_and_headers_come_from_the_environment_and_stay_out_of_the_log() {
    let server = Server::start(Behaviour::Ok);
    let run = |token: &str, headers: &str, place: String| {
        Rchaos::script(
            "scenario('s', { vus = 1, duration = '1500ms' }, function() sleep('50ms') end)",
        )
        .args([
            "-v".to_owned(),
            "--out".to_owned(),
            format!("prometheus={place}"),
        ])
        .env("RCHAOS_PROMETHEUS_TOKEN", token)
        .env("RCHAOS_PROMETHEUS_HEADERS", headers)
        .run()
    };
    let done = run(
        "s3cret",
        "X-Scope-OrgID: team-a\nx-other: b: c",
        server.url(),
    )
    .exits(0);
    let heads = server.heads().join("\n").to_lowercase();
    assert!(heads.contains("post /api/v1/write"), "{heads}");
    assert!(
        heads.contains("authorization: bearer s3cret\r\n"),
        "{heads}"
    );
    assert!(heads.contains("x-scope-orgid: team-a\r\n"), "{heads}");
    assert!(heads.contains("x-other: b: c\r\n"), "{heads}");
    assert!(!done.all().contains("s3cret"), "{}", done.all());
    for (token, headers, place, text) in [
        (
            "s3\ncret",
            "",
            server.url(),
            "RCHAOS_PROMETHEUS_TOKEN has characters that no header can have",
        ),
        (
            "",
            "s3cret",
            server.url(),
            "RCHAOS_PROMETHEUS_HEADERS: line 1 is no header; write Name: value",
        ),
        (
            "s3cret",
            "",
            server.url().replace("http://", "http://me:pw@"),
            "credentials in the URL and RCHAOS_PROMETHEUS_TOKEN",
        ),
    ] {
        let done = run(token, headers, place).exits(2).says(text);
        assert!(!done.all().contains("s3"), "{}", done.all());
    }
}

#[test]
fn watched_queries_are_gauges_on_the_curves() {
    if !gate::met("prometheus", "watched_queries_are_gauges_on_the_curves") {
        return;
    }
    let prometheus = receiver();
    let done = Rchaos::script(
        "setup(function()
            prometheus.watch { queries = { seven = 'vector(7)', broken = 'sum(' }, every = '200ms' }
        end)
        scenario('s', { vus = 1, duration = '2500ms' }, function() sleep('50ms') end)",
    )
    .env("PROMETHEUS_URL", prometheus.url())
    .run()
    .exits(0)
    .says("prometheus.watch: broken: ");
    assert_eq!(done.values("seven")["value"], 7.0);
    let curve = curve(&done, "seven", "value");
    assert!(
        curve.iter().filter(|value| **value == 7.0).count() >= 2,
        "{curve:?}"
    );
    assert!(done.summary["metrics"]["broken"].is_null());
}
