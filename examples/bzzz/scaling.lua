-- TC-16: is a service that is scaled from 1 to 6 as much faster, and no slower for each? Each instance is a demo shop
-- that serves four queries at once, behind nginx. --env SCALED=1 shows a scaling that brings nothing.
-- flags: --time-scale 0.05
-- needs: nginx

local standins = require("../lib/standins")
local port = standins.ports(21000)
local gateways = {}

local function instance(number)
    -- Nothing is cached, so that each request costs the store 50 ms.
    return demo.shop {
        listen = `127.0.0.1:{port + number}`, store_delay = "50ms", cache_ttl = "1ms", bulkhead = { concurrent = 2, queue = 2 },
    }.address
end

setup(function()
    local all = {}
    for number = 1, tonumber(env("SCALED", 6)) do all[number] = instance(number) end
    gateways.before = standins.nginx { port = port + 20, upstream = { all[1] } }
    gateways.after = standins.nginx { port = port + 30, upstream = all }
end)

-- One instance manages 40 a second; what it refuses is an error.
local function measure(url)
    local served = resilience.tally()
    local figures = trial.burst({ rate = 80, duration = "60s" }, function(number)
        local res = http.get(`{url}/items/{number % 100 + 1}`, { timeout = "5s" })
        return if res.ok then served:add(res) else res
    end)
    figures.served_p95 = served:p(95) or math.huge
    return figures
end

experiment("TC-16 scaled from 1 to 6", function(x)
    x:steady_state("both answer", { settle = "10s" }, function(probe)
        for name, url in gateways do probe:http(name, url .. "/health", { within = "5s" }) end
    end)
    local before, after = measure(gateways.before), measure(gateways.after)
    log.info("done per second", { before = math.floor(before.rate), after = math.floor(after.rate) })
    log.info("errors", { before = before.errors, after = after.errors })
    x:expect("throughput is up", function() return after.rate > before.rate * 1.3 end, `{before.rate} before, {after.rate} after`)
    x:expect("errors are not worse", function() return after.errors <= before.errors end)
    log.info("p95 in ms of what is served", { before = math.floor(before.served_p95), after = math.floor(after.served_p95) })
    -- Of what is served: one that is overloaded refuses quickly. Both run on one machine, one after the other: 250 ms may be its own.
    x:expect("latency is not worse", function() return after.served_p95 <= before.served_p95 + 250 end)
end)
