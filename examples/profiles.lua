-- Which load shape do I want? The six classic ones are ready: smoke load stress soak spike breakpoint.
-- Their defaults last minutes to hours; here a spike is shortened to be seen in a few seconds.

options { thresholds = {
    http_req_failed = "rate < 1%",
    ["http_req_duration{scenario:crowd}"] = "p(95) < 3s",
} }

scenario("smoke", profiles.smoke { rate = "5/s", duration = "1s" }, function(vu, session)
    local health = http.get(session.url .. "/health")
    check(health, { ["the shop is healthy"] = health.status == 200 })
end)

-- A profile is a plain options table: add to it what every scenario may have.
local crowd = profiles.spike { rate = "10/s", peak = "80/s", duration = "4s", max_vus = 100 }
crowd.start_after = "smoke"
crowd.tags = { campaign = "sale" }

scenario("crowd", crowd, function(vu, session)
    http.get(session.url .. "/items/" .. math.random(1, 100))
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
