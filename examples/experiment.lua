-- Does my system survive a fault, and how fast is it back? A steady state, a fault in a step, and the way back.

local shop = env("BASE_URL")

setup(function()
    return { url = shop or demo.shop {}.url }
end)

scenario("browse", { vus = 2, duration = "10m" }, function(_, session)
    -- Through the proxy that the experiment puts in front of the shop.
    http.get("http://" .. env("FRONT", "127.0.0.1:18931") .. "/items", { name = "items" })
    sleep("20ms", "40ms")
end)

experiment("shoppers notice a broken gateway, and it is over soon after", function(x, session)
    local front = netfault.http_proxy { name = "gateway", listen = env("FRONT", "127.0.0.1:18931"), upstream = session.url }

    x:steady_state("pages are served", function(probe)
        probe:http("items", front.url .. "/items", { json = { ["$.items"] = function(items) return #items > 0 end } })
        probe:metric("errors are rare", "http_req_failed{scenario:browse}", "rate < 5%", { window = "1s" })
    end)
    x:load("browse")
    x:sleep("1s") -- what is normal, to compare with

    x:step("every request is refused", function(s)
        s:inject(front:abort { status = 503, path = "/items" }, { name = "bad gateway" })
        s:eventually("shoppers see it", function()
            return http.get(front.url .. "/items").status == 503
        end, { within = "20s" })
        s:sleep("1s")
    end) -- healed here, whatever happened

    local took = x:recovers { within = "10s", stable_for = "1s" }
    log.info("recovered", { ms = took })
end)
