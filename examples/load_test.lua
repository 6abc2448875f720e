-- What does a load test look like? Visitors and buyers in a shop, with checks, limits and a verdict.
-- Against a system of your own: rchaos run examples/load_test.lua --env BASE_URL=http://127.0.0.1:8080

options { thresholds = {
    ["http_req_duration{scenario:visitors}"] = { "p(95) < 1s", "p(99) < 3s" },
    ["http_req_duration{scenario:buyers}"] = "p(95) < 2s",
    http_req_failed = { { "rate < 1%", abort_on_fail = true, delay = "3s" } },
    checks = "rate > 99%",
    dropped_iterations = "count < 50",
} }

-- Visitors arrive at a rate, whether the shop keeps up or not.
scenario("visitors", {
    executor = "ramping-arrival-rate",
    start_rate = "10/s",
    max_vus = 200,
    stages = {
        { duration = "4s", target = "60/s" },
        { duration = "6s", target = "60/s" },
        { duration = "2s", target = "10/s" },
    },
}, function(vu, session)
    local page = http.get(session.url .. "/items", { query = { page = math.random(1, 5) } })
    check(page, {
        ["the page is there"] = page.status == 200,
        ["it lists items"] = function(r) return #(r:json("$.items") or {}) > 0 end,
    })
    sleep("100ms", "400ms")
    local item = http.get(session.url .. "/items/" .. math.random(1, 100))
    check(item, { ["the item is there"] = item.status == 200 })
end)

-- Five people who buy again and again: a slow shop slows them down too.
scenario("buyers", { executor = "constant-vus", vus = 5, duration = "12s", graceful_stop = "2s" },
function(vu, session)
    local order = http.post(session.url .. "/orders", {
        json = { item = math.random(1, 100), quantity = math.random(1, 3) },
    })
    check(order, { ["the order is accepted"] = order.status == 201 })
    sleep("200ms", "600ms")
end)

-- Without BASE_URL, a demo shop is started on a free port of this machine.
setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
