-- cascade: one component is overloaded, 1000 a second in the plan. Its circuit breaker must open within 30 s, and the
-- rest stay healthy. --env BREAKER=off is a shop without one.
-- flags: --time-scale 0.02

local standins = require("../lib/standins")
local port = standins.ports(22200)
local store, shop, rest, RATE

setup(function()
    RATE = tonumber(env("RATE", 100))
    local on = env("BREAKER") ~= "off"
    -- A store so slow that its clients give up, once they are many.
    local behind = demo.shop { listen = `127.0.0.1:{port}`, store_delay = "20ms" }
    store = netfault.proxy { name = "component", upstream = behind.store_address }
    shop = demo.shop {
        listen = `127.0.0.1:{port + 1}`, store = store.listen, cache_ttl = "1ms", upstream_timeout = "200ms",
        breaker = on and { failures = 5, open = "1s" } or nil, bulkhead = { concurrent = 8, queue = 16 },
    }
    rest = demo.shop { listen = `127.0.0.1:{port + 2}` }
end)

experiment("cascade: an overloaded component", function(x)
    x:steady_state("all is well", { settle = "10s" }, function(probe)
        probe:http("the rest", rest.url .. "/items/1", { within = "2s" })
        probe:http("the shop itself", shop.url .. "/status/200", { within = "2s" })
        probe:fn("the component", function() return http.get(shop.url .. "/items/1", { timeout = "2s" }).ok end, { within = "3s" })
    end)
    local breaker = resilience.breaker { metrics = shop.url .. "/metrics" }
    x:step("overloaded", function(s)
        -- What 1000 a second do to it, whatever this machine can send: answers later than anybody waits.
        s:inject(store:latency { delay = "1s" }, { name = "overload" })
        local seen = resilience.tally()
        local opened
        parallel {
            function()
                trial.burst({ rate = RATE, duration = "150s" }, function(number)
                    return seen:add(http.get(`{shop.url}/items/{number % 100 + 1}`, { timeout = "5s" }))
                end)
            end,
            function() opened = breaker:wait("open", { within = env("WITHIN", "30s") }) end,
        }
        log.info("breaker", { opened_after_ms = math.floor(opened), refused = seen.refused })
        s:expect("refusals say when to come back", function() return seen.refused > 0 and seen.unhinted == 0 end)
        s:expect("nobody waits for what is lost", function() return http.get(shop.url .. "/items/5", { timeout = "5s" }).duration < 1000 end)
        s:expect("the rest is healthy", function() return http.get(rest.url .. "/items/1").ok end)
        s:expect("what does not need it is healthy", function() return http.get(shop.url .. "/status/200").ok end)
    end)
    x:recovers { within = "30s", stable_for = "20s" }
    breaker:wait("closed", { within = "30s", meanwhile = function() http.get(shop.url .. "/items/1") end })
end)
