-- matrix: a call fans out to all agents. The number at once must stay within the cap; queue depth, refusals, retries and
-- the breaker's opens and closes are what the service itself counts. --env CAP=off is a matrix without a cap.
-- flags: --time-scale 0.02

local standins = require("../lib/standins")
local CAP = 4
local mesh

setup(function()
    mesh = demo.shop {
        listen = `127.0.0.1:{standins.ports(24400)}`, store_delay = "20ms", cache_ttl = "1ms", retries = 1,
        bulkhead = env("CAP") ~= "off" and { concurrent = CAP, queue = 40 } or { concurrent = 64, queue = 400 },
        breaker = { failures = 20, open = "1s" },
    }
end)

experiment("matrix: fan-out within the cap", function(x)
    x:steady_state("the mesh serves", { settle = "10s" }, function(probe) probe:http("health", mesh.url .. "/health", { within = "3s" }) end)
    local most, deepest, going = 0, 0, true
    local seen = resilience.tally()
    parallel {
        function()
            trial.burst({ rate = 20, duration = "200s" }, function()
                local calls = {}
                for agent = 1, 4 do
                    calls[agent] = function() return seen:add(http.get(`{mesh.url}/items/{math.random(1, 100)}`, { timeout = "5s" })) end
                end
                for _, res in parallel(calls) do
                    if not res.ok then return false end
                end
                return true
            end)
            going = false
        end,
        function()
            while going do
                local shown = prometheus.scrape(mesh.url .. "/metrics")
                most, deepest = math.max(most, shown:value("bulkhead_in_use")), math.max(deepest, shown:value("bulkhead_waiting"))
                sleep("1s")
            end
        end,
    }
    local shown = prometheus.scrape(mesh.url .. "/metrics")
    local limit = shown:value("bulkhead_limit")
    log.info("matrix", {
        at_once = most, queue = deepest, p50_ms = math.floor(seen:p(50)), p95_ms = math.floor(seen:p(95)), refused = seen.refused,
        retries = shown:value("store_retries_total"), opened = shown:value("breaker_opened_total"), closed = shown:value("breaker_closed_total"),
    })
    x:expect("the cap is what was agreed", function() return limit <= CAP end, `up to {limit} at once`)
    x:expect("and it holds", function() return most <= CAP end)
    x:expect("errors below 0.5 %", function() return 1 - seen.ok / seen.total < 0.005 end)
    x:expect("the breaker stays closed", function() return shown:value("breaker_opened_total") == 0 end)
end)
