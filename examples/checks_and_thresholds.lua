-- What makes a run pass or fail? Checks only count; thresholds judge; expect ends an iteration.

options { thresholds = {
    -- A metric with one condition, or with several.
    http_req_failed = "rate < 1%",
    http_req_duration = { "avg < 1s", "med < 500ms", "p(95) < 2s", "max < 10s" },
    -- Only the samples with these tags.
    ["http_req_duration{scenario:reader,method:GET}"] = "p(99) < 3s",
    -- Every full second must hold, not just the average of the whole run.
    ["http_reqs{scenario:reader}"] = { { "count > 0", window = "1s" } },
    -- Checks, all of them and one by its name.
    checks = "rate > 99%",
    ["checks{check:the price is right}"] = "rate == 100%",
    -- Errors in iterations fail a run anyway; a threshold of your own replaces that rule.
    iteration_errors = "count == 0",
} }

scenario("reader", { vus = 4, duration = "3s" }, function(vu, session)
    local item = http.get(session.url .. "/items/1")
    -- expect: without this the rest makes no sense, so the iteration ends and counts as an error.
    expect(item.status == 200, "no item: " .. (item.error or item.status))
    -- check: noted under its name, and the iteration goes on. A value, or a function of the response.
    check(item, {
        ["it is JSON"] = item.headers["content-type"] == "application/json",
        ["the price is right"] = function(r) return r:json("$.price_cents") == 1236 end,
    })
    sleep("50ms")
end)

setup(function()
    local url = env("BASE_URL") or demo.shop {}.url
    -- fail: the script itself sees that there is no point in going on.
    if not http.get(url .. "/health").ok then
        fail("the shop is not up at " .. url)
    end
    return { url = url }
end)
