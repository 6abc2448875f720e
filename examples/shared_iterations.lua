-- How do I get a fixed amount of work done by several users? A faster user does more of it.

options { thresholds = {
    iterations = "count == 60",
    iteration_errors = "count == 0",
} }

scenario("import", {
    executor = "shared-iterations",
    vus = 6,
    iterations = 60,
    max_duration = "10s",
}, function(vu, session)
    local order = http.post(session.url .. "/orders", { json = { item = math.random(1, 100), quantity = 1 } })
    expect(order.status == 201, "the order was refused: " .. order.status)
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
