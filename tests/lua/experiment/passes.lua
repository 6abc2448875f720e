-- stdout: ✓ shop stays up
-- stdout: steady state held before, held after
-- A hypothesis holds, beside load on one timeline.
setup(function()
    return demo.shop { items = 5 }
end)
scenario("browse", { vus = 2, duration = "10m" }, function(_, shop)
    http.get(shop.url .. "/items/1")
    sleep("20ms")
end)
experiment("shop stays up", function(x, shop)
    expect(x.name == "shop stays up", "it has its name")
    x:steady_state("orders flow", { settle = "10s" }, function(probe)
        probe:http("healthy", shop.url .. "/health")
        probe:http("items", shop.url .. "/items/2", {
            status = { one_of = { 200, 304 } },
            body = { contains = "2" },
            json = { ["$.id"] = 2, id = "> 1", ["$.nothing"] = function(value) return value == nil end },
            within = "5s",
        })
        probe:tcp("store", shop.store_address, { within = "5s" })
        probe:metric("errors", "http_req_failed{scenario:browse}", "rate < 2%", { window = "2s" })
        probe:fn("asked", function() return http.get(shop.url .. "/health").status == 200 end, { within = "5s" })
        probe:fn("number", function() return 42 end, { value = { min = 40, max = 42 }, within = "5s" })
        probe:command("a program", { "sh", "-c", "echo warm; exit 3" }, {
            exit = 3, output = { matches = "^w.rm$" }, within = "10s",
        })
    end)
    x:guard { every = "200ms", tolerate = 1 }
    x:load("browse")
    x:load("browse")
    local began = now()
    x:step("look", function(s)
        expect(s.name == "look", "it has its name")
        s:sleep("300ms")
        s:expect("answers", function() return http.get(shop.url .. "/health").ok end)
        s:eventually("counts", function() return now() - began > 300 end, { within = "5s" })
    end)
    local took = x:recovers { within = "10s", stable_for = "300ms" }
    expect(type(took) == "number" and took < 10000, "milliseconds")
end)
