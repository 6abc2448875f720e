-- needs: prometheus
-- stdout: steady state held before
-- stdout: detected after
-- Debian's Prometheus scrapes itself through a proxy; when the proxy is down, an alert fires, and that is the detection.
local CONFIG = [[
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs: [{job_name: self, static_configs: [{targets: ['%s']}]}]
]]
local RULES = [[groups: [{name: a, rules: [{alert: TargetGone, expr: up == 0}]}] ]]
local START = [[d=$(mktemp -d); printf '%s' "$1" > "$d/prometheus.yml"; printf '%s' "$2" > "$d/rules.yml"
    trap 'rm -rf "$d"' EXIT
    prometheus --config.file="$d/prometheus.yml" --storage.tsdb.path="$d/data" --web.listen-address=127.0.0.1:19273 & wait]]

local front

setup(function()
    front = netfault.proxy { name = "front", upstream = "127.0.0.1:19273" }
    process.spawn {
        cmd = { "sh", "-c", START, "sh", string.format(CONFIG, front.listen), RULES },
        name = "prometheus",
        ready = { http = "http://127.0.0.1:19273/-/ready", within = "30s" },
    }
    local server = prometheus.connect { url = "http://127.0.0.1:19273" }
    eventually("it is scraped", function() return server:scalar("sum(up)") == 1 end, { within = "30s" })
    return { url = "http://127.0.0.1:19273" }
end)

experiment("a query holds, and an alert detects", function(x, session)
    x:steady_state("it is scraped", function(probe)
        probe:promql("up", "sum(up)", { min = 1 }, { url = session.url, within = "5s" })
    end)
    x:alert("TargetGone", { url = session.url })
    x:step("the target is gone", function(s)
        s:inject(front:down(), { name = "gone" })
        s:eventually("the alert fires", function()
            return #prometheus.connect { url = session.url }:alerts { state = "firing" } == 1
        end, { within = "20s" })
    end)
    x:recovers { within = "30s", stable_for = "1s" }
end)
