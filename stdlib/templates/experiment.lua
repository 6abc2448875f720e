-- An experiment: load on a system, a fault in a step, and how soon all is well again. Needs no root.
-- Against a system of your own: rchaos run FILE --env BASE_URL=http://127.0.0.1:8080

options { thresholds = {
    -- Judged over the whole run: so much of the error budget the fault may spend.
    http_req_failed = "rate < 60%",
} }

local gateway

-- Visitors go through the proxy that breaks on request. Without BASE_URL it stands before a demo shop.
setup(function()
    gateway = netfault.http_proxy { name = "gateway", upstream = env("BASE_URL") or demo.shop {}.url }
    return { url = gateway.url }
end)

scenario("visitors", { rate = "20/s", duration = "10m", max_vus = 50 }, function(vu, session)
    local items = http.get(session.url .. "/items", { name = "items" })
    check(items, { ["the page is there"] = items.status == 200 })
end)

experiment("the shop comes back after its gateway was broken", function(x, session)
    -- Checked before anything is broken, while it is, and after: without it nothing is injected.
    x:steady_state("visitors are served", function(probe)
        probe:http("items, fast", session.url .. "/items", { status = 200, within = "1s" })
        probe:metric("few errors", "http_req_failed{scenario:visitors}", "rate < 5%", { window = "2s" })
    end)

    x:load("visitors")
    x:sleep("3s")                                   -- what it is like before

    x:step("the gateway refuses half of all requests", function(s)
        s:inject(gateway:abort { status = 503, toxicity = "50%" }, { name = "bad gateway", must_hit = true })
        s:sleep("3s")
    end)                                            -- healed here, whatever happens in between

    x:recovers { within = "15s", stable_for = "2s" }
end)
