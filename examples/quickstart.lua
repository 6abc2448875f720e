-- What does a slow dependency do to my users, and how soon is all well again? The whole idea in 20 seconds:
-- load on a shop, latency in front of its store, healed, and a verdict. Needs no root and no Docker.

options { thresholds = {
    -- Judged over the whole run: so much of the error budget the fault may spend.
    ["http_req_failed{scenario:visitors}"] = "rate < 60%",
    dropped_iterations = "count < 50",
} }

local store

setup(function()
    local backend = demo.shop {}
    store = netfault.proxy { name = "store", upstream = backend.store_address }
    -- A shop whose store is behind the proxy. It waits a second for it, and has hardly a cache.
    return { url = demo.shop { store = store.listen, cache_ttl = "500ms" }.url }
end)

-- Visitors arrive at a rate, whether the shop keeps up or not.
scenario("visitors", { rate = "40/s", duration = "5m", max_vus = 200 }, function(vu, shop)
    local item = http.get(shop.url .. "/items/" .. math.random(1, 100), { name = "item" })
    check(item, {
        ["the item is there"] = item.status == 200,
        ["it has a price"] = function(r) return r:json("$.price_cents") > 0 end,
    })
end)

experiment("the shop comes back after its store was slow", function(x, shop)
    x:steady_state("visitors are served", function(probe)
        probe:http("an item, fast", shop.url .. "/items/1", { status = 200, within = "500ms" })
        probe:metric("few errors", "http_req_failed{scenario:visitors}", "rate < 5%", { window = "2s" })
    end)

    x:load("visitors")
    x:sleep("4s")                                   -- what it is like before

    x:step("the store answers 1.5 s later", function(s)
        s:inject(store:latency { delay = "1500ms", jitter = "100ms" }, { name = "slow store", must_hit = true })
        s:sleep("4s")
        s:expect("the shop says that it is overloaded, and does not hang", function()
            local item = http.get(shop.url .. "/items/1", { timeout = "3s" })
            return item.status == 503
        end)
    end)                                            -- healed here, whatever happens in between

    x:recovers { within = "15s", stable_for = "2s" }
    x:sleep("2s")                                   -- and after
end)
