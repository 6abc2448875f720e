-- What if half of the connections to my dependency break? Half of those between a shop and its store are reset;
-- which ones follows from the seed, so that a run can be repeated.

local store

setup(function()
    local backend = demo.shop {}
    store = netfault.proxy { name = "store", upstream = backend.store_address }
    return { url = demo.shop { store = store.listen, cache_ttl = "1ms" }.url }
end)

scenario("visitors", { vus = 10, duration = "5m" }, function(vu, shop)
    http.get(shop.url .. "/items/" .. math.random(1, 100), { name = "item" })
    sleep("20ms")
end)

experiment("the shop survives resets of its store", function(x, shop)
    x:steady_state("visitors are served", function(probe)
        probe:http("the shop lives", shop.url .. "/health", { within = "2s" })
        probe:metric("few errors", "http_req_failed{scenario:visitors}", "rate < 5%", { window = "1s" })
    end)
    x:load("visitors")
    x:sleep("2s")

    x:step("half of the connections are reset", function(s)
        s:inject(store:reset_peer { toxicity = "50%" }, { name = "resets", must_hit = true })
        s:sleep("3s")
    end)

    -- The connections that were not reset are still there; those that were have been opened anew.
    x:recovers { within = "10s", stable_for = "1s" }
end)
