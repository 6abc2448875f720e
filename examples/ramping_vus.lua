-- How many users at once does the system bear? Their number follows straight lines between stages.

options { thresholds = {
    http_req_duration = "p(95) < 2s",
    iterations = "count > 50",
} }

scenario("office hours", {
    executor = "ramping-vus",
    start_vus = 1,
    stages = {
        { duration = "2s", target = 20 },
        { duration = "1s", target = 20 },
        { duration = "1s", target = 0 },
    },
    graceful_ramp_down = "1s", -- a user that has to go may finish its iteration within this time
}, function(vu, session)
    http.get(session.url .. "/items")
    sleep("100ms")
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
