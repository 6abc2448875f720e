-- How does every user do the same number of rounds? Each of these eight places exactly three orders.

options { thresholds = {
    iterations = "count == 24",
    checks = "rate == 100%",
} }

scenario("monthly order", {
    executor = "per-vu-iterations",
    vus = 8,
    iterations = 3,
    max_duration = "10s",
}, function(vu, session)
    -- vu.id and vu.iteration start at 1; ids are unique in the run.
    local order = http.post(session.url .. "/orders", {
        json = { item = vu.id, quantity = vu.iteration },
    })
    check(order, { ["the order is accepted"] = order.status == 201 })
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
