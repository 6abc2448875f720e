-- How does a fixed number of users behave, each as fast as the answers come? A closed model:
-- when the shop is slow, these users ask less.

options { thresholds = {
    http_reqs = "rate > 20/s",
    http_req_failed = "rate < 1%",
} }

scenario("regulars", {
    executor = "constant-vus",
    vus = 10,
    duration = "3s",
    graceful_stop = "1s", -- an iteration that is under way then may finish within this time
}, function(vu, session)
    http.get(session.url .. "/items/" .. math.random(1, 100))
    sleep("50ms", "150ms") -- think time, uniform between the two
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
