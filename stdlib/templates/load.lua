-- A load test: visitors arrive at a rate, checks say what is right, thresholds say what must hold.
-- Against a system of your own: rchaos run FILE --env BASE_URL=http://127.0.0.1:8080

options { thresholds = {
    http_req_duration = { "p(95) < 300ms", "p(99) < 1s" },
    http_req_failed = "rate < 1%",
    checks = "rate > 99%",
} }

-- Without BASE_URL, a demo shop is started on a free port of this machine.
setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)

-- Visitors arrive whether the system keeps up or not; what cannot start is counted as dropped.
scenario("visitors", { rate = "20/s", duration = "10s", max_vus = 50 }, function(vu, session)
    local page = http.get(session.url .. "/items", { query = { page = math.random(1, 5) } })
    check(page, {
        ["the page is there"] = page.status == 200,
        ["it lists items"] = function(r) return #(r:json("$.items") or {}) > 0 end,
    })
    sleep("100ms", "400ms")
    local item = http.get(session.url .. "/items/" .. math.random(1, 100))
    check(item, { ["the item is there"] = item.status == 200 })
end)
