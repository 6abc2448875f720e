-- slow: a dependency answers late. The bulkhead must cap how many calls wait for it, and what does not need it must not
-- starve. --env BULKHEAD=off is a gateway that lets everybody wait.
-- flags: --time-scale 0.05

local standins = require("../lib/standins")
local port = standins.ports(24100)
local link, mesh

setup(function()
    local agent = demo.shop { listen = `127.0.0.1:{port}` }
    link = netfault.proxy { name = "dependency", upstream = agent.store_address }
    mesh = demo.shop {
        listen = `127.0.0.1:{port + 1}`, store = link.listen, cache_ttl = "1ms", upstream_timeout = "3s",
        bulkhead = env("BULKHEAD") ~= "off" and { concurrent = 5, queue = 5 } or nil,
    }
end)

experiment("slow: a dependency answers late", function(x)
    x:steady_state("the mesh serves", { settle = "10s" }, function(probe)
        probe:fn("an item", function() return http.get(mesh.url .. "/items/1", { timeout = "2s" }).ok end, { within = "3s" })
    end)
    x:step("late", function(s)
        s:inject(link:latency { delay = "500ms" }, { name = "slow" })
        local seen, most = resilience.tally(), 0
        local going = true
        local aside = resilience.tally()
        parallel {
            function()
                trial.burst({ rate = 40, duration = "60s" }, function(number)
                    return seen:add(http.get(`{mesh.url}/items/{number % 100 + 1}`, { timeout = "5s" }))
                end)
                going = false
            end,
            function()
                while going do
                    local shown = prometheus.scrape(mesh.url .. "/metrics")
                    most = math.max(most, shown:value("bulkhead_in_use") or shown:value("http_requests_in_flight") or 0)
                    aside:add(http.get(mesh.url .. "/headers"))
                    sleep("1s")
                end
            end,
        }
        log.info("slow", { at_once = most, served = seen.ok, refused = seen.refused, p95_ms = math.floor(seen:p(95)) })
        s:expect("concurrency is capped", function() return most <= 5 end, `{most} at once`)
        s:expect("the others are refused with a hint", function() return seen.refused > 0 and seen.unhinted == 0 end)
        s:expect("nobody waits longer than the queue is long", function() return seen:p(95) < 3000 end)
        s:expect("what does not need it is not starved", function() return aside.ok == aside.total and aside:p(50) < 500 end)
    end)
    x:recovers { within = "20s", stable_for = "10s" }
end)
