-- needs: root, netns
-- Does a lossy link cost answers, or only time? One packet in ten of the way to the shop is lost, in both directions: TCP
-- sends again what was lost, so that requests are slower, but must not fail. Then bursts, which hurt more.

options { thresholds = { ["checks{check:answered}"] = "rate > 98%" } }

setup(function() return { url = demo.shop {}.url } end)

scenario("browse", { rate = "30/s", duration = "5m", max_vus = 100 }, function(vu, shop)
    -- A connection of its own each time: the loss of its first packet costs a second.
    local res = http.get(shop.url .. "/items", { timeout = "20s", headers = { connection = "close" } })
    check(res, { answered = res.status == 200 })
end)

experiment("a lossy link costs time, not answers", function(x, shop)
    local link = { port = tonumber(shop.url:match(":(%d+)$")), protocol = "tcp", direction = "both" }
    local function faulty(options)
        for key, value in link do options[key] = value end
        return netfault.loss(netfault.host(), options)
    end
    x:steady_state("the shop answers", function(probe)
        probe:http("items", shop.url .. "/items", { status = 200, within = "20s" })
    end)
    x:load("browse")
    x:sleep("1s")
    x:step("10 % are lost", function(s)
        s:inject(faulty { loss = "10%" }, { name = "loss", must_hit = true })
        s:sleep("4s")
    end)
    x:step("losses come in bursts", function(s)
        s:inject(faulty { gilbert = { to_bad = "2%", to_good = "25%" } }, { name = "bursts", must_hit = true })
        s:sleep("4s")
    end)
    x:recovers { within = "30s", stable_for = "1s" }
end)
