-- flags: --answers data/gameday.json
-- How do I lead people through a fault? Without --answers and --yes it asks at the terminal.

gameday("the shop's gateway is broken", function(g)
    local shop = env("BASE_URL") or demo.shop {}.url
    local gateway = netfault.http_proxy { name = "gateway", upstream = shop }

    g:phase("brief", function(p)
        local lead = p:choose("Who leads?", { "ana", "bo" })
        p:note(lead .. " leads; the plan is to break the gateway for a minute")
        if not p:confirm("Is everybody watching?", { timeout = "5m" }) then
            fail("not today")
        end
    end)

    g:phase("break it", function(p)
        p:countdown("1s", "breaking the gateway") -- the key s ends it all
        p:inject(gateway:abort { status = 503 }, { ttl = "1m", name = "bad gateway" })
        p:observe("what shoppers see", function() return http.get(gateway.url .. "/items").status end)
        local took = p:wait_mark("the page arrived", { timeout = "5m" })
        p:score("time to page", took, { at_most = "2m" })
    end) -- healed here

    g:phase("after", function(p)
        p:expect("the shop is back", function() return http.get(gateway.url .. "/items").status == 200 end)
        p:action("alert on the gateway itself", { owner = "ana" })
    end)

    g:retro { "What went well?" }
end)
