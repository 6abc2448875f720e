-- needs: root, netns
-- A partition: does the shop answer when its store is cut off, and is all well soon after the cut? Packets need root: run
-- it as root, or with --agent local="sudo rchaos agent". First see what would be touched: rchaos plan FILE

-- Yours: the page that visitors see, and the port of what is cut off. Without them a demo shop and its store.
local PAGE = env("PAGE_URL")
local PORT = env("CUT_PORT")

setup(function()
    if PAGE and PORT then return { page = PAGE, port = tonumber(PORT) } end
    -- A shop that hardly has a cache, and waits a second for its store.
    local shop = demo.shop { cache_ttl = "500ms" }
    return { page = shop.url .. "/items/1", port = tonumber(shop.store_address:match(":(%d+)$")) }
end)

scenario("visitors", { rate = "10/s", duration = "10m", max_vus = 100 }, function(vu, session)
    http.get(session.page, { name = "page", timeout = "5s" })
end)

experiment("visitors are told at once when the store is cut off", function(x, session)
    x:steady_state("the page is served", function(probe)
        probe:http("the page, fast", session.page, { status = 200, within = "500ms" })
    end)

    x:load("visitors")
    x:sleep("2s")

    x:step("cut the store off", function(s)
        -- Between hosts, namespaces or containers it is netfault.partition { { a }, { b } }, both ways at once.
        local cut = netfault.blackhole(netfault.host(), { port = session.port, protocol = "tcp" })
        s:inject(cut, { ttl = "30s", name = "no store", must_hit = true })
        s:sleep("3s")
        s:expect("an answer within three seconds, not a hang", function()
            return http.get(session.page, { timeout = "3s" }).status ~= 0
        end)
    end)                                            -- healed here; the kernel does so should rchaos die

    x:recovers { within = "20s", stable_for = "2s" }
end)
