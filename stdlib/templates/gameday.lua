-- A gameday: people are led through a fault, and every answer is in the result. At the terminal it asks; unattended:
-- rchaos run FILE --yes, or --answers FILE.json with { "Who leads?": "bo" }

gameday("the shop's gateway is broken", function(g)
    -- Yours behind BASE_URL, or a demo shop; visitors go through the proxy that breaks.
    local gateway = netfault.http_proxy { name = "gateway", upstream = env("BASE_URL") or demo.shop {}.url }

    g:phase("brief", function(p)
        local lead = p:choose("Who leads?", { "ana", "bo" })
        p:note(lead .. " leads; the gateway will refuse all requests, for five minutes at most")
        if not p:confirm("Is everybody watching the dashboards?") then fail("not today") end
    end)

    g:phase("break it", function(p)
        p:countdown("3s", "breaking the gateway")   -- the key s ends it all
        p:inject(gateway:abort { status = 503 }, { ttl = "5m", name = "bad gateway" })
        p:observe("what visitors see", function() return http.get(gateway.url .. "/items").status end)
        local took = p:wait_mark("the page arrived", { timeout = "5m" })
        p:score("time to page", took, { at_most = "2m" })
    end)                                            -- healed here

    g:phase("after", function(p)
        p:expect("visitors are served again", function() return http.get(gateway.url .. "/items").status == 200 end)
        p:action("alert on the gateway itself", { owner = "ana" })
    end)

    g:retro { "What went well?", "What surprised you?" }
end)
