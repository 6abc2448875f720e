//! Prometheus itself, on loopback: what it answers, and alerts that fire and clear.

mod tls;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rchaos::demo::{Shop, ShopOptions};
use tempfile::TempDir;

use crate::support::{Behaviour, Rchaos, Server, gate, reserved::Refusing};

/// A demo shop and a Prometheus that scrapes it each second; both end with it.
struct Monitored {
    shop: Shop,
    server: Child,
    url: String,
    _folder: TempDir,
}

const RULES: &str = r#"
groups:
- name: shop
  rules:
  - record: shop:requests:total
    expr: sum(http_requests_total)
  - alert: ShopErrors
    expr: sum by (route) (increase(http_requests_total{status="500"}[4s])) > 0
    for: 1s
    labels: { severity: page }
    annotations: { summary: "the shop fails" }
  - alert: NobodyThere
    expr: absent(up{job="shop"})
    for: 1h
"#;

impl Monitored {
    fn start() -> Self {
        let shop = Shop::start(ShopOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let address = shop.address();
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
             rule_files: [rules.yml]\n\
             scrape_configs:\n\
             - {{ job_name: shop, static_configs: [{{ targets: [\"{address}\"] }}] }}\n\
             - {{ job_name: gone, static_configs: [{{ targets: [\"127.0.0.1:1\"] }}] }}\n"
        );
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        fs::write(folder.path().join("rules.yml"), RULES).unwrap();
        let mut server = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg("--web.listen-address=127.0.0.1:0")
            .current_dir(folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let url = listening(&mut server);
        Self {
            shop,
            server,
            url,
            _folder: folder,
        }
    }

    fn script(&self, text: &str) -> Rchaos {
        Rchaos::script(text)
            .env("PROMETHEUS_URL", &self.url)
            .env("SHOP", self.shop.url())
    }
}

impl Drop for Monitored {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A Prometheus that takes remote writes and scrapes nothing; it ends when dropped.
pub struct Receiver {
    server: Child,
    url: String,
    _folder: TempDir,
}

/// Starts one.
pub fn receiver() -> Receiver {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let mut server = Command::new("prometheus")
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
        .args([
            "--web.listen-address=127.0.0.1:0",
            "--web.enable-remote-write-receiver",
        ])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let url = listening(&mut server);
    Receiver {
        server,
        url,
        _folder: folder,
    }
}

impl Receiver {
    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Where it listens, from its own log; the rest of the log is read, so that it never blocks.
fn listening(server: &mut Child) -> String {
    let log = BufReader::new(server.stderr.take().unwrap());
    let (send, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut all = String::new();
        for line in log.lines().map_while(Result::ok) {
            let at = line.split_once("msg=\"Listening on\" address=");
            all.push_str(&line);
            all.push('\n');
            if let Some((_, address)) = at {
                let address = address.split_whitespace().next().unwrap_or_default();
                let _ = send.send(Ok(format!("http://{address}")));
            }
        }
        let _ = send.send(Err(all));
    });
    match heard.recv_timeout(Duration::from_secs(20)) {
        Ok(Ok(url)) => url,
        Ok(Err(log)) => panic!("prometheus ended:\n{log}"),
        Err(error) => panic!("prometheus does not listen: {error}"),
    }
}

const ASKS: &str = r#"
local shop = env("SHOP")
for _ = 1, 5 do http.get(shop .. "/items/1") end
eventually("the shop is scraped", function()
    return prometheus.scalar('up{job="shop"}') == 1 and prometheus.scalar("shop:requests:total")
end, { within = "15s", every = "200ms" })

local prom = prometheus.connect { timeout = "5s" }
expect(prom:scalar("1 + 1") == 2, "a scalar")
expect(prom:scalar("nothing_of_that_name") == nil, "nothing is nil")
local nan = prom:scalar("0 / 0")
expect(nan ~= nan and prom:scalar("1 / 0") == math.huge, "no numbers")
local at = now() - 3600 * 1000
expect(math.abs(prom:scalar("time()", { at = at }) * 1000 - at) < 2, "an hour ago")
expect(prom:scalar("time()", { at = "2020-01-01T00:00:00Z" }) == 1577836800, "a date")

local ups = prom:vector("up")
expect(#ups >= 1 and ups[1].labels.__name__ == "up", "labels")
expect(math.abs(ups[1].at - now()) < 60000, "milliseconds")
local _, several = pcall(prom.scalar, prom, "up or vector(2)")
expect(tostring(several):find("series", 1, true) and tostring(several):find("as in sum(up", 1, true), several)
local _, matrix = pcall(prom.scalar, prom, "up[5m]")
expect(tostring(matrix):find("gives ranges", 1, true), matrix)

local lines = prom:range("vector(7)", { last = "1m", step = "15s" })
expect(#lines == 1 and #lines[1].points == 5, "five points")
expect(lines[1].points[2].value == 7, "a point")
expect(math.abs(lines[1].points[2].at - lines[1].points[1].at - 15000) < 2, "15 s apart")

local _, parse = pcall(prom.scalar, prom, "sum(")
expect(tostring(parse):find("parse error", 1, true) and tostring(parse):find("bad_data", 1, true), parse)

local gone = eventually("a target is down", function() return prom:targets { state = "down" }[1] end)
expect(gone.job == "gone" and gone.instance == "127.0.0.1:1" and gone.last_error:find("refused"), "down")
expect(#prom:targets {} == 2 and #prom:targets { state = "dropped" } == 0, "targets")
expect(prom:targets({ state = "up" })[1].url == shop .. "/metrics", "up")

local rules = prom:rules {}
expect(#rules == 3 and rules[1].name == "shop:requests:total" and rules[1].group == "shop", "rules")
local alerting = prom:rules { type = "alert" }
expect(#alerting == 2 and alerting[1].hold == 1000 and alerting[1].labels.severity == "page", "hold")
expect(table.find(prom:labels(), "route"), "labels")
expect(table.find(prom:label_values("job"), "shop"), "values of a label")
local series = prom:series { 'http_requests_total{route="/items/:id"}', "nothing" }
expect(#series == 1 and series[1].status == "200", "series")
expect(prom:series("up{job='shop'}")[1].job == "shop", "one selector")

-- The server and the target agree, since nothing is being counted any more.
local own = prometheus.scrape(shop)
local p95 = own:quantile(0.95, "http_request_duration_seconds", { route = "/items/:id" })
eventually("both give the same quantile", function()
    local query = 'histogram_quantile(0.95, http_request_duration_seconds_bucket{route="/items/:id"})'
    return math.abs(prom:scalar(query) - p95) < 1e-9
end)
expect(own:value("http_requests_total", { route = "/items/:id" }) == 5, "a value")
"#;

const ALERTS: &str = r#"
local shop, started = env("SHOP"), now()
http.get(shop .. "/status/500") -- so that the counter is there before it grows
eventually("the counter is scraped", function()
    return prometheus.scalar('sum(http_requests_total{status="500"})')
end, { within = "15s", every = "200ms" })
prometheus.wait_clear("ShopErrors", { within = "15s", every = "100ms" })
expect(#prometheus.alerts { labels = { alertname = "ShopErrors" } } == 0, "quiet")

local failing = true
spawn(function()
    while failing do
        http.get(shop .. "/status/500")
        sleep("200ms")
    end
end)
local fired = prometheus.wait_alert("ShopErrors", {
    within = "15s", every = "100ms", labels = { severity = "page", route = "/status/:code" },
})
expect(fired.state == "firing" and fired.annotations.summary == "the shop fails", "fired")
expect(fired.value > 0 and fired.active_at:sub(1, 2) == "20", "since when")
expect(#prometheus.alerts { state = "firing" } == 1, "listed")
expect(#prometheus.alerts { state = "pending" } == 0, "nothing else")
local ok, early = pcall(prometheus.wait_clear, "ShopErrors", { within = "200ms", every = "50ms" })
expect(not ok and tostring(early):find('"ShopErrors" is not clear within 200ms: it is firing', 1, true), early)

failing = false
prometheus.wait_clear("ShopErrors", { within = "15s", every = "100ms" })
expect(prometheus.scalar('ALERTS{alertname="ShopErrors"}') == nil, "gone")
log.info("@ took " .. (now() - started))
-- What does not happen fails the script.
prometheus.wait_alert("NobodyThere", { within = "300ms", every = "100ms" })
"#;

#[test]
fn a_server_answers_every_question() {
    let test = "prometheus::a_server_answers_every_question";
    if !gate::met("prometheus", test) {
        return;
    }
    let all = Monitored::start();
    all.script(ASKS)
        .timeout(Duration::from_secs(40))
        .run()
        .exits(0);
}

#[test]
fn an_alert_fires_and_clears() {
    let test = "prometheus::an_alert_fires_and_clears";
    if !gate::met("prometheus", test) {
        return;
    }
    let all = Monitored::start();
    all.script(ALERTS)
        .timeout(Duration::from_secs(50))
        .run()
        .exits(5)
        .says("the alert \"NobodyThere\" is not firing within 300ms: it is inactive");
}

/// What a script is told by a server that is none; `pcall` catches it.
fn told(url: &str, call: &str) -> String {
    let script = format!(
        "local prom = prometheus.connect {{ url = \"{url}\", timeout = \"500ms\" }}\n\
         local ok, problem = pcall(function() return {call} end)\n\
         log.info(\"@ \" .. tostring(ok) .. \" \" .. tostring(problem))"
    );
    let finished = Rchaos::script(&script).run().exits(0);
    finished.marks().join("\n")
}

#[test]
fn a_server_that_is_none_is_told() {
    let scalar = "prom:scalar('up')";
    for (behaviour, wanted) in [
        (Behaviour::Status(401), "/\" answered 401"),
        (Behaviour::Ok, "does not answer as Prometheus does: no JSON"),
        (Behaviour::Body(b"{}".to_vec()), "no `status` in the answer"),
        (Behaviour::Hang, "within 500ms"),
        (Behaviour::CloseAtAccept, "cannot reach"),
        (Behaviour::CloseMidBody, "cannot reach"),
        (Behaviour::Garbage, "cannot reach"),
        (
            Behaviour::Body(
                br#"{"status":"error","errorType":"execution","error":"too many samples"}"#
                    .to_vec(),
            ),
            "Prometheus says: too many samples (execution)",
        ),
    ] {
        let shown = format!("{behaviour:?}");
        let server = Server::start(behaviour);
        let text = told(&server.url(), scalar);
        let good = text.starts_with("false ") && text.contains(wanted);
        assert!(good, "{shown}: {text}");
        assert_eq!(
            server.paths()[..],
            ["/api/v1/query"][..server.paths().len()]
        );
    }
    let nobody = Refusing::new();
    let text = told(&nobody.url(), scalar);
    assert!(text.contains("refused"), "{text}");
}

#[test]
fn a_wait_survives_a_server_that_is_gone() {
    let nobody = Refusing::new();
    let text = told(
        &nobody.url(),
        "prom:wait_clear('X', { within = '300ms', every = '100ms' })",
    );
    let wanted = "prometheus.wait_clear: the alert \"X\" is not clear within 300ms: cannot reach";
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn a_wait_ends_with_its_scenario() {
    let nobody = Refusing::new();
    let script = format!(
        "scenario('w', {{ vus = 1, duration = '300ms', graceful_stop = '0s' }}, function()\n\
         prometheus.connect({{ url = '{}' }}):wait_alert('X', {{ within = '1h' }})\nend)",
        nobody.url()
    );
    let finished = Rchaos::script(&script).run().exits(0);
    finished.took_less_than(Duration::from_secs(10));
}

#[test]
fn a_path_and_credentials_in_the_url_are_used() {
    let answer = br#"{"status":"success","data":{"resultType":"scalar","result":[1,"42"]}}"#;
    let server = Server::start(Behaviour::Body(answer.to_vec()));
    let url = server.url().replace("http://", "http://me:secret@") + "/prom/";
    assert_eq!(told(&url, "prom:scalar('x')"), "true 42");
    assert_eq!(server.paths(), ["/prom/api/v1/query"]);
}
