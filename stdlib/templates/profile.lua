-- A ready load shape: smoke, load, stress, soak, spike or breakpoint; docs/load-profiles.md says which.
-- First a short smoke test, then a spike. Their defaults last minutes; here they are seen in seconds.

options { thresholds = {
    http_req_failed = "rate < 1%",
    ["http_req_duration{scenario:spike}"] = "p(95) < 1s",
} }

-- Without BASE_URL, a demo shop is started on a free port of this machine.
setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)

scenario("smoke", profiles.smoke { rate = "5/s", duration = "2s" }, function(vu, session)
    local health = http.get(session.url .. "/health")
    check(health, { ["it is healthy"] = health.status == 200 })
end)

-- A profile is a plain options table: add to it what every scenario may have.
local spike = profiles.spike { rate = "10/s", peak = "80/s", duration = "8s", max_vus = 100 }
spike.start_after = "smoke"

scenario("spike", spike, function(vu, session)
    local item = http.get(session.url .. "/items/" .. math.random(1, 100))
    check(item, { ["the item is there"] = item.status == 200 })
end)
