-- At which rate does it break? The rate is doubled until p95 or errors are beyond what is borne, then the gap is halved.
-- The stand-in is a shop that serves four queries at once, 20 ms each; its breaking point is near 200 a second.
-- --env AT_LEAST=100 is what it must bear.
-- flags: --time-scale 0.05

local shop
setup(function()
    shop = env("BASE_URL") or demo.shop { store_delay = "20ms", cache_ttl = "1ms", bulkhead = { concurrent = 4, queue = 8 } }.url
end)

experiment("breaking point", function(x)
    x:steady_state("it answers", { settle = "10s" }, function(probe) probe:http("health", shop .. "/health", { within = "5s" }) end)
    local borne, broken = trial.search({ from = 25, to = tonumber(env("TO", 400)), precision = 0.3 }, function(rate)
        local figures = trial.burst({ rate = rate, duration = "40s" }, function(number)
            return http.get(`{shop}/items/{number % 100 + 1}`, { timeout = "5s" })
        end)
        return figures.errors < 0.01 and figures.p95 < 2000
    end)
    log.info("breaking point", { borne = math.floor(borne), broken = broken and math.floor(broken) or "not found" })
    x:expect("it bears what it must", function() return borne >= tonumber(env("AT_LEAST", 25)) end, `it bears {math.floor(borne)} a second`)
    x:expect("the breaking point is found", function() return broken ~= nil end)
end)
