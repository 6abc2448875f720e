-- outage: a service is killed. The breaker in front of it must open, retries be bounded, and refusals say when to come
-- back. --env BREAKER=off and --env RETRIES=9 are gateways that do not protect it.
-- flags: --time-scale 0.05

local standins = require("../lib/standins")
local port = standins.ports(24000)
local agent, mesh

setup(function()
    agent = demo.shop { listen = `127.0.0.1:{port}`, store_listen = `127.0.0.1:{port + 1}` }
    local link = `127.0.0.1:{port + 2}`
    mesh = demo.shop {
        listen = `127.0.0.1:{port + 3}`, store = link, cache_ttl = "1ms", retries = tonumber(env("RETRIES", 2)),
        breaker = env("BREAKER") ~= "off" and { failures = 30, open = "1s" } or nil,
    }
end)

experiment("outage: a service is killed", function(x)
    local link = netfault.proxy { name = "agent", listen = `127.0.0.1:{port + 2}`, upstream = agent.store_address }
    x:steady_state("the mesh serves", { settle = "10s" }, function(probe)
        probe:fn("an item", function() return http.get(mesh.url .. "/items/1", { timeout = "2s" }).ok end, { within = "3s" })
    end)
    local breaker = resilience.breaker { metrics = mesh.url .. "/metrics" }
    local function ask() return http.get(mesh.url .. "/items/" .. math.random(1, 100), { timeout = "5s" }) end

    x:step("retries are bounded", function(s)
        -- As long as the breaker is closed, each call may try three times and no more. The probe asks as well; so calls
        -- are those that the mesh has counted, and one more that may be under way.
        s:inject(link:down {}, { name = "killed" })
        local function counted()
            local shown, calls = prometheus.scrape(mesh.url .. "/metrics"), 0
            for _, one in shown:all("http_requests_total", { route = "/items/:id" }) do calls += one.value end
            return shown:value("store_retries_total") or 0, calls
        end
        local retries, calls = counted()
        for _ = 1, 3 do ask() end
        local more, further = counted()
        s:expect("at most two retries", function() return more - retries <= 2 * (further - calls + 1) end,
            `{more - retries} retries for {further - calls} calls`)
        local took = breaker:wait("open", { within = "10s", meanwhile = ask })
        local seen = resilience.tally()
        for _ = 1, 20 do seen:add(ask()) end
        log.info("breaker", { opened_after_ms = math.floor(took), refused = seen.refused })
        s:expect("503 while it is open", function() return seen.statuses[503] == 20 end)
        s:expect("with a hint when to retry", function() return seen.unhinted == 0 end)
        s:expect("refusals are quick", function() return seen:p(95) < 500 end)
        s:expect("health says so", function() return http.get(mesh.url .. "/health").status == 503 end)
        s:sleep("60s")
    end)
    breaker:wait("closed", { within = "20s", meanwhile = ask })
    x:recovers { within = "20s", stable_for = "10s" }
end)
