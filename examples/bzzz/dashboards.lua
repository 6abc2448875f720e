-- TC-19: does every panel load, over all ranges, and are annotations there? Each query of the dashboard is asked of
-- Prometheus. With --env GRAFANA=http://… --env UID=… the dashboard is Grafana's own; drilling down needs a browser, and
-- is not looked at. --env DASHBOARD=broken.json takes another file.
-- needs: etcd, prometheus

local standins = require("../lib/standins")
local port = standins.ports(21300)
local server

setup(function()
    if env("PROMETHEUS_URL") then
        server = prometheus.connect {}
        return
    end
    local cluster = standins.etcd { port = port }
    local shop = demo.shop { listen = `127.0.0.1:{port + 40}` }
    server = standins.prometheus { port = port, scrape = { etcd = { string.match(cluster.members[1], "//(.*)") }, shop = { shop.address } } }
    for number = 1, 10 do http.get(`{shop.url}/items/{number}`) end
    eventually("there are some points", function() return #server:vector("rate(http_requests_total[1m])") > 0 end, { within = "20s" })
end)

local dashboard = not env("GRAFANA") and data.json(env("DASHBOARD", "dashboard.json"))

experiment("TC-19 every panel loads", function(x)
    x:steady_state("Prometheus answers", { settle = "10s" }, function(probe) probe:fn("up", function() return #server:vector("up") > 0 end, { within = "5s" }) end)
    local seen = dashboards.check(server, dashboard or dashboards.fetch { url = env("GRAFANA"), uid = env("UID") }, {
        ranges = { "5m", "1h", "24h" }, may_be_empty = { "errors" },
    })
    log.info("dashboard", { panels = seen.panels, queries = seen.queries, annotations = seen.annotations })
    x:expect("no panel shows an error", function() return #seen.problems == 0 end, table.concat(seen.problems, "; "))
    x:expect("there are annotations", function() return seen.annotations > 0 end)
end)
